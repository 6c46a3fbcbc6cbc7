"""Owns reading nothing but the addresses of a list, whatever kind of file it is: for people who are to be left out.

More is taken for an address than where mail is sent: leaving somebody out must not fail for a name beside the address,
and `@example.com` stands for all of a domain. Memory stays flat, since nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mailtui.audience.address import AddressError, parse_address, parse_mailbox, plain_address
from mailtui.audience.csv_reader import BadRecord
from mailtui.audience.reach import FILES_ONLY, Reach
from mailtui.audience.reading import Reading, original, read, understand
from mailtui.audience.source import Source, find_source
from mailtui.audience.spec import AudienceSpec
from mailtui.kit.spreadsheet import bare

_REASON = "reason"


class Listed(NamedTuple):
    """One row: `key` is an address, or `@` and a domain; None where there is none, with `problem` and `text`.

    `reason` is what the list's own column of that name says.
    """

    line: int
    key: str | None
    reason: str = ""
    problem: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class AddressList:
    """A list, understood. `name` is what a person calls it."""

    name: str
    reading: Reading
    source: Source

    def rows(self) -> Iterator[Listed]:
        """Every row of it, in turn. Raises `AudienceError`."""
        position = self.reading.address_position
        names = [column.strip().lower() for column in self.reading.columns]
        reason = names.index(_REASON) if _REASON in names else None
        for line, cells in read(self.source, self.reading):
            if isinstance(cells, BadRecord):
                yield Listed(line, None, "", cells.reason, cells.text)
                continue
            try:
                key = read_key(cells[position])
            except AddressError as error:
                yield Listed(line, None, "", str(error), original(cells, self.reading))
                continue
            yield Listed(line, key, "" if reason is None else cells[reason].strip())


@contextmanager
def open_addresses(
    spec: AudienceSpec, *, folder: Path, spool: Path, reach: Reach = FILES_ONLY
) -> Iterator[AddressList]:
    """Open a list for its addresses alone; `spool` is where a copy of what is no file is kept meanwhile.

    Raises `AudienceError` as `open_audience` does.
    """
    source = find_source(spec, folder, spool=spool, sheets=reach.sheets)
    try:
        yield AddressList(source.name, understand(source, spec), source)
    finally:
        source.discard()


def read_key(text: str) -> str:
    """The address in a text, or `@` and the domain that it names. Raises `AddressError`."""
    text = bare(text)  # an export puts something there, for spreadsheets
    plain = plain_address(text)
    if plain is not None:
        return plain
    text = text.strip()
    if text.startswith("@"):
        return f"@{parse_address(f'all{text}').domain}"
    try:
        return parse_address(text).key
    except AddressError as error:
        try:
            return parse_mailbox(text).address.key
        except AddressError:
            raise error from None
