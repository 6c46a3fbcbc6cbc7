"""The facade: what faces may ask for. Frozen views come out, orders go in."""
