"""The measured claims. `python -m bench` runs all parts and prints a table; see README.md for the method."""
