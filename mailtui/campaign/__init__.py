"""The campaign file: everyone's sections composed, checked, and frozen into the outbox."""
