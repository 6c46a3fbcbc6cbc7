"""The proof of what mailtui promises: `python -m proof` attacks senders at random, and judges them from outside."""
