"""The screen's side of a collector that runs elsewhere: what it streams becomes a board like an engine's own."""
