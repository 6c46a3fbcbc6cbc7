"""Owns what the author of a message should know about how people leave: what a check says of it that is no mistake."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from mailtui.errors import Place
from mailtui.message.fields import TOKEN, UNSUBSCRIBE_MAILTO, UNSUBSCRIBE_URL, FieldUses
from mailtui.message.frozen import MessageSource, Unsubscribe
from mailtui.message.list_headers import MAILTO, URL
from mailtui.message.remarks import Remark

# How the column with the address is called most often; what a list calls otherwise is passed over.
_ADDRESS = ("recipient", "email", "e-mail", "mail", "email_address", "address")


def about_leaving(source: MessageSource, uses: FieldUses, columns: Collection[str]) -> Iterator[Remark]:
    """What holds for every mail of a message with `unsubscribe`, for a list with these columns."""
    leaving = source.unsubscribe
    if leaving is None:
        return
    yield from _hidden_by_columns(leaving, uses, columns)
    shown = [use for use in uses.uses if use.place.file == URL and use.name.casefold() in _ADDRESS]
    if shown:
        message = "the link to leave by is made of the recipient's address, so whoever knows that can take them off"
        hint = "Write {{ token }} in its place, which nobody can make up (RFC 8058 section 3.1)."
        yield Remark("warning", "leave-address", message, hint, place=shown[0].place)
    if leaving.one_click:
        message = "one click counts only where the mail's DKIM signature covers both headers of it (RFC 8058 section 4)"
        hint = (
            "In a mail that you sent to yourself, h= of DKIM-Signature has List-Unsubscribe and List-Unsubscribe-Post; "
            "whoever signs sets that."
        )
        yield Remark("note", "one-click-signed", message, hint, place=Place(key="unsubscribe.one_click"))
    if source.cc or source.bcc or any(role in ("cc", "bcc") for role, _ in source.columns):
        message = "whoever gets a copy has the recipient's way to leave; who uses it there takes the recipient off"
        hint = "Send them a mail of their own where they are to leave by themselves: a row of the list."
        yield Remark("note", "copies-leave", message, hint, place=Place(key="unsubscribe"))


def _hidden_by_columns(leaving: Unsubscribe, uses: FieldUses, columns: Collection[str]) -> Iterator[Remark]:
    """Columns that stand, by their name alone, where the ways to leave are meant."""
    given = {TOKEN: True, UNSUBSCRIBE_URL: bool(leaving.url), UNSUBSCRIBE_MAILTO: bool(leaving.mailto)}
    for name, meant in given.items():
        places = [use.place for use in uses.uses if use.direct and use.name == name]
        if name == TOKEN:
            places = [place for place in places if place.file in (URL, MAILTO)]
        if not meant or name not in columns or not places:
            continue
        if name == TOKEN:
            message = "the list has a column token, and its cells stand in the links to leave by"
            hint = "mailtui suppress verify knows nothing of them: rename the column, unless your own pages know them."
        else:
            message = f"the list has a column {name}, and its cells are shown in place of the way in the header"
            hint = "Rename the column, unless that is meant."
        yield Remark("warning", "leave-column", message, hint, name, places[0])
