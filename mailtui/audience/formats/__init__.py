"""The kinds of lists that are read, a module each: what a file is, how it is understood, and its records."""
