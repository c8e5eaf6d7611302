"""frmon: the terminal desk for cross-exchange spreads and funding rates."""

__version__ = "0.1.0"
