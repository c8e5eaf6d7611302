"""Simulated venues: a seeded market behind real loopback servers that speak the venues' dialects."""
