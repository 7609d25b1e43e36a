"""Compiled schemes: a pack turned into flat arrays in one immutable file."""
