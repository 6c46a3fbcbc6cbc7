"""Cutting bytes into replies: any split gives the same, anything that is no reply is refused (F-20 to F-29, N-06)."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtui.smtp.replies import MAX_LINE, MAX_REPLY, MalformedReply, Reply, ReplyReader

_TEXT = st.binary(max_size=60).map(lambda raw: raw.replace(b"\n", b"?").replace(b"\r", b"?"))
_CODE = st.integers(200, 599)
_END = st.sampled_from([b"\r\n", b"\n"])


@st.composite
def replies(draw: st.DrawFn) -> tuple[int, list[bytes], bytes]:
    """A code, its lines of text, and its bytes."""
    code, end = draw(_CODE), draw(_END)
    lines = draw(st.lists(_TEXT, min_size=1, max_size=4))
    *more, last = lines
    raw = b"".join(b"%d-%b%b" % (code, line, end) for line in more) + b"%d %b%b" % (code, last, end)
    return code, lines, raw


def _read(pieces: list[bytes]) -> list[Reply] | str:
    reader = ReplyReader()
    found: list[Reply] = []
    try:
        for piece in pieces:
            found += reader.feed(piece)
    except MalformedReply:
        return "malformed"
    assert not reader.in_the_middle
    return found


def _cut(raw: bytes, places: list[int]) -> list[bytes]:
    cuts = sorted({0, len(raw), *(place % (len(raw) + 1) for place in places)})
    return [raw[start:end] for start, end in itertools.pairwise(cuts)]


@given(st.lists(replies(), min_size=1, max_size=8), st.lists(st.integers(0, 10_000), max_size=30))
def test_d07_every_split_of_a_dialogue_gives_the_same_replies(
    dialogue: list[tuple[int, list[bytes], bytes]], places: list[int]
) -> None:
    raw = b"".join(reply[2] for reply in dialogue)
    wanted = [Reply(code, b" ".join(lines).decode("utf-8", "backslashreplace")) for code, lines, _ in dialogue]
    assert _read([raw]) == wanted
    assert _read(_cut(raw, places)) == wanted


@given(replies())
def test_f22_a_reply_in_single_bytes_is_complete_at_its_last_only(reply: tuple[int, list[bytes], bytes]) -> None:
    code, lines, raw = reply
    reader = ReplyReader()
    for byte in raw[:-1]:
        assert reader.feed(bytes([byte])) == []
        assert reader.in_the_middle
        assert raw.startswith(reader.beginning)
    [found] = reader.feed(raw[-1:])
    assert (found.code, len(lines) >= 1, reader.in_the_middle) == (code, True, False)


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=10))
def test_f28_garbage_is_refused_or_is_a_reply_never_half_of_both(raw: bytes, places: list[int]) -> None:
    """Whatever comes, no reply has a code that the server did not write at the beginning of a line."""
    reader = ReplyReader()
    codes: list[int] = []
    try:
        for piece in _cut(raw, places):
            codes += [reply.code for reply in reader.feed(piece)]
    except MalformedReply:
        pass
    lines = [line for line in raw.split(b"\n") if len(line) >= 3]
    assert all(any(line.startswith(b"%d" % code) for line in lines) for code in codes)
    assert all(200 <= code <= 599 for code in codes)


@pytest.mark.parametrize(
    "raw",
    [
        b" 250 ok\r\n",
        b"+25 ok\r\n",
        b"999 ok\r\n",
        b"199 ok\r\n",
        b"25\r\n",
        b"2500 ok\r\n",
        b"ok\r\n",
        b"\r\n",
        b"250_ok\r\n",
        "２５０ ok\r\n".encode(),
        b"\xb2\xb5\xb0 ok\r\n",
        b"550-no\r\n250 ok\r\n",  # F-23
        b"250-ok\r\n550 no\r\n",  # F-24
        b"250-ok\r\n\r\n250 ok\r\n",
    ],
)
def test_what_is_no_reply(raw: bytes) -> None:
    assert _read([raw]) == "malformed"
    assert _read([bytes([byte]) for byte in raw]) == "malformed"


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (b"250\r\n", Reply(250, "")),
        (b"250 \r\n", Reply(250, "")),
        (b"250-\r\n250\r\n", Reply(250, " ")),
        (b"250 ok\n", Reply(250, "ok")),  # F-29
        (b"550 5.1.1 \x1b]0;x\x07\0[/]\xff\r\n", Reply(550, "5.1.1 \x1b]0;x\x07\0[/]\\xff")),  # F-27
        (b"250 " + b"x" * 600 + b"\r\n", Reply(250, "x" * 600)),  # F-26
    ],
)
def test_odd_but_valid(raw: bytes, wanted: Reply) -> None:
    assert _read([raw]) == [wanted]


def test_n06_memory_is_bounded() -> None:
    with pytest.raises(MalformedReply):
        ReplyReader().feed(b"250 " + b"x" * (9 * 1024) + b"\r\n")
    reader = ReplyReader()
    with pytest.raises(MalformedReply):  # no line end, ever
        for _ in range(MAX_LINE // 512 + 2):
            reader.feed(b"x" * 512)
    reader = ReplyReader()
    taken = 0
    with pytest.raises(MalformedReply):  # F-25: an endless continuation
        while taken < 2 * MAX_REPLY:
            reader.feed(b"250-more\r\n")
            taken += 8
    assert taken <= MAX_REPLY


@pytest.mark.parametrize(
    ("code", "text", "enhanced"),
    [
        (550, "5.1.1 No such user", "5.1.1"),
        (550, "5.1.10", "5.1.10"),
        (550, "4.2.2 over quota", None),  # another class than the basic code's
        (250, "5.1.1 fine", None),
        (451, "4.7.500 slow down", "4.7.500"),
        (550, "blocked 203.0.113.5 see 5.3.2", None),
        (550, "5.3.2.1 is an address", None),
        (550, "5.1.1, no", None),
        (354, "3.0.0 go", None),
    ],
)
def test_r04_the_enhanced_code(code: int, text: str, enhanced: str | None) -> None:
    assert Reply(code, text).enhanced == enhanced
