"""Owns turning a frozen message into bytes: compile once for a campaign, render once for a recipient.

`compile_message` finds every mistake that can be found without a row; `CompiledMessage.render` is the hot path
and does nothing twice that is the same for two recipients. The same recipient, date, encoding and SMTPUTF8 give
the same bytes on every attempt and every machine.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mailtui.audience.address import AddressError
from mailtui.audience.recipient import Recipient
from mailtui.errors import Place, TemplateError
from mailtui.kit.safe_text import safe_text
from mailtui.message import copies, headers
from mailtui.message.conventions import conventions_of
from mailtui.message.enclosed import OwnParts, shared_parts
from mailtui.message.extras import Extras, ExtrasError, RowExtras
from mailtui.message.fields import ROW, ROWS, TOKEN, UNSUBSCRIBE_MAILTO, UNSUBSCRIBE_URL, FieldUses, used_fields
from mailtui.message.files import FileProblem, FileRef
from mailtui.message.filling import Variables
from mailtui.message.frozen import MessageSource
from mailtui.message.head import REPLY_TO, Head, Header
from mailtui.message.headers import HeaderError
from mailtui.message.list_headers import ListHeaderError, ListHeaders, Ways, has_list_headers
from mailtui.message.mime import BodyError, Parts, TransferEncoding, body_text, build_skeleton, canonical, wire_lines
from mailtui.message.mistakes import constants, header_key, mistakes, texts_of
from mailtui.message.own_cells import CellError, OwnCells, TooManyRows, require_few, rows_of
from mailtui.message.pages import Page, page_of
from mailtui.message.rendered import RenderedMessage, RenderProblem
from mailtui.message.templates import (
    RENDER_ERRORS,
    CompiledTemplate,
    TemplateSet,
    TemplateText,
    render_place,
    render_reason,
)
from mailtui.message.tokens import PREVIEW, Tokens

OUTPUT_LIMIT = 10 * 1024 * 1024  # characters of text and HTML together


class CompiledMessage:
    """A campaign's message, ready to be rendered for any number of recipients."""

    def __init__(
        self,
        source: MessageSource,
        uses: FieldUses,
        columns: Sequence[str],
        compiled: _Compiled,
        secret: bytes,
        campaign_id: str,
    ) -> None:
        self.source = source
        self.uses = uses
        self.columns = tuple(columns)
        self._message_ids = headers.MessageIds(secret)
        self._tokens = Tokens(secret, campaign_id)
        shared = shared_parts(source.files)
        self.files_size = shared.size
        """Bytes that the files of everybody add to every mail."""
        self._skeleton = build_skeleton(secret, source.digest, shared)
        stem = self._skeleton.stem
        self.own_parts = OwnParts()
        self._own = OwnCells(source.columns)
        self._page = compiled.page
        page_same = compiled.page is not None and compiled.page.same_for_all
        same_text = (page_same if compiled.text is None else compiled.text.same_for_all) and not self._own.body
        self._text_parts = Parts(stem, keep=same_text)
        self._html_parts = Parts(stem, keep=page_same or (compiled.html is not None and compiled.html.same_for_all))
        self._head = Head(self._own, compiled.sender, compiled.subject, compiled.headers)
        self._lists = compiled.lists
        self._text = compiled.text
        self._html = compiled.html
        self._extras = RowExtras(self._own, compiled.own_files, compiled.cc, compiled.bcc)
        self._base = dict(compiled.templates.globals) | constants(source)
        self._uses_now = uses.names("now")
        names = (UNSUBSCRIBE_URL, UNSUBSCRIBE_MAILTO)
        self._shows_ways = any(uses.names(name) and name not in columns for name in names)
        self._uses_token = uses.names(TOKEN) and TOKEN not in columns
        self._rows_name = ROWS if source.group and uses.names(ROWS) else None
        self._uses_row = uses.names(ROW) or uses.whole_row or any(not use.direct for use in uses.uses)

    @property
    def fields(self) -> frozenset[str] | None:
        """The columns that rendering needs; None when a template reads the whole row."""
        named = self.uses.needed(self.columns)
        return None if named is None else named | self._own.columns

    def render(
        self,
        recipient: Recipient,
        *,
        date: float,
        encoding: TransferEncoding,
        smtputf8: bool = False,
        message_id: str | None = None,
        files: Sequence[FileRef] = (),
    ) -> RenderedMessage | RenderProblem:
        """One recipient's message, or why there is none. `date` is in seconds since 1970.

        `message_id` is that of an earlier message to the same recipient, which this one stands for. `files` are the
        recipient's own attachments; they are read here, and one that is not what it was makes no mail.
        """
        at = "recipient"
        try:
            own_files = [self.own_parts.of(ref) for ref in files] if files else ()
            to_line = self._head.to_line(recipient, smtputf8=smtputf8)
            variables = self._variables(recipient, date)
            at = "cc"
            if self._extras.copies:
                named = copies.named_in(self._extras.cc(recipient, variables), recipient.key)
                to_line += copies.cc_line(named, smtputf8=smtputf8)
            ways = None if self._lists is None else self._ways(self._lists, recipient, variables)
            at = "from"
            author = self._head.author(recipient, variables)
            if author.needs_smtputf8 and not smtputf8:
                raise HeaderError("has characters before the @ that this server does not take (no SMTPUTF8)")
            at = "subject"
            subject, subject_line = self._head.subject(recipient, variables)
            message_id = message_id or self._message_ids.of(recipient.key, author.domain)
            head = b"Date: %b\r\n%b\r\n%b\r\n%b\r\nMessage-ID: %b\r\n%b" % (
                headers.date_header(date).encode(),
                author.line,
                to_line,
                subject_line,
                message_id.encode("ascii"),
                self._head.constant_lines,
            )
            for header in self._head.varying:
                at = header.template.text.name
                head += self._head.line(header, recipient, variables, smtputf8=smtputf8)
            if self._lists is not None:
                head += self._lists.lines(ways, variables)
            at = "text"
            text, text_tame = self._text_lines(recipient, variables)
            at = self.source.written_in or "html"
            html, html_tame = (None, True) if self._html is None else self._html.lines(variables)
            if self._page is not None:
                made = self._page.bodies(variables)
                html, html_tame = made.html
                text, text_tame = made.text or (text, text_tame)
            text_part = None if text is None else self._text_parts.of(text, encoding, tame=text_tame)
            html_part = None if html is None else self._html_parts.of(html, encoding, tame=html_tame)
            data = self._skeleton.assemble(head, text_part, html_part, own_files)
            if len(data) > OUTPUT_LIMIT:
                _check_size(text, html)
        except RENDER_ERRORS as error:
            return _problem(recipient.row, at, error)
        # Quoted-printable may break a line before a dot; nothing else adds one.
        dotless = text_tame and html_tame and encoding is not TransferEncoding.QUOTED_PRINTABLE and self._head.dotless
        return RenderedMessage(author.address, recipient.address, message_id, subject, text, html, data, dotless)

    @property
    def has_extras(self) -> bool:
        """Whether rows bring files or copies of their own, so that `extras` says anything."""
        return self._extras.any

    def extras(self, recipient: Recipient) -> Extras | RenderProblem:
        """What one recipient's row brings beside the bodies: files, and who gets a copy."""
        try:
            return self._extras.of(recipient, self._variables(recipient, 0.0))
        except RENDER_ERRORS as error:
            return _problem(recipient.row, "attachments", error)

    def message_id(self, recipient: Recipient) -> str | None:
        """The Message-ID of one recipient's message; None when its sender cannot be rendered."""
        try:
            author = self._head.author(recipient, self._variables(recipient, 0.0))
        except RENDER_ERRORS:
            return None
        return self._message_ids.of(recipient.key, author.domain)

    def meant(self, recipient: Recipient, date: float, message: RenderedMessage) -> Iterator[tuple[str, str]]:
        """The headers a reader of one message must see, decoded, in order; for a check against another parser."""
        variables = self._variables(recipient, date)
        yield "Date", headers.date_header(date)
        for name, value in self._head.meant_before(recipient, variables):
            yield name, value
            named = copies.named_in(self._extras.cc(recipient, variables), recipient.key) if name == "To" else ()
            if named:
                yield "Cc", copies.shown(named)
        yield "Message-ID", message.message_id
        yield from self._head.meant_after(recipient, variables)
        if self._lists is not None:
            yield from self._lists.meant(self._ways(self._lists, recipient, variables), variables)

    def meant_bodies(self, recipient: Recipient, date: float) -> tuple[str | None, str | None]:
        """Text and HTML as their templates were written, no quick way taken; for the same check."""
        variables = self._variables(recipient, date)
        if self._lists is not None:
            self._ways(self._lists, recipient, variables)
        text, html = (
            None if template is None else canonical(template.render_plainly(variables))
            for template in (self._text, self._html)
        )
        if self._page is not None:
            page, made = self._page.plainly(variables)
            html, text = canonical(page), text if made is None else canonical(made)
        own = self._own.text(recipient.fields)
        return (canonical(own) if own else text), html

    def _ways(self, lists: ListHeaders, recipient: Recipient, variables: Variables) -> Ways | None:
        """How this recipient leaves; the templates of bodies see it, too."""
        ways = lists.ways_for(recipient, variables, self._tokens)
        if ways is not None and self._shows_ways:
            for name, link in ((UNSUBSCRIBE_URL, ways.url), (UNSUBSCRIBE_MAILTO, ways.mailto)):
                if name not in recipient.fields:
                    variables[name] = link
        return ways

    def _text_lines(self, recipient: Recipient, variables: Variables) -> tuple[bytes | None, bool]:
        """The plain text as lines, and whether it is known to be tame (`filling.Lines`)."""
        if self._own.body:
            own = self._own.text(recipient.fields)
            if own:
                try:
                    return wire_lines(canonical(own)), False
                except BodyError as error:
                    raise self._own.wrong("body", error) from None
            if self._text is None:
                raise self._own.blank("body")
        return (None, True) if self._text is None else self._text.lines(variables)

    def _variables(self, recipient: Recipient, date: float) -> Variables:
        variables = Variables(self._base)
        variables["recipient"] = recipient.address
        variables.update(recipient.fields)
        if self._uses_now and "now" not in recipient.fields:
            variables["now"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(date))
        if self._uses_token:
            variables[TOKEN] = self._tokens.of(recipient.row, recipient.key)
        if self._uses_row:
            variables[ROW] = dict(recipient.fields)
        if self._rows_name is not None:
            variables[self._rows_name] = rows_of(recipient)
        elif recipient.rows:
            require_few(recipient)  # whether a template shows them or not
        return variables


