"""Owns editing the texts of a message: the text itself, its colours, its fields, its mistakes, its mail."""
