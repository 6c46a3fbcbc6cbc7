"""Owns what to do about an error in the app, where the error itself names a command for the same."""

from __future__ import annotations

from collections.abc import Mapping

from mailtui.errors import MailtuiError
from mailtui.service.lists import BeingSent, MessageChanged, NotFinished, NowSuppressed, WasCancelled

_WAYS: Mapping[type[MailtuiError], str] = {
    MessageChanged: "s in the review asks for whom the changed message is.",
    WasCancelled: "s in the review asks whether it is to be sent anew to everybody.",
    NotFinished: "7 shows it: r goes on with it, x stops it for good.",
    BeingSent: "Start it again when that has finished, or pause it first: 7, then space.",
    NowSuppressed: "Take them off that list, or stop the campaign for all who wait: 7, then x.",
}


def way_on(error: MailtuiError) -> str:
    """The error's hint, with keys instead of commands where there are keys."""
    return _WAYS.get(type(error), error.hint)
