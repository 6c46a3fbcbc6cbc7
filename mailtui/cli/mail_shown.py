"""Owns how mails and what is to be known of them look as lines: a view, JSON, whom to look at first, differences."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from mailtui.cli import output
from mailtui.errors import UsageError
from mailtui.kit.safe_text import safe_text
from mailtui.kit.words import counted, sentence
from mailtui.service.previews import NO_TEXT, Found, OddRows, Pair, Piece, Preview, differences_of, lines_of

_ROWS_NAMED = 10
_COPIES_SHOWN = 400  # characters
_ROWS_IN_JSON = 1_000


def tell_about(shown: Preview, campaign: Path, filter_text: str | None, found: Found | None) -> None:
    """What is to be known beside the mail."""
    number = shown.recipient.row
    if not shown.matched:
        again = f" --filter {shlex.quote(filter_text)}" if filter_text else ""
        why = f"mailtui audience {shlex.quote(str(campaign))}{again} --explain {number}"
        output.say(f"Row {number} gets no mail: the filter leaves it out. See why: {why}")
    elif shown.left_out:
        output.say(f"Row {number} gets no mail of its own: {safe_text(shown.left_out)}.")
    if len(shown.recipient.rows) > 1:
        output.say(f"{len(shown.recipient.rows):,} rows of the list make this mail; the first is row {number}.")
    if shown.message.copies:
        output.say(f"Copies of it go to {safe_text(', '.join(shown.message.copies), limit=_COPIES_SHOWN)}.")
    if found is not None:
        others = found.rows[1 : _ROWS_NAMED + 1]
        more = f" and {len(found.rows) - 1 - _ROWS_NAMED:,} more" if len(found.rows) > _ROWS_NAMED + 1 else ""
        which = "the other in row" if len(others) == 1 else "the others in rows"
        named = f"; {which} {', '.join(map(str, others))}{more}" if others else ""
        output.say(f"{counted(len(found.rows), 'recipient')} with this text: row {number}{named}.")


def mail_as_json(shown: Preview, found: Found | None) -> dict[str, Any]:
    """All views of a mail, and whose it is."""
    recipient = {"row": shown.recipient.row, "address": shown.recipient.address}
    asked = {"matched": shown.matched, "left_out": shown.left_out or None}
    others: dict[str, Any] = {}
    if found is not None:
        others = {"find": {"text": found.text, "count": len(found.rows), "rows": found.rows[:_ROWS_IN_JSON]}}
    envelope = {"envelope_from": shown.message.sender, "copies": shown.message.copies}
    return {**recipient, **asked, **others, **envelope, **asdict(shown.view)}


def show_mail(shown: Preview, part: str | None) -> None:
    """One view of a mail, or what is read of it first."""
    view = shown.view
    if part in (None, "headers"):
        for name, value in view.headers:
            output.data(f"{name}: {safe_text(value)}")
    if part is None:
        output.data("")
    if part in (None, "text"):
        _body(view.text if view.text is not None or part == "text" else view.html, NO_TEXT)
    elif part == "html":
        _body(view.html, "This mail has no HTML part.")
    elif part == "laid-out":
        if view.html is None:
            output.say("This mail has no HTML part; its text:")
        for line in lines_of(shown, "laid out"):
            output.data(output.wrapped(safe_text(line), indent="", stream=sys.stdout))
    elif part == "source":
        output.data(safe_text(view.source.replace("\r\n", "\n"), newlines=True))
    elif part == "tree":
        for line in view.tree:
            output.data(safe_text(line))


def _body(text: str | None, missing: str) -> None:
    if text is None:
        output.say(missing)
    else:
        output.data(safe_text(text, newlines=True))


def show_worst(found: Sequence[OddRows], *, as_json: bool) -> None:
    """The rows to look at first, a table for each way in which they stand out."""
    if as_json:
        kinds = {
            kind.oddity.name.lower(): {"count": kind.count, "rows": list(map(asdict, kind.rows))} for kind in found
        }
        output.json_line(kinds)
        return
    for number, kind in enumerate(found):
        shown = "" if kind.count == len(kind.rows) else f", the first {len(kind.rows)}"
        heading = f"{kind.oddity}: {counted(kind.count, 'recipient')}{shown}"
        output.data(("\n" if number else "") + output.bold(heading))
        rows = [(f"{row.row:,}", row.address, sentence(row.why)) for row in kind.rows]
        output.table(("row", "address", "why"), rows, right=(0,))
    if not found:
        output.say("Nobody gets a mail, so there is nobody to look at.")


def show_differences(left: Preview, right: Preview, part: str | None, *, as_json: bool) -> None:
    """In the manner of diff: the lines of the one after -, of the other after +."""
    # What is read of a mail first, unless something else is asked for.
    part = part or ("laid-out" if left.view.text is None and right.view.text is None else "text")
    if part == "html":
        raise UsageError("--diff compares what is seen", hint="Choose --part text, laid-out, headers, tree or source.")
    pairs = differences_of(left, right, "laid out" if part == "laid-out" else part)
    if as_json:
        changes = [{"left": pair.left_text, "right": pair.right_text} for pair in pairs if not pair.same]
        sides = [{"row": mail.recipient.row, "address": mail.recipient.address} for mail in (left, right)]
        output.json_line({"left": sides[0], "right": sides[1], "part": part, "lines": len(pairs), "changes": changes})
        return
    for sign, mail in (("---", left), ("+++", right)):
        output.data(f"{sign} row {mail.recipient.row} {safe_text(mail.recipient.address)}")
    if all(pair.same for pair in pairs):
        output.say("Both are the same.")
    waiting: list[Pair] = []
    for pair in (*pairs, None):
        if pair is not None and not pair.same:
            waiting.append(pair)
            continue
        for changed in waiting:
            _line("-", changed.left)
        for changed in waiting:
            _line("+", changed.right)
        waiting = []
        if pair is not None:
            _line(" ", pair.left)


def _line(sign: str, pieces: tuple[Piece, ...] | None) -> None:
    """What differs within a line is underlined on a terminal."""
    if pieces is not None:
        marked = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        parts = [(safe_text(piece.text), piece.changed and marked) for piece in pieces]
        output.data(sign + " " + "".join(click.style(text, underline=True) if mark else text for text, mark in parts))
