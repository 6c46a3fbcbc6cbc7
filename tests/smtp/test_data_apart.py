"""DATA held back until the recipient is accepted: the flights, and that refusals leave the next message unharmed."""

from __future__ import annotations

import asyncio

import pytest

from mailtui.smtp.gear import Gear
from tests.servers.scripted import Talk, scripted_peer
from tests.smtp.bench import Owner, jobs, session_to, stuffed
from tests.smtp.test_session import GO, OK, flight

NO = b"550 5.1.1 no such user\r\n"


def envelope(number: int) -> bytes:
    return b"MAIL FROM:<a@sender.example>\r\nRCPT TO:<r%d@x.test>\r\n" % number


async def played(gear: Gear, replies: list[bytes], count: int) -> tuple[Owner, list[bytes]]:
    """The flights a server saw that answered each with the next of `replies`."""
    seen: list[bytes] = []

    async def server(talk: Talk) -> None:
        for said in replies:
            seen.append(await flight(talk))
            await talk.send(said)

    owner = Owner(jobs(count), finish=True)
    async with scripted_peer(server) as peer, session_to(peer.port, owner, gear, start=False) as session:
        session.data_apart = True
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(asyncio.Protocol, "127.0.0.1", peer.port)
        session.start(transport)
        await owner.wait_ended()
    return owner, seen


async def test_in_cross_body_and_dot_still_ride_with_the_next_envelope() -> None:
    replies = [OK + OK, GO, OK + OK + OK, GO, OK, b"221 bye\r\n"]
    owner, seen = await played(Gear.CROSS, replies, 2)
    assert seen == [
        envelope(1),
        b"DATA\r\n",
        stuffed(1) + b".\r\n" + envelope(2),
        b"DATA\r\n",
        stuffed(2) + b".\r\n",
        b"QUIT\r\n",
    ]
    assert sorted(owner.answers) == [1, 2]


@pytest.mark.parametrize("gear", [Gear.CROSS, Gear.FLIGHT])
async def test_a_refused_recipient_costs_no_data_command(gear: Gear) -> None:
    replies = [OK + NO, OK + OK + OK, GO, OK, b"221 bye\r\n"]
    owner, seen = await played(gear, replies, 2)
    assert seen[0] == envelope(1)
    assert seen[1] == b"RSET\r\n" + envelope(2), "no DATA for nobody, and a clean slate for the next"
    assert seen[2] == b"DATA\r\n"
    assert b"".join(seen).count(b"DATA") == 1
    [(_, refused)], [(_, sent)] = owner.answers[1], owner.answers[2]
    assert refused is not None and sent is not None
    assert (refused.code, sent.code) == (550, 250)
