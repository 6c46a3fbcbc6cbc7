"""Questions asked over a screen; each returns a typed answer."""
