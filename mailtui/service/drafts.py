"""Owns looking at a message that is still being written: its files, the fields they use, and what is wrong so far.

Unlike everything that leads to a send, this shows what there is when half of it is broken.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mailtui.audience.findings import Understanding
from mailtui.audience.recipient import Recipient
from mailtui.campaign.campaign import Campaign, load_campaign
from mailtui.errors import AudienceError, ConfigError, Problem
from mailtui.kit.words import sentence
from mailtui.kit.yaml_edit import NotInPlace, line_of, replace_text, value_at
from mailtui.kit.yaml_file import Loc
from mailtui.message.conventions import with_types
from mailtui.message.fields import FieldUse, spelling, used_fields
from mailtui.message.frozen import MessageSource
from mailtui.message.html_blocks import Block, Kind, Look
from mailtui.message.html_text import lay_out
from mailtui.message.own_cells import SENT_AS
from mailtui.message.preflight import Finding as CheckFinding
from mailtui.message.source import Unsaved, own_mail_defaults, own_mail_text, readable_templates
from mailtui.message.templates import TemplateText
from mailtui.service.template_words import FILTERS, PROVIDED

BODIES = ("html", "markdown", "mjml", "text")
"""The roles of the files that are bodies."""

__all__ = [
    "BODIES",
    "Block",
    "CheckFinding",
    "Draft",
    "DraftField",
    "DraftFile",
    "Kind",
    "Known",
    "Look",
    "Mistake",
    "NotInPlace",
    "know",
    "lay_out",
    "line_of",
    "read_draft",
    "replace_text",
    "value_at",
]

_SAVED: Unsaved = {}
_CHARACTER = re.compile(r", character (\d+)$")


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong at a place in a text. Lines and columns count from 1; a column of 0 is the whole line."""

    line: int
    column: int
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class DraftFile:
    """One of the message's texts. `role` says what it is for; `name` is its file, or its key in the campaign file.

    `language` is how it is coloured: html, markdown, text or yaml. `path` is the file it stands in, and `loc` where in
    there, for a value of the campaign file; empty for a file of its own.
    """

    role: str
    name: str
    source: str
    language: str
    path: Path
    loc: Loc = ()
    mistakes: tuple[Mistake, ...] = ()


@dataclass(frozen=True, slots=True)
class DraftField:
    """Something that a template can name. `sample` is what the recipient has there, or a word on what it is.

    `origin`: `list` for a column that the message uses, `unused` for one that it does not, `mailtui` for what every
    message has, `filter` for one of those, `default` when there is no such column and the templates cope, `missing`
    when they do not, `unknown` when the list cannot be read. `written` is how a template names it.
    """

    name: str
    sample: str
    origin: str
    written: str


@dataclass(frozen=True, slots=True)
class Known:
    """What a message is held against: the list's columns and the recipient whose values are shown; or why not."""

    columns: tuple[str, ...] | None
    recipient: Recipient | None
    error: ConfigError | None = None
    understanding: Understanding | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as far as it can be read. `errors` are what stands in the way of sending it.

    `mistakes` are those of them that have a place in `files`, with the number of the file; `others` all the rest.
    `message` is there when it could be made of the texts.
    """

    campaign: Campaign
    files: tuple[DraftFile, ...]
    fields: tuple[DraftField, ...]
    whole_row: bool
    first: Recipient | None
    errors: tuple[ConfigError, ...]
    mistakes: tuple[tuple[int, Mistake], ...]
    others: tuple[ConfigError, ...]
    message: MessageSource | None
    columns: tuple[str, ...] | None = None

    @property
    def problems(self) -> int:
        """How many mistakes there are."""
        return sum(max(1, len(error.problems)) for error in self.errors)


def know(campaign: Campaign, cache: Path, row: int | None = None) -> Known:
    """The list's columns, and the recipient of a row or, where it has no mail, the first. Mistakes come back."""
    try:
        with campaign.open_audience(cache) as audience:
            found = next(audience.recipients(row, row), None) if row else None
            person = found or next(audience.recipients(), None)
            return Known(audience.columns, person, understanding=audience.understanding)
    except ConfigError as error:
        return Known(None, None, error)