@dataclass(frozen=True, slots=True)
class _Compiled:
    templates: TemplateSet
    sender: CompiledTemplate | None
    subject: CompiledTemplate | None
    text: CompiledTemplate | None
    html: CompiledTemplate | None
    page: Page | None
    headers: tuple[Header, ...]
    lists: ListHeaders | None
    own_files: tuple[tuple[CompiledTemplate, CompiledTemplate | None], ...]
    cc: tuple[CompiledTemplate, ...]
    bcc: tuple[CompiledTemplate, ...]


def compile_message(
    source: MessageSource, columns: Sequence[str], *, secret: bytes, campaign_id: str = PREVIEW
) -> CompiledMessage:
    """Compile a frozen message for a list with these columns.

    `secret` is the campaign's own; Message-IDs, tokens and the MIME boundary derive from it. `campaign_id` stands in
    tokens; without it they are those of a preview, which stand for nobody. Raises `TemplateError`
    that lists every mistake: syntax, names that no column has, files that are not there, headers that cannot
    be set, values that cannot be sent.
    """
    templates = TemplateSet(source.includes, conventions=conventions_of(source))
    texts = texts_of(source)
    uses = used_fields(texts.everything, group=source.group, may_be_blank=texts.extras)
    problems = mistakes(source, columns, templates, texts, uses)
    if problems:
        count = len(problems)
        title = "There is a mistake in the message" if count == 1 else f"There are {count} mistakes in the message"
        raise TemplateError(title, problems, hint="Nothing was sent.")
    compiled = _compile(source, columns, templates, texts.headers, texts.extras)
    return CompiledMessage(source, uses, columns, compiled, secret, campaign_id)


