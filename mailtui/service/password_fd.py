"""Owns `--password-fd ACCOUNT=N`: a password that whoever starts this program hands over by an open file descriptor."""

from __future__ import annotations

import os
from collections.abc import Sequence

from mailtui.errors import UsageError
from mailtui.kit.hidden import hide

_MOST = 64 * 1024
_HINT = "For example in a shell: --password-fd acme=3 3< <(pass show acme)"


def read_passwords(given: Sequence[str]) -> dict[str, str]:
    """The passwords by account. Each descriptor is read to its end, once, and closed; no child inherits it.

    Raises `UsageError` for what is not ACCOUNT=N, a descriptor that is not open for reading, and one that has nothing.
    """
    handles = [_parsed(text) for text in given]
    for _, handle in handles:
        if handle > 2:
            try:
                os.set_inheritable(handle, False)  # noqa: FBT003 - its only form
            except OSError:
                raise _closed(handle) from None
    if len({handle for _, handle in handles}) < len(handles) or len(dict(handles)) < len(handles):
        raise UsageError("--password-fd names an account or a file descriptor twice", hint=_HINT)
    return {account: _read(account, handle) for account, handle in handles}


def _parsed(text: str) -> tuple[str, int]:
    account, _, number = text.rpartition("=")
    if not account or not number.isascii() or not number.isdecimal() or number in ("1", "2"):
        # The text is not repeated: it may be the password itself.
        raise UsageError("--password-fd is written ACCOUNT=N, with the number of an open file descriptor", hint=_HINT)
    return account, int(number)


def _read(account: str, handle: int) -> str:
    found = bytearray()
    try:
        with os.fdopen(handle, "rb", closefd=handle > 2) as stream:
            while len(found) < _MOST and (part := stream.read(_MOST - len(found))):
                found += part
    except OSError:
        raise _closed(handle) from None
    try:
        password = found.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise UsageError(f"The password of {account} is no text in UTF-8", hint=_HINT) from None
    if not password:
        raise UsageError(f"File descriptor {handle} has no password for {account}: it is empty", hint=_HINT)
    return hide(password)


def _closed(handle: int) -> UsageError:
    return UsageError(f"File descriptor {handle} is not open for reading", hint=_HINT)
