"""Owns a campaign as loaded from its file: its parts, each with mistakes told by file, line and key."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass, field
from pathlib import Path

from mailtui.audience.audience import Audience, open_audience
from mailtui.audience.reach import FILES_ONLY, Reach
from mailtui.audience.recipient import AddedColumn
from mailtui.audience.rules import AllOf
from mailtui.audience.rules_text import format_rule
from mailtui.audience.rules_tree import read_rule
from mailtui.campaign.senders import OwnSenders, Senders, senders_of
from mailtui.campaign.spec import CampaignSpec
from mailtui.errors import AudienceError, Place, Problem, RuleError, TemplateError, UsageError
from mailtui.kit.validation import validate
from mailtui.kit.yaml_file import Loc, YamlDocument, parse_yaml, read_yaml
from mailtui.message.compose import CompiledMessage, compile_message
from mailtui.message.frozen import MessageSource
from mailtui.message.images import column_as_written
from mailtui.message.own_cells import SENT_AS
from mailtui.message.shared_files import own_file_key
from mailtui.message.source import Unsaved, own_mail_defaults, read_message
from mailtui.schedule.schedule import Schedule

_SAVED: Unsaved = {}
NO_SENDERS = Senders()


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign file, read and validated."""

    path: Path
    spec: CampaignSpec
    document: YamlDocument
    extra: str = ""  # a further filter, which narrows that of the file
    original: CampaignSpec | None = None  # as the file has it, where `spec` is narrowed
    reach: Reach = FILES_ONLY  # what its lists need beyond themselves when they are opened
    accounts: OwnSenders = field(
        default_factory=dict
    )  # what accounts of the settings are from, where it does not say itself
    senders: Senders = NO_SENDERS  # those of them that take turns
    chosen: Schedule | None = None  # when it goes, where that is not left to the file

    @property
    def folder(self) -> Path:
        return self.path.parent

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def series(self) -> str:
        """What makes a launch one of the same series: the file's real path and the campaign's name."""
        return f"{self.path.resolve()}\n{self.name}"

    @property
    def filter_text(self) -> str:
        """The rules as one line, empty for everybody."""
        rule = read_rule(self.spec.audience.filter)
        return "" if rule is None else format_rule(rule)

    @property
    def schedule(self) -> Schedule:
        """When it goes; not settled where only its file says it."""
        return self.spec.whole_schedule() if self.chosen is None else self.chosen

    def with_source(self, path: Path) -> Campaign:
        """The same campaign with its list at another path."""
        audience = self.spec.audience.model_copy(update={"source": str(path)})
        return dataclasses.replace(self, spec=self.spec.model_copy(update={"audience": audience}))

    def narrowed(self, extra: str | None) -> Campaign:
        """The same campaign for those who match `extra` too. A further filter never lets more people in."""
        if not extra:
            return self
        try:
            added, own = read_rule(extra), read_rule(self.spec.audience.filter)
        except RuleError as error:
            problems = [
                dataclasses.replace(item, place=dataclasses.replace(item.place, file="--filter"))
                for item in error.problems
            ]
            raise RuleError(error.title, problems, hint=error.hint) from None
        if added is None:
            return self
        text = format_rule(added if own is None else AllOf((own, added)))
        audience = self.spec.audience.model_copy(update={"filter": text})
        spec = self.spec.model_copy(update={"audience": audience})
        return dataclasses.replace(self, spec=spec, extra=extra, original=self.spec)

    def open_audience(self, cache: Path) -> Audience:
        """Open the list. Raises `AudienceError`, `RuleError`, each with its place."""
        try:
            audience = open_audience(self.spec.audience, folder=self.folder, cache=cache, reach=self.reach)
        except RuleError as error:
            raise self.misfit(error, cache) from None
        except AudienceError as error:
            raise self.list_error(error) from None
        if self.senders:
            audience.added = AddedColumn(SENT_AS, self.senders.of)
        return audience

    def with_accounts(self, accounts: OwnSenders) -> Campaign:
        """The same campaign with its accounts' From where it says none: one for all, or several that take turns.

        An account that there is not says nothing, and is told by whoever needs it.
        """
        campaign = dataclasses.replace(self, accounts=accounts)
        named = self.spec.accounts or dict.fromkeys(self.spec.account_names)
        own_mail = own_mail_defaults(self.spec, self.spec.audience.columns).sender
        if own_mail is not None or "from" in self.spec.audience.columns or not accounts.keys() >= named.keys():
            return campaign
        senders = senders_of([(accounts[name][0], weight or accounts[name][1]) for name, weight in named.items()])
        if len(senders) > 1:
            return dataclasses.replace(campaign, senders=Senders(senders, self.series))
        sender = {"sender": senders[0].mailbox} if senders else {}
        return dataclasses.replace(campaign, spec=self.spec.model_copy(update=sender))

    def account_place(self, name: str) -> Place:
        """Where the file names an account."""
        named = self.document.data.get("accounts")
        if isinstance(named, list):
            return self.document.place(("accounts", named.index(name)))
        return self.document.place(
            ("accounts", name) if isinstance(named, dict) else ("accounts",) if named else ("account",)
        )

    def misfit(self, error: RuleError, cache: Path) -> RuleError:
        """Why the filter does not fit the list, with its place."""
        return RuleError(error.title, [self._rule_placed(item, cache) for item in error.problems])

    def list_error(self, error: AudienceError) -> AudienceError:
        """Why the list cannot be opened, with the line that says what does not fit."""
        key = self._about(error)
        return error_at(self.document.place(key), error) if key else error

    def _about(self, error: AudienceError) -> Loc:
        """The key that an error is about; none for something else than is named there, such as a full disk."""
        spec = self.spec.audience
        if spec.address is not None and spec.address in error.title:
            return ("audience", "address")
        if spec.source in error.title:
            return ("audience", "source")
        typed = (name for name in spec.types if f" {name}, and the list has no such column" in error.title)
        return next((("audience", "types", name) for name in typed), ())

    def _rule_placed(self, problem: Problem, cache: Path) -> Problem:
        if self.extra and self._own_filter_fits(cache):
            return dataclasses.replace(problem, place=Place("--filter"))
        return dataclasses.replace(problem, place=self.document.place(("audience", "filter")))

    def _own_filter_fits(self, cache: Path) -> bool:
        """Whether a mistake in the rules is in what was added to those of the file."""
        own = dataclasses.replace(self, spec=self.original or self.spec, extra="")
        try:
            own.open_audience(cache).close()
        except RuleError:
            return False
        return True

    def read_message(self, unsaved: Unsaved = _SAVED) -> MessageSource:
        """Read the templates. Raises `TemplateError` with every mistake in its place."""
        audience = self.spec.audience
        columns, group = audience.columns, audience.group
        if self.senders:
            columns = {**columns, "from": SENT_AS}
        try:
            return read_message(self.spec, self.folder, self.name, columns=columns, group=group, unsaved=unsaved)
        except TemplateError as error:
            raise self._placed(error) from None

    def compile(
        self, source: MessageSource, columns: tuple[str, ...], *, secret: bytes, unsaved: Unsaved = _SAVED
    ) -> CompiledMessage:
        """Compile the templates for a list with these columns. Raises `TemplateError`."""
        try:
            return compile_message(source, columns, secret=secret)
        except TemplateError as error:
            problems = [
                dataclasses.replace(it, place=self._written(it.place, source, unsaved)) for it in error.problems
            ]
            raise self._placed(TemplateError(error.title, problems, hint=error.hint)) from None

    def _written(self, place: Place, source: MessageSource, unsaved: Unsaved) -> Place:
        """The same place in a template as its author has it, where images are named by their files."""
        path = Path(os.path.realpath(self.folder / place.file))
        page = [text for text in (source.html, *source.includes) if text is not None and text.name == place.file]
        if not page or place.line is None or place.column is None or not source.files:
            return place
        written = unsaved.get(path)
        if written is None:
            written = path.read_text("utf-8-sig") if path.is_file() else page[0].source
        if written == page[0].source:
            return place
        column = column_as_written(written, source.written_in or "html", place.line, place.column)
        return dataclasses.replace(place, column=column)

    def _placed(self, error: TemplateError) -> TemplateError:
        """Give problems that only know a key of the campaign file, or a template's name, a place people can open."""
        placed = [dataclasses.replace(item, place=self.placed(item.place)) for item in error.problems]
        return TemplateError(error.title, placed, hint=error.hint)

    def placed(self, place: Place) -> Place:
        """Where people find what is known by a key of the campaign file, or by a template's name."""
        if not place.file or (place.line is None and place.key):
            return self.document.place(_steps(place.key))
        template = self.folder / place.file
        if template.exists():
            return dataclasses.replace(place, file=str(template))
        key = self._key(place.file)
        return self._in_value(key, place) if key in self.document.marks else place

    def _key(self, name: str) -> Loc:
        """Where a template that is known by name stands in the campaign file, or what it is a part of."""
        steps = _steps(name)
        if steps[:1] == ("attachments",) and isinstance(steps[1], int):
            steps = (*_steps(own_file_key(self.spec, steps[1])), *steps[2:])
        while steps not in self.document.marks and len(steps) > 1:
            steps = steps[:-1]
        return steps

    def _in_value(self, key: Loc, place: Place) -> Place:
        """A template that stands in the campaign file itself: point to its key, and say where in its text."""
        found = self.document.place(key)
        column = f", character {place.column}" if place.column else ""
        return dataclasses.replace(found, key=f"{'.'.join(map(str, key))}{column}")


