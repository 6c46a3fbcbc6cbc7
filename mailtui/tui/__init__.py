"""The terminal app: screens over the service. Nothing below this room knows that it exists."""
