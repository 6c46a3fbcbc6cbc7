"""Owns the header lines of one mail that differ between recipients: whom it is to, who it is from, what it is about.

Each comes from a template of the campaign or, where a column is for that and its cell is not blank, from the row.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mailtui.audience.address import AddressError, Mailbox, parse_address, parse_mailbox, plain_address
from mailtui.audience.recipient import Recipient
from mailtui.message import headers
from mailtui.message.filling import Variables
from mailtui.message.headers import HeaderError, HeaderKind
from mailtui.message.own_cells import OwnCells
from mailtui.message.templates import CompiledTemplate

REPLY_TO = "Reply-To"


@dataclass(frozen=True, slots=True)
class Author:
    """Who the mail is from, ready for the header, the envelope and the Message-ID."""

    line: bytes
    address: str
    domain: str
    needs_smtputf8: bool


@dataclass(frozen=True, slots=True)
class Header:
    """One of the campaign's further headers."""

    name: str
    kind: HeaderKind
    template: CompiledTemplate

    @property
    def same_for_all(self) -> bool:
        """Whether every recipient gets the same line; an address may depend on what the server takes."""
        value = self.template.constant
        return value is not None and (value.isascii() or self.kind is not HeaderKind.MAILBOX)


class Head:
    """The header lines of one campaign. What it raises are `RENDER_ERRORS`."""

    def __init__(
        self,
        own: OwnCells,
        sender: CompiledTemplate | None,
        subject: CompiledTemplate | None,
        further: Sequence[Header],
    ) -> None:
        self._own = own
        self._sender = sender
        self._subject = subject
        fixed = sender is not None and sender.constant is not None and "from" not in own
        self._author = read_author(sender.constant or "") if fixed and sender is not None else None
        constant = [item for item in further if item.same_for_all and not self._may_vary(item)]
        self.varying = [item for item in further if item not in constant]
        self._all = (*constant, *self.varying)
        self.constant_lines = b"".join(header_line(item, item.template.constant or "") for item in constant)
        self.dotless = not any(item.name.startswith(".") for item in further)

    def _may_vary(self, header: Header) -> bool:
        return header.name == REPLY_TO and "reply_to" in self._own

    def to_line(self, recipient: Recipient, *, smtputf8: bool) -> bytes:
        """The To header, with the person's name where a column has it."""
        address = recipient_address(recipient.address, smtputf8=smtputf8)
        name = self._own.cell("name", recipient.fields)
        if not name:
            return b"To: " + address
        try:
            return headers.named_address("To", unicodedata.normalize("NFC", name), address.decode())
        except HeaderError as error:
            raise self._own.wrong("name", error) from None

    def author(self, recipient: Recipient, variables: Variables) -> Author:
        """Who this mail is from."""
        if self._author is not None:
            return self._author
        cell = self._own.cell("from", recipient.fields)
        if cell:
            try:
                return read_author(cell)
            except (AddressError, HeaderError) as error:
                raise self._own.wrong("from", error) from None
        if self._sender is None:
            raise self._own.blank("from")
        return read_author(self._sender.render(variables))

    def subject(self, recipient: Recipient, variables: Variables) -> tuple[str, bytes]:
        """The subject, and its header line."""
        cell = self._own.cell("subject", recipient.fields)
        if cell:
            try:
                return cell, headers.unstructured("Subject", cell)
            except HeaderError as error:
                raise self._own.wrong("subject", error) from None
        if self._subject is None:
            raise self._own.blank("subject")
        subject = self._subject.render(variables).strip(" \t")
        if not subject:
            raise HeaderError("is blank")
        return subject, headers.unstructured("Subject", subject)

    def line(self, header: Header, recipient: Recipient, variables: Variables, *, smtputf8: bool) -> bytes:
        """A further header with its line break, nothing where it is blank."""
        cell = self._own.cell("reply_to", recipient.fields) if header.name == REPLY_TO else ""
        if cell:
            try:
                return header_line(header, cell, smtputf8=smtputf8)
            except (AddressError, HeaderError) as error:
                raise self._own.wrong("reply_to", error) from None
        return header_line(header, header.template.render(variables), smtputf8=smtputf8)

    def meant_before(self, recipient: Recipient, variables: Variables) -> Iterator[tuple[str, str]]:
        """From, To and Subject as a reader must see them, made in the plain way."""
        fields = recipient.fields
        name = unicodedata.normalize("NFC", self._own.cell("name", fields))
        yield "From", shown(parse_mailbox(self._own.cell("from", fields) or _plainly(self._sender, variables)))
        yield "To", f"{name} <{recipient.address}>" if name else recipient.address
        yield "Subject", self._own.cell("subject", fields) or _plainly(self._subject, variables)

    def meant_after(self, recipient: Recipient, variables: Variables) -> Iterator[tuple[str, str]]:
        """The further headers as a reader must see them."""
        for header in self._all:
            own = self._own.cell("reply_to", recipient.fields) if header.name == REPLY_TO else ""
            value = own or _plainly(header.template, variables)
            if value:
                yield header.name, shown(parse_mailbox(value)) if header.kind is HeaderKind.MAILBOX else value


def _plainly(template: CompiledTemplate | None, variables: Variables) -> str:
    return "" if template is None else template.render_plainly(variables).strip(" \t")


@functools.lru_cache(maxsize=256)  # the senders of a list are few
def read_author(value: str) -> Author:
    """Read a sender. Raises `AddressError`, `HeaderError`."""
    mailbox = parse_mailbox(value)
    address = mailbox.address
    line = headers.mailbox("From", mailbox, smtputf8=True)
    return Author(line, address.text, address.domain, address.needs_smtputf8)


def header_line(header: Header, value: str, *, smtputf8: bool = False) -> bytes:
    """A custom header with its line break; nothing at all when its value is blank."""
    value = value.strip(" \t")
    if not value:
        return b""
    if header.kind is HeaderKind.MAILBOX:
        return headers.mailbox(header.name, parse_mailbox(value), smtputf8=smtputf8) + b"\r\n"
    if header.kind is HeaderKind.STRUCTURED:
        return headers.structured(header.name, value) + b"\r\n"
    return headers.unstructured(header.name, value) + b"\r\n"


def recipient_address(address: str, *, smtputf8: bool) -> bytes:
    """The address as it stands in To. The list was checked long ago; this is the last look before the wire."""
    if plain_address(address) == address:
        return address.encode("ascii")
    parsed = parse_address(address)
    if parsed.text != address:
        raise AddressError("The address is not in its canonical form.")
    if parsed.needs_smtputf8 and not smtputf8:
        raise AddressError("The address has characters before the @ that this server does not take (no SMTPUTF8).")
    return address.encode()


def shown(mailbox: Mailbox) -> str:
    """A name and address for people."""
    return f"{mailbox.name} <{mailbox.address.text}>" if mailbox.name else mailbox.address.text