def read_draft(campaign: Campaign, cache: Path, *, unsaved: Unsaved = _SAVED, known: Known | None = None) -> Draft:
    """Read everything the campaign says, the list's columns and a recipient. Raises nothing for mistakes.

    `unsaved` counts instead of what is on disk; `known` spares opening the list.
    """
    errors: list[ConfigError] = []
    if os.path.realpath(campaign.path) in {str(path) for path in unsaved}:
        try:
            written = load_campaign(campaign.path, unsaved)
            campaign = dataclasses.replace(written, reach=campaign.reach).with_accounts(campaign.accounts)
        except ConfigError as error:  # the files of the last one that could be read are shown
            errors.append(error)
    known = know(campaign, cache) if known is None else known
    if known.error is not None:
        errors.append(known.error)
    source: MessageSource | None = None
    try:
        source = campaign.read_message(unsaved)
        if known.understanding is not None:
            source = with_types(source, known.understanding)
        if known.columns is not None:
            campaign.compile(source, known.columns, secret=b"draft", unsaved=unsaved)
    except ConfigError as error:
        source = None
        errors.insert(0, error)
    spec = own_mail_defaults(campaign.spec, campaign.spec.audience.columns)
    bodies, included = readable_templates(spec, campaign.folder, unsaved)
    inline = list(_inline(campaign))
    uses = used_fields([*inline, *bodies, *included], group=campaign.spec.audience.group)
    files = list(_files(campaign, inline, bodies, included, unsaved))
    mistakes, others = _placed(files, errors)
    for number, file in enumerate(files):
        own = {mistake for at, mistake in mistakes if at == number}
        if file.role == "campaign":  # a value's mistakes stand in the file, too
            own |= {_mistake(problem) for error in errors for problem in error.problems if _is_in(problem, file)}
        files[number] = dataclasses.replace(file, mistakes=tuple(sorted(own, key=lambda it: (it.line, it.column))))
    return Draft(
        campaign,
        tuple(files),
        tuple(_fields(campaign, uses.uses, known)),
        uses.whole_row,
        known.recipient,
        tuple(errors),
        tuple(mistakes),
        tuple(others),
        source if not errors else None,
        known.columns,
    )


def _placed(
    files: Sequence[DraftFile], errors: Iterable[ConfigError]
) -> tuple[list[tuple[int, Mistake]], list[ConfigError]]:
    """Each mistake with the number of the file it is in; and the errors that are about none of them."""
    mistakes: list[tuple[int, Mistake]] = []
    others: list[ConfigError] = []
    for error in errors:
        rest = []
        for problem in error.problems:
            at = next((number for number, file in enumerate(files) if _is_in(problem, file)), None)
            if at is None:
                rest.append(problem)
            elif (found := (at, _mistake(problem, files[at]))) not in mistakes:
                mistakes.append(found)
        if rest or not error.problems:
            others.append(type(error)(error.title, rest, detail="" if rest else error.detail, hint=error.hint))
        if isinstance(error, AudienceError):  # told in full above, with the list's columns, and marked at its line
            told = Problem(error.place, sentence(error.title), error.hint)
            at = next((number for number, file in enumerate(files) if _is_in(told, file)), None)
            if at is not None:
                mistakes.append((at, _mistake(told, files[at])))
    mistakes.sort(key=lambda found: (found[0], found[1].line, found[1].column))
    return mistakes, others


def _is_in(problem: Problem, file: DraftFile) -> bool:
    if problem.place.file != str(file.path):
        return False
    key = _CHARACTER.sub("", problem.place.key)
    if file.loc:
        return key == file.name
    return True


def _mistake(problem: Problem, file: DraftFile | None = None) -> Mistake:
    place = problem.place
    if file is not None and file.loc:
        found = _CHARACTER.search(place.key)
        return Mistake(1, int(found.group(1)) if found else 0, problem.message, problem.hint)
    return Mistake(place.line or 1, place.column or 0, problem.message, problem.hint)


