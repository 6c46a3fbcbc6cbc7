"""The second opinion notices what it is there for: everything else in this room's tests leans on it."""

from __future__ import annotations

import pytest

from mailtui.message.reference import verify_against_reference, wire_faults
from tests.message.samples import compiled, recipient, rendered, source

_MESSAGE = rendered(compiled(source(html="<p>{{ body }}</p>", text="{{ body }}")), recipient(body="Grüße"))
_HEADERS = [
    ("Date", "Fri, 15 Jan 2027 08:00:00 +0000"),
    ("From", "Acme News <news@acme.test>"),
    ("To", "anna@list.test"),
    ("Subject", "Anna, spring is here"),
    ("Message-ID", _MESSAGE.message_id),
]


def test_a_message_as_it_was_meant_has_no_differences() -> None:
    assert verify_against_reference(_MESSAGE, _HEADERS) == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (b"Subject: Anna", b"Subject: Bert", "Subject reads"),
        (b"Acme News <news@", b"Acme <news@", "From reads"),
        (b"\r\nTo: ", b"\r\nBcc: all@evil.test\r\nTo: ", "headers are"),
        (b"To: anna@list.test\r\n", b"", "headers are"),
        ("Grüße\r\n".encode(), "Grüsse\r\n".encode(), "the text/plain part reads differently"),
        (b"text/html;", b"text/plain;", "the parts are not the ones meant"),
        ("<p>Grüße".encode(), "<p>Grüsse".encode(), "the text/html part reads differently"),
        (b"Anna, spring", b"Anna,\nspring", "bare CR or LF"),
        (b"Acme News", b"Acme\0News", "NUL"),
        (b"Message-ID: ", b"Message-ID: " + b" " * 999, "more than 998"),
    ],
)
def test_each_difference_is_told(before: bytes, after: bytes, said: str) -> None:
    assert before in _MESSAGE.data
    changed = _MESSAGE._replace(data=_MESSAGE.data.replace(before, after, 1))
    assert any(said in difference for difference in verify_against_reference(changed, _HEADERS))


def test_a_multipart_without_an_end_is_told() -> None:
    head, closing, _ = _MESSAGE.data.rpartition(b"\r\n--=_")
    assert closing
    cut = _MESSAGE._replace(data=head + b"\r\n")
    assert "the parser notes CloseBoundaryNotFoundDefect" in verify_against_reference(cut, _HEADERS)


def test_a_message_must_end_with_a_line_break() -> None:
    assert wire_faults(b"Subject: x\r\n\r\nx") == ["the last line has no line break"]
