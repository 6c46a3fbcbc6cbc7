"""Postfix's smtp-sink, a server that is not ours, with its fault flags: what a whole campaign run makes of each.

It does to everybody what a flag says, so that all rows of a list meet the same fate.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from mailtui.dispatch.plan import SendPlan
from mailtui.errors import ExitCode
from mailtui.outbox.records import Counts
from mailtui.outbox.states import CampaignState
from mailtui.service.views import CampaignView
from tests.dispatch.bench import TEXT, House
from tests.faults.matrix import HASTE
from tests.servers.smtp_sink import smtp_sink

pytestmark = pytest.mark.filterwarnings("error::ResourceWarning")
BIG = TEXT + "{{ '0123456789 abcdef\\n' * 44000 }}"


@dataclass(frozen=True, slots=True)
class Case:
    """Flags, the state that all rows end in, and how the run went."""

    flags: tuple[str, ...]
    becomes: str
    rows: int = 6
    workers: int = 2
    scale: float = 0.02
    rate: float | None = None
    text: str = TEXT
    held: bool = False

    @property
    def name(self) -> str:
        return " ".join(self.flags)


def case(flags: str, becomes: str, *reply: str, **more: object) -> Case:
    """`reply`: the option for the text of a reply, and the text."""
    return Case((*flags.split(), *reply), becomes, **more)  # type: ignore[arg-type]


CASES = [
    # What a server may leave out (N-07)
    *[case(flag, "sent") for flag in ("-e", "-8", "-E", "-N", "-p", "-a", "-P", "-C", "-F", "-8 -E -N -p -a")],
    case("-f EHLO", "sent"),
    # Before anybody's message is at stake (F-02 to F-06)
    *[case(f"-{how} CONNECT", "queued", held=True) for how in "qQf"],
    *[case(f"-{how} EHLO", "queued", held=True) for how in "qQ"],
    *[case(f"-{how} {at}", "queued") for at in ("MAIL", "RCPT", "DATA") for how in "qQ"],
    case("-W CONNECT:9", "queued", held=True, scale=HASTE),
    case("-W MAIL:9", "queued", scale=HASTE),
    # Refusals (F-11 to F-19)
    case("-r MAIL", "deferred", "-b", "451 4.3.0 later"),
    case("-f MAIL", "queued", "-B", "550 5.4.5 Daily user sending limit exceeded", held=True),
    case("-f MAIL", "queued", "-B", "552 5.3.4 Message too big", held=True),
    case("-r RCPT", "deferred", "-b", "450 4.2.1 too quickly"),
    case("-f RCPT", "failed", "-B", "550 5.1.1 No such user"),
    case("-r DATA", "deferred", "-b", "451 4.3.0 trouble"),
    case("-f DATA", "failed", "-B", "554 5.6.0 no"),
    # The reply to the message (F-40 to F-48)
    case("-q .", "unknown"),
    case("-Q .", "deferred"),
    case("-r .", "deferred", "-b", "452 4.3.1 no space"),
    case("-f .", "failed", "-B", "550 5.7.1 spam"),
    case("-p -W .:9", "unknown", scale=HASTE, rows=2),
    case("-W .:9", "unknown", scale=HASTE, rows=2),  # which answers commands behind the dot out of turn
    # The body (F-33, F-35)
    case("-H 9 -T 4096 -p", "queued", text=BIG, rows=2, scale=HASTE),
    case("-H 9 -T 4096", "unknown", text=BIG, rows=2, scale=HASTE),
    case("-A 1 -p", "failed", text=BIG, rows=2),
    case("-A 1", "failed", text=BIG, rows=2),
    # Late, and within what is waited for (F-18, F-44)
    *[case(flag, "sent", rows=2) for flag in ("-w 1", "-W CONNECT:1", "-W RCPT:1", "-p -W .:1:2")],
    # Leave-taking, idle connections, limits (F-30, F-50, F-60)
    *[case(flag, "sent") for flag in ("-q QUIT", "-Q QUIT", "-f QUIT", "-W QUIT:9")],
    # It gives a busy machine two seconds for a command, too
    case("-t 2", "sent", rows=2, workers=1, rate=0.35),
    case("-m 2", "sent", rows=30, workers=6),
]


EXITS = {"sent": ExitCode.DONE, "failed": ExitCode.SOME_FAILED, "unknown": ExitCode.SOME_UNKNOWN}


def test_q03_at_least_twenty_flags() -> None:
    assert len({word for given in CASES for word in given.flags if word.startswith("-")}) >= 20
    assert len({given.flags for given in CASES}) == len(CASES)


@pytest.mark.parametrize("given", [pytest.param(given, id=given.name) for given in CASES])
async def test_q03_a_foreign_servers_fault(house: House, given: Case) -> None:
    with smtp_sink(*given.flags) as sink:
        campaign = await house.launch(
            given.rows, sink.port, SendPlan(workers=given.workers, rate=given.rate), text=given.text
        )
        runner = house.runner(scale=given.scale)
        task = asyncio.create_task(runner.run(lambda: None))
        over = asyncio.create_task(asyncio.sleep(0.8 if given.becomes == "queued" else 40))
        if given.becomes == "deferred":
            await house.until(campaign, lambda now: now.deferred == given.rows)
        elif given.held:  # the runner may stay, to go on by itself
            await house.until_state(campaign, CampaignState.PAUSED, 40)
        else:
            await asyncio.wait({task, over}, return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        runner.stop()
        await task
    counts = await house.counts(campaign)
    assert counts == Counts(**{given.becomes: given.rows})
    rows = (await house.rows(campaign)).values()
    assert {row.attempts for row in rows} == {0 if given.becomes == "queued" else 1}
    now = await house.reader.campaign(campaign.id)
    if given.held:
        assert (now.state, now.held, bool(now.reason)) == (CampaignState.PAUSED, True, True)
        assert CampaignView(now, counts, None, None, 0.0).exit_code is ExitCode.PAUSED
    if given.becomes in EXITS:
        assert CampaignView(now, counts, None, None, 0.0).exit_code is EXITS[given.becomes]
