"""Owns building a filter by point and click."""
