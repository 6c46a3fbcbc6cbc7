"""Fuzzing of everything that reads what strangers wrote: `make fuzz`, and a short form in the suite."""
