"""Memory: what venues said and what the program made of it, in one SQLite file."""
