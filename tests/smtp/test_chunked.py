"""The dialogue with BDAT byte by byte: the window, marks, refusals inside it, 421, lost connections."""

from __future__ import annotations

import asyncio

import pytest

from mailtui.smtp.gear import Gear
from mailtui.smtp.job import Job
from mailtui.smtp.timeouts import Timeouts
from mailtui.smtp.verdict import Stage
from tests.servers.scripted import Close, Reset, Script, Send, Silence, Sleep, Talk, scripted_peer
from tests.smtp.bench import QUICK, Owner, job, jobs, message, session_to
from tests.smtp.test_session import flight

OK = b"250 2.0.0 ok\r\n"
TAKEN = OK * 3
GONE = b"550 5.1.1 gone\r\n"
NOBODY = b"503 5.5.1 no valid recipients\r\n"
BYE = b"421 4.3.2 going down\r\n"


def transaction(number: int, *, reset: bool = True) -> bytes:
    """One as it stands on the wire."""
    body = message(number)
    envelope = b"MAIL FROM:<a@sender.example>\r\nRCPT TO:<r%d@x.test>\r\n" % number
    return (b"RSET\r\n" if reset else b"") + envelope + b"BDAT %d LAST\r\n" % len(body) + body


def written(*numbers: int) -> bytes:
    """The first of a connection, and what follows it in the same write."""
    return b"".join(transaction(number, reset=number != numbers[0]) for number in numbers)


def plan(*replies: bytes) -> tuple[Script, list[bytes]]:
    """A server that lets everything come, answers with the next of `replies`, and so on; and what it saw each time."""
    seen: list[bytes] = []

    async def server(talk: Talk) -> None:
        for reply in replies:
            seen.append(await flight(talk))
            await talk.send(reply)
        seen.append(await talk.rest())

    return server, seen


async def run(
    server: Script, owner: Owner, window: int, *, timeouts: Timeouts | None = None, seconds: float = 5.0
) -> bytes:
    """Play a dialogue to its end; what the peer got."""
    async with (
        scripted_peer(server) as peer,
        session_to(peer.port, owner, Gear.CHUNKED, window=window, timeouts=timeouts),
    ):
        await owner.wait_ended(seconds)
    return peer.received


def outcomes(owner: Owner) -> list[str]:
    return [owner.outcome(job.tag) for job in owner.given]


# the window


async def test_a_window_is_written_at_once_and_filled_up_as_replies_come() -> None:
    server, seen = plan(TAKEN, OK * 12, b"221 bye\r\n")
    owner = Owner(jobs(4), finish=True)
    async with scripted_peer(server) as peer, session_to(peer.port, owner, Gear.CHUNKED, window=3):
        await owner.wait_ended()
    assert seen[:3] == [written(1, 2, 3), transaction(4), b"QUIT\r\n"]
    assert outcomes(owner) == ["settled 250"] * 4


async def test_a_window_of_one_waits_for_each_reply() -> None:
    server, seen = plan(TAKEN, OK * 4, b"221 bye\r\n")
    owner = Owner(jobs(2), finish=True)
    await run(server, owner, 1)
    assert seen[:3] == [transaction(1, reset=False), transaction(2), b"QUIT\r\n"]


async def test_while_the_window_is_full_the_next_are_taken_and_given_back_when_the_end_comes_first() -> None:
    """So that no reply waits for a message to be rendered; nothing is on record of them."""
    owner = Owner(jobs(9))
    async with scripted_peer([Silence()]) as peer, session_to(peer.port, owner, Gear.CHUNKED, window=3) as session:
        while not peer.received:
            await asyncio.sleep(0.005)
        assert [given.tag for given in owner.given] == [1, 2, 3, 4, 5, 6]
        assert [asked.tag for asked in owner.asked] == [1, 2, 3]
        session.abort("enough")
    assert outcomes(owner) == ["in_doubt"] * 3 + ["untouched"] * 3
    assert list(owner.answers) == [4, 5, 6, 1, 2, 3], "while the connection is not over: its end was not about them"


