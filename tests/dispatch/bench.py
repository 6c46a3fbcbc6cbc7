"""An outbox with campaigns in it, runners over it, and the books held against what a sandbox accepted."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mailtui.accounts.secrets import SecretSource
from mailtui.dispatch.members import Member, members_to_json
from mailtui.dispatch.notices import Herald
from mailtui.dispatch.plan import SendPlan
from mailtui.dispatch.runner import Runner, RunnerOptions
from mailtui.errors import AccountError
from mailtui.message.dkim import DkimSpec
from mailtui.message.frozen import MessageSource, SharedFile
from mailtui.message.own_cells import SENT_AS
from mailtui.message.templates import TemplateText
from mailtui.outbox.opening import Outbox, parse_outbox
from mailtui.outbox.records import Campaign, Counts, DeliveryRow, NewCampaign, NewDelivery
from mailtui.outbox.states import CampaignState, OrderKind
from mailtui.sandbox.capture import read_captured
from mailtui.service.occurrences import ChildOccurrences
from mailtui.smtp.credential import Credential
from mailtui.smtp.endpoint import Endpoint, Security

TEXT = "Hello {{ name }}\n"


async def no_secret(account: str) -> str:
    raise AssertionError(f"nobody should ask for the password of {account}")


class Passwords:
    """The passwords of accounts as a function knows them; there are no keys."""

    def __init__(self, ask: Callable[[str], Awaitable[str]] = no_secret) -> None:
        self._ask = ask
        self._known: dict[str, str] = {}

    async def login(self, endpoint: Endpoint, *, refused: Credential | None = None) -> Credential:
        account = endpoint.account
        if refused is not None:
            self._known.pop(account, None)
            raise AccountError("There is no other password")
        if account not in self._known:
            self._known[account] = await self._ask(account)
        return Credential.password(self._known[account])

    async def signing_key(self, account: str) -> bytes:
        raise AssertionError(f"nobody should ask for the key of {account}")

    async def settle(self) -> None:
        """Nothing is ever under way."""


def source(
    text: str = TEXT, sender: str = "News <news@acme.test>", files: tuple[SharedFile, ...] = ()
) -> MessageSource:
    return MessageSource(
        sender=sender,
        subject="Hi {{ name }}",
        text=TemplateText("text", text),
        html=None,
        campaign="x",
        files=files,
    )


def address(number: int, campaign: str = "c1") -> str:
    return f"u{number}.{campaign}@example.com"


def options(
    outbox: Outbox,
    *,
    say: Callable[[str], None],
    until_idle: bool = True,
    only: int | None = None,
    scale: float = 1.0,
) -> RunnerOptions:
    """What a runner of the tests goes by; it leaves its sightings beside the outbox."""
    return RunnerOptions("0", outbox.path.parent / "sightings", say, until_idle=until_idle, only=only, scale=scale)


@dataclass
class House:
    """One outbox in a folder of its own."""

    folder: Path

    def __post_init__(self) -> None:
        self.outbox: Outbox = parse_outbox(f"sqlite:///{self.folder}/outbox.db")
        self.desk = self.outbox.desk()
        self.reader = self.outbox.reader()
        self.said: list[str] = []  # by runners of this process, to people

    async def launch(
        self,
        size: int,
        port: int,
        plan: SendPlan | None = None,
        *,
        id: str = "c1",
        user: str = "",
        text: str = TEXT,
        files: tuple[SharedFile, ...] = (),
        to: Endpoint | None = None,
        dkim: DkimSpec | None = None,
        members: Sequence[Member] = (),
        turns: Sequence[str] = (),
        schedule: str = "",
        start_at: float | None = None,
        launched_at: float | None = None,
    ) -> Campaign:
        """A live campaign of `size` recipients to a server on 127.0.0.1, to the endpoint `to`, or through `members`;
        `turns` are whom the mails are from by turns. With `start_at` it begins then, by its `schedule`.
        """
        now = launched_at or time.time()
        to = to or Endpoint("acme", "127.0.0.1", port, Security.PLAIN, user=user)
        message = source(text, files=files)
        if turns:
            message = dataclasses.replace(message, columns=(("from", SENT_AS),))
        draft = await self.desk.create_draft(
            NewCampaign(
                id=id,
                series=id,
                occurrence=1,
                name=id,
                message_digest=message.digest,
                message=message.to_json().encode(),
                endpoint=members_to_json(members or (Member(to, dkim=dkim),)),
                plan=(plan or SendPlan(workers=4)).to_json(),
                columns=("name", SENT_AS) if turns else ("name",),
                source="list.csv",
                filter="",
                secret=b"secret of " + id.encode(),
                schedule=schedule,
            ),
            now=now,
        )
        assert draft is not None
        await self.add(draft.number, range(1, size + 1), id=id, turns=turns)
        await self.desk.go_live(draft.number, actor="ann", now=now, start_at=start_at)
        return await self.reader.campaign(id)

    async def add(self, campaign: int, numbers: range, *, id: str = "c1", turns: Sequence[str] = ()) -> None:
        rows = [NewDelivery(address(n, id), n, address(n, id), (f"Zoé {n}",)) for n in numbers]
        if turns:
            bound = [(row, turns[row.row % len(turns)]) for row in rows]
            rows = [row._replace(fields=(*row.fields, sender), bound=sender) for row, sender in bound]
        await self.desk.add(campaign, rows, now=time.time())

    def runner(
        self,
        *,
        scale: float = 0.01,
        until_idle: bool = True,
        secrets: Callable[[str], Awaitable[str]] = no_secret,
        only: int | None = None,
        herald: Herald | None = None,
    ) -> Runner:
        chosen = options(self.outbox, until_idle=until_idle, only=only, scale=scale, say=self.said.append)
        occurrences = ChildOccurrences(self.outbox, os.environ, SecretSource({}))
        return Runner(self.outbox, chosen, Passwords(secrets), occurrences=occurrences, herald=herald)

    async def send(
        self,
        *,
        scale: float = 0.01,
        seconds: float = 60.0,
        secrets: Callable[[str], Awaitable[str]] = no_secret,
        only: Campaign | None = None,
    ) -> None:
        """Run a runner until nothing is left to do; `only`: one in the foreground, which stays for no later time."""
        number = None if only is None else only.number
        async with asyncio.timeout(seconds):
            await self.runner(scale=scale, secrets=secrets, only=number).run(lambda: None)

    async def order(self, campaign: Campaign, kind: OrderKind, **arguments: object) -> int:
        return await self.desk.order(campaign.number, kind, arguments, actor="ann", now=time.time())

    async def counts(self, campaign: Campaign) -> Counts:
        return await self.reader.counts(campaign.number)

    async def state(self, campaign: Campaign) -> CampaignState:
        return (await self.reader.campaign(campaign.id)).state

    async def until(self, campaign: Campaign, condition: Callable[[Counts], bool], seconds: float = 30.0) -> Counts:
        """Wait until the counts are so."""
        async with asyncio.timeout(seconds):
            while not condition(counts := await self.counts(campaign)):
                await asyncio.sleep(0.005)
        return counts

    async def until_state(self, campaign: Campaign, state: CampaignState, seconds: float = 30.0) -> None:
        async with asyncio.timeout(seconds):
            while await self.state(campaign) is not state:
                await asyncio.sleep(0.005)

    async def rows(self, campaign: Campaign) -> dict[str, DeliveryRow]:
        """Every delivery by its address."""
        found: dict[str, DeliveryRow] = {}
        after = 0
        while page := await self.reader.deliveries(campaign.number, after=after):
            after = page[-1].id
            found |= {row.address: row for row in page}
        return found

    async def check_books(self, campaign: Campaign, sandbox: Path) -> dict[str, DeliveryRow]:
        """No duplicate, no false sent, nothing lost; the rows."""
        rows = await self.rows(campaign)
        took = accepted(sandbox)
        assert max(took.values(), default=0) <= 1, "nobody got it twice"
        mine = {who for who in took if who in rows}
        sent = {who for who, row in rows.items() if row.state == "sent"}
        unknown = {who for who, row in rows.items() if row.state == "unknown"}
        assert sent <= mine, "nothing is called sent that was not accepted"
        assert mine <= sent | unknown, "everything accepted is sent or unknown"
        counts = await self.counts(campaign)
        assert counts.total == (await self.reader.campaign(campaign.id)).audience == len(rows)
        assert Counter(row.state.value for row in rows.values()) == Counter(
            {state: n for state, n in _as_dict(counts).items() if n}
        )
        return rows

    async def check_books_after_a_crash(self, campaign: Campaign, sandbox: Path) -> dict[str, str]:
        """What must hold at any instant, whatever is under way; the states."""
        rows = {who: row.state.value for who, row in (await self.rows(campaign)).items()}
        took = accepted(sandbox)
        assert max(took.values(), default=0) <= 1, "nobody got it twice"
        assert {who for who, state in rows.items() if state == "sent"} <= set(took)
        assert set(took) <= {who for who, state in rows.items() if state in ("sent", "unknown", "in_flight")}
        assert (await self.counts(campaign)).total == len(rows)
        return rows

    def close(self) -> None:
        self.desk.close()
        self.reader.close()


def _as_dict(counts: Counts) -> dict[str, int]:
    from dataclasses import asdict

    return asdict(counts)


def accepted(sandbox: Path) -> Counter[str]:
    """How often each recipient's mail was accepted."""
    return Counter(who for mail in read_captured(sandbox) for who in mail.rcpt_to)
