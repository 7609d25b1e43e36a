"""Forecasts: where a stay is heading, learned from settled ones."""
