"""Owns the facade: everything a face may ask for, in one place. Values out are frozen; orders go in.

A face never opens an outbox, a list or a connection by itself, and never imports what lies below this room.
What reads campaigns, lists and mails, and what sends, is loaded when it is asked for: to look at the outbox, or to give
an order about what is in it, takes none of that.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from mailtui.accounts.keyring_store import client_entry, login_entry
from mailtui.accounts.secrets import SecretSource
from mailtui.dispatch.members import Member, members_from_json
from mailtui.errors import UsageError
from mailtui.outbox.opening import Outbox, parse_outbox
from mailtui.outbox.ports import Desk, Reader
from mailtui.outbox.records import Campaign as LaunchedCampaign
from mailtui.outbox.states import ACTIVE_CAMPAIGNS, CampaignState, DeliveryState, OrderKind
from mailtui.outbox.witness import require_newest
from mailtui.report.export import ReportLine, original_rows, report_lines
from mailtui.service.account_state import AccountNow, accounts_now, parts_of
from mailtui.service.orders import Orders
from mailtui.service.runners import Launcher
from mailtui.service.searching import is_meant
from mailtui.service.settings import Settings, read_settings
from mailtui.service.told import told_of
from mailtui.service.views import CampaignView, now
from mailtui.smtp.credential import Credential
from mailtui.smtp.endpoint import Endpoint

if TYPE_CHECKING:
    from mailtui.accounts.credentials import Credentials
    from mailtui.campaign.again import Again
    from mailtui.campaign.campaign import Campaign
    from mailtui.campaign.freeze import Launch
    from mailtui.dispatch.runner import Runner
    from mailtui.schedule.schedule import Schedule
    from mailtui.service.campaigns import CampaignDesk
    from mailtui.service.launching import Launching, LaunchPlan
    from mailtui.service.pages import PageShelf
    from mailtui.service.previews import PreviewDesk
    from mailtui.service.scheduled import Scheduled
    from mailtui.service.suppression import SuppressionDesk

_LOOK_EVERY = 0.1
_SHOW_EVERY = 0.25

Ask = Callable[[str], Awaitable[str | None]]


class Service:
    """One user's mailtui. `close` it, or use it in a `with`."""

    def __init__(self, settings: Settings, environ: Mapping[str, str], ask: Ask | None) -> None:
        self.settings = settings
        self.outbox: Outbox = parse_outbox(settings.outbox_url)
        self.environ = environ
        self.orders = Orders(self)
        self.secrets = SecretSource(environ, settings=lambda: self.settings.secrets(), ask=ask)
        self.keyring = self.secrets.keyring
        self._launcher = Launcher(self.outbox, settings.home, environ, lambda: self.settings.logins())
        self._stack = contextlib.ExitStack()

    @classmethod
    def open(cls, environ: Mapping[str, str], *, outbox: str | None = None, ask: Ask | None = None) -> Service:
        """Read the settings. `ask` prompts for an account's password. Raises `ConfigError`."""
        return cls(read_settings(environ, outbox=outbox), environ, ask)

    def settings_changed(self) -> None:
        """The settings file was written: go by what it says now. The outbox stays the one that was opened."""
        self.settings = read_settings(self.environ, outbox=self.settings.outbox_url)
        if "campaigns" in vars(self):  # otherwise it is yet to be made
            self.campaigns.settings_changed(self.settings)
        self.secrets.settings_changed()

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the outbox and of what was kept for this command only."""
        self._stack.close()

    # the desks

    @cached_property
    def campaigns(self) -> CampaignDesk:
        """Campaign files and lists."""
        from mailtui.service.campaigns import CampaignDesk

        desk = CampaignDesk(self.settings)
        self._stack.callback(desk.close)
        return desk

    @cached_property
    def previews(self) -> PreviewDesk:
        """The mails of a campaign, to be looked at."""
        from mailtui.service.previews import PreviewDesk

        desk = PreviewDesk(self.campaigns)
        self._stack.callback(desk.close)
        return desk

    @cached_property
    def pages(self) -> PageShelf:
        """Mails as pages, for a browser."""
        from mailtui.service.pages import PageShelf

        shelf = PageShelf(self.settings.home.pages, self.environ)
        self._stack.callback(shelf.close)
        return shelf

    @cached_property
    def launching(self) -> Launching:
        """From a campaign file to a campaign of the outbox."""
        from mailtui.service.launching import Launching

        return Launching(self)

    @cached_property
    def scheduled(self) -> Scheduled:
        """What is to come."""
        from mailtui.service.scheduled import Scheduled

        return Scheduled(self)

    @cached_property
    def suppression(self) -> SuppressionDesk:
        """The people who get nothing."""
        from mailtui.service.suppression import SuppressionDesk

        return SuppressionDesk(self)

    @cached_property
    def reader(self) -> Reader:
        """The outbox, to be read on this thread."""
        reader = self.outbox.reader()
        self._stack.callback(reader.close)
        return reader

    def desk(self) -> Desk:
        """The outbox, to be changed by whoever asks; `close` it. Raises `OutboxOutdated` for an older copy.

        Nothing is written into one that a runner would refuse: it stays as it is until a person has said what to do.
        """
        if self.outbox.path.exists():
            require_newest(self.outbox.path, self.settings.home.sightings)
        return self.outbox.desk()

    def outbox_exists(self) -> bool:
        """Whether there is one: looking makes none."""
        return self.outbox.path.exists()

    # launching

    def prepare(
        self, campaign: Campaign, *, plan: Mapping[str, object], schedule: Schedule | None = None
    ) -> LaunchPlan:
        """What a launch would do; `plan` overrides the campaign's workers, window, rate and burst, `schedule` when it
        goes.
        """
        return self.launching.prepare(campaign, plan=plan, schedule=schedule)

    async def forecast(self, plan: LaunchPlan, *, again: Again) -> LaunchPlan:
        """The plan with the number of mails that would really go out. Writes nothing; raises what `launch` would."""
        return await self.launching.forecast(plan, again=again)

    async def launch(self, plan: LaunchPlan, *, again: Again, progress: Callable[[int], None]) -> Launch:
        """Freeze the campaign into the outbox. Raises `MessageChanged`, `OutboxError`, `TemplateError`, `AccountError`.

        Into an older copy of an outbox nothing is written (`OutboxOutdated`).
        """
        return await self.launching.launch(plan, again=again, progress=progress)

    # sending

    def runner_pid(self) -> int | None:
        """The process id of the runner that lives on the outbox, None when none does."""
        return self._launcher.pid()

    async def secret_for(self, campaign: LaunchedCampaign, *, anew: bool = False) -> dict[str, str]:
        """The secrets that a runner will need to go on with a campaign. Raises as `secrets_of`, and `UsageError`."""
        self.settings.require_same_logins(members := members_from_json(campaign.endpoint))
        return await self.secrets_of(members, anew=anew)

    async def secrets_of(self, members: Sequence[Member], *, anew: bool = False) -> dict[str, str]:
        """The secrets that accounts need, by the names of their entries in the keyring; asked for where the person is,
        and with `anew` in all places once more. Empty when none is needed. Raises `SecretMissing`, `DkimKeyProblem`.
        """
        from mailtui.service.signing import keys_of

        found = await keys_of(members, self.secrets)
        for member in members:
            account = member.endpoint.account
            if member.endpoint.grant is not None:
                found[login_entry(account)] = await self.secrets.refresh_token(account)
                client = await self.secrets.client_secret(account)
                found |= {client_entry(account): client} if client else {}
            elif member.endpoint.user:
                found[account] = await self.secrets.password(account, anew=anew)
        return found

    @cached_property
    def credentials(self) -> Credentials:
        """What is proved to servers: passwords, and access tokens of logins by OAuth."""
        from mailtui.service.engine import credentials_for

        return credentials_for(self.secrets, self.environ)

    async def credential(self, endpoint: Endpoint) -> Credential | None:
        """What to log in with, None at a server that wants no login. Raises `AccountError`."""
        try:
            return await self.credentials.login(endpoint) if endpoint.user else None
        except asyncio.CancelledError:
            await self.credentials.settle()  # the next refresh token may be on its way
            raise

    def tell_password(self, account: str, password: str | None) -> None:
        """Use this password for an account until the app is closed; None forgets it. It is written nowhere."""
        self.secrets.tell(account, password)

    def engine(self, campaign: LaunchedCampaign) -> Runner:
        """An engine in this process, for this campaign only."""
        from mailtui.service.engine import runner_for

        return runner_for(self.outbox, self.environ, self.secrets, until_idle=True, only=campaign.number)

    async def start_runner(self, secrets: Mapping[str, str], *, leave: str = "") -> int:
        """A runner that outlives this process: the one that lives, to which these secrets are handed over, or a new
        one.
        """
        return await self._launcher.ensure(secrets, leave=leave)

    async def hand_over(self, secrets: Mapping[str, str], *, leave: str = "", renewed: bool = False) -> bool:
        """Give secrets to the runner that lives, if one does. Campaigns that paused since one of them was missing go on
        by themselves, but for the one to `leave`; with `renewed`, also those whose former ones were refused.
        """
        return await self._launcher.hand_over(secrets, leave=leave, renewed=renewed)

    # looking

    async def view(self, campaign_id: str) -> CampaignView:
        """A campaign by any unambiguous beginning of its id. Raises `UnknownCampaign`."""
        return await self._view(campaign_id)

    async def views(self, search: str = "") -> list[CampaignView]:
        """The campaigns that meet all the words of a search, the oldest first; without any, every one."""
        campaigns = [campaign for campaign in await self.reader.campaigns() if is_meant(campaign, search)]
        return [await self._view(campaign.id) for campaign in campaigns]

    async def newest(self) -> CampaignView:
        """The campaign launched last. Raises `UsageError` when there is none."""
        campaigns = await self.reader.campaigns()
        if not campaigns:
            raise UsageError(
                "Nothing has been launched from this outbox yet",
                detail=self.outbox.url,
                hint="Try it with the sample campaign: mailtui demo",
            )
        return await self._view(campaigns[-1].id)

    async def _view(self, campaign_id: str) -> CampaignView:
        # The runner first: one that finishes the campaign and leaves between the two looks is not a lost one.
        runner = self._launcher.pid()
        campaign = await self.reader.campaign(campaign_id)
        counts = await self.reader.counts(campaign.number)
        view = CampaignView(
            campaign,
            counts,
            await self.reader.snapshot(campaign.number),
            runner,
            now(),
            await self._heartbeat(runner) if campaign.state in ACTIVE_CAMPAIGNS else None,
            next_try=await self.reader.next_try(campaign.number) if counts.deferred else None,
            next_due=(await self.reader.next_due(campaign.number) if campaign.state is CampaignState.RUNNING else None),
            told=await told_of(self.reader, campaign),
            suppression_grew=(
                campaign.state is CampaignState.PAUSED
                and counts.open > 0
                and await self.reader.suppression_grew(campaign.number)
            ),
        )
        accounts = await parts_of(self.reader, campaign, view.workers, view.seen_at)
        log = self._launcher.log_of(runner) if runner and view.silent_seconds else None
        return dataclasses.replace(view, accounts=accounts, log="" if log is None else str(log))

    async def accounts_now(self) -> dict[str, AccountNow]:
        """How the accounts of the settings stand, by name; nothing where there is no outbox. Looking makes none."""
        if not self.outbox.path.exists():
            return {}
        members = [self.settings.member(name) for name in self.settings.spec.accounts]
        return await accounts_now(self.reader, members, now())

    async def _heartbeat(self, runner: int | None) -> float | None:
        """When the runner that lives last wrote; the row of one that was killed says nothing about it."""
        beats = [row.heartbeat_at for row in await self.reader.runners() if row.pid == runner]
        return max(beats, default=None)

    async def follow(self, campaign_id: str) -> AsyncIterator[CampaignView]:
        """The campaign now, and again whenever something changed, until it rests or has lost its runner."""
        campaign = await self.reader.campaign(campaign_id)
        shown_at = -1.0
        while True:
            if self.reader.changed() or time.monotonic() - shown_at >= 1.0:
                view = await self._view(campaign.id)
                shown_at = time.monotonic()
                yield view
                if not (view.active or view.awaited) or view.lost:
                    return
                await asyncio.sleep(_SHOW_EVERY - _LOOK_EVERY)
            await asyncio.sleep(_LOOK_EVERY)

    async def intake(self, view: CampaignView) -> dict[str, int]:
        """How many rows of the list became no delivery, by kind."""
        return await self.reader.intake_counts(view.campaign.number)

    async def failures(self, view: CampaignView, limit: int = 10) -> list[tuple[str, int | None, str, int]]:
        """(state, code, text, how many) of what did not arrive, the most frequent first."""
        return await self.reader.failures(view.campaign.number, limit)

    def report(self, view: CampaignView, states: Sequence[str] = ()) -> AsyncIterator[ReportLine]:
        """One line a recipient, in the order of the list."""
        return report_lines(self.reader, view.campaign, [DeliveryState(state) for state in states])

    def originals(self, view: CampaignView, states: Sequence[str] = ()) -> AsyncIterator[str]:
        """The rows of the list as CSV lines, with what happened to them as the last column; the header first."""
        return original_rows(self.reader, view.campaign, [DeliveryState(state) for state in states])

    # orders

    async def pause(self, view: CampaignView) -> str:
        return await self.orders.give(view, OrderKind.PAUSE)

    async def resume(self, view: CampaignView, *, skip_missed: bool = False) -> str:
        """Go on; `skip_missed`: without those whose own time has passed."""
        arguments = {"skip_missed": True} if skip_missed else {}
        return await self.orders.give(view, OrderKind.RESUME, arguments, sends=True)

    async def cancel(self, view: CampaignView) -> str:
        """Stop it for good; a draft, whose launch did not come to its end, is thrown away."""
        if view.campaign.state is CampaignState.DRAFT:
            return await self.launching.throw_away(view)
        return await self.orders.give(view, OrderKind.CANCEL)

    async def change(self, view: CampaignView, settings: Mapping[str, object]) -> str:
        """Set `workers`, `rate` (messages a second, None for no limit) or `burst`, at once."""
        return await self.orders.give(view, OrderKind.SET, settings)
