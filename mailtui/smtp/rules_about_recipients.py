"""Owns the rules about the recipient, the recipient's domain, and refusals that name nobody in particular."""

from __future__ import annotations

from mailtui.smtp.outcome import Category, Scope, Stage
from mailtui.smtp.rule import (
    DIALOGUE,
    MINUTES,
    NO_DETAIL,
    SENDER,
    TO_SOMEBODY,
    Rule,
    again,
    later,
    refused,
)
from mailtui.smtp.rules_about_pace import ACCOUNT_SLOWS, DOMAIN_ASKS, DOMAIN_SLOWS

_GONE = refused(Category.ADDRESS_GONE)

ABOUT_THE_RECIPIENT = (
    Rule(
        "policy that talks of addresses",
        refused(Category.CONTENT_POLICY),
        TO_SOMEBODY,
        (5,),
        (*NO_DETAIL, "5.1."),
        (
            "blocked",
            "blacklist",
            "black list",
            "blocklist",
            "block list",
            "spamhaus",
            "barracuda",
            "dnsbl",
            "rbl",
            "reputation",
            "spam",
            "unsolicited",
            "polic",  # policy, policies
            "banned",
            "dmarc",
            "access denied",
            "virus",
            "suspicious",
        ),
    ),
    Rule(
        "address gone",
        _GONE,
        TO_SOMEBODY,
        (5,),
        ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"),  # 5.1.10: the domain takes no mail at all (RFC 7505)
    ),
    Rule("domain takes no mail", _GONE, TO_SOMEBODY, (556,)),  # RFC 7504
    Rule("address gone, by Outlook.com", _GONE, (Stage.RCPT,), (550,), ("5.5.0",), ("mailbox unavailable",)),
    Rule(
        "mailbox disabled, by text",
        refused(Category.MAILBOX_DISABLED),
        TO_SOMEBODY,
        (5,),
        NO_DETAIL,
        (
            "mailbox disabled",
            "mailbox is disabled",
            "mailbox inactive",
            "mailbox is inactive",
            "account disabled",
            "account is disabled",
            "account inactive",
            "account is inactive",
            "account suspended",
            "account has been suspended",
            "user disabled",
            "user is disabled",
            "user is inactive",
        ),
    ),
    Rule(
        "mailbox full, by text",
        refused(Category.MAILBOX_FULL),
        TO_SOMEBODY,
        (5,),
        NO_DETAIL,
        ("mailbox full", "mailbox is full", "over quota", "quota exceeded", "exceeded storage", "exceeds quota"),
    ),
    Rule(
        "user unknown, by text",
        _GONE,
        TO_SOMEBODY,
        (550, 551, 552, 553, 554),
        NO_DETAIL,
        (
            "user unknown",
            "unknown user",
            "user is unknown",
            "no such user",
            "no such mailbox",
            "no such recipient",
            "no such person",
            "no such email address",
            "user not found",
            "mailbox not found",
            "recipient not found",
            "address not found",
            "unknown recipient",
            "recipient unknown",
            "addressee unknown",
            "invalid recipient",
            "invalid mailbox",
            "not a valid mailbox",
            "not a known user",
            "unknown local part",
            "unknown local-part",
            "unknown email address",
            "unrouteable address",
            "user does not exist",
            "mailbox does not exist",
            "recipient does not exist",
            "address does not exist",
            "account does not exist",
            "this user doesn't have",
            "no mailbox here by that name",
            "no mailbox by that name",
            "# address rejected",  # written #5.1.0
        ),
    ),
    Rule(
        "mail comes too quickly",
        later(Category.RATE, Scope.RECIPIENT, 10 * MINUTES),
        TO_SOMEBODY,
        (4, 5),
        ("4.2.1", "5.2.1"),
        ("too quickly", "at a rate that", "too much mail", "too many messages"),
    ),
    Rule("mailbox disabled", refused(Category.MAILBOX_DISABLED), TO_SOMEBODY, (5,), ("5.2.1", "5.7.13")),
)

FOR_NOW = (
    *DOMAIN_ASKS,
    Rule(
        "greylisted, by text",
        later(Category.GREYLISTED, Scope.RECIPIENT, 5 * MINUTES),
        DIALOGUE,
        (450, 451),
        words=("greylist", "graylist", "grey-list", "gray-list", "grey list"),
    ),
    *DOMAIN_SLOWS,
    *ACCOUNT_SLOWS,
    Rule(
        "greylisted, or another passing policy",
        later(Category.GREYLISTED, Scope.RECIPIENT, 5 * MINUTES),
        DIALOGUE,
        (450, 451),
        ("4.7.0", "4.7.1", "4.2.0"),
    ),
    # 421 ends the connection; at the dot a final 4yz still says "not accepted" (RFC 5321 section 4.2.1).
    Rule("closing, at the dot", later(Category.SYSTEM, Scope.SERVER), (Stage.DOT,), (421,)),
    Rule("closing", again(Category.SYSTEM), (), (421,)),
    Rule("system trouble", later(Category.SYSTEM, Scope.SERVER), (*SENDER, Stage.DATA), (4,)),
    Rule("system trouble by code", later(Category.SYSTEM, Scope.RECIPIENT), (), (4,), ("4.3.", "4.4.")),
    Rule("not now", later(Category.UNKNOWN, Scope.RECIPIENT), (), (4,)),
)

FOR_GOOD = (
    Rule("policy, at RCPT", refused(Category.CONTENT_POLICY), (Stage.RCPT,), (5,), ("5.7.", "5.6.")),
    Rule("content or policy", refused(Category.CONTENT_POLICY, Scope.MESSAGE), (), (5,), ("5.7.", "5.6.")),
    Rule("system, at RCPT", refused(Category.SYSTEM), (Stage.RCPT,), (5,), ("5.3.", "5.4.")),
    Rule("system", refused(Category.SYSTEM, Scope.MESSAGE), (), (5,), ("5.3.", "5.4.")),
    Rule("refused, at RCPT", refused(Category.UNKNOWN), (Stage.RCPT,), (5,)),
    Rule("refused", refused(Category.UNKNOWN, Scope.MESSAGE), (), (5,)),
)
