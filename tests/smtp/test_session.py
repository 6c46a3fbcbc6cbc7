"""The dialogue byte by byte, in all gears: flights, marks, refusals, lost and surplus replies, the clock."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

import pytest

from mailtui.smtp.capabilities import Capabilities
from mailtui.smtp.gear import DATA_GEARS, Gear
from mailtui.smtp.job import Job
from mailtui.smtp.timeouts import Timeouts
from mailtui.smtp.verdict import Kind, Stage, judge
from tests.servers.scripted import Close, Expect, ExpectThrough, Reset, Send, Silence, Sleep, Step, Talk, scripted_peer
from tests.smtp.bench import QUICK, Owner, job, jobs, message, session_to, stuffed

GEARS = DATA_GEARS
PIPELINED = [Gear.FLIGHT, Gear.CROSS]
OK = b"250 2.0.0 ok\r\n"
GO = b"354 go\r\n"
END = b"\r\n.\r\n"
QUIT: list[Step] = [Expect(b"QUIT"), Send(b"221 bye\r\n"), Close()]


def mail(number: int) -> bytes:
    return b"MAIL FROM:<a@sender.example>\r\nRCPT TO:<r%d@x.test>\r\nDATA\r\n" % number


async def flight(talk: Talk) -> bytes:
    """Everything that comes until the client waits for us."""
    data = await talk.reader.read(65_536)
    try:
        while data:
            async with asyncio.timeout(0.04):
                more = await talk.reader.read(65_536)
            if not more:
                break
            data += more
    except TimeoutError:
        pass
    return data


def one(
    gear: Gear, *, mail: bytes = OK, rcpt: bytes = OK, data: bytes = GO, dot: bytes | None = OK, rset: bool = False
) -> list[Step]:
    """One transaction answered so; `dot` None when the server gets no body."""
    steps: list[Step] = [Expect(b"RSET"), Send(OK)] if rset else []
    if gear is Gear.LOCKSTEP:
        steps += [Expect(b"MAIL"), Send(mail)]
        if mail.startswith(b"2"):
            steps += [Expect(b"RCPT"), Send(rcpt)]
            if rcpt.startswith(b"2"):
                steps += [Expect(b"DATA"), Send(data)]
    else:
        steps += [Expect(b"MAIL"), Send(mail), Expect(b"RCPT"), Send(rcpt), Expect(b"DATA"), Send(data)]
    return steps if dot is None else [*steps, ExpectThrough(END), Send(dot)]


async def run(script: Sequence[Step], owner: Owner, gear: Gear, *, timeouts: Timeouts | None = None) -> bytes:
    """Play a dialogue to its end; what the peer got."""
    async with scripted_peer(script) as peer, session_to(peer.port, owner, gear, timeouts=timeouts):
        await owner.wait_ended()
    return peer.received


# flights


async def test_cross_lets_the_next_envelope_ride_with_body_and_dot() -> None:
    seen: list[bytes] = []

    async def server(talk: Talk) -> None:
        for replies in (OK + OK + GO, OK + OK + OK + GO, OK + OK + OK + GO, OK, b"221 bye\r\n"):
            seen.append(await flight(talk))
            await talk.send(replies)

    owner = Owner(jobs(3), finish=True)
    async with scripted_peer(server) as peer, session_to(peer.port, owner, Gear.CROSS):
        await owner.wait_ended()
    assert seen == [
        mail(1),
        stuffed(1) + b".\r\n" + mail(2),
        stuffed(2) + b".\r\n" + mail(3),
        stuffed(3) + b".\r\n",
        b"QUIT\r\n",
    ]
    assert [owner.outcome(number) for number in (1, 2, 3)] == ["settled 250"] * 3


@pytest.mark.parametrize("gear", [Gear.LOCKSTEP, Gear.FLIGHT])
async def test_lockstep_and_flight_write_no_more_than_their_gear_allows(gear: Gear) -> None:
    seen: list[bytes] = []
    lines = mail(1).splitlines(keepends=True)
    wanted = [*lines] if gear is Gear.LOCKSTEP else [mail(1)]

    async def server(talk: Talk) -> None:
        for replies in [OK, OK, GO] if gear is Gear.LOCKSTEP else [OK + OK + GO]:
            seen.append(await flight(talk))
            await talk.send(replies)
        seen.append(await flight(talk))
        owner.session.marked(owner.asked[0], held=True)  # type: ignore[union-attr]
        seen.append(await flight(talk))
        await talk.send(OK)

    owner = Owner(jobs(1), by_hand=True)
    async with scripted_peer(server) as peer, session_to(peer.port, owner, gear):
        await owner.wait_ended()
    assert seen == [*wanted, stuffed(1), b".\r\n"]
    assert owner.outcome(1) == "settled 250"


# marks


@pytest.mark.parametrize("gear", GEARS)
async def test_s04_the_dot_waits_for_the_mark_and_a_lost_mark_drops_the_connection(gear: Gear) -> None:
    owner = Owner(jobs(2), by_hand=True)
    async with scripted_peer([*one(gear, dot=None), Silence()]) as peer, session_to(peer.port, owner, gear) as session:
        async with asyncio.timeout(5):
            await owner.asked_event.wait()
        await asyncio.sleep(0.05)
        assert END not in peer.received
        session.marked(owner.asked[0], held=False)
        verdict = await owner.wait_ended()
        assert "withdrawn" in verdict.text
        await asyncio.sleep(0.02)
    assert b"\n.\r\n" not in peer.received
    assert 1 not in owner.answers, "who withdrew it knows it"
    follower = {2: [("untouched", None)]} if gear is Gear.CROSS else {}
    assert owner.answers == follower, "what was to ride behind it comes back"


@pytest.mark.parametrize("gear", GEARS)
@pytest.mark.parametrize("held", [True, False])
async def test_f36_an_end_between_body_and_dot_is_told_with_the_marks_answer(gear: Gear, held: bool) -> None:
    owner = Owner(jobs(1), by_hand=True)
    script = [*one(gear, dot=None), Sleep(0.03), Reset()]
    async with scripted_peer(script) as peer, session_to(peer.port, owner, gear) as session:
        await owner.wait_ended()
        assert owner.answers == {}
        session.marked(owner.asked[0], held)
        assert owner.answers.get(1, []) == ([("untouched", None)] if held else [])
    assert b"\n.\r\n" not in peer.received


async def test_the_follower_is_rendered_before_the_mark_is_asked_for() -> None:
    """Else a slow template would stand between a durable mark and its dot, and a kill would leave it unknown."""
    owner = Owner(jobs(2), by_hand=True)
    script = [*one(Gear.CROSS, dot=None), Silence()]
    async with scripted_peer(script) as peer, session_to(peer.port, owner, Gear.CROSS):
        async with asyncio.timeout(5):
            await owner.asked_event.wait()
        assert len(owner.given) == 2


async def test_finish_in_the_middle_sends_what_was_announced_and_no_more() -> None:
    owner = Owner(jobs(3), by_hand=True)
    script = [*one(Gear.CROSS), *QUIT]
    async with scripted_peer(script) as peer, session_to(peer.port, owner, Gear.CROSS) as session:
        async with asyncio.timeout(5):
            await owner.asked_event.wait()
        session.finish()
        session.finish()
        session.marked(owner.asked[0], held=True)
        await owner.wait_ended()
    assert owner.outcome(1) == "settled 250"
    assert owner.answers[2] == [("untouched", None)], "taken before the end was asked for, and given back"
    assert 3 not in owner.answers
    assert peer.received.count(b"QUIT") == 1


# refusals


@pytest.mark.parametrize("gear", GEARS)
@pytest.mark.parametrize(
    ("stage", "replies", "rset"),
    [
        (Stage.MAIL, {"mail": b"550 5.7.1 no\r\n", "rcpt": b"503 m\r\n", "data": b"503 m\r\n"}, False),
        (Stage.RCPT, {"rcpt": b"550 5.1.1 no\r\n", "data": b"554 5.5.1 none\r\n"}, True),
        (Stage.RCPT, {"rcpt": b"452 4.2.2 no\r\n", "data": b"503 5.5.1 none\r\n"}, True),
        (Stage.DATA, {"data": b"451 4.3.0 no\r\n"}, True),
    ],
)
async def test_a_refusal_is_told_with_its_own_words_and_the_next_goes_out_unharmed(
    gear: Gear, stage: Stage, replies: dict[str, bytes], rset: bool
) -> None:
    owner = Owner(jobs(3), finish=True)
    script = [*one(gear, **replies, dot=None), *one(gear, rset=rset), *one(gear), *QUIT]  # type: ignore[arg-type]
    received = await run(script, owner, gear)
    assert owner.verdict(1).stage is stage
    assert owner.verdict(1).code == int(replies[stage.value][:3])
    assert [owner.outcome(2), owner.outcome(3)] == ["settled 250", "settled 250"]
    assert received.count(b"RSET\r\n") == rset
    assert stuffed(1) not in received
    assert received.count(stuffed(2) + b".\r\n") == received.count(stuffed(3) + b".\r\n") == 1


@pytest.mark.parametrize("gear", PIPELINED)
@pytest.mark.parametrize("void", [b"554 no valid recipients\r\n", b"250 ok\r\n", b"451 hm\r\n"])
async def test_a_354_without_recipients_gets_a_lone_dot_and_the_refusal_counts(gear: Gear, void: bytes) -> None:
    script: list[Step] = [
        *one(gear, rcpt=b"550 5.1.1 no\r\n", dot=None),
        Expect(b".\r\n"),
        Send(void),
        *one(gear),
        *QUIT,
    ]
    owner = Owner(jobs(2), finish=True)
    received = await run(script, owner, gear)
    assert [owner.outcome(1), owner.outcome(2)] == ["settled 550", "settled 250"]
    assert owner.verdict(1).stage is Stage.RCPT
    assert stuffed(1) not in received
    assert b"RSET" not in received, "the dot has ended the transaction"
    assert len(owner.asked) == 1


@pytest.mark.parametrize("gear", GEARS)
async def test_one_in_twelve_refused_never_poisons_the_next(gear: Gear) -> None:
    accepted: list[bytes] = []

    async def server(talk: Talk) -> None:
        recipient = b""
        while line := await talk.line():
            if line.startswith(b"RCPT"):
                recipient = b"" if b"<r5@" in line or b"<r7@" in line or b"<r17@" in line else line
                await talk.send(OK if recipient else b"550 5.1.1 no\r\n")
            elif line.startswith(b"DATA"):
                if not recipient:
                    await talk.send(b"554 5.5.1 none\r\n")
                    continue
                await talk.send(GO)
                accepted.append(await talk.through(END))
                await talk.send(OK)
            elif line.startswith(b"QUIT"):
                await talk.send(b"221 bye\r\n")
                return
            else:
                await talk.send(OK)

    owner = Owner(jobs(24), finish=True)
    async with scripted_peer(server) as peer, session_to(peer.port, owner, gear):
        await owner.wait_ended()
    refused = {5, 7, 17}
    assert {number for number in range(1, 25) if owner.outcome(number) == "settled 550"} == refused
    assert accepted == [stuffed(number) + b".\r\n" for number in range(1, 25) if number not in refused]


@pytest.mark.parametrize("gear", GEARS)
@pytest.mark.parametrize("dot", [b"554 5.7.1 spam\r\n", b"451 4.3.0 later\r\n", b"251 ok\r\n"])
async def test_the_reply_to_the_dot_is_the_result_and_the_next_is_not_touched_by_it(gear: Gear, dot: bytes) -> None:
    owner = Owner(jobs(2), finish=True)
    await run([*one(gear, dot=None), *_crossed(gear, dot), *QUIT], owner, gear)
    assert owner.outcome(1) == f"settled {dot[:3].decode()}"
    assert owner.outcome(2) == "settled 250"


def _crossed(gear: Gear, dot: bytes) -> list[Step]:
    return [ExpectThrough(END), Send(dot), *one(gear)]


# lost, impossible and surplus replies


@pytest.mark.parametrize("gear", GEARS)
@pytest.mark.parametrize(
    "end",
    [
        [Close()],
        [Reset()],
        [Send(b"25"), Close()],  # F-45
        [Send(b"250 ok"), Close()],
        [Send(b"999 ok\r\n"), Silence()],
        [Send(b"354 go on\r\n"), Silence()],  # D-06
        [Send(b"334 what\r\n"), Silence()],
        [Send(b"550-no\r\n250 ok\r\n"), Silence()],  # F-23
        [Send(b"250-ok\r\n550 no\r\n"), Silence()],  # F-24
        [Silence()],  # F-42
    ],
)
async def test_d06_a_lost_reply_to_the_dot_is_in_doubt_once_and_the_follower_untouched(
    gear: Gear, end: list[Step]
) -> None:
    owner = Owner(jobs(2))
    await run([*one(gear, dot=None), ExpectThrough(END), *end], owner, gear, timeouts=QUICK)
    assert owner.outcome(1) == "in_doubt"
    assert judge(owner.verdict(1)).kind is Kind.UNKNOWN
    if gear is Gear.CROSS:
        assert owner.outcome(2) == "untouched"
    else:
        assert len(owner.given) == 1


@pytest.mark.parametrize("gear", GEARS)
async def test_f20_f21_surplus_replies_poison_and_nothing_counts_as_sent(gear: Gear) -> None:
    extra = b"250 ok\r\n354 go\r\n250 queued\r\n"  # F-21
    script: list[Step]
    if gear is Gear.LOCKSTEP:
        script = [Expect(b"MAIL"), Send(OK), Expect(b"RCPT"), Send(extra), Silence()]
    else:
        script = [Expect(b"MAIL"), Send(OK), Expect(b"RCPT"), Expect(b"DATA"), Send(extra), Silence()]
    owner = Owner(jobs(1))
    async with scripted_peer(script) as peer, session_to(peer.port, owner, gear):
        verdict = await owner.wait_ended()
        await asyncio.sleep(0.02)
    assert "more replies than commands" in verdict.text
    assert owner.outcome(1) == "untouched"
    assert stuffed(1) not in peer.received


async def test_d07_replies_out_of_turn_are_not_taken_for_the_dots_reply() -> None:
    """smtp-sink answers a slow dot (-W .:n) after the commands that came behind it; to the dot nothing was said."""
    script = [
        *one(Gear.CROSS, dot=None),
        ExpectThrough(END),
        Expect(b"MAIL"),
        Expect(b"RCPT"),
        Expect(b"DATA"),
        Send(b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n" + GO),
        Silence(),
    ]
    owner = Owner(jobs(2))
    async with scripted_peer(script) as peer, session_to(peer.port, owner, Gear.CROSS) as session:
        verdict = await owner.wait_ended()
        assert session.misbehaved
    assert "rcpt was answered 354" in verdict.text
    assert [owner.outcome(1), owner.outcome(2)] == ["in_doubt", "untouched"]


@pytest.mark.parametrize("gear", GEARS)
@pytest.mark.parametrize("extra", [b"250 extra\r\n", b"2", b"4", b"250-more\r\n"])
async def test_f20_a_surplus_after_the_354_is_never_taken_for_the_dots_reply(gear: Gear, extra: bytes) -> None:
    owner = Owner(jobs(1), by_hand=True)
    async with (
        scripted_peer([*one(gear, data=GO + extra, dot=None), Silence()]) as peer,
        session_to(peer.port, owner, gear),
    ):
        await owner.wait_ended()
    assert owner.outcome(1) == "untouched"


@pytest.mark.parametrize("gear", GEARS)
@pytest.mark.parametrize("reply", [b"250 ok\r\n354 go\r\n", b"354 go\r\n", b"300 hm\r\n", b"999 x\r\n", b" 250\r\n"])
async def test_f28_a_reply_that_makes_no_sense_gives_the_connection_up_before_the_dot(gear: Gear, reply: bytes) -> None:
    owner = Owner(jobs(1))
    await run([Expect(b"MAIL"), Send(reply), Silence()], owner, gear, timeouts=QUICK)
    assert owner.outcome(1) == "untouched"
    assert owner.asked == []


@pytest.mark.parametrize("gear", GEARS)
@pytest.mark.parametrize("chunk", [1, 2, 3, 7])
async def test_f22_split_replies_change_nothing(gear: Gear, chunk: int) -> None:
    owner = Owner(jobs(2), finish=True)
    long = b"250-2.0.0 one\r\n250-2.0.0 two\r\n250 2.0.0 three\r\n"
    script = [
        Send(step.data, chunk=chunk) if isinstance(step, Send) else step
        for step in [*one(gear, mail=long, rcpt=long), *one(gear, dot=long), *QUIT]
    ]
    await run(script, owner, gear)
    assert [owner.outcome(1), owner.outcome(2)] == ["settled 250", "settled 250"]


@pytest.mark.parametrize("gear", GEARS)
@pytest.mark.parametrize("stage", [Stage.MAIL, Stage.RCPT, Stage.DATA])
async def test_n05_a_421_before_the_dot_blames_nobody(gear: Gear, stage: Stage) -> None:
    busy = b"421 4.3.2 going down\r\n"
    order = [Stage.MAIL, Stage.RCPT, Stage.DATA]
    steps = one(gear, dot=None)[: 2 * order.index(stage) + 1]
    owner = Owner(jobs(1))
    async with (
        scripted_peer([*steps, Send(busy), Close()], strict=False) as peer,
        session_to(peer.port, owner, gear),
    ):
        verdict = await owner.wait_ended()
    assert owner.outcome(1) == "untouched"
    assert verdict.code == 421


@pytest.mark.parametrize("gear", GEARS)
async def test_f46_a_421_at_the_dot_settles_it_and_leaves_the_follower_untouched(gear: Gear) -> None:
    owner = Owner(jobs(2))
    await run([*one(gear, dot=b"421 4.3.2 no\r\n"), Close()], owner, gear)
    assert owner.outcome(1) == "settled 421"
    assert judge(owner.verdict(1)).kind is Kind.DEFERRED
    assert owner.answers.get(2, [("untouched", None)]) == [("untouched", None)]


@pytest.mark.parametrize("gear", GEARS)
@pytest.mark.parametrize("pieces", [[b"250 ok\r\n421 idle\r\n"], [b"250 ok\r\n421 id", b"le\r\n"]])
async def test_f31_a_421_that_nobody_asked_for_ends_the_connection_and_takes_nothing_back(
    gear: Gear, pieces: list[bytes]
) -> None:
    owner = Owner(jobs(1))
    tail = [step for piece in pieces for step in (Send(piece), Sleep(0.02))]
    await run([*one(gear, dot=None), ExpectThrough(END), *tail, Silence()], owner, gear)
    assert owner.outcome(1) == "settled 250"
    assert owner.end[0].code == 421


@pytest.mark.parametrize("gear", GEARS)
async def test_f30_an_idle_close_is_noticed_and_blames_nobody(gear: Gear) -> None:
    owner = Owner([])
    await run([Sleep(0.01), Close()], owner, gear)
    assert owner.answers == {}


@pytest.mark.parametrize("gear", [Gear.LOCKSTEP, Gear.FLIGHT])
@pytest.mark.parametrize("by_hand", [False, True])
async def test_f35_a_refusal_in_the_middle_of_the_body_is_this_messages_refusal(gear: Gear, by_hand: bool) -> None:
    owner = Owner([job(1, data=b"x" * 98 + b"\r\n") if by_hand else job(1, data=b"x\r\n" * 4_000_000)], by_hand=True)
    script = [*one(gear, dot=None), Sleep(0.05), Send(b"550 5.7.1 no more\r\n"), Close()]
    async with scripted_peer(script) as peer, session_to(peer.port, owner, gear) as session:
        await owner.wait_ended()
        if by_hand:
            assert owner.answers == {}, "told when the mark's answer comes"
            session.marked(owner.asked[0], held=True)
        else:
            assert owner.asked == [], "the body had not left yet"
    assert owner.outcome(1) == "settled 550"
    assert owner.verdict(1).stage is Stage.BODY


# the clock


@pytest.mark.parametrize("gear", GEARS)
@pytest.mark.parametrize("stage", [Stage.MAIL, Stage.RCPT, Stage.DATA])
async def test_silence_before_the_dot_leaves_the_message_untouched(gear: Gear, stage: Stage) -> None:
    order = [Stage.MAIL, Stage.RCPT, Stage.DATA]
    owner = Owner(jobs(1))
    started = asyncio.get_running_loop().time()
    await run([*one(gear, dot=None)[: 2 * order.index(stage) + 1], Silence()], owner, gear, timeouts=QUICK)
    assert owner.outcome(1) == "untouched"
    assert owner.end[0].stage is stage
    assert asyncio.get_running_loop().time() - started < 1.0


async def test_f50_quit_does_not_wait_for_the_dots_ten_minutes() -> None:
    owner = Owner(jobs(1), finish=True)
    started = asyncio.get_running_loop().time()
    timeouts = Timeouts(quit=0.1)
    await run([*one(Gear.CROSS), Expect(b"QUIT"), Silence()], owner, Gear.CROSS, timeouts=timeouts)
    assert asyncio.get_running_loop().time() - started < 2.0
    assert owner.outcome(1) == "settled 250"


async def _read_slowly(talk: Talk, piece: int, pause: float) -> None:
    """Read to the end of a message with a small window, slowly, then accept."""
    talk.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    tail = b""
    while not tail.endswith(END):
        tail = (tail + await talk.reader.read(piece))[-8:]
        await asyncio.sleep(pause)


async def test_n02_f34_slow_but_moving_is_not_given_up() -> None:
    """The whole takes several times a block's time, and the dot's ten minutes begin when it has left."""

    async def server(talk: Talk) -> None:
        for reply in (OK, OK, GO):
            await talk.line()
            await talk.send(reply)
        await _read_slowly(talk, 8_192, 0.012)
        await asyncio.sleep(0.5)
        await talk.send(OK)

    timeouts = Timeouts(command=0.7, data=0.7, block=0.7, dot=2.0)

    async def one_gear(gear: Gear) -> None:
        owner = Owner([job(1, data=b"0123456789abc\r\n" * 100_000)])
        started = asyncio.get_running_loop().time()
        async with scripted_peer(server, strict=False) as peer, session_to(peer.port, owner, gear, timeouts=timeouts):
            await owner.wait_ended(30)
        assert asyncio.get_running_loop().time() - started > timeouts.dot
        assert owner.outcome(1) == "settled 250"

    await asyncio.gather(*(one_gear(gear) for gear in GEARS))


@pytest.mark.parametrize("gear", GEARS)
async def test_n02_a_server_that_takes_a_body_in_crumbs_is_freed_by_the_least_rate(gear: Gear) -> None:
    """It moves all the time, so that no block's limit is ever reached."""

    async def server(talk: Talk) -> None:
        for reply in (OK, OK, GO):
            await talk.line()
            await talk.send(reply)
        await _read_slowly(talk, 8_192, 0.006)

    owner = Owner([job(1, data=b"0123456789abc\r\n" * 600_000)])
    timeouts = Timeouts(command=0.6, data=0.3, block=0.6, dot=0.6, min_rate=10_000_000)
    started = asyncio.get_running_loop().time()
    async with scripted_peer(server, strict=False) as peer, session_to(peer.port, owner, gear, timeouts=timeouts):
        verdict = await owner.wait_ended(10)
    assert "did not answer in time" in verdict.text
    assert owner.outcome(1) == ("in_doubt" if gear is Gear.CROSS else "untouched")
    assert asyncio.get_running_loop().time() - started < 4.0, "the whole would take seven seconds"