def _compile(
    source: MessageSource,
    columns: Sequence[str],
    templates: TemplateSet,
    texts: Mapping[str, TemplateText],
    extras: Mapping[str, TemplateText],
) -> _Compiled:
    names = ([REPLY_TO] if "reply_to" in texts else []) + [name for name, _ in source.headers]
    known = {name: value for name, value in constants(source).items() if name not in columns}

    def compiled(text: TemplateText, *, html: bool = False) -> CompiledTemplate:
        return templates.compile(text, html=html, constants=known)

    page = page_of(source, templates.conventions)
    return _Compiled(
        templates=templates,
        sender=compiled(texts["from"]) if "from" in texts else None,
        subject=compiled(texts["subject"]) if "subject" in texts else None,
        text=None if source.text is None else compiled(source.text),
        html=None if source.html is None or page is not None else compiled(source.html, html=True),
        page=page,
        headers=tuple(Header(name, headers.header_kind(name), compiled(texts[header_key(name)])) for name in names),
        lists=ListHeaders(source, compiled) if has_list_headers(source) else None,
        own_files=tuple(
            (compiled(extras[f"attachments.{at}.path"]), compiled(extras[f"attachments.{at}.name"]) if name else None)
            for at, (_, name) in enumerate(source.own_files)
        ),
        cc=tuple(compiled(extras[f"cc.{at}"]) for at in range(len(source.cc))),
        bcc=tuple(compiled(extras[f"bcc.{at}"]) for at in range(len(source.bcc))),
    )


def _check_size(*bodies: bytes | None) -> None:
    """Raise `BodyError` for bodies that have more characters than any mail should."""
    if sum(len(body_text(body)) for body in bodies if body is not None) > OUTPUT_LIMIT:
        raise BodyError(f"is larger than {OUTPUT_LIMIT // 1024 // 1024} MB")


def _problem(row: int, at: str, error: Exception) -> RenderProblem:
    if isinstance(error, CellError | TooManyRows | ListHeaderError):
        return RenderProblem(row, safe_text(str(error), limit=300), error.place)
    if isinstance(error, AddressError):
        what = "" if at == "recipient" else f"{at}: "
        return RenderProblem(row, f"{what}{safe_text(str(error), limit=200)}", Place(key=at))
    if isinstance(error, FileProblem | ExtrasError):
        key = error.key if isinstance(error, ExtrasError) else "attachments"
        return RenderProblem(row, safe_text(str(error), limit=300), Place(key=key))
    if isinstance(error, HeaderError | BodyError):
        return RenderProblem(row, f"the {at} {error}", Place(key=at))
    return RenderProblem(row, render_reason(error), render_place(error, at))
