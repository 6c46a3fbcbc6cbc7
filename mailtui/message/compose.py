"""Owns turning a frozen message into bytes: compile once for a campaign, render once for a recipient.

`compile_message` finds every mistake that can be found without a row; `CompiledMessage.render` is the hot path
and does nothing twice that is the same for two recipients. The same recipient, date, encoding and SMTPUTF8 give
the same bytes on every attempt and every machine.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from jinja2.exceptions import TemplateSyntaxError

from mailtui.audience.address import AddressError, Mailbox, parse_address, parse_mailbox, plain_address
from mailtui.audience.recipient import Recipient
from mailtui.errors import Place, Problem, TemplateError
from mailtui.kit.safe_text import safe_text
from mailtui.message import headers
from mailtui.message.fields import PROVIDED, ROW, FieldUses, unknown_field, used_fields
from mailtui.message.filling import Variables
from mailtui.message.frozen import MessageSource
from mailtui.message.headers import HeaderError, HeaderKind
from mailtui.message.mime import BodyError, Parts, TransferEncoding, body_text, build_skeleton, canonical
from mailtui.message.rendered import RenderedMessage, RenderProblem
from mailtui.message.templates import (
    RENDER_ERRORS,
    CompiledTemplate,
    TemplateSet,
    TemplateText,
    is_constant,
    render_place,
    render_reason,
)

OUTPUT_LIMIT = 10 * 1024 * 1024  # characters of text and HTML together


@dataclass(frozen=True, slots=True)
class _Author:
    """Who the mail is from, ready for the header, the envelope and the Message-ID."""

    line: bytes
    address: str
    domain: str
    needs_smtputf8: bool


@dataclass(frozen=True, slots=True)
class _Header:
    name: str
    kind: HeaderKind
    template: CompiledTemplate

    @property
    def same_for_all(self) -> bool:
        """Whether every recipient gets the same line; an address may depend on what the server takes."""
        value = self.template.constant
        return value is not None and (value.isascii() or self.kind is not HeaderKind.MAILBOX)


class CompiledMessage:
    """A campaign's message, ready to be rendered for any number of recipients."""

    def __init__(
        self,
        source: MessageSource,
        uses: FieldUses,
        columns: Sequence[str],
        compiled: _Compiled,
        secret: bytes,
    ) -> None:
        self.source = source
        self.uses = uses
        self.columns = tuple(columns)
        self._message_ids = headers.MessageIds(secret)
        self._skeleton = build_skeleton(secret, source.digest)
        boundary = self._skeleton.boundary
        self._text_parts = Parts(boundary, keep=compiled.text is not None and compiled.text.same_for_all)
        self._html_parts = Parts(boundary, keep=compiled.html is not None and compiled.html.same_for_all)
        self._sender = compiled.sender
        self._subject = compiled.subject
        self._text = compiled.text
        self._html = compiled.html
        self._author = _author(compiled.sender.constant) if compiled.sender.constant is not None else None
        constant = [item for item in compiled.headers if item.same_for_all]
        self._varying = [item for item in compiled.headers if not item.same_for_all]
        self._headers = (*constant, *self._varying)
        self._constant_lines = b"".join(_header_line(item, item.template.constant or "") for item in constant)
        self._dotless_headers = not any(item.name.startswith(".") for item in compiled.headers)
        self._base = dict(compiled.templates.globals) | _constants(source)
        self._uses_now = uses.names("now")
        self._uses_row = uses.names(ROW) or uses.whole_row or any(not use.direct for use in uses.uses)

    @property
    def fields(self) -> frozenset[str] | None:
        """The columns that rendering needs; None when a template reads the whole row."""
        return self.uses.needed(self.columns)

    def render(
        self,
        recipient: Recipient,
        *,
        date: float,
        encoding: TransferEncoding,
        smtputf8: bool = False,
        message_id: str | None = None,
    ) -> RenderedMessage | RenderProblem:
        """One recipient's message, or why there is none. `date` is in seconds since 1970.

        `message_id` is that of an earlier message to the same recipient, which this one stands for.
        """
        at = "recipient"
        try:
            to = _recipient_address(recipient.address, smtputf8=smtputf8)
            variables = self._variables(recipient, date)
            at = "from"
            author = self._author or _author(self._sender.render(variables))
            if author.needs_smtputf8 and not smtputf8:
                raise HeaderError("has characters before the @ that this server does not take (no SMTPUTF8)")
            at = "subject"
            subject = self._subject.render(variables).strip(" \t")
            if not subject:
                raise HeaderError("is blank")
            subject_line = headers.unstructured("Subject", subject)
            message_id = message_id or self._message_ids.of(recipient.key, author.domain)
            head = b"Date: %b\r\n%b\r\nTo: %b\r\n%b\r\nMessage-ID: %b\r\n%b" % (
                headers.date_header(date).encode(),
                author.line,
                to,
                subject_line,
                message_id.encode("ascii"),
                self._constant_lines,
            )
            for header in self._varying:
                at = header.template.text.name
                head += _header_line(header, header.template.render(variables), smtputf8=smtputf8)
            at = "text"
            text, text_tame = (None, True) if self._text is None else self._text.lines(variables)
            at = "html"
            html, html_tame = (None, True) if self._html is None else self._html.lines(variables)
            text_part = None if text is None else self._text_parts.of(text, encoding, tame=text_tame)
            html_part = None if html is None else self._html_parts.of(html, encoding, tame=html_tame)
            data = self._skeleton.assemble(head, text_part, html_part)
            if len(data) > OUTPUT_LIMIT:
                _check_size(text, html)
        except RENDER_ERRORS as error:
            return _problem(recipient.row, at, error)
        # Quoted-printable may break a line before a dot; nothing else adds one.
        dotless = (
            text_tame and html_tame and encoding is not TransferEncoding.QUOTED_PRINTABLE and self._dotless_headers
        )
        return RenderedMessage(author.address, recipient.address, message_id, subject, text, html, data, dotless)

    def message_id(self, recipient: Recipient) -> str | None:
        """The Message-ID of one recipient's message; None when its sender cannot be rendered."""
        try:
            author = self._author or _author(self._sender.render(self._variables(recipient, 0.0)))
        except RENDER_ERRORS:
            return None
        return self._message_ids.of(recipient.key, author.domain)

    def meant(self, recipient: Recipient, date: float, message: RenderedMessage) -> Iterator[tuple[str, str]]:
        """The headers a reader of one message must see, decoded, in order; for a check against another parser."""
        variables = self._variables(recipient, date)
        yield "Date", headers.date_header(date)
        yield "From", _shown(parse_mailbox(self._sender.render_plainly(variables)))
        yield "To", recipient.address
        yield "Subject", self._subject.render_plainly(variables).strip(" \t")
        yield "Message-ID", message.message_id
        for header in self._headers:
            value = header.template.render_plainly(variables).strip(" \t")
            if value:
                yield (
                    header.name,
                    _shown(parse_mailbox(value)) if header.kind is HeaderKind.MAILBOX else value,
                )

    def meant_bodies(self, recipient: Recipient, date: float) -> tuple[str | None, str | None]:
        """Text and HTML as their templates were written, no quick way taken; for the same check."""
        variables = self._variables(recipient, date)
        text, html = (
            None if template is None else canonical(template.render_plainly(variables))
            for template in (self._text, self._html)
        )
        return text, html

    def _variables(self, recipient: Recipient, date: float) -> Variables:
        variables = Variables(self._base)
        variables["recipient"] = recipient.address
        variables.update(recipient.fields)
        if self._uses_now and "now" not in recipient.fields:
            variables["now"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(date))
        if self._uses_row:
            variables[ROW] = dict(recipient.fields)
        return variables


