"""Owns what a face does with a campaign before anything is sent: look at its list, check it, see its mails."""

from __future__ import annotations

import asyncio
import dataclasses
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mailtui.audience.audience import Audience, open_audience
from mailtui.audience.counting import count_stream
from mailtui.audience.rules_tree import read_rule
from mailtui.audience.spec import STDIN, AudienceSpec
from mailtui.audience.views import StreamCounts
from mailtui.campaign.campaign import Campaign, load_campaign
from mailtui.campaign.checks import CheckReport, run_checks
from mailtui.campaign.senders import sender_findings
from mailtui.campaign.signing import key_findings, rewriting_findings, signing_findings
from mailtui.campaign.suppression import LeftOut, Suppressed, open_left_out
from mailtui.campaign.time_checks import pace_findings
from mailtui.campaign.trial import TrialRenderer
from mailtui.dispatch.members import Member
from mailtui.errors import AccountError, ConfigError, NoAccount, Problem
from mailtui.kit.paths import private_folder, touch_private
from mailtui.kit.yaml_file import read_yaml
from mailtui.message.conventions import with_types
from mailtui.message.frozen import MessageSource
from mailtui.message.mime import TransferEncoding
from mailtui.message.preflight import Finding
from mailtui.message.source import own_mail_defaults
from mailtui.outbox.opening import parse_outbox
from mailtui.outbox.ports import Reader
from mailtui.outbox.states import CampaignState
from mailtui.outbox.suppression import list_of, scopes_for
from mailtui.service.account_tests import last_tests
from mailtui.service.list_options import ListOptions
from mailtui.service.settings import Settings
from mailtui.service.settings_layers import PROJECT_FILE
from mailtui.service.signing import LONGEST_SIGNATURE, Signing, signing_of
from mailtui.service.views import CampaignView
from mailtui.smtp.endpoint import Endpoint

Progress = Callable[[int, int], None]

_LIST_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
PREVIEW_SECRET = b"preview"
_ONE_CLICK_SIGNED = "one-click-signed"


@dataclass(frozen=True, slots=True)
class OnRecord:
    """What an outbox has: who of some keys is `suppressed` and why, in words; the `lists` by name that somebody is on;
    the id of the `earlier` launch of the campaign, '' where there was none.
    """

    suppressed: Callable[[Sequence[str]], dict[str, str]]
    lists: tuple[str, ...] = ()
    earlier: str = ""


