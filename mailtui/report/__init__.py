"""What became of it: the report's lines and their export."""