@pytest.mark.parametrize("lines", [b".\r\n", b"..\r\n", b".dot\r\n\r\n.\r\n", b"no end"])
async def test_a_message_is_written_as_it_is(lines: bytes) -> None:
    """Nothing is dot-stuffed behind BDAT (RFC 3030 section 2); only a missing last line end is put there."""
    data = b"Subject: 1\r\n\r\n" + lines
    whole = data if data.endswith(b"\r\n") else data + b"\r\n"
    server, seen = plan(TAKEN, b"221 bye\r\n")
    await run(server, Owner([job(1, data=data)], finish=True), 4)
    assert seen[0].partition(b"BDAT ")[2] == b"%d LAST\r\n" % len(whole) + whole


async def test_a_job_lets_go_of_its_message_once_it_is_written() -> None:
    server, _ = plan(OK * 11)
    owner = Owner(jobs(3))
    async with scripted_peer(server) as peer, session_to(peer.port, owner, Gear.CHUNKED, window=4):
        while len(owner.answers) < 3:
            await asyncio.sleep(0.005)
    assert [given.data for given in owner.given] == [b""] * 3


async def test_a_window_that_is_narrowed_holds_from_the_next_message_on() -> None:
    server, seen = plan(TAKEN + OK * 8, OK * 4, OK * 4, b"221 bye\r\n")
    owner = Owner(jobs(5), finish=True)

    def narrow(job: Job, verdict: object) -> None:
        assert owner.session is not None
        owner.session.window = 1
        kept(job, verdict)  # type: ignore[arg-type]

    kept, owner.settled = owner.settled, narrow  # type: ignore[method-assign]
    await run(server, owner, 3)
    assert seen[:3] == [written(1, 2, 3), transaction(4), transaction(5)]


# marks


async def test_nothing_is_written_before_every_mark_of_the_window_is_answered() -> None:
    server, seen = plan(TAKEN + OK * 4, b"221 bye\r\n")
    owner = Owner(jobs(3), by_hand=True, finish=True)
    async with scripted_peer(server) as peer, session_to(peer.port, owner, Gear.CHUNKED, window=3) as session:
        assert [asked.tag for asked in owner.asked] == [1, 2, 3], "together, so that one commit takes them"
        session.marked(owner.asked[2], held=True)
        session.marked(owner.asked[0], held=True)
        await asyncio.sleep(0.05)
        assert peer.received == b""
        session.marked(owner.asked[1], held=False)
        while len(owner.answers) < 2:
            await asyncio.sleep(0.005)
        session.finish()
        await owner.wait_ended()
    assert seen[0] == written(1, 3), "who was withdrawn is left out, and costs the others nothing"
    assert 2 not in owner.answers, "who withdrew it knows it"


async def test_a_window_whose_marks_all_fail_is_not_written_and_the_next_is() -> None:
    server, seen = plan(TAKEN, b"221 bye\r\n")
    owner = Owner(jobs(3), by_hand=True)
    async with scripted_peer(server) as peer, session_to(peer.port, owner, Gear.CHUNKED, window=2) as session:
        for asked in owner.asked[:2]:
            session.marked(asked, held=False)
        session.marked(owner.asked[2], held=True)
        while not owner.answers:
            await asyncio.sleep(0.005)
        session.finish()
        await owner.wait_ended()
    assert seen[0] == transaction(3, reset=False)


@pytest.mark.parametrize("early", [True, False])
async def test_an_end_while_marks_are_asked_for_leaves_everything_untouched(early: bool) -> None:
    owner = Owner(jobs(3), by_hand=True)
    async with scripted_peer([Silence()]) as peer, session_to(peer.port, owner, Gear.CHUNKED, window=3) as session:
        if early:
            session.marked(owner.asked[0], held=True)
        session.abort("enough")
        for asked in owner.asked[early:2]:
            session.marked(asked, held=True)
        session.marked(owner.asked[2], held=False)
    assert owner.answers == {1: [("untouched", None)], 2: [("untouched", None)]}
    assert peer.received == b""


async def test_finish_while_marks_are_asked_for_gives_everything_back() -> None:
    """A pause or a cancel: nothing of them was written, so nothing of them need be."""
    server, seen = plan(b"221 bye\r\n")
    owner = Owner(jobs(3), by_hand=True)
    async with scripted_peer(server) as peer, session_to(peer.port, owner, Gear.CHUNKED, window=2) as session:
        session.finish()
        for asked in owner.asked:
            session.marked(asked, held=True)
        await owner.wait_ended()
    assert seen[0] == b"QUIT\r\n"
    assert owner.answers == {1: [("untouched", None)], 2: [("untouched", None)]}


