"""Owns the judgement of a subject: what lists of mails cut off, and what looks like a trick."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailtui.errors import Place
from mailtui.message.remarks import Remark

_LONG = 60  # characters that a list of mails has room for, about
_TOO_LONG = 998  # RFC 5322 2.1.1
_LOUD = 8  # letters from which on capitals are no abbreviation
_MARKS = 3
_REPLY = re.compile(r"(?:re|aw|fwd?|wg|sv|antw|rif|odp|tr)\s?(?:\[\d+\])?:", re.IGNORECASE)
_PLACE = Place(key="subject")


def judge_subject(subject: str, *, replies: bool) -> Iterator[Remark]:
    """What is to be said about one; `replies`: the mail answers another one."""
    text = subject.strip()
    if not text:
        yield _warn("subject-blank", "the subject is blank", "Write what the mail is about.")
        return
    if len(text) > _TOO_LONG:
        message = f"the subject is longer than {_TOO_LONG} characters"
        yield _warn("subject-too-long", message, f"Say it in {_LONG} characters.")
    elif len(text) > _LONG:
        message = f"the subject is longer than {_LONG} characters; lists of mails show no more"
        yield Remark("note", "subject-long", message, "Say the most important thing first.", "", _PLACE)
    if text.isupper() and " " in text and sum(map(str.isalpha, text)) >= _LOUD:
        yield _warn("subject-capitals", "the subject is all capitals", "Write it as you would in a letter.")
    if text.count("!") >= _MARKS or "!!" in text or "?!?" in text:
        yield _warn("subject-marks", "the subject has many exclamation marks", "One is enough.")
    if ":" in text and not replies and _REPLY.match(text):
        hint = "Take it out: who sees through it marks the mail as spam, and it is against the law in some countries."
        yield _warn("subject-reply", "the subject begins like an answer, which this mail is not", hint)


def _warn(code: str, message: str, hint: str) -> Remark:
    return Remark("warning", code, message, hint, "", _PLACE)
