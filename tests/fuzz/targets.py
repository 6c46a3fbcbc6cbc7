"""Owns what is fuzzed: one function a reader, from bytes, that may end in that reader's own error and in nothing else.

Each also holds a property, since a reader that never fails may still read wrong.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

from mailtui.audience.address import AddressError, parse_address, parse_mailbox
from mailtui.audience.csv_reader import BadRecord
from mailtui.audience.reading import read, understand
from mailtui.audience.rules_text import format_rule, parse_rule
from mailtui.audience.source import Source
from mailtui.audience.spec import AudienceSpec
from mailtui.campaign.campaign import load_campaign
from mailtui.errors import AudienceError, ConfigError, RuleError
from mailtui.kit.safe_text import safe_text
from mailtui.message.headers import HeaderError, unstructured
from mailtui.message.html_text import lay_out
from mailtui.sandbox.spec import load_faults
from mailtui.smtp.replies import MalformedReply, Reply, ReplyReader

_FOLDER = Path(tempfile.mkdtemp(prefix="mailtui-fuzz-"))
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Target:
    """`check` raises for what must not happen; `seeds` are good inputs to begin with, `words` what they are made of."""

    check: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()


def _replies_of(pieces: list[bytes]) -> list[Reply] | None:
    """The replies, or None for a stream that is refused somewhere."""
    reader = ReplyReader()
    found: list[Reply] = []
    try:
        for piece in pieces:
            found += reader.feed(piece)
    except MalformedReply:
        return None
    return found


def replies(data: bytes) -> None:
    """However the bytes are cut, the same replies are read, each with a code that RFC 5321 section 4.2 knows."""
    cut, stream = (data[0] + 1 if data else 1), data[1:]
    whole = _replies_of([stream])
    pieces = _replies_of([stream[at : at + cut] for at in range(0, len(stream), cut)])
    assert whole == pieces, "the cutting changes what is read"
    for reply in whole or ():
        assert 200 <= reply.code <= 599
        assert reply.enhanced is None or reply.enhanced[0] == str(reply.code)[0]


def list_file(data: bytes) -> None:
    """Every line of a list lands in a record of the header's width or among the bad ones, in order."""
    _read_list(data, "list.csv")


def json_list(data: bytes) -> None:
    """The same of JSON, and what the standard library reads as records comes out as so many."""
    count = _read_list(data, "list.json")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return
    if count is not None and isinstance(document, list):
        assert count == len(document), "records are missing"


def _read_list(data: bytes, name: str) -> int | None:
    """How many records there are; None for what is no list."""
    path = _FOLDER / name
    path.write_bytes(data)
    source = Source(path, name, "fuzz", temporary=False)
    last = count = 0
    try:
        reading = understand(source, AudienceSpec(source=name))
        for line, cells in read(source, reading):
            count += 1
            assert line > last, "records out of order"
            last = line
            if isinstance(cells, BadRecord):
                assert cells.reason
            else:
                assert len(cells) == len(reading.columns)
    except AudienceError as error:
        _assert_explained(str(error))
        return None
    return count