async def test_finish_while_a_window_is_under_way_waits_for_its_replies() -> None:
    told = asyncio.Event()
    seen: list[bytes] = []

    async def server(talk: Talk) -> None:
        seen.append(await flight(talk))
        await told.wait()
        await talk.send(TAKEN + OK * 4)
        seen.append(await flight(talk))
        await talk.send(b"221 bye\r\n")

    owner = Owner(jobs(5))
    async with scripted_peer(server) as peer, session_to(peer.port, owner, Gear.CHUNKED, window=2) as session:
        while not seen:
            await asyncio.sleep(0.005)
        session.finish()
        assert session.busy
        told.set()
        await owner.wait_ended()
    assert seen == [written(1, 2), b"QUIT\r\n"]
    assert outcomes(owner) == ["settled 250"] * 2 + ["untouched"] * 2, "what was taken ahead goes back"


async def test_an_end_while_the_owner_is_asked_gives_back_what_it_gave() -> None:
    """As when the third message cannot be rendered in time, and the campaign is held for it."""
    server, seen = plan(b"221 bye\r\n")
    owner = Owner(jobs(3))
    give = owner.next_job

    def held_by_the_third() -> Job | None:
        if len(owner.given) == 2:
            assert owner.session is not None
            owner.session.finish()
            return None
        return give()

    owner.next_job = held_by_the_third  # type: ignore[method-assign]
    await run(server, owner, 3)
    assert owner.answers == {1: [("untouched", None)], 2: [("untouched", None)]}
    assert seen[0] == b"QUIT\r\n"
    assert not owner.asked


# refusals


@pytest.mark.parametrize(
    ("replies", "stage"),
    [
        (GONE + NOBODY + NOBODY, Stage.MAIL),
        (OK + GONE + NOBODY, Stage.RCPT),
        (OK + GONE + b"554 5.5.1 none\r\n", Stage.RCPT),
        (OK + OK + b"550 5.7.1 spam\r\n", Stage.DOT),
        (OK + OK + b"452 4.3.1 full\r\n", Stage.DOT),
    ],
)
@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("chunk", [None, 11])
async def test_a_refusal_inside_a_window_hits_only_its_own_recipient(
    replies: bytes, stage: Stage, at: int, chunk: int | None
) -> None:
    answers = b"".join((b"" if n == 1 else OK) + (replies if n == at else TAKEN) for n in (1, 2, 3))
    seen: list[bytes] = []

    async def server(talk: Talk) -> None:
        seen.append(await flight(talk))
        await talk.send(answers, chunk=chunk)
        seen.append(await flight(talk))
        await talk.send(b"221 bye\r\n")

    owner = Owner(jobs(3), finish=True)
    await run(server, owner, 3)
    assert seen == [written(1, 2, 3), b"QUIT\r\n"]
    assert owner.verdict(at).stage is stage
    assert [owner.outcome(n) for n in (1, 2, 3) if n != at] == ["settled 250"] * 2
    assert owner.outcome(at).startswith(("settled 4", "settled 5"))


async def test_f35_a_refusal_while_the_message_is_still_being_written_is_its_verdict() -> None:
    """The server has to take the chunk in all the same (RFC 3030 section 2), and the next transaction stands."""
    big = b"Subject: 1\r\n\r\n" + b"0123456789abc\r\n" * 200_000

    async def server(talk: Talk) -> None:
        await talk.line()
        await talk.line()
        size = int((await talk.line()).split()[1])
        await talk.send(OK + OK + b"552 5.3.4 too large\r\n")
        await talk.take(size)
        for _ in range(3):
            await talk.line()
        await talk.take(int((await talk.line()).split()[1]))
        await talk.send(OK * 4)
        await talk.line()
        await talk.send(b"221 bye\r\n")

    owner = Owner([job(1, data=big), job(2)], finish=True)
    await run(server, owner, 4)
    assert outcomes(owner) == ["settled 552", "settled 250"]


# replies that cannot be paired


@pytest.mark.parametrize(
    "replies",
    [
        OK + GONE + OK,  # a message taken for nobody
        GONE + OK + NOBODY,  # a recipient without a sender
        OK + OK + b"354 go\r\n",
        OK + OK + b"250 2.1.5 recipient ok\r\n",  # what is said of an address; the replies are out of step
        OK + b"what?\r\n",
        TAKEN + b"451 no\r\n" + OK * 3,  # RSET cannot be refused
    ],
)
async def test_f28_replies_that_make_no_sense_put_the_window_in_doubt_and_the_gear_is_blamed(replies: bytes) -> None:
    server, _ = plan(replies)
    owner = Owner(jobs(3))
    async with scripted_peer(server) as peer, session_to(peer.port, owner, Gear.CHUNKED, window=3) as session:
        await owner.wait_ended()
        assert session.misbehaved
    assert outcomes(owner) == ["in_doubt"] * 3, "also the first, where a later reply of the same breath shows it"


