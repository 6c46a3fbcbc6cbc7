"""The wire: connecting, our own SMTP session, replies framed strictly, and what a reply means."""
