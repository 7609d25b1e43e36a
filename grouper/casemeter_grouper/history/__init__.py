"""Histories of stays: made up for trying, with their truth known; and settled ones as hospitals have them."""
