"""Owns the judgement before a send: what stops it, what its author should know, with the rows concerned.

`Preflight` looks at the source once and is then fed one rendered row after another; it keeps counts and the first
rows of each finding and nothing else, so a million rows take no more memory than ten.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from jinja2 import nodes

from mailtui.audience.recipient import Recipient
from mailtui.errors import Place, Problem
from mailtui.message.compose import CompiledMessage
from mailtui.message.fields import PROVIDED, FieldUse, spelling, unknown_field
from mailtui.message.mjml import mjml_warnings
from mailtui.message.own_cells import ROLES, TooManyRows, require_few
from mailtui.message.rendered import RenderedMessage, RenderProblem
from mailtui.message.templates import TemplateSet, TemplateText, place_of, tokenize

Severity = Literal["error", "warning", "note"]
ROWS_SHOWN = 20
_KINDS_SHOWN = 200  # different findings of one check; a list with that many has one mistake, many times
_ORDER = {"error": 0, "warning": 1, "note": 2}

_SPECIAL = re.compile(
    r"(?:^|\.)(?:test|example|invalid|localhost|local|onion|example\.(?:com|net|org))$", re.IGNORECASE
)
_ACTIVE_LINK = re.compile(r"""(?:href|src|action)\s*=\s*["']?\s*(?:javascript|vbscript|data:text)""", re.IGNORECASE)
_OPEN_ATTRIBUTE = re.compile(r"""<[^<>"']*(?:"[^"]*"[^<>"']*|'[^']*'[^<>"']*)*=\s*$""")
"""Markup that ends right after the = of an attribute, with every quote before it closed."""
_HTTP_LINK = re.compile(r"""(?:href|src)\s*=\s*["']?\s*http://""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a person should know. `rows` are the first rows it holds for, `count` all of them; a finding
    about the message itself has no rows and the count 0. `command` is the one that shows more, if any does; `hint`
    is a sentence that says what to do, '' where the message itself does.
    """

    severity: Severity
    code: str
    message: str
    rows: tuple[int, ...] = ()
    count: int = 0
    place: Place = Place()  # noqa: RUF009 - frozen
    command: str = ""
    hint: str = ""


@dataclass(slots=True)
class _Tally:
    severity: Severity
    code: str
    message: str
    place: Place = Place()  # noqa: RUF009 - frozen
    rows: list[int] = field(default_factory=list)
    count: int = 0

    def add(self, row: int) -> None:
        self.count += 1
        if len(self.rows) < ROWS_SHOWN:
            self.rows.append(row)

    def finding(self) -> Finding:
        return Finding(self.severity, self.code, self.message, tuple(self.rows), self.count, self.place)


def is_special_domain(domain: str) -> bool:
    """Whether a domain is kept for tests, documents and private networks (RFC 6761, RFC 2606)."""
    return _SPECIAL.search(domain) is not None


class Preflight:
    """Collects findings over one message and the rows it is rendered for."""

    def __init__(self, compiled: CompiledMessage) -> None:
        self._source = compiled.source
        self._about_message = list(_message_findings(compiled))
        places = {use.name: use.place for use in reversed(compiled.uses.uses) if not use.copes_blank}
        self._of_rows = {use.name for use in compiled.uses.uses if use.of_rows}
        self._never_blank = {name: places[name] for name in sorted(compiled.uses.never_blank(compiled.columns))}
        self._tallies: dict[tuple[str, str], _Tally] = {}

    def feed(self, recipient: Recipient, rendered: RenderedMessage | RenderProblem) -> None:
        """Judge one row and its message."""
        self.feed_row(recipient)
        self.feed_message(recipient, rendered)

    def feed_row(self, recipient: Recipient) -> None:
        """Judge what can be seen without rendering; cheap enough for every row of a list."""
        row = recipient.row
        for name, place in self._never_blank.items():
            cells = recipient.rows if recipient.rows and name in self._of_rows else (recipient.fields,)
            if not all(fields.get(name, "").strip() for fields in cells):
                message = f"{name} is blank, and the message uses it. Fill it in, or write {spelling(name)}"
                self._add("warning", "blank-field", f'{message}|default("...").', row, name, place)
        try:
            require_few(recipient)
        except TooManyRows as error:
            self._add("warning", "too-many-rows", f"{error}; it gets no mail", row, str(error), error.place)
        if is_special_domain(recipient.address.rpartition("@")[2]):
            message = "the address is at a domain kept for tests and private networks (RFC 6761)"
            self._add("note", "special-domain", message, row)

    def feed_message(self, recipient: Recipient, rendered: RenderedMessage | RenderProblem) -> None:
        """Judge one row's message."""
        if isinstance(rendered, RenderProblem):
            if rendered.place == TooManyRows.place:
                return  # told with the row
            self._add("error", "render", rendered.reason, recipient.row, rendered.reason, rendered.place)
        else:
            self._feed_message(recipient.row, rendered)

    def _feed_message(self, row: int, rendered: RenderedMessage) -> None:
        if rendered.html is not None and _ACTIVE_LINK.search(rendered.html):
            self._add("error", "active-link", "a link in the HTML runs a script", row)
        if any(body is not None and not body.strip() for body in (rendered.text, rendered.html)):
            self._add("warning", "blank-body", "the text or the HTML part is blank", row)
        if "http://" in (rendered.text or "") or _HTTP_LINK.search(rendered.html or ""):
            self._add("note", "plain-http", "a link starts with http://; https:// is safer and trusted more", row)

    def findings(self) -> list[Finding]:
        """Everything found so far, the gravest first."""
        found = [*self._about_message, *(tally.finding() for tally in self._tallies.values())]
        return sorted(found, key=lambda finding: (_ORDER[finding.severity], -finding.count, finding.code))

    @property
    def passed(self) -> bool:
        """Whether nothing found so far stops the send."""
        severities = [finding.severity for finding in self._about_message]
        severities += [tally.severity for tally in self._tallies.values()]
        return "error" not in severities

    def _add(
        self,
        severity: Severity,
        code: str,
        message: str,
        row: int,
        which: str = "",
        place: Place = Place(),  # noqa: B008 - frozen
    ) -> None:
        key = (code, which)
        tally = self._tallies.get(key)
        if tally is None:
            if sum(1 for kept, _ in self._tallies if kept == code) >= _KINDS_SHOWN:
                key, message, place = (code, ""), "further rows have other problems of this kind", Place()
            tally = self._tallies.setdefault(key, _Tally(severity, code, message, place))
        tally.add(row)


def _message_findings(compiled: CompiledMessage) -> Iterator[Finding]:
    """What can be said without a row."""
    source = compiled.source
    if source.html is not None and source.text is None and not (source.written_in or source.plain_from_html):
        message = "there is no plain text beside the HTML; some readers see nothing, and filters distrust it"
        yield Finding("warning", "no-text-part", message, place=Place(key="text"))
    weight: Severity = "error" if source.commercial else "warning"
    if source.unsubscribe is None and not any(name.lower() == "list-unsubscribe" for name, _ in source.headers):
        message = "there is no List-Unsubscribe header; who cannot leave marks the mail as spam"
        hint = "Say how to leave: unsubscribe: {mailto: leave@acme.test}"
        yield Finding(weight, "no-unsubscribe", message, place=Place(key="unsubscribe"), hint=hint)
    if source.commercial and not source.postal_address:
        message = "commercial mail must name the sender's postal address (CAN-SPAM, 15 U.S.C. 7704)"
        yield Finding("error", "no-postal-address", message, place=Place(key="postal_address"))
    elif source.postal_address and not compiled.uses.names("postal_address"):
        message = "the campaign gives a postal address that no template shows; write {{ postal_address }}"
        yield Finding(weight, "postal-address-unused", message, place=Place(key="postal_address"))
    for use in _unknown_once(compiled):
        problem = unknown_field(use, compiled.columns)
        message = f"{problem.message.rstrip('.')}, so everyone gets what stands in for it. {problem.hint}".rstrip()
        yield Finding("warning", "unknown-field", message, place=use.place)
    yield from _unescaped(compiled)
    if source.written_in == "mjml":
        for text in (source.html, *source.includes):
            for warning in () if text is None else mjml_warnings(text.name, text.source):
                message = f"{warning.message}, so it is left out. {warning.hint}".rstrip()
                yield Finding("warning", "mjml-attribute", message, place=warning.place)
    yield from _called_like_a_role(compiled)


def _called_like_a_role(compiled: CompiledMessage) -> Iterator[Finding]:
    """Columns by whose name one might think that they stand for something, and nothing reads them."""
    used = compiled.fields
    mapped = {role for role, _ in compiled.source.columns}
    found = [] if used is None else [one for one in ROLES if one in compiled.columns and one not in used | mapped]
    if found:
        names, keys = " and ".join(found), ", ".join(f"{name}: {name}" for name in found)
        are = "columns called" if len(found) > 1 else "a column called"
        message = f"the list has {are} {names}, which nothing uses. To have it used: audience: columns: {{{keys}}}"
        yield Finding("note", "column-role", message)


def _unknown_once(compiled: CompiledMessage) -> list[FieldUse]:
    first: dict[str, FieldUse] = {}
    for use in compiled.uses.unknown(compiled.columns, PROVIDED):
        first.setdefault(use.name, use)
    return list(first.values())


def _unescaped(compiled: CompiledMessage) -> Iterator[Finding]:
    """Places in HTML where a cell of the list could become markup."""
    source = compiled.source
    if source.html is None:
        return
    templates = TemplateSet(source.includes)
    for text in (source.html, *source.includes):
        tree = templates.parse(text)
        if isinstance(tree, Problem):
            continue  # compile_message has refused it already
        tokens = list(tokenize(templates.plain, text.source))
        for node in tree.find_all(nodes.Filter):
            if node.name == "safe" and not isinstance(node.node, nodes.Const):
                _, place = place_of(text, tokens, node.lineno, "safe")
                message = "|safe lets cells of the list through as HTML; anyone in the list could change the mail"
                yield Finding("warning", "unescaped", message, place=place)
        for tag in tree.find_all(nodes.EvalContextModifier):
            message = "{% autoescape %} lets cells of the list through as HTML"
            yield Finding("warning", "unescaped", message, place=Place(text.name, tag.lineno))
        yield from _unquoted(text, tree)


def _unquoted(text: TemplateText, tree: nodes.Template) -> Iterator[Finding]:
    for output in tree.find_all(nodes.Output):
        for before, after in zip(output.nodes, output.nodes[1:], strict=False):
            if not isinstance(before, nodes.TemplateData) or isinstance(after, nodes.TemplateData):
                continue
            if _OPEN_ATTRIBUTE.search(before.data):
                message = "an attribute is filled in without quotes; a blank in the cell starts a new attribute"
                yield Finding("warning", "unquoted-attribute", message, place=Place(text.name, after.lineno))
