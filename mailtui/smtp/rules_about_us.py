"""Owns the rules about the sending side: the server's and the account's trouble, the sender, the message as such.

What they say says nothing about the person addressed, and is the same for everybody on the list.
"""

from __future__ import annotations

from mailtui.smtp.outcome import Category, Kind, Outcome, Scope, Stage
from mailtui.smtp.rule import DIALOGUE, HOURS, LOGIN, NO_CODE, OPENING, SENDER, Rule, again, held, later, refused
from mailtui.smtp.rules_about_pace import ACCOUNT_ASKS

_ASK_OPERATOR = "Ask who runs the server, then resume"
_LOGIN_ADVICE = "See that user and password are the account's (some providers want an app password), then resume"
_QUOTA_ADVICE = "Resume when the limit has been renewed, usually after a day, or send through another account"
_QUOTA_REST = 1 * HOURS
"""A day's limit may be renewed at any hour, and nobody says at which."""
_ACCOUNT_ADVICE = "The provider does not let this account send: log in there or ask them, then resume"
_SENDER_ADVICE = "Use a From address that this account may send as, then resume"
_SET_UP_ADVICE = "Set up SPF, DKIM and DMARC for the domain in From, and the sending server's reverse name; then resume"
_TLS_ADVICE = "Nothing is sent unprotected: see the account's security and port, or ask who runs the server"

ACCEPTED = Outcome(Kind.SENT, Scope.RECIPIENT, Category.ACCEPTED)
LOST_AFTER_DOT = Outcome(Kind.UNKNOWN, Scope.SERVER, Category.NETWORK)
LOST_BEFORE_DOT = again(Category.NETWORK)
NO_TLS = held(Category.TLS, _TLS_ADVICE, Scope.SERVER)
UNASKED = held(Category.ACCOUNT, "Try the account out, which says what to do: mailtui accounts test; then resume")


BEFORE_LOGIN = (
    Rule("accepted", ACCEPTED, (Stage.DOT,), (2,)),
    Rule(
        "too many connections",
        again(Category.CONNECTIONS),
        (*LOGIN, *SENDER, Stage.IDLE),
        (4,),
        words=(
            "too many connections",
            "too many concurrent",
            "too many simultaneous",
            "too many open connections",
            "too many sessions",
            "connection limit",
            "connection rate limit",
            "maximum number of connections",
            "maximum number of concurrent",
        ),
    ),
    *ACCOUNT_ASKS,
    Rule("server busy or closing", again(Category.SYSTEM), LOGIN, (421,)),
    Rule("STARTTLS refused", NO_TLS, (Stage.TLS,)),
    Rule("server busy", again(Category.SYSTEM), OPENING, (4,)),
    Rule("server takes no mail from here", held(Category.ACCOUNT, _ASK_OPERATOR, Scope.SERVER), OPENING, (5,)),
    # Told twice, it is the account's trouble: see `dispatch/breakers.py`.
    Rule("login not possible now", again(Category.ACCOUNT, Scope.ACCOUNT), (Stage.AUTH,), (4,)),
    Rule("login refused", held(Category.ACCOUNT, _LOGIN_ADVICE), (Stage.AUTH,)),
)