@dataclass(frozen=True, slots=True)
class _Compiled:
    templates: TemplateSet
    sender: CompiledTemplate
    subject: CompiledTemplate
    text: CompiledTemplate | None
    html: CompiledTemplate | None
    headers: tuple[_Header, ...]


def compile_message(source: MessageSource, columns: Sequence[str], *, secret: bytes) -> CompiledMessage:
    """Compile a frozen message for a list with these columns.

    `secret` is the campaign's own; Message-IDs and the MIME boundary derive from it. Raises `TemplateError`
    that lists every mistake: syntax, names that no column has, files that are not there, headers that cannot
    be set, values that cannot be sent.
    """
    templates = TemplateSet(source.includes)
    texts = _header_texts(source)
    bodies = [body for body in (source.text, source.html) if body is not None]
    everything = (*texts.values(), *bodies, *source.includes)
    problems = list(headers.header_name_problems(name for name, _ in source.headers))
    for text in everything:
        tree = templates.parse(text)
        problems.extend([tree] if isinstance(tree, Problem) else templates.check(text, tree))
    uses = used_fields(everything)
    problems += [
        _unknown(use.name, unknown_field(use, columns))
        for use in uses.unknown(columns, _provided(source))
        if not use.copes_missing
    ]
    if not problems:
        problems.extend(_constant_problems(source))
    if not problems:
        problems.extend(_uncompilable(templates, everything))
    if problems:
        count = len(problems)
        title = "There is a mistake in the message" if count == 1 else f"There are {count} mistakes in the message"
        raise TemplateError(title, problems, hint="Nothing was sent.")
    compiled = _compile(source, columns, templates, texts)
    return CompiledMessage(source, uses, columns, compiled, secret)


def _compile(
    source: MessageSource, columns: Sequence[str], templates: TemplateSet, texts: Mapping[str, TemplateText]
) -> _Compiled:
    names = (["Reply-To"] if source.reply_to else []) + [name for name, _ in source.headers]
    constants = {name: value for name, value in _constants(source).items() if name not in columns}

    def compiled(text: TemplateText, *, html: bool = False) -> CompiledTemplate:
        return templates.compile(text, html=html, constants=constants)

    return _Compiled(
        templates=templates,
        sender=compiled(texts["from"]),
        subject=compiled(texts["subject"]),
        text=None if source.text is None else compiled(source.text),
        html=None if source.html is None else compiled(source.html, html=True),
        headers=tuple(_Header(name, headers.header_kind(name), compiled(texts[_key(name)])) for name in names),
    )