def address(data: bytes) -> None:
    """What is taken is canonical: it reads back as itself and can stand in a command (RFC 5321 section 4.1.2)."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        found = parse_address(text)
    except AddressError as error:
        _assert_explained(str(error))
    else:
        wire = f"{found.local}@{found.domain}"
        assert parse_address(wire) == parse_address(wire.strip())
        assert parse_address(wire).key == found.key
        assert not re.search(r"[\s<>,;\x00-\x20\x7f]", wire)
        assert wire.count("@") == 1
    try:
        mailbox = parse_mailbox(text)
    except AddressError as error:
        _assert_explained(str(error))
    else:
        assert not re.search(r"[\r\n\x00]", mailbox.name)


def rule(data: bytes) -> None:
    """A rule that is understood is written out as one that is understood the same."""
    try:
        tree = parse_rule(data.decode("utf-8", "replace"))
    except RuleError as error:
        _assert_explained(str(error))
        return
    assert parse_rule(format_rule(tree)) == tree


def campaign_file(data: bytes) -> None:
    """Every mistake in a campaign file is told with its place."""
    path = _FOLDER / "campaign.yaml"
    path.write_bytes(data)
    try:
        load_campaign(path)
    except ConfigError as error:
        _assert_explained(str(error))


def faults_file(data: bytes) -> None:
    path = _FOLDER / "faults.yaml"
    path.write_bytes(data)
    try:
        load_faults(path)
    except ConfigError as error:
        _assert_explained(str(error))


def header(data: bytes) -> None:
    """No value makes a second header line, or a line that is too long (M-01)."""
    value = data.decode("utf-8", "surrogateescape")
    try:
        raw = unstructured("Subject", value)
    except HeaderError:
        return
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    parsed = message_from_bytes(b"X-First: 1\r\n" + raw.rstrip(b"\r\n") + b"\r\nX-Last: 1\r\n\r\nbody\r\n")
    assert parsed.keys() == ["X-First", "Subject", "X-Last"]
    assert not parsed.defects


def html(data: bytes) -> None:
    """Whatever the HTML, it is laid out, and nothing of it reaches a terminal as a control code."""
    for block in lay_out(data.decode("utf-8", "replace")):
        assert not _CONTROL.search(safe_text(str(block)).replace("\n", ""))


def _assert_explained(sentence: str) -> None:
    assert sentence.strip(), "an error without a sentence"


TARGETS: Mapping[str, Target] = {
    "replies": Target(
        replies,
        (
            b"\x05250-mail.example.com\r\n250-SIZE 1000\r\n250 HELP\r\n",
            b"\x01354 go\r\n",
            b"\x09550 5.1.1 no\r\n421 x\n",
        ),
        (b"250 ", b"250-", b"354 ", b"\r\n", b"5.1.1 ", b"421"),
    ),
    "list": Target(
        list_file,
        (
            b'email,name\r\na@example.com,Ann\r\nb@example.com,"Bo, ""x""\ny"\r\n',
            b"name;email\nAnn;a@example.com\n",
            "email\tname\né@example.com\tÉ\n".encode("utf-16"),
            b"a@example.com|x\nb@example.com|y\n",
        ),
        (
            b"a@example.com",
            b"email",
            b'"',
            b'""',
            b",",
            b";",
            b"\t",
            b"\r\n",
            b"\xef\xbb\xbf",
            b"\xff\xfe",
            b"\\",
            b"'",
        ),
    ),
    "json": Target(
        json_list,
        (
            b'[{"email": "a@example.com", "n": 1.50, "tags": ["x", 2]}, {"email": "b@example.com", "a": {"b": null}}]',
            b'{"email": "a@example.com"}\n{"email": "b@example.com", "n": -1e5}\n',
            b'{"data": {"items": [{"mail": "a@example.com", "yes": true}]}, "n": []}',
            '[{"email": "é@example.com"}]'.encode("utf-16"),
        ),
        (
            b"{",
            b"}",
            b"[",
            b"]",
            b'"email": ',
            b'"a@example.com"',
            b",",
            b":",
            b"\n",
            b'"x": ',
            b"1",
            b"null",
            b"\\u0000",
        ),
    ),
    "address": Target(
        address,
        (b"a@example.com", "Zoë <zoë@exämple.com>".encode(), b'"A, B" <a.b+c@xn--exmple-cua.example.com>'),
        (b"@", b"example.com", b"xn--", b"<", b">", b'"', b"(", b")", b",", b"\\", b"..", b"[127.0.0.1]"),
    ),
    "rule": Target(
        rule,
        (
            b'city == "London" and not (unsubscribed == "yes")',
            b"age >= 18 or name in [a, b] and x is not empty",
            b"joined within 30 days",
            b'`a b` matches "^x.*$"',
        ),
        (b" and ", b" or ", b"not ", b"(", b")", b"==", b">=", b"matches ", b"in [", b'"', b"is empty", b"within "),
    ),
    "campaign": Target(
        campaign_file,
        (
            b'name: x\naccount: acme\nfrom: "A <a@acme.test>"\nsubject: hi\ntext: b.txt\naudience: {source: a.csv}\n',
            b"smtp: {host: 127.0.0.1, port: 25, security: plain}\ndispatch: {workers: 3, rate: 5/s}\n",
            b"name: !!float x\n",  # found by fuzzing: a tag that the text does not fit
            b"audience:\n  filter: {op: AND, rules: [{op: EQ, field: city, value: x}]}\n",
        ),
        (b": ", b"- ", b"{", b"}", b"&a ", b"*a", b"!!", b"<<: ", b"|\n", b"audience", b"filter", b"rate: 10/s", b"\t"),
    ),
    "faults": Target(
        faults_file,
        (
            b'seed: 1\nrules:\n  - {stage: rcpt, reply: "550 5.1.1 no", odds: 0.1}\n',
            b"rules: [{stage: dot, action: drop, nth: 3}]",
        ),
        (b"stage: ", b"reply: ", b"raw: ", b"odds: ", b"every: ", b"action: ", b"seconds: "),
    ),
    "header": Target(
        header,
        (b"Spring is here", "Frühling, Zoë ✿".encode(), b"=?utf-8?q?hi=0ABcc:_e@x.test?=", b"a" * 900),
        (b"\r\n", b"=?utf-8?b?", b"?=", b"=0A", b" ", b"\xe2\x80\xa8", b"\xc2\x85", b":"),
    ),
    "html": Target(
        html,
        (
            b"<p>Dear <b>Zoe</b>,</p><table><tr><td>1</td></tr></table>",
            b"<ul><li><a href='x'>y</a></ul><pre>a\n</pre>",
        ),
        (b"<table>", b"<tr>", b"<td colspan=9>", b"</", b"<a href=", b"<style>", b"&#x1b;", b"<br>", b"<!--", b"\x1b["),
    ),
}
