"""Trying a new pack on the stored encounters of a day: what would change, and nothing does."""
