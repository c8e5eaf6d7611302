"""A long run on simulated venues with random faults, watched by a program that knows what is true."""