async def test_f20_more_replies_than_commands_put_the_whole_window_in_doubt() -> None:
    server, _ = plan(TAKEN + OK * 4 + OK)
    owner = Owner(jobs(2))
    async with scripted_peer(server) as peer, session_to(peer.port, owner, Gear.CHUNKED, window=2) as session:
        await owner.wait_ended()
        assert session.misbehaved
    assert outcomes(owner) == ["in_doubt"] * 2


@pytest.mark.parametrize("code", [b"500 5.5.2 what?", b"502 5.5.1 not implemented", b"504 what?"])
async def test_a_server_that_does_not_know_bdat_after_all_is_heard_once(code: bytes) -> None:
    """It takes the message for commands: whatever it says of those is no word about anybody."""
    server, seen = plan(OK + OK + code + b"\r\n" + b"500 5.5.2 what?\r\n" * 2)
    owner = Owner(jobs(3))
    async with scripted_peer(server) as peer, session_to(peer.port, owner, Gear.CHUNKED, window=3) as session:
        await owner.wait_ended()
        assert session.misbehaved
    assert outcomes(owner) == [f"settled {code[:3].decode()}", "in_doubt", "in_doubt"]
    assert seen[0] == written(1, 2, 3)


# 421


@pytest.mark.parametrize(
    ("before", "stage"), [(b"", Stage.RSET), (OK, Stage.MAIL), (OK * 2, Stage.RCPT), (OK * 3, Stage.DOT)]
)
@pytest.mark.parametrize("end", [Close(), Reset()])
async def test_f05_a_421_and_the_end_leave_what_came_later_unheard(
    before: bytes, stage: Stage, end: Close | Reset
) -> None:
    async def server(talk: Talk) -> None:
        await flight(talk)
        await talk.send(TAKEN + before + BYE)
        await asyncio.sleep(0.03)
        await talk.play([end])

    owner = Owner(jobs(9))
    await run(server, owner, 4)
    assert owner.verdict(2).stage is stage
    assert outcomes(owner) == ["settled 250", "settled 421", "untouched", "untouched", *outcomes(owner)[4:]]
    assert len(owner.asked) == 4, "nothing new is begun"
    assert owner.end[0].code == 421


async def test_after_a_421_the_server_may_answer_on() -> None:
    server, seen = plan(TAKEN + OK * 3 + BYE + OK * 4 + OK + OK + GONE + NOBODY)
    owner = Owner(jobs(4))
    await run(server, owner, 4)
    assert outcomes(owner) == ["settled 250", "settled 421", "settled 250", "settled 550"]
    assert owner.end[0].code == 421
    assert b"".join(seen) == written(1, 2, 3, 4), "and no QUIT, which nobody would read"


async def test_a_server_that_answered_on_after_its_421_and_then_closes_may_have_heard_more() -> None:
    server: Script = [Sleep(0.05), Send(TAKEN + OK * 3 + BYE + OK * 4), Close()]
    owner = Owner(jobs(4))
    await run(server, owner, 4)
    assert outcomes(owner) == ["settled 250", "settled 421", "settled 250", "in_doubt"]


async def test_silence_after_a_421_is_given_the_time_of_a_quit_and_leaves_doubt() -> None:
    server: Script = [Sleep(0.05), Send(TAKEN + OK * 3 + BYE), Silence()]
    owner = Owner(jobs(4))
    await run(server, owner, 4, timeouts=Timeouts(quit=0.1), seconds=3)
    assert outcomes(owner) == ["settled 250", "settled 421", "in_doubt", "in_doubt"]


async def test_a_421_that_nobody_asked_for_ends_an_idle_connection() -> None:
    server: Script = [Sleep(0.05), Send(TAKEN + BYE), Close()]
    owner = Owner(jobs(1))
    await run(server, owner, 4)
    assert outcomes(owner) == ["settled 250"]
    assert owner.end[0].code == 421


# lost connections