ABOUT_THE_ACCOUNT: tuple[Rule, ...] = (
    Rule(
        "TLS wanted",
        NO_TLS,
        DIALOGUE,
        (4, 5),
        words=(
            "must issue a starttls",
            "starttls is required",
            "starttls required",
            "requires starttls",
            "tls is required",
            "encryption required",
            "encryption is required",
        ),
    ),
    Rule("TLS wanted by code", NO_TLS, DIALOGUE, (523, 538)),
    Rule("login wanted", held(Category.ACCOUNT, _LOGIN_ADVICE), DIALOGUE, (530, 534, 535)),
    Rule("TLS wanted by enhanced code", NO_TLS, DIALOGUE, (5,), ("5.7.10", "5.7.11")),
    Rule(
        "login wanted by enhanced code",
        held(Category.ACCOUNT, _LOGIN_ADVICE),
        DIALOGUE,
        (5,),
        ("5.7.8", "5.7.14", "5.7.57", "5.7.139"),
    ),
    Rule(
        "login wanted by text",
        held(Category.ACCOUNT, _LOGIN_ADVICE),
        DIALOGUE,
        (5,),
        words=(
            "authentication required",
            "authentication is required",
            "authenticate first",
            "must authenticate",
            "not authenticated to send",
            "client was not authenticated",
        ),
    ),
    Rule(
        "quota spent",
        held(Category.ACCOUNT, _QUOTA_ADVICE, rests_for=_QUOTA_REST),
        DIALOGUE,
        (5,),
        ("5.4.5", "5.1.90", "5.7.232", "5.7.233", "5.7.705"),
    ),
    Rule(
        "quota spent by text",
        held(Category.ACCOUNT, _QUOTA_ADVICE, rests_for=_QUOTA_REST),
        DIALOGUE,
        (4, 5),
        words=(
            "submissionquotaexceeded",
            "daily message quota exceeded",
            "daily user sending",
            "daily sending",
            "sending limit",
            "sending quota",
            "max emails per hour",
            "messages per day limit",
        ),
    ),
    Rule("account barred", held(Category.ACCOUNT, _ACCOUNT_ADVICE), DIALOGUE, (5,), ("5.7.708", "5.7.750")),
    Rule(
        "account barred by text",
        held(Category.ACCOUNT, _ACCOUNT_ADVICE),
        DIALOGUE,
        (4, 5),
        words=(
            "your account has been",
            "your account is",
            "sender account",
            "sending account",
            "sending paused",
            "sending has been",
            "not allowed to send:",
            "not allowed to send from",
            "outboundspamexception",
            "outbound sender",
            "outgoing mail from",
            "email address is not verified",
            "unusual sending activity",
        ),
    ),
    Rule(
        "relay denied",
        held(Category.ACCOUNT, _LOGIN_ADVICE, Scope.CAMPAIGN),
        DIALOGUE,
        (4, 5),
        words=(
            "relay access denied",
            "relaying denied",
            "relay denied",
            "relay not permitted",
            "relay is not",
            "relaying not",
            "relaying is not",
            "unable to relay",
            "not permitted to relay",
            "do not relay",
            "no relaying",
        ),
    ),
    Rule(
        "relay denied by enhanced code",
        held(Category.ACCOUNT, _LOGIN_ADVICE, Scope.CAMPAIGN),
        DIALOGUE,
        (5,),
        ("5.7.54", "5.7.64"),
    ),
    # Many servers wait with what they have against the sender until a recipient is named.
    Rule(
        "sender refused by enhanced code",
        held(Category.ACCOUNT, _SENDER_ADVICE, Scope.CAMPAIGN),
        DIALOGUE,
        (5,),
        ("5.1.7", "5.1.8", "5.7.60"),
    ),
    Rule(
        "sender refused by text",
        held(Category.ACCOUNT, _SENDER_ADVICE, Scope.CAMPAIGN),
        DIALOGUE,
        (5,),
        words=(
            "sender address rejected",
            "sender rejected",
            "sender verify failed",
            "sender verification failed",
            "sender domain",
            "envelope sender",
            "domain of sender",
            "invalid sender",
            "sender denied",
            "not owned by user",
            "sendasdenied",
            "permissions to send as",
            "client host rejected: access denied",
        ),
    ),
    # The sending domain's own set-up refuses every message alike (RFC 7372; 5.7.515 is Microsoft's).
    Rule(
        "mail not authenticated",
        held(Category.MAIL_AUTHENTICATION, _SET_UP_ADVICE, Scope.CAMPAIGN),
        DIALOGUE,
        (5,),
        (*(f"5.7.{detail}" for detail in range(20, 31) if detail != 28), "5.7.515"),
    ),
    Rule("mail flood", held(Category.RATE, _QUOTA_ADVICE, rests_for=_QUOTA_REST), DIALOGUE, (5,), ("5.7.28",)),
)

ABOUT_THE_MESSAGE: tuple[Rule, ...] = (
    Rule(
        "mailbox full",
        later(Category.MAILBOX_FULL, Scope.RECIPIENT, 2 * HOURS),
        DIALOGUE,
        (4, 5),
        ("4.2.2", "5.2.2"),
    ),
    Rule(
        "message too large",
        held(Category.SIZE, "Make the message smaller, then resume", Scope.MESSAGE),
        DIALOGUE,
        (5,),
        ("5.3.4", "5.2.3"),
    ),
    Rule(
        "message too large, at MAIL",
        held(Category.SIZE, "Make the message smaller, then resume", Scope.MESSAGE),
        SENDER,
        (552,),
        (NO_CODE,),
    ),
    Rule(
        "recipient's address malformed",
        refused(Category.UNKNOWN),
        (Stage.RCPT,),
        (501,),
        (NO_CODE,),
        ("malformed address", "address syntax", "must contain a domain", "domain missing", "invalid address"),
    ),
    # The dialogue went wrong, whoever the recipient is. Told twice, the campaign is held: `dispatch/breakers.py`.
    Rule("protocol error", again(Category.PROTOCOL), DIALOGUE, (500, 501, 502, 503, 504), (NO_CODE, "5.0.", "5.5.")),
    Rule(
        "protocol error by enhanced code",
        again(Category.PROTOCOL),
        DIALOGUE,
        (5,),
        ("5.5.1", "5.5.2", "5.5.3", "5.5.4", "5.5.5", "5.5.6"),
    ),
    Rule("sender refused", held(Category.ACCOUNT, _SENDER_ADVICE, Scope.CAMPAIGN), SENDER, (5,)),
)
