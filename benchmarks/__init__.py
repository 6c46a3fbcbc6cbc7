"""Measurements by hand; each file prints medians and says what it measures."""