@pytest.mark.parametrize("end", [Close(), Reset()])
async def test_a_lost_connection_leaves_no_more_in_doubt_than_were_written(end: Close | Reset) -> None:
    """And one whose recipient was refused is known, although the reply to its chunk is lost."""
    server: Script = [Sleep(0.05), Send(TAKEN + OK * 2 + GONE), Sleep(0.02), end]
    owner = Owner(jobs(9))
    await run(server, owner, 4)
    given = outcomes(owner)
    assert given[:4] == ["settled 250", "settled 550", "in_doubt", "in_doubt"]
    assert given.count("in_doubt") <= 4


@pytest.mark.parametrize(("replies", "doubtful"), [(b"", 3), (TAKEN + OK * 2, 2)])
async def test_a_server_that_falls_silent_leaves_doubt_after_the_time_of_a_command(
    replies: bytes, doubtful: int
) -> None:
    server: Script = [Sleep(0.05), Send(replies), Silence()]
    owner = Owner(jobs(3))
    await run(server, owner, 3, timeouts=QUICK)
    assert outcomes(owner).count("in_doubt") == doubtful


async def test_n03_what_the_server_does_not_take_is_not_piled_up() -> None:
    """A window of large messages, and a server that stops reading: a few are taken from the owner, not all."""
    big = b"Subject: x\r\n\r\n" + b"0123456789abc\r\n" * 100_000
    owner = Owner([job(number, data=big) for number in range(1, 31)])
    server: Script = [Sleep(0.3), Close()]
    async with (
        scripted_peer(server, window=4096) as peer,
        session_to(peer.port, owner, Gear.CHUNKED, window=30),
    ):
        await asyncio.sleep(0.1)
        assert len(owner.given) == 1
        await owner.wait_ended()
    assert outcomes(owner) == ["in_doubt"]


# recipients asked for one at a time


async def test_data_apart_holds_the_message_back_until_the_recipient_is_taken() -> None:
    server, seen = plan(OK + GONE, OK + OK + OK, OK, b"221 bye\r\n")
    owner = Owner(jobs(2), finish=True)
    async with (
        scripted_peer(server) as peer,
        session_to(peer.port, owner, Gear.CHUNKED, window=8, start=False) as session,
    ):
        session.data_apart = True
        transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, "127.0.0.1", peer.port)
        session.start(transport)
        await owner.wait_ended()
    envelope, chunk = transaction(2).split(b"BDAT")
    first = transaction(1, reset=False).split(b"BDAT")[0]
    assert seen[:4] == [first, envelope, b"BDAT" + chunk, b"QUIT\r\n"]
    assert outcomes(owner) == ["settled 550", "settled 250"]
    assert [asked.tag for asked in owner.asked] == [2], "no mark for one that is refused"


@pytest.mark.parametrize("held", [True, False])
async def test_data_apart_a_message_that_is_not_to_be_sent_is_left_at_its_envelope(held: bool) -> None:
    """Withdrawn, or the campaign paused, while its mark was asked for."""
    server, seen = plan(OK + OK, b"221 bye\r\n")
    owner = Owner(jobs(1), by_hand=True)
    async with (
        scripted_peer(server) as peer,
        session_to(peer.port, owner, Gear.CHUNKED, window=8, start=False) as session,
    ):
        session.data_apart = True
        transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, "127.0.0.1", peer.port)
        session.start(transport)
        async with asyncio.timeout(5):
            await owner.asked_event.wait()
        session.finish()
        session.marked(owner.asked[0], held)
        session.finish()
        await owner.wait_ended()
    assert b"BDAT" not in peer.received
    assert owner.answers == ({1: [("untouched", None)]} if held else {})
    assert seen[1].endswith(b"QUIT\r\n") or seen[0].endswith(b"QUIT\r\n")


async def test_data_apart_a_421_to_the_recipient_is_its_verdict() -> None:
    server: Script = [Sleep(0.05), Send(OK + BYE), Close()]
    owner = Owner(jobs(2))
    async with (
        scripted_peer(server) as peer,
        session_to(peer.port, owner, Gear.CHUNKED, window=8, start=False) as session,
    ):
        session.data_apart = True
        transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, "127.0.0.1", peer.port)
        session.start(transport)
        await owner.wait_ended()
    assert outcomes(owner) == ["settled 421"]
    assert owner.verdict(1).stage is Stage.RCPT
