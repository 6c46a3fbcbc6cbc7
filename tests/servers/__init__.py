"""Real servers for tests: Debian's smtp-sink and Postfix, aiosmtpd, and a scripted peer for garbage."""
