"""Owns the judgement before a send: what stops it, what its author should know, with the rows concerned.

`Preflight` looks at the source once and is then fed one rendered row after another; it keeps counts and the first
rows of each finding and nothing else, so a million rows take no more memory than ten.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from jinja2 import nodes

from mailtui.audience.recipient import Recipient
from mailtui.errors import Place, Problem
from mailtui.kit.words import size_in_words
from mailtui.message.compose import CompiledMessage
from mailtui.message.content import BY_TEXT, Content
from mailtui.message.fields import PROVIDED, FieldUse, spelling, unknown_field
from mailtui.message.leaving import about_leaving
from mailtui.message.mjml import mjml_warnings
from mailtui.message.own_cells import ROLES, TooManyRows, require_few
from mailtui.message.placeholders import left_over
from mailtui.message.remarks import Remark, Severity
from mailtui.message.rendered import RenderedMessage, RenderProblem
from mailtui.message.syntax import tokenize
from mailtui.message.templates import TemplateSet, TemplateText, place_of

ROWS_SHOWN = 20
_KINDS_SHOWN = 200  # different findings of one check; a list with that many has one mistake, many times
_ORDER = {"error": 0, "warning": 1, "note": 2}

_SPECIAL = re.compile(
    r"(?:^|\.)(?:test|example|invalid|localhost|local|onion|example\.(?:com|net|org))$", re.IGNORECASE
)
_OPEN_ATTRIBUTE = re.compile(r"""<[^<>"']*(?:"[^"]*"[^<>"']*|'[^']*'[^<>"']*)*=\s*$""")
"""Markup that ends right after the = of an attribute, with every quote before it closed."""


_QUOTED = re.compile("“[^”]*”")
_NO_WORD = re.compile(r"[\W_]+")
_MARKUP = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a person should know. `rows` are the first rows it holds for, `count` all of them; a finding
    about the message itself has no rows and the count 0. `command` is the one that shows more, if any does; `hint`
    is a sentence that says what to do, '' where the message itself does. `alike`: the first of the rows was looked at,
    and the others are those whose mails have the same markup and about the same length.
    """

    severity: Severity
    code: str
    message: str
    rows: tuple[int, ...] = ()
    count: int = 0
    place: Place = Place()  # noqa: RUF009 - frozen
    command: str = ""
    hint: str = ""
    alike: bool = False


class Tally:
    """One finding while its rows are counted."""

    __slots__ = ("count", "remark", "rows")

    def __init__(self, remark: Remark) -> None:
        self.remark = remark
        self.rows: list[int] = []
        self.count = 0

    def meet(self, other: Remark) -> None:
        """Hear the same said of another row: with another cell in it, it is said for one of several."""
        said = self.remark.message
        if other.code == "render" and other.message != said and ", for one," not in said:
            self.remark = self.remark._replace(message=_QUOTED.sub(r"\g<0>, for one,", said, count=1))

    def add(self, row: int) -> None:
        self.count += 1
        if self.count <= ROWS_SHOWN:
            self.rows.append(row)

    def finding(self) -> Finding:
        said = self.remark
        alike, rows = said.code in BY_TEXT, tuple(self.rows)
        return Finding(
            said.severity, said.code, said.message, rows, self.count, said.place, hint=said.hint, alike=alike
        )


def is_special_domain(domain: str) -> bool:
    """Whether a domain is kept for tests, documents and private networks (RFC 6761, RFC 2606)."""
    return _SPECIAL.search(domain) is not None


class Preflight:
    """Collects findings over one message and the rows it is rendered for."""

    def __init__(self, compiled: CompiledMessage, *, size: int = 0) -> None:
        """`size` is the most bytes that the server takes of a mail, 0 where nothing is known of it."""
        self._compiled = compiled
        self._size = size
        self._content = Content(compiled.source, compiled.columns)
        places = {use.name: use.place for use in reversed(compiled.uses.uses) if not use.copes_blank}
        self._of_rows = {use.name for use in compiled.uses.uses if use.of_rows}
        self._never_blank = {name: places[name] for name in sorted(compiled.uses.never_blank(compiled.columns))}
        fields = compiled.fields
        self._used = [name for name in compiled.columns if fields is None or name in fields]
        self._used_of: Callable[[Mapping[str, str]], tuple[str, ...]] = _cells_of(self._used)
        self._special: dict[str, bool] = {}
        self._tallies: dict[tuple[str, str], Tally] = {}

    def feed(self, recipient: Recipient, rendered: RenderedMessage | RenderProblem) -> None:
        """Judge one row and its message."""
        self.feed_row(recipient)
        self.feed_message(recipient, rendered)

    def feed_row(self, recipient: Recipient) -> None:
        """Judge what can be seen without rendering; cheap enough for every row of a list."""
        address = recipient.address
        cells = self._used_of(recipient.fields)
        if recipient.rows or not all(cells) or any(map(str.isspace, cells)):
            for name in self._never_blank:
                self._feed_blank(recipient, name)
        if left_over("\n".join(cells)):
            for remark in self._content.of_cells(recipient.fields, self._used):
                self._add(remark, recipient.row)
        if recipient.rows:
            try:
                require_few(recipient)
            except TooManyRows as error:
                self._add(
                    _warning("too-many-rows", f"{error}; it gets no mail", str(error), error.place), recipient.row
                )
        if not address.isascii():
            self._add(_NEEDS_SMTPUTF8, recipient.row)
        domain = address.rpartition("@")[2]
        special = self._special.get(domain)
        if special is None:
            if len(self._special) >= _DOMAINS:
                self._special.clear()
            special = self._special[domain] = is_special_domain(domain)
        if special:
            self._add(_AT_SPECIAL_DOMAIN, recipient.row)

    def _feed_blank(self, recipient: Recipient, name: str) -> None:
        cells = recipient.rows if recipient.rows and name in self._of_rows else (recipient.fields,)
        if not all(fields.get(name, "").strip() for fields in cells):
            hint = f'Fill it in, or write {spelling(name)}|default("...").'
            message = f"{name} is blank, and the message uses it"
            self._add(_warning("blank-field", message, name, self._never_blank[name], hint), recipient.row)

    def feed_message(self, recipient: Recipient, rendered: RenderedMessage | RenderProblem) -> None:
        """Judge one row's message."""
        if isinstance(rendered, RenderProblem):
            if rendered.place != TooManyRows.place:  # which is told with the row
                reason = rendered.reason.removeprefix(f"{rendered.place.key}: ")  # the place is told beside it
                which = f"{rendered.place}: {_QUOTED.sub('“…”', reason)}"  # one mistake, whatever cell it meets
                remark = Remark("error", "render", reason, _UNRENDERED, which, rendered.place)
                self._add(remark, recipient.row)
            return
        if 0 < self._size < len(rendered.data):
            self._add(_too_large(self._size), recipient.row)
        found = self._content.of_mail(rendered, recipient.fields)
        if len(found) > 1:  # one row counts once, however often its mail has the same
            found = list({(remark.code, remark.which): remark for remark in found}.values())
        for remark in found:
            self._add(remark, recipient.row)

    def take(self) -> list[Tally]:
        """What was found since this was asked last, with the rows it was found for."""
        taken = list(self._tallies.values())
        self._tallies.clear()
        return taken

    def absorb(self, tally: Tally) -> None:
        """Add what another preflight of the same message has taken from later rows."""
        kept = self._tally(tally.remark)
        kept.meet(tally.remark)
        kept.rows += tally.rows[: ROWS_SHOWN - len(kept.rows)]
        kept.count += tally.count

    def findings(self) -> list[Finding]:
        """Everything found so far, the gravest first."""
        found = [*_about_message(self._compiled, self._content), *(tally.finding() for tally in self._tallies.values())]
        return sorted(found, key=lambda finding: (_ORDER[finding.severity], -finding.count, finding.code))

    @property
    def passed(self) -> bool:
        """Whether nothing found so far stops the send."""
        return all(finding.severity != "error" for finding in self.findings())

    def _add(self, remark: Remark, row: int) -> None:
        tally = self._tallies.get((remark.code, remark.which)) or self._tally(remark)
        tally.meet(remark)
        tally.add(row)

    def _tally(self, remark: Remark) -> Tally:
        key = (remark.code, remark.which)
        tally = self._tallies.get(key)
        if tally is None:
            if sum(1 for code, _ in self._tallies if code == remark.code) >= _KINDS_SHOWN:
                message = "further rows have other problems of this kind"
                key, remark = (remark.code, ""), Remark(remark.severity, remark.code, message)
            tally = self._tallies.setdefault(key, Tally(remark))
        return tally


def _cells_of(columns: Sequence[str]) -> Callable[[Mapping[str, str]], tuple[str, ...]]:
    """The quick way to some cells of a row."""
    if len(columns) < 2:  # of which itemgetter makes no tuple
        return lambda fields: tuple(fields[name] for name in columns)
    return itemgetter(*columns)


_UNRENDERED = "Mend the template or the rows; whoever has no mail gets none, and is told in the report."
_DOMAINS = 10_000  # that are remembered
_AT_SPECIAL_DOMAIN = Remark(
    "note",
    "special-domain",
    "the address is at a domain kept for tests and private networks (RFC 6761)",
    "Nobody reads mail there. For a try, that is as it should be.",
)
_NEEDS_SMTPUTF8 = Remark(
    "note",
    "smtputf8",
    "the address has letters beyond ASCII before the @; only servers with SMTPUTF8 (RFC 6531) take it",
    "Look with mailtui accounts test whether your server has it, or ask for another address.",
)


def _too_large(size: int) -> Remark:
    message = f"the mail is larger than the {size_in_words(size)} that the server took when it was tested last"
    return Remark("warning", "too-large", message, "Leave files out, or put them on the web and link to them.")


def _warning(code: str, message: str, which: str, place: Place, hint: str = "") -> Remark:
    return Remark("warning", code, message, hint, which, place)


def _about_message(compiled: CompiledMessage, content: Content) -> Iterator[Finding]:
    """What can be said without a row."""
    yield from _message_findings(compiled)
    source = compiled.source
    for said in (*about_leaving(source, compiled.uses, compiled.columns), *content.of_templates()):
        yield Finding(said.severity, said.code, said.message, place=said.place, hint=said.hint)


def _message_findings(compiled: CompiledMessage) -> Iterator[Finding]:
    """What can be said without a row."""
    source = compiled.source
    if source.html is not None and source.text is None and not (source.written_in or source.plain_from_html):
        message = "there is no plain text beside the HTML; some readers see nothing, and filters distrust it"
        hint = "Write one, and name it under text: in the campaign file."
        yield Finding("warning", "no-text-part", message, place=Place(key="text"), hint=hint)
    weight: Severity = "error" if source.commercial else "warning"
    if source.unsubscribe is None and not any(name.lower() == "list-unsubscribe" for name, _ in source.headers):
        message = "there is no List-Unsubscribe header; who cannot leave marks the mail as spam"
        hint = "Write unsubscribe: {mailto: leave@…} or {url: https://…} into the campaign file."
        yield Finding(weight, "no-unsubscribe", message, place=Place(key="headers"), hint=hint)
    if source.commercial and not source.postal_address:
        message = "commercial mail must name the sender's postal address (CAN-SPAM, 15 U.S.C. 7704)"
        hint = "Write it under postal_address: in the campaign file, and show it with {{ postal_address }}."
        yield Finding("error", "no-postal-address", message, place=Place(key="postal_address"), hint=hint)
    elif source.postal_address and not _shows_address(compiled, source.postal_address):
        message = "the campaign gives a postal address that no template shows"
        hint = "Write {{ postal_address }} where it is to stand."
        yield Finding(weight, "postal-address-unused", message, place=Place(key="postal_address"), hint=hint)
    for use in _unknown_once(compiled):
        problem = unknown_field(use, compiled.columns)
        message = f"{problem.message.rstrip('.')}, so everyone gets what stands in for it"
        hint = problem.hint or "Name a column that the list has."
        yield Finding("warning", "unknown-field", message, place=use.place, hint=hint)
    yield from _unescaped(compiled)
    if source.written_in == "mjml":
        for text in (source.html, *source.includes):
            for warning in () if text is None else mjml_warnings(text.name, text.source):
                message = f"{warning.message}, so it is left out"
                yield Finding("warning", "mjml-attribute", message, place=warning.place, hint=warning.hint)
    yield from _called_like_a_role(compiled)


def _shows_address(compiled: CompiledMessage, address: str) -> bool:
    """Whether a template shows it, as a field or written out."""
    source = compiled.source
    texts = [text.source for text in (source.text, source.html, *source.includes) if text is not None]
    wanted = _words(address)
    return compiled.uses.names("postal_address") or any(wanted in _words(text) for text in texts)


def _words(text: str) -> str:
    return f" {_NO_WORD.sub(' ', _MARKUP.sub(' ', text)).strip().casefold()} "


def _called_like_a_role(compiled: CompiledMessage) -> Iterator[Finding]:
    """Columns by whose name one might think that they stand for something, and nothing reads them."""
    used = compiled.fields
    mapped = {role for role, _ in compiled.source.columns}
    found = [] if used is None else [one for one in ROLES if one in compiled.columns and one not in used | mapped]
    if found:
        names, keys = " and ".join(found), ", ".join(f"{name}: {name}" for name in found)
        are = "columns called" if len(found) > 1 else "a column called"
        message = f"the list has {are} {names}, which nothing uses"
        yield Finding("note", "column-role", message, hint=f"To have it used: audience: columns: {{{keys}}}")


def _unknown_once(compiled: CompiledMessage) -> list[FieldUse]:
    first: dict[str, FieldUse] = {}
    for use in compiled.uses.unknown(compiled.columns, PROVIDED):
        first.setdefault(use.name, use)
    return list(first.values())


_LEAVE_OUT = "Leave it out, unless you write those cells yourself."


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
                yield Finding("warning", "unescaped", message, place=place, hint=_LEAVE_OUT)
        for tag in tree.find_all(nodes.EvalContextModifier):
            message = "{% autoescape %} lets cells of the list through as HTML"
            yield Finding("warning", "unescaped", message, place=Place(text.name, tag.lineno), hint=_LEAVE_OUT)
        yield from _unquoted(text, tree)


def _unquoted(text: TemplateText, tree: nodes.Template) -> Iterator[Finding]:
    for output in tree.find_all(nodes.Output):
        for before, after in zip(output.nodes, output.nodes[1:], strict=False):
            if not isinstance(before, nodes.TemplateData) or isinstance(after, nodes.TemplateData):
                continue
            if _OPEN_ATTRIBUTE.search(before.data):
                message = "an attribute is filled in without quotes; a blank in the cell starts a new attribute"
                place = Place(text.name, after.lineno)
                yield Finding("warning", "unquoted-attribute", message, place=place, hint='Write ="…" around it.')