def _inline(campaign: Campaign) -> Iterator[TemplateText]:
    """The templates that stand in the campaign file itself, by their key there."""
    own = campaign.spec.audience.columns
    spec, text = own_mail_defaults(campaign.spec, own), own_mail_text(campaign.spec, own)
    for key, value in (("subject", spec.subject), ("from", spec.sender), ("reply_to", spec.reply_to)):
        if value is not None:
            yield TemplateText(key, value)
    for name, value in spec.headers.items():
        yield TemplateText(f"headers.{name}", value)
    if text is not None:
        yield text


def _files(
    campaign: Campaign,
    inline: list[TemplateText],
    bodies: tuple[TemplateText, ...],
    included: tuple[TemplateText, ...],
    unsaved: Unsaved,
) -> Iterator[DraftFile]:
    for text in inline:
        role = text.name.removeprefix("headers.").replace("_", " ")
        loc = tuple(text.name.split(".", 1))
        yield DraftFile(role, text.name, text.source, "text", campaign.path, loc)
    for text in bodies:
        page = campaign.spec.page
        role = page[0] if page is not None and text.name == page[1] else "text"
        language = "html" if role == "mjml" else role
        yield DraftFile(role, text.name, text.source, language, campaign.folder / text.name)
    for text in included:
        language = "html" if re.search(r"\.(?:htm|mjml)", text.name.lower()) else "text"
        yield DraftFile("included", text.name, text.source, language, campaign.folder / text.name)
    written = unsaved.get(Path(os.path.realpath(campaign.path)))
    if written is None:
        try:
            written = campaign.path.read_text("utf-8", errors="replace")
        except OSError:
            written = ""  # it was removed since it was read; what was read is shown above
    yield DraftFile("campaign", campaign.path.name, written, "yaml", campaign.path)


def _fields(campaign: Campaign, uses: Iterable[FieldUse], known: Known) -> Iterator[DraftField]:
    columns, first = known.columns, known.recipient
    leaving = campaign.spec.unsubscribe
    provided = {
        **PROVIDED,
        "unsubscribe_url": PROVIDED["unsubscribe_url"] if leaving is not None and leaving.url else "",
        "unsubscribe_mailto": PROVIDED["unsubscribe_mailto"] if leaving is not None and leaving.mailto else "",
        "recipient": first.address if first is not None else PROVIDED["recipient"],
        "campaign": campaign.name,
        "postal_address": campaign.spec.postal_address or "",
        "rows": PROVIDED["rows"] if campaign.spec.audience.group else "",
    }
    # A column that stands for a value of the campaign's is used whatever the templates say.
    copes: dict[str, bool] = dict.fromkeys(campaign.spec.audience.columns.values(), False)
    for use in uses:
        copes[use.name] = copes.get(use.name, True) and use.copes_missing
    for name, default in copes.items():
        if columns is not None and name in columns:
            yield _column(name, first, "list")
        elif provided.get(name):
            yield DraftField(name, provided[name], "mailtui", _in_braces(name))
        elif columns is None:
            yield DraftField(name, "", "unknown", _in_braces(spelling(name)))
        else:
            yield DraftField(name, "", "default" if default else "missing", _in_braces(spelling(name)))
    for name in columns or ():
        if name not in copes and name != SENT_AS:
            yield _column(name, first, "unused")
    for name, value in provided.items():
        if value and name not in copes and name not in (columns or ()):
            yield DraftField(name, value, "mailtui", _in_braces(name))
    for name, (written, said) in FILTERS.items():
        yield DraftField(name, said, "filter", written)


def _column(name: str, first: Recipient | None, origin: str) -> DraftField:
    return DraftField(name, first.fields.get(name, "") if first is not None else "", origin, _in_braces(spelling(name)))


def _in_braces(expression: str) -> str:
    return f"{{{{ {expression} }}}}"