def _header_texts(source: MessageSource) -> dict[str, TemplateText]:
    """The templates that stand in the campaign file itself, by their key there."""
    values = {"from": source.sender, "subject": source.subject}
    if source.reply_to:
        values["reply_to"] = source.reply_to
    values |= {_key(name): value for name, value in source.headers}
    return {key: TemplateText(key, value) for key, value in values.items()}


def _key(header: str) -> str:
    return "reply_to" if header == "Reply-To" else f"headers.{header}"


def _provided(source: MessageSource) -> tuple[str, ...]:
    return tuple(name for name in PROVIDED if name != "postal_address" or source.postal_address)


def _constants(source: MessageSource) -> dict[str, object]:
    constants: dict[str, object] = {"campaign": source.campaign}
    if source.postal_address:
        constants["postal_address"] = source.postal_address
    return constants


def _unknown(name: str, problem: Problem) -> Problem:
    if name == "postal_address":
        return Problem(problem.place, "the campaign gives no postal_address.", "Add it to the campaign file.")
    return problem


def _constant_problems(source: MessageSource) -> Iterator[Problem]:
    """What is wrong with header values that are the same for everyone."""
    templates = TemplateSet(())
    for key, text in _header_texts(source).items():
        if not is_constant(text.source):
            continue
        try:
            if key == "from":
                _author(text.source)
            elif key == "subject":
                headers.unstructured("Subject", text.source)
            else:
                name = "Reply-To" if key == "reply_to" else key.removeprefix("headers.")
                header = _Header(name, headers.header_kind(name), templates.compile(text, html=False))
                _header_line(header, text.source, smtputf8=True)
        except HeaderError as error:
            yield Problem(Place(key=key), f"this value {error}.")
        except AddressError as error:
            yield Problem(Place(key=key), str(error), 'Write it like this: "Acme News <news@acme.test>"')


def _uncompilable(templates: TemplateSet, texts: Sequence[TemplateText]) -> Iterator[Problem]:
    """What only the compiler finds: blocks defined twice, nesting deeper than Python can follow."""
    for text in texts:
        try:
            templates.compiles(text)
        except TemplateSyntaxError as error:
            yield Problem(Place(text.name, error.lineno), f"{error.message}.")
        except (SyntaxError, RecursionError, MemoryError):
            yield Problem(Place(text.name), "this template is nested too deeply.")


def _author(value: str) -> _Author:
    mailbox = parse_mailbox(value)
    address = mailbox.address
    line = headers.mailbox("From", mailbox, smtputf8=True)
    return _Author(line, address.text, address.domain, address.needs_smtputf8)


def _header_line(header: _Header, value: str, *, smtputf8: bool = False) -> bytes:
    """A custom header with its line break; nothing at all when its value is blank."""
    value = value.strip(" \t")
    if not value:
        return b""
    if header.kind is HeaderKind.MAILBOX:
        return headers.mailbox(header.name, parse_mailbox(value), smtputf8=smtputf8) + b"\r\n"
    if header.kind is HeaderKind.STRUCTURED:
        return headers.structured(header.name, value) + b"\r\n"
    return headers.unstructured(header.name, value) + b"\r\n"


def _recipient_address(address: str, *, smtputf8: bool) -> bytes:
    """The address as it stands in To. The list was checked long ago; this is the last look before the wire."""
    if plain_address(address) == address:
        return address.encode("ascii")
    parsed = parse_address(address)
    if parsed.text != address:
        raise AddressError("The address is not in its canonical form.")
    if parsed.needs_smtputf8 and not smtputf8:
        raise AddressError("The address has characters before the @ that this server does not take (no SMTPUTF8).")
    return address.encode()


def _shown(mailbox: Mailbox) -> str:
    return f"{mailbox.name} <{mailbox.address.text}>" if mailbox.name else mailbox.address.text


def _check_size(*bodies: bytes | None) -> None:
    """Raise `BodyError` for bodies that have more characters than any mail should."""
    if sum(len(body_text(body)) for body in bodies if body is not None) > OUTPUT_LIMIT:
        raise BodyError(f"is larger than {OUTPUT_LIMIT // 1024 // 1024} MB")


def _problem(row: int, at: str, error: Exception) -> RenderProblem:
    if isinstance(error, AddressError):
        what = "" if at == "recipient" else f"{at}: "
        return RenderProblem(row, f"{what}{safe_text(str(error), limit=200)}", Place(key=at))
    if isinstance(error, HeaderError | BodyError):
        return RenderProblem(row, f"the {at} {error}", Place(key=at))
    return RenderProblem(row, render_reason(error), render_place(error, at))