@pytest.mark.parametrize("gear", GEARS)
@pytest.mark.parametrize("stage", [Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.DOT])
async def test_n02_f25_a_reply_that_never_ends_has_the_time_of_a_reply(gear: Gear, stage: Stage) -> None:
    """A line long before each deadline, for ever: it is no reply, and puts nothing off."""
    order = [Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.DOT]
    steps = one(gear)[: 2 * order.index(stage) + 1]

    async def server(talk: Talk) -> None:
        await talk.play_some(steps)
        while not talk.writer.is_closing():
            await talk.send(b"250-wait\r\n")
            await asyncio.sleep(0.02)

    owner = Owner(jobs(1))
    started = asyncio.get_running_loop().time()
    async with scripted_peer(server, strict=False) as peer, session_to(peer.port, owner, gear, timeouts=QUICK):
        verdict = await owner.wait_ended()
    assert "did not answer in time" in verdict.text
    assert owner.outcome(1) == ("in_doubt" if stage is Stage.DOT else "untouched")
    assert asyncio.get_running_loop().time() - started < 3.0


@pytest.mark.parametrize("gear", GEARS)
async def test_d08_f33_a_server_that_stops_reading_gets_no_dot_where_it_is_held_apart(gear: Gear) -> None:
    async def server(talk: Talk) -> None:
        talk.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await talk.send(OK + OK + GO)
        await asyncio.sleep(5)

    async def lockstep(talk: Talk) -> None:
        for reply in (OK, OK, GO):
            await talk.line()
            await talk.send(reply)
        talk.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(5)

    owner = Owner([job(1, data=b"0123456789abc\r\n" * 1_000_000)])
    script = lockstep if gear is Gear.LOCKSTEP else server
    async with (
        scripted_peer(script, strict=False) as peer,
        session_to(peer.port, owner, gear, timeouts=Timeouts(block=0.2, dot=0.3, command=0.3, data=0.2)),
    ):
        await owner.wait_ended()
    assert owner.outcome(1) == ("in_doubt" if gear is Gear.CROSS else "untouched")


