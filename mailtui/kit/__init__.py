"""What every room needs and no domain word: paths, YAML with line numbers, the SQLite opener, safe text."""
