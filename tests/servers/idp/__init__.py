"""Owns a real authorization server on loopback (oidc-provider on Node.js), and the person who logs in at it."""
