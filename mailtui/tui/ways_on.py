"""Owns what to do about an error in the app, where the error itself names a command for the same, or cannot know how
far its launch had come.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mailtui.errors import LoginEnded, MailtuiError, NoAccount, OutboxOutdated, SecretMissing, TemplateError
from mailtui.service.lists import BeingSent, Launch, MessageChanged, NotFinished, WasCancelled

_WAYS: Mapping[type[MailtuiError], str] = {
    MessageChanged: "s in the review asks for whom the changed message is.",
    WasCancelled: "s in the review asks whether it is to be sent anew to everybody.",
    NotFinished: "7 shows it: r goes on with it, x stops it for good.",
    NoAccount: "0 shows the accounts: a adds one there, with its server and password.",
    SecretMissing: "0 shows the accounts: p or l gives this one what is missing.",
    LoginEnded: "0 shows the accounts: l logs in again.",
    BeingSent: "Start it again when that has finished, or pause it first: 7, then space.",
}


def way_on(error: MailtuiError) -> str:
    """The error's hint, with keys instead of commands where there are keys."""
    return _WAYS.get(type(error), error.hint)


def after_list(campaign: Path | None) -> str:
    """Where to go on from the list of a campaign file that cannot be read or does not fit; nothing without one."""
    return "" if campaign is None else f"4 opens {campaign.name}, where this can be mended."


def without_list(campaign: Path, *, misfit: bool = False) -> str:
    """What a room that needs the list says where that of the open campaign cannot be read, or its filter misfits."""
    if misfit:
        mend = f"or 4 to mend {campaign.name}"
        return f"The filter does not fit the list of this campaign.\n\nPress 3 to set another one, {mend}."
    mend = f"4 to mend {campaign.name}"
    return f"The list of this campaign cannot be read.\n\nPress 2 to see why, {mend}, or o to open another one."


def after_mail(error: MailtuiError) -> str:
    """Where to go on from a mail that cannot be shown."""
    if isinstance(error, TemplateError):
        return "4 shows the message's files."
    return "n and b go on to other recipients."


def after_start(error: MailtuiError, launch: Launch | None, *, recurs: bool = False) -> str:
    """What an error that ended a start leaves behind; `launch` when it is in the outbox already, `recurs` when what is
    sent again and again is.
    """
    if recurs:
        return "It is scheduled all the same, and waits for a process to send it: S shows it, and b there starts one."
    if launch is None:
        return "Nothing was sent. When that is mended, press s again."
    launched = f"It is launched as {launch.campaign.id}, and"
    if isinstance(error, OutboxOutdated):  # it has forgotten who has the mail
        return f"{launched} nobody sends it before that is settled."
    return f"{launched} nothing of it is lost. To go on: s here again, or r on the home screen. Nobody gets it twice."
