"""Puts what happens into the journal: minutes, signals, episodes, events, settlements, own use."""
