"""The sink that benchmarks send to takes what was sent, whatever the reads cut it into, and models a round trip."""

from __future__ import annotations

import random
import smtplib
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence

import pytest

from benchmarks.sinks import NotHere, OwnSink, own_sink, postfix_sink
from tests.servers.programs import need_program

HELLO = b"EHLO client.test\r\n"
ENVELOPE = b"MAIL FROM:<a@sender.test>\r\nRCPT TO:<b@x.test>\r\n"


@pytest.fixture
def sink() -> Iterator[OwnSink]:
    try:
        with own_sink() as running:
            yield running
    except NotHere as error:
        pytest.skip(str(error))


def talk(port: int, pieces: Sequence[bytes]) -> bytes:
    """Write the pieces one by one, then hear everything until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            line.sendall(piece)
        heard = b""
        while part := line.recv(65_536):
            heard += part
        return heard


def cut(data: bytes, dice: random.Random) -> list[bytes]:
    pieces = []
    while data:
        size = dice.choice((1, 1, 2, 3, 7, 100, 5_000))
        pieces.append(data[:size])
        data = data[size:]
    return pieces


def stuffed(body: bytes) -> bytes:
    """The body in DATA's form, with its end, written down apart from what the product does."""
    lines = body.split(b"\r\n")[:-1]
    return b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines) + b".\r\n"


def bodies(dice: random.Random, count: int) -> list[bytes]:
    """Bodies of what makes the end of DATA hard to see."""
    pieces = (b".", b"..", b"\r", b"\n", b"\r\n", b"\r\n.", b"\r\n..", b"\n.\n", b".\r\r\n", b"a", b"text " * 30)
    return [b"".join(dice.choices(pieces, k=dice.randrange(12))) + b"\r\n" for _ in range(count)]


def test_it_finds_the_end_of_data_wherever_reads_are_cut(sink: OwnSink) -> None:
    dice = random.Random(5)
    for _ in range(20):
        before = sink.counts()
        sent = bodies(dice, 25)
        dialogue = HELLO + b"".join(ENVELOPE + b"DATA\r\n" + stuffed(body) for body in sent) + b"QUIT\r\n"
        heard = talk(sink.port, cut(dialogue, dice))
        assert heard.count(b"354 ") == len(sent)
        assert heard.endswith(b"221 2.0.0 Bye\r\n")
        counts = sink.counts()
        assert counts.messages - before.messages == len(sent)
        assert before.octets is not None
        assert counts.octets == before.octets + sum(map(len, sent))


def test_chunks_count_as_the_same_messages_in_data_do(sink: OwnSink) -> None:
    dice = random.Random(6)
    sent = bodies(dice, 60)
    dialogue = HELLO
    for number, body in enumerate(sent):
        dialogue += b"RSET\r\n" * (number > 0) + ENVELOPE
        for part in (pieces := cut(body, dice)):
            dialogue += b"BDAT %d%b\r\n%b" % (len(part), b" LAST" * (part is pieces[-1] and number % 2), part)
        if not number % 2:
            dialogue += b"BDAT 0 LAST\r\n"
    heard = talk(sink.port, cut(dialogue + b"QUIT\r\n", dice))
    assert b"\r\n5" not in heard
    counts = sink.counts()
    assert counts.messages == len(sent)
    assert counts.octets == sum(map(len, sent))


def test_it_is_no_friend_of_a_wrong_order(sink: OwnSink) -> None:
    wrong = b"RCPT TO:<b@x.test>\r\nDATA\r\nBDAT 3 LAST\r\nabc" + ENVELOPE + ENVELOPE + b"WHAT\r\nQUIT\r\n"
    codes = [line[:3] for line in talk(sink.port, [wrong]).splitlines()]
    assert codes == [b"220", b"503", b"503", b"503", b"250", b"250", b"503", b"250", b"500", b"221"]
    assert sink.counts().messages == 0


def test_it_counts_what_other_clients_send(sink: OwnSink) -> None:
    with smtplib.SMTP("127.0.0.1", sink.port) as client:
        client.sendmail("a@sender.test", ["b@x.test"], b"Subject: one\r\n\r\n.hello\r\n..\r\n")
        assert client.has_extn("chunking")
    assert sink.counts().octets == len(b"Subject: one\r\n\r\n.hello\r\n..\r\n")
    source = need_program("smtp-source", package="postfix")
    subprocess.run([source, "-d", "-s", "8", "-m", "200", "-l", "5000", f"127.0.0.1:{sink.port}"], check=True)
    assert sink.counts().messages == 201
    assert sink.end().messages == 201
    assert sink.process.wait(timeout=10) == 0


def test_smtp_sink_tells_its_counts() -> None:
    source = need_program("smtp-source", package="postfix")
    with postfix_sink() as sink:
        subprocess.run([source, "-d", "-s", "8", "-m", "200", "-l", "5000", f"127.0.0.1:{sink.port}"], check=True)
        assert sink.counts().messages == 200


def test_what_is_not_announced_is_not_known() -> None:
    try:
        with own_sink(without=("CHUNKING", "PIPELINING")) as sink:
            heard = talk(sink.port, [HELLO, b"BDAT 0 LAST\r\nQUIT\r\n"])
            assert b"PIPELINING" not in heard
            assert b"CHUNKING" not in heard
            assert b"250-8BITMIME" in heard
            assert b"\r\n250 ENHANCEDSTATUSCODES\r\n500 " in heard
    except NotHere as error:
        pytest.skip(str(error))


def test_a_round_trip_passes_before_an_answer_and_what_came_together_is_answered_together() -> None:
    trip = 0.4
    try:
        with own_sink(round_trip_ms=trip * 1000) as sink, socket.create_connection(("127.0.0.1", sink.port)) as line:
            start = time.monotonic()
            assert line.recv(4096).startswith(b"220 ")
            assert time.monotonic() - start >= trip
            line.sendall(HELLO + ENVELOPE + b"DATA\r\n")
            time.sleep(trip / 2)
            start = time.monotonic()
            line.sendall(b"hello\r\n.\r\n")
            assert line.recv(4096).endswith(b"354 End with a lone dot\r\n")  # all of the first, nothing of the second
            assert line.recv(4096) == b"250 2.0.0 Ok\r\n"
            assert time.monotonic() - start >= trip
            assert sink.counts().messages == 1
    except NotHere as error:
        pytest.skip(str(error))
