"""Owns what can be found wrong with a message before there is a row, and the small templates of its campaign file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jinja2.exceptions import TemplateSyntaxError

from mailtui.audience.address import AddressError
from mailtui.errors import Place, Problem
from mailtui.message import headers
from mailtui.message.fields import PROVIDED, ROWS, UNSUBSCRIBE_MAILTO, UNSUBSCRIBE_URL, FieldUses, unknown_field
from mailtui.message.frozen import MessageSource
from mailtui.message.head import REPLY_TO, Header, header_line, read_author
from mailtui.message.headers import HeaderError
from mailtui.message.list_headers import list_header_problems, list_header_texts, misplaced
from mailtui.message.mjml import mjml_problems
from mailtui.message.own_cells import OwnCells
from mailtui.message.templates import TemplateSet, TemplateText, is_constant


@dataclass(frozen=True, slots=True)
class Texts:
    """All templates of a message. Those that stand in the campaign file have their key there."""

    headers: dict[str, TemplateText]
    lists: dict[str, TemplateText]
    extras: dict[str, TemplateText]
    bodies: tuple[TemplateText, ...]
    includes: tuple[TemplateText, ...]

    @property
    def everything(self) -> tuple[TemplateText, ...]:
        small = (*self.headers.values(), *self.lists.values(), *self.extras.values())
        return (*small, *self.bodies, *self.includes)


def texts_of(source: MessageSource) -> Texts:
    """The templates of a message."""
    bodies = tuple(body for body in (source.text, source.html) if body is not None)
    return Texts(header_texts(source), list_header_texts(source), _extra_texts(source), bodies, source.includes)


def mistakes(
    source: MessageSource, columns: Sequence[str], templates: TemplateSet, texts: Texts, uses: FieldUses
) -> list[Problem]:
    """Everything that is wrong with a message for a list with these columns, and that no row changes."""
    problems = list(headers.header_name_problems(name for name, _ in source.headers))
    problems += list_header_problems(source, uses, columns)
    for text in texts.everything:
        tree = templates.parse(text)
        problems.extend([tree] if isinstance(tree, Problem) else templates.check(text, tree))
    if source.written_in == "mjml":
        for text in (*texts.bodies, *texts.includes):
            problems += mjml_problems(text.name, text.source)
    problems += uses.uncalled
    problems += misplaced(uses, columns)
    problems += OwnCells(source.columns).problems(columns)
    problems += [
        _unknown(use.name, unknown_field(use, columns))
        for use in uses.unknown(columns, _provided(source))
        if not use.copes_missing
    ]
    return problems or list(_constant_problems(source)) or list(_uncompilable(templates, texts.everything))


def header_texts(source: MessageSource) -> dict[str, TemplateText]:
    """The templates that stand in the campaign file itself, by their key there."""
    own = {role for role, _ in source.columns}
    values = {"from": source.sender, "subject": source.subject}
    values = {key: value for key, value in values.items() if value or key not in own}
    if source.reply_to or "reply_to" in own:  # the column's cells need a header to stand in
        values["reply_to"] = source.reply_to or ""
    values |= {header_key(name): value for name, value in source.headers}
    return {key: TemplateText(key, value) for key, value in values.items()}


def _extra_texts(source: MessageSource) -> dict[str, TemplateText]:
    """The templates of what a row brings beside its bodies, by a name of their own."""
    values: dict[str, str] = {}
    for at, (path, name) in enumerate(source.own_files):
        values[f"attachments.{at}.path"] = path
        if name:
            values[f"attachments.{at}.name"] = name
    values |= {f"cc.{at}": value for at, value in enumerate(source.cc)}
    values |= {f"bcc.{at}": value for at, value in enumerate(source.bcc)}
    return {key: TemplateText(key, value) for key, value in values.items()}


def header_key(header: str) -> str:
    return "reply_to" if header == REPLY_TO else f"headers.{header}"


def _provided(source: MessageSource) -> tuple[str, ...]:
    leaving = source.unsubscribe
    absent = {
        "postal_address": not source.postal_address,
        ROWS: not source.group,
        UNSUBSCRIBE_URL: leaving is None or not leaving.url,
        UNSUBSCRIBE_MAILTO: leaving is None or not leaving.mailto,
    }
    return tuple(name for name in PROVIDED if not absent.get(name))


def constants(source: MessageSource) -> dict[str, object]:
    constants: dict[str, object] = {"campaign": source.campaign}
    if source.postal_address:
        constants["postal_address"] = source.postal_address
    return constants


def _unknown(name: str, problem: Problem) -> Problem:
    if name == "postal_address":
        return Problem(problem.place, "the campaign gives no postal_address.", "Add it to the campaign file.")
    if name in (UNSUBSCRIBE_URL, UNSUBSCRIBE_MAILTO):
        key = name.removeprefix("unsubscribe_")
        return Problem(problem.place, f"the campaign says no {key} under unsubscribe.", "Add it to the campaign file.")
    if name == ROWS:
        message = "there are rows only where all rows of an address make one mail."
        return Problem(problem.place, message, "Add group: true under audience: in the campaign file.")
    return problem


def _constant_problems(source: MessageSource) -> Iterator[Problem]:
    """What is wrong with header values that are the same for everyone."""
    templates = TemplateSet(())
    for key, text in header_texts(source).items():
        if not is_constant(text.source):
            continue
        try:
            if key == "from":
                read_author(text.source)
            elif key == "subject":
                headers.unstructured("Subject", text.source)
            else:
                name = REPLY_TO if key == "reply_to" else key.removeprefix("headers.")
                header = Header(name, headers.header_kind(name), templates.compile(text, html=False))
                header_line(header, text.source, smtputf8=True)
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