# envelopes


@pytest.mark.parametrize(
    "address", ["a b@x.test", "a@x.test\r\nRSET", "a\n@x.test", "<a@x.test>", "a@x.test>", "a\x00@x"]
)
def test_an_address_that_could_end_its_command_is_refused(address: str) -> None:
    for sender, recipient in ((address, "b@x.test"), ("b@x.test", address)):
        with pytest.raises(ValueError, match="cannot stand in an SMTP command"):
            Job(sender, recipient, message(1), Capabilities(), None)


@pytest.mark.parametrize(
    ("capabilities", "sender", "data", "wanted"),
    [
        (Capabilities(), "a@x.test", "é\r\n".encode(), b""),
        (Capabilities(size_known=True), "a@x.test", b".x\r\n", b" SIZE=4"),
        (Capabilities(eight_bit=True), "a@x.test", b"x\r\n", b""),
        (Capabilities(eight_bit=True, size_known=True), "a@x.test", "é\r\n".encode(), b" SIZE=4 BODY=8BITMIME"),
        (Capabilities(smtputf8=True), "a@x.test", b"x\r\n", b""),
        (Capabilities(smtputf8=True), "é@x.test", b"x\r\n", b" SMTPUTF8"),
        (Capabilities(smtputf8=True), "a@x.test", "To: é@x.test\r\n\r\nx\r\n".encode(), b" SMTPUTF8"),
        (Capabilities(smtputf8=True), "a@x.test", "To: a@x.test\r\n\r\né\r\n".encode(), b""),
    ],
)
def test_n07_parameters_of_mail(capabilities: Capabilities, sender: str, data: bytes, wanted: bytes) -> None:
    made = Job(sender, "b@x.test", data, capabilities, None)
    assert made.mail == b"MAIL FROM:<" + sender.encode() + b">" + wanted + b"\r\n"
    assert made.rcpt == b"RCPT TO:<b@x.test>\r\n"


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b".\r\n", b"..\r\n"),
        (b"..\r\n.\r\n.x\r\n", b"...\r\n..\r\n..x\r\n"),
        (b"a.\r\n", b"a.\r\n"),
        (b"no end", b"no end\r\n"),
        (b"", b"\r\n"),
    ],
)
def test_m03_dot_stuffing(data: bytes, wanted: bytes) -> None:
    assert Job("a@x.test", "b@x.test", data, Capabilities(), None).take_stuffed() == wanted
