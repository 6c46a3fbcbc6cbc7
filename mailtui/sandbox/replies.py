"""Owns the sentences the sandbox says, each with and without its enhanced status code (RFC 2034, RFC 3463)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Reply:
    """One single-line reply; `full` and `plain` are its bytes with and without the enhanced code."""

    code: int
    enhanced: str
    text: str
    full: bytes = field(init=False)
    plain: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "full", f"{self.code} {self.enhanced} {self.text}\r\n".encode())
        object.__setattr__(self, "plain", f"{self.code} {self.text}\r\n".encode())

    def bytes(self, *, enhanced: bool) -> bytes:
        """The reply as it goes on the wire."""
        return self.full if enhanced else self.plain


OK = Reply(250, "2.0.0", "Ok")
SENDER_OK = Reply(250, "2.1.0", "Ok")
RECIPIENT_OK = Reply(250, "2.1.5", "Ok")
BYE = Reply(221, "2.0.0", "Bye")
HELP = Reply(214, "2.0.0", "This sandbox keeps every message and sends none on")
CANNOT_VERIFY = Reply(252, "2.0.0", "Cannot verify, but will take a message for this address")
TLS_READY = Reply(220, "2.0.0", "Ready to start TLS")
AUTHENTICATED = Reply(235, "2.7.0", "Authentication successful")

TIMED_OUT = Reply(421, "4.4.2", "Too long without a command, closing the connection")
SHUTTING_DOWN = Reply(421, "4.3.2", "The sandbox is shutting down")
NOT_STORED = Reply(421, "4.3.1", "The message cannot be stored, closing the connection")
TLS_NOT_AVAILABLE = Reply(454, "4.7.0", "TLS not available")
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "Too many recipients")

UNKNOWN_COMMAND = Reply(500, "5.5.2", "Command not recognised")
LINE_TOO_LONG = Reply(500, "5.5.2", "Line too long")
BARE_LINE_FEED = Reply(500, "5.5.2", "Lines end in CR LF")
CONTROL_CHARACTER = Reply(500, "5.5.2", "Control characters do not belong in a command")
SYNTAX = Reply(501, "5.5.4", "Syntax error in parameters")
BAD_SENDER = Reply(501, "5.1.7", "Bad sender address syntax")
BAD_RECIPIENT = Reply(501, "5.1.3", "Bad recipient address syntax")
BAD_BASE64 = Reply(501, "5.5.2", "Cannot decode this as base64")
AUTH_CANCELLED = Reply(501, "5.7.0", "Authentication cancelled")
NOT_IMPLEMENTED = Reply(502, "5.5.1", "Command not implemented")
HELLO_FIRST = Reply(503, "5.5.1", "Say EHLO or HELO first")
NESTED_MAIL = Reply(503, "5.5.1", "A transaction is already open")
MAIL_FIRST = Reply(503, "5.5.1", "MAIL comes first")
CHUNKS_BEGUN = Reply(503, "5.5.1", "Not after BDAT; RSET comes first")
CHUNKS_SPOILT = Reply(503, "5.5.1", "This message has failed; RSET comes first")
AUTH_NOT_NOW = Reply(503, "5.5.1", "AUTH is not possible here")
UNKNOWN_MECHANISM = Reply(504, "5.5.4", "This authentication mechanism is not offered")
TLS_NOT_NOW = Reply(503, "5.5.1", "STARTTLS is not possible here")
TLS_REQUIRED = Reply(530, "5.7.0", "Must issue a STARTTLS command first")
AUTH_REQUIRED = Reply(530, "5.7.0", "Authentication required")
BAD_CREDENTIALS = Reply(535, "5.7.8", "Authentication credentials invalid")
TOO_LARGE = Reply(552, "5.3.4", "Message size exceeds the fixed limit")
NO_VALID_RECIPIENTS = Reply(554, "5.5.1", "No valid recipients")
NEEDS_SMTPUTF8 = Reply(553, "5.6.7", "A non-ASCII address needs SMTPUTF8")
UNKNOWN_PARAMETER = Reply(555, "5.5.4", "Unsupported parameter")

GO_AHEAD = b"354 End data with <CR><LF>.<CR><LF>\r\n"