class CampaignDesk:
    """Campaign files and lists, read and shown; nothing here writes an outbox or opens a connection."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._cache = settings.home.audiences
        self.reach = settings.reach()
        """What lists need beyond themselves when they are opened: one for this process."""
        self._stdin: Path | None = None

    def settings_changed(self, settings: Settings) -> None:
        """Go by these settings from now on."""
        self._settings = settings

    def close(self) -> None:
        """Forget what came on standard input."""
        if self._stdin is not None:
            shutil.rmtree(self._stdin.parent, ignore_errors=True)
            self._stdin = None

    def load(self, path: Path, *, filter: str | None = None) -> Campaign:
        """Read a campaign file, narrowed to those who match `filter` too. Raises `ConfigError`, `RuleError`."""
        campaign = dataclasses.replace(load_campaign(path), reach=self.reach).with_accounts(
            self._settings.own_senders()
        )
        if campaign.spec.audience.source == STDIN:
            campaign = campaign.with_source(self._standard_input())
        return campaign.narrowed(filter)

    def _standard_input(self) -> Path:
        """A private copy, kept until `close`: a list is looked at more than once, a pipe can be read only once."""
        if self._stdin is None:
            folder = Path(tempfile.mkdtemp(prefix="stdin-", dir=private_folder(self._cache)))
            self._stdin = touch_private(folder / "standard input")
            with self._stdin.open("wb") as copy:
                shutil.copyfileobj(sys.stdin.buffer, copy)
        return self._stdin

    def filters(self, target: str, *, filter: str | None) -> list[tuple[str, str]]:
        """(where it stands, the rules as one line) of every filter that `open_list` goes by, for people."""
        if not is_campaign(target):
            return [("--filter", filter)] if filter else []
        campaign = self.load(Path(target))
        own = [(str(campaign.path), campaign.filter_text)] if campaign.filter_text else []
        return [*own, *([("--filter", filter)] if filter else [])]

    def list_spec(
        self, target: str, *, filter: str | None, options: ListOptions | None = None
    ) -> tuple[AudienceSpec, Path]:
        """What to open for a list or a campaign file, and the folder its paths are relative to."""
        spec, folder = self._list_spec(target, filter)
        return (spec if options is None else options.over(spec)), folder

    def _list_spec(self, target: str, filter: str | None) -> tuple[AudienceSpec, Path]:
        path = Path(target)
        if is_campaign(target):
            campaign = self.load(path, filter=filter)
            return campaign.spec.audience, campaign.folder
        read_rule(filter)  # for its errors, which name the place in the rule
        # As it is: the name of a file may hold bytes that are no text, and then no model would take it.
        return AudienceSpec.model_construct(source=target, filter=filter), Path()

    def open_list(
        self,
        target: str,
        *,
        filter: str | None,
        options: ListOptions | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Audience:
        """Open a list, or a campaign's. Raises `AudienceError`, `RuleError`, `ConfigError`, `UsageError`.

        `progress` hears how many rows were read, when that has to be done.
        """
        spec, folder = self.list_spec(target, filter=filter, options=options)
        return open_audience(spec, folder=folder, cache=self._cache, progress=progress, reach=self.reach)

    def count_list(self, target: str, *, filter: str | None, options: ListOptions | None = None) -> StreamCounts:
        """Count in one pass, without an index. Raises as `open_list`."""
        spec, folder = self.list_spec(target, filter=filter, options=options)
        return count_stream(spec, folder, reach=self.reach)

    def open_audience(self, campaign: Campaign) -> Audience:
        return campaign.open_audience(self._cache)

    def endpoint(self, campaign: Campaign) -> Endpoint:
        """The server that a campaign is sent through, the first of several. Raises `ConfigError` or `AccountError`."""
        return self.members(campaign)[0].endpoint

    def carrier(self, campaign: Campaign, sender: str) -> Endpoint:
        """The server for a mail from this address: of several accounts one whose own it is, or that may send as any."""
        members = self.members(campaign)
        named = (member for member in members if member.senders and member.may_send_as(sender))
        return next(named, next((member for member in members if member.may_send_as(sender)), members[0])).endpoint

    def members(self, campaign: Campaign) -> tuple[Member, ...]:
        """The accounts that a campaign is sent through, at least one. Raises `ConfigError` with every mistake."""
        spec = campaign.spec
        if spec.smtp is not None:
            return (Member(spec.smtp.inline_endpoint(campaign.folder)),)
        members, problems = [], []
        for name in spec.account_names:
            try:
                member = self._settings.member(name)
                weight = (spec.accounts or {}).get(name)
                members.append(member if weight is None else dataclasses.replace(member, weight=weight))
            except AccountError as error:
                hint = self._beside(campaign.folder, name) or error.hint
                problems.append(Problem(campaign.account_place(name), f"{error.title}.", hint))
        other = next((member for member in members if member.dkim != members[0].dkim), None)
        if other is not None:
            what = f"it signs its mails (DKIM) otherwise than {members[0].name}, and any of them may carry a mail."
            hint = "Give both the same dkim: {selector: …, domain: …} in the settings, or none."
            problems.append(Problem(campaign.account_place(other.name), what, hint))
        if not spec.account_names:
            where = campaign.document.place(())
            hint = "Add account: NAME, or smtp: {host: 127.0.0.1, port: 25, security: plain}."
            problems.append(Problem(where, "it does not say which server to send through.", hint))
        if problems:
            raise NoAccount(f"{campaign.path} has mistakes", problems)
        return tuple(members)

    def signing(self, campaign: Campaign) -> Signing | None:
        """How its mails are signed, None where they are not."""
        return signing_of(self._settings, campaign)

    def _beside(self, folder: Path, account: str) -> str:
        """What to do where the settings beside a campaign have its account; they count only where mailtui is started
        there, since a campaign of somebody else's may not say which server gets a password.
        """
        file = folder / PROJECT_FILE
        try:
            data = read_yaml(file).data if file.is_file() else None
        except ConfigError:
            return ""
        accounts = data.get("accounts") if isinstance(data, dict) else None
        if not isinstance(accounts, dict) or account not in accounts:
            return ""
        there = f"{file} has it, which counts where mailtui is started in that folder: cd {shlex.quote(str(folder))}"
        return f"{there}. For any other, copy it into {self._settings.home.settings_file}."

    def check(self, campaign: Campaign, *, every_row: bool, progress: Progress) -> CheckReport:
        """Look for what is wrong. Raises what stands in the way of looking at all."""
        source = campaign.read_message()
        with self.open_audience(campaign) as audience:
            source = with_types(source, audience.understanding)
            sample = None if every_row else self._settings.spec.checks.sample
            with self._suppressed(campaign) as suppressed:
                size = self._largest_mail(campaign)
                found = run_checks(campaign, audience, source, suppressed, sample=sample, progress=progress, size=size)
            found = found.with_findings(self._about_pace(campaign, audience, found.counts.recipients))
        if self.signing(campaign) is not None:  # by a signature that covers what one click needs
            found = dataclasses.replace(found, findings=tuple(f for f in found.findings if f.code != _ONE_CLICK_SIGNED))
        return found.with_findings(self._about_accounts(campaign))

    def _about_accounts(self, campaign: Campaign) -> Iterator[Finding]:
        """Whether the accounts may send what the campaign is from, and how they sign it."""
        own = own_mail_defaults(campaign.spec, campaign.spec.audience.columns).sender
        sender = None if campaign.senders or "from" in campaign.spec.audience.columns else own
        place = campaign.document.place(("from",))
        if not campaign.senders and campaign.spec.account_names:
            yield from sender_findings(self.members(campaign), sender, place)
        signing = self.signing(campaign)
        if signing is not None:
            yield from signing_findings(signing.spec, sender, place)
            yield from key_findings(signing.spec, signing.file)
            yield from rewriting_findings(member.endpoint.host for member in self.members(campaign))

    def _about_pace(self, campaign: Campaign, audience: Audience, mails: int) -> list[Finding]:
        """How long it takes, where it says whom it is sent through."""
        if campaign.spec.smtp is None and not campaign.spec.account_names:
            return []
        return list(pace_findings(campaign, self.members(campaign), audience.recipients(), mails))

    def _largest_mail(self, campaign: Campaign) -> int:
        """The most bytes of a mail that the servers of its accounts said they take, when they were tested last; 0 where
        nothing is known of it. Room for the signature is left.
        """
        tests, sizes = last_tests(self._settings.home), []
        for name in campaign.spec.account_names:
            test = tests.get(name)
            known = test is not None and name in self._settings.spec.accounts
            if test is not None and known and test.size and test.server == str(self._settings.endpoint(name)):
                sizes.append(test.size)
        room = 0 if self.signing(campaign) is None else LONGEST_SIGNATURE
        return max(1, min(sizes) - room) if sizes else 0

    @contextmanager
    def _suppressed(self, campaign: Campaign) -> Iterator[Suppressed]:
        """Who gets nothing, to be counted."""
        with self.left_out_by(campaign) as left_out, self.on_record(campaign) as record:
            yield Suppressed(left_out, record.suppressed, lists=record.lists)

    def left_out_by(self, campaign: Campaign) -> AbstractContextManager[LeftOut]:
        """Whom the lists leave out that the campaign's file names. Entering raises `AudienceError`."""
        return open_left_out(campaign, self._cache)

    @contextmanager
    def on_record(self, campaign: Campaign) -> Iterator[OnRecord]:
        """What the outbox has to say before a campaign is launched; looking makes no outbox."""
        outbox = parse_outbox(self._settings.outbox_url)
        if not outbox.path.exists():
            yield OnRecord(lambda _: {})
            return
        name = campaign.spec.audience.list or ""
        scopes = scopes_for(name, "")
        with closing(outbox.reader()) as reader, asyncio.Runner() as runner:
            # Not `run`, which takes ctrl-c for itself and loses it where nothing is awaited.
            ask = runner.get_loop().run_until_complete
            found = ask(reader.suppression_counts()) if name else {}
            lists = tuple(other for scope in found if (other := list_of(scope)) is not None)
            yield OnRecord(
                lambda keys: ask(reader.suppressed(keys, scopes)),
                lists=lists,
                earlier=ask(_launched(reader, campaign.series)),
            )

    def left_out(self, view: CampaignView, key: str) -> str:
        """Why an address is left out by the launched campaign's file, in words; empty when it is not.

        Raises `ConfigError`, `AudienceError`.
        """
        file = view.campaign.series.partition("\n")[0]
        campaign = dataclasses.replace(load_campaign(Path(file)), reach=self.reach)
        with open_left_out(campaign, self._cache) as left_out:
            return left_out.reasons((key,)).get(key, "")


async def _launched(reader: Reader, series: str) -> str:
    """The id of the campaign that was launched last of a series; empty where none was."""
    latest = await reader.latest_of_series(series)
    return "" if latest is None or latest.state is CampaignState.DRAFT else latest.id


def trial_of(campaign: Campaign, source: MessageSource, columns: tuple[str, ...], *, signed: bool) -> TrialRenderer:
    """What renders mails to be looked at, with the files that rows name in the campaign's folder; encoded as those
    that are `signed`, or not, are for a server that takes everything.
    """
    return TrialRenderer(
        source,
        columns,
        secret=PREVIEW_SECRET,
        date=time.time(),
        transfer=TransferEncoding.QUOTED_PRINTABLE if signed else TransferEncoding.EIGHT_BIT,
        folder=campaign.folder,
        file_limit=campaign.spec.attachment_bytes,
    )


def is_campaign(target: str) -> bool:
    """Whether a name is that of a campaign file or of its folder, rather than of a list."""
    path = Path(target)
    is_list = target == "-" or path.suffix.lower() in _LIST_SUFFIXES
    return not is_list and (path.suffix.lower() in (".yaml", ".yml") or path.is_dir())
