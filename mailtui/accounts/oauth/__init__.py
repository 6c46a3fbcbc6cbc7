"""Owns logins by OAuth 2.0: asking a person once in the browser, and access tokens from then on without asking."""
