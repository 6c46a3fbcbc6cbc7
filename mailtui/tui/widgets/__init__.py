"""Widgets that more than one screen uses, or that have a life of their own."""
