"""mailtui: personalised mail to a list through your own SMTP server, from the terminal."""

from __future__ import annotations

__version__ = "0.1.0"
