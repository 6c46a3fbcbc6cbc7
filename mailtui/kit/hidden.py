"""Owns the secrets that this process knows, so that no log, report of a crash or error ever shows one.

Nothing is written on purpose; but what another program or library says in an error may repeat what it was given.
"""

from __future__ import annotations

import base64
import html
import json
import re
import sys
import threading
import traceback
import urllib.parse

HIDDEN = "(hidden)"
"""What stands where something secret was said."""

_SHORTEST = 4  # characters; shorter ones are in too many words
_SHAPES: list[str] = []
"""The longest first: one secret may begin with another one."""


def hide(secret: str) -> str:
    """Never show this from now on, in any shape; call it before the secret is given to anybody. Gives it back."""
    if len(secret) >= _SHORTEST and secret not in _SHAPES:
        _SHAPES[:] = sorted({*_SHAPES, *shapes_of(secret)}, key=len, reverse=True)
    return secret


def reveal(secret: str) -> None:
    """This is no secret any more, such as a token that has run out: a long life's worth of them would slow the log."""
    spent = set(shapes_of(secret))
    _SHAPES[:] = [shape for shape in _SHAPES if shape not in spent]


def hide_in_last_words() -> None:
    """Have what this process says when it breaks say no secret, wherever it breaks. Ctrl-C breaks nothing: whoever
    presses it while mailtui still loads sees no trace of it.
    """

    def say(error: BaseException | None) -> None:
        if error is not None and not isinstance(error, KeyboardInterrupt):
            print(without_secrets("".join(traceback.format_exception(error))), end="", file=sys.stderr)  # noqa: T201

    sys.excepthook = lambda _type, error, _trace: say(error)
    threading.excepthook = lambda what: say(what.exc_value)
    sys.unraisablehook = lambda what: say(what.exc_value)


def without_secrets(text: str) -> str:
    """The text without what this process knows and must not show."""
    for shape in _SHAPES:
        text = text.replace(shape, HIDDEN)
    return text


def without(secret: str, text: str) -> str:
    """What somebody says who was told this secret, without it. One so short that many words have it is taken out where
    it stands alone.
    """
    for shape in shapes_of(secret):
        text = text.replace(shape, HIDDEN)
    if 0 < len(secret) < _SHORTEST:
        text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", HIDDEN, text)
    return text


def shapes_of(secret: str) -> tuple[str, ...]:
    """How a secret looks in what is said: as it is, as Python, JSON, HTML and a form of the web write it, in digits of
    its bytes, in base64, and in base64 behind something else, as in AUTH PLAIN; the longest comes first. None of a
    secret so short that many words have it.

    A byte's place in base64 depends on how many stand before it, modulo three; the characters at the seams, which
    depend on the neighbours, are left out.
    """
    raw = secret.encode("utf-8", "surrogateescape")
    written = (repr(secret), json.dumps(secret), json.dumps(secret, ensure_ascii=False))
    in_forms = (urllib.parse.quote(raw, safe=""), urllib.parse.quote_plus(raw))
    in_pages = (html.escape(secret), html.escape(secret, quote=False))
    in_digits = (raw.hex(), raw.hex().upper()) if len(secret) >= _SHORTEST else ()
    encoded_alone = base64.b64encode(raw).decode("ascii")
    shapes = {secret, *in_forms, *in_pages, *in_digits, encoded_alone, *(shape[1:-1] for shape in written)}
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw).decode("ascii").rstrip("=")
        shapes.add(encoded[(0, 2, 3)[before] : len(encoded) - (1 if (before + len(raw)) % 3 else 0)])
    return tuple(sorted((shape for shape in shapes if len(shape) >= _SHORTEST), key=len, reverse=True))