def _steps(key: str) -> Loc:
    """The way to a key in the document: `attachments.0.path`."""
    return tuple(int(step) if step.isdecimal() else step for step in key.split(".")) if key else ()


def error_at(place: Place, error: AudienceError) -> AudienceError:
    """The same error, saying first which line of the campaign file named the list."""
    detail = "\n".join(part for part in (str(place), error.detail) if part)
    placed = AudienceError(error.title, detail=detail, hint=error.hint)
    placed.place = place
    return placed


def load_campaign(path: Path, unsaved: Unsaved = _SAVED) -> Campaign:
    """Read a campaign file. Raises `ConfigError` that lists every mistake."""
    if path.is_dir() and (path / "campaign.yaml").is_file():
        path = path / "campaign.yaml"
    if path.suffix.lower() in (".csv", ".tsv", ".xlsx"):
        raise UsageError(
            f"{path} is a list, not a campaign",
            hint="Look at the list with: mailtui audience FILE. A sample campaign is made by: mailtui init DIR",
        )
    edited = unsaved.get(Path(os.path.realpath(path))) if unsaved else None
    document = read_yaml(path) if edited is None else parse_yaml(edited, path)
    spec = validate(CampaignSpec, document, title=f"{path} has mistakes")
    return Campaign(path, spec, document)
