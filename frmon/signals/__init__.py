"""Rules that turn spreads into signals."""
