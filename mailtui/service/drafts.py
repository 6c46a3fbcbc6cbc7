"""Owns looking at a message that is still being written: its files, the fields they use, and what is wrong so far.

Unlike everything that leads to a send, this shows what there is when half of it is broken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mailtui.audience.recipient import Recipient
from mailtui.campaign.campaign import Campaign
from mailtui.errors import ConfigError, Problem
from mailtui.message.fields import FieldUse, used_fields
from mailtui.message.html_blocks import Block, Kind, Look
from mailtui.message.html_text import lay_out
from mailtui.message.preflight import Finding as CheckFinding
from mailtui.message.source import own_mail_defaults, own_mail_text, readable_templates
from mailtui.message.templates import TemplateText

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
    "Look",
    "lay_out",
    "read_draft",
]


@dataclass(frozen=True, slots=True)
class DraftFile:
    """One of the message's texts. `role` says what it is for; `name` is its file, or its key in the campaign file.

    `language` is how it is coloured: html, markdown, text or yaml. `wrong` has the mistakes in it by line, counted
    from 1.
    """

    role: str
    name: str
    source: str
    language: str
    wrong: Mapping[int, Problem]


@dataclass(frozen=True, slots=True)
class DraftField:
    """A field that the message uses. `sample` is what the first recipient has there.

    `origin`: `list` for a column, `mailtui` for what every message has, `default` when there is no such column and
    the templates cope, `missing` when they do not, `unknown` when the list cannot be read.
    """

    name: str
    sample: str
    origin: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as far as it can be read. `errors` are what stands in the way of sending it."""

    files: tuple[DraftFile, ...]
    fields: tuple[DraftField, ...]
    whole_row: bool
    first: Recipient | None
    errors: tuple[ConfigError, ...]

    @property
    def problems(self) -> int:
        """How many mistakes there are."""
        return sum(max(1, len(error.problems)) for error in self.errors)


def read_draft(campaign: Campaign, cache: Path) -> Draft:
    """Read everything the campaign says, the list's columns and its first recipient. Raises nothing for mistakes."""
    errors: list[ConfigError] = []
    columns: tuple[str, ...] | None = None
    first: Recipient | None = None
    try:
        with campaign.open_audience(cache) as audience:
            columns = audience.columns
            first = next(audience.recipients(), None)
    except ConfigError as error:
        errors.append(error)
    try:
        source = campaign.read_message()
        if columns is not None:
            campaign.compile(source, columns, secret=b"draft")
    except ConfigError as error:
        errors.insert(0, error)
    spec = own_mail_defaults(campaign.spec, campaign.spec.audience.columns)
    bodies, included = readable_templates(spec, campaign.folder)
    inline = list(_inline(campaign))
    uses = used_fields([*inline, *bodies, *included], group=campaign.spec.audience.group)
    problems = [problem for error in errors for problem in error.problems]
    return Draft(
        files=tuple(_files(campaign, inline, bodies, included, problems)),
        fields=tuple(_fields(campaign, uses.uses, columns, first)),
        whole_row=uses.whole_row,
        first=first,
        errors=tuple(errors),
    )


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
    problems: list[Problem],
) -> Iterator[DraftFile]:
    for text in inline:
        # Its line in the campaign file is not one of its own lines: what is wrong with it is told at the first.
        own = _wrong_in(campaign.path, [item for item in problems if item.place.key.split(",")[0] == text.name])
        role = text.name.removeprefix("headers.").replace("_", " ")
        yield DraftFile(role, text.name, text.source, "text", {1: next(iter(own.values()))} if own else {})
    for text in bodies:
        page = campaign.spec.page
        role = page[0] if page is not None and text.name == page[1] else "text"
        language = "html" if role == "mjml" else role
        yield DraftFile(role, text.name, text.source, language, _wrong_in(campaign.folder / text.name, problems))
    for text in included:
        language = "html" if re.search(r"\.(?:htm|mjml)", text.name.lower()) else "text"
        wrong = _wrong_in(campaign.folder / text.name, problems)
        yield DraftFile("included", text.name, text.source, language, wrong)
    try:
        written = campaign.path.read_text("utf-8", errors="replace")
    except OSError:
        written = ""  # it was removed since it was read; what was read is shown above
    yield DraftFile("campaign", campaign.path.name, written, "yaml", _wrong_in(campaign.path, problems))


def _wrong_in(file: Path, problems: Iterable[Problem]) -> dict[int, Problem]:
    wrong: dict[int, Problem] = {}
    for problem in problems:
        if problem.place.file == str(file):
            wrong.setdefault(problem.place.line or 1, problem)
    return wrong


def _fields(
    campaign: Campaign, uses: Iterable[FieldUse], columns: tuple[str, ...] | None, first: Recipient | None
) -> Iterator[DraftField]:
    provided = {
        "recipient": first.address if first is not None else "",
        "campaign": campaign.name,
        "now": "when it is sent",
        "postal_address": campaign.spec.postal_address or "",
        "rows": "all rows of the address" if campaign.spec.audience.group else "",
    }
    # A column that stands for a value of the campaign's is used whatever the templates say.
    copes: dict[str, bool] = dict.fromkeys(campaign.spec.audience.columns.values(), False)
    for use in uses:
        copes[use.name] = copes.get(use.name, True) and use.copes_missing
    for name, default in copes.items():
        if columns is not None and name in columns:
            yield DraftField(name, first.fields.get(name, "") if first is not None else "", "list")
        elif provided.get(name):
            yield DraftField(name, provided[name], "mailtui")
        elif columns is None:
            yield DraftField(name, "", "unknown")
        else:
            yield DraftField(name, "", "default" if default else "missing")
