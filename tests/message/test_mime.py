"""The skeleton against the standard parser: whatever is put in comes out (M-01, M-04)."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailtui.message.mime import (
    BodyError,
    Skeleton,
    TransferEncoding,
    build_skeleton,
    canonical,
    encode_part,
    lines_fit,
    wire_lines,
)
from mailtui.message.reference import parse_message, self_check, wire_faults
from mailtui.message.rendered import RenderedMessage
from tests.message.samples import (
    DATE,
    SCRIPTS,
    SECRET,
    body_text,
    compiled,
    encodings,
    header_text,
    recipient,
    rendered,
    source,
)

_BOTH = compiled(source(subject="{{ first_name }}", text="{{ body }}", html="<p>{{ row['First name']|safe }}</p>"))
_TEXT = compiled(source(subject="{{ first_name }}", text="{{ body }}"))
_HTML = compiled(source(subject="{{ first_name }}", text=None, html="{{ body|safe }}"))


def _assembled(skeleton: Skeleton, text: str, html: str, encoding: TransferEncoding) -> bytes:
    plain, page = (encode_part(wire_lines(body), encoding, skeleton.boundary) for body in (text, html))
    return skeleton.assemble(b"Subject: x\r\n", plain, page)


def _subject(text: str) -> str:
    return text.strip(" \t") or "x"


@given(header_text, body_text, body_text, encodings)
@example("=?utf-8?q?hi=0ABcc:_e@x.test?=", "\r\n.\r\nMAIL FROM:<x@y.test>", "<p>x" * 400, TransferEncoding.EIGHT_BIT)
@example("x", "ü" * 998, "ü" * 500 + "\n" + "ü" * 499, TransferEncoding.EIGHT_BIT)
@example("x", "x" * 998 + "\n" + "x" * 999, "x" * 998, TransferEncoding.QUOTED_PRINTABLE)
def test_m01_m04_what_is_put_in_is_what_a_reader_gets(
    subject: str, text: str, html: str, encoding: TransferEncoding
) -> None:
    to = recipient(first_name=_subject(subject), body=text, First_name=html)
    message = rendered(_BOTH, to, encoding=encoding)
    assert message.subject == _subject(subject)
    assert message.text == canonical(text)
    assert message.html == canonical(f"<p>{html}</p>")
    assert self_check(_BOTH, to, date=DATE, encoding=encoding) == []


@given(body_text, encodings, st.booleans())
def test_m04_a_single_part_reads_the_same(body: str, encoding: TransferEncoding, html: bool) -> None:
    compiled_message = _HTML if html else _TEXT
    to = recipient(body=body)
    assert self_check(compiled_message, to, date=DATE, encoding=encoding) == []
    message = rendered(compiled_message, to, encoding=encoding)
    parsed = parse_message(message.data)
    assert parsed.get_content_type() == ("text/html" if html else "text/plain")
    assert parsed.get_content().replace("\r\n", "\n") == canonical(body)


@given(header_text, body_text, body_text, encodings)
def test_m01_bytes_are_fit_for_the_wire(subject: str, text: str, html: str, encoding: TransferEncoding) -> None:
    data = rendered(_BOTH, recipient(first_name=_subject(subject), body=text, First_name=html), encoding=encoding).data
    assert wire_faults(data) == []
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.isascii()
    if encoding is not TransferEncoding.EIGHT_BIT:
        assert data.isascii()
    for line in head.split(b"\r\n"):
        assert b"=?utf-8?" not in line or len(line) <= 76
    if encoding is TransferEncoding.BASE64:
        assert max(map(len, body.split(b"\r\n"))) <= 78


@given(st.lists(st.sampled_from([0, 1, 997, 998, 999, 1000, 2500]), min_size=1, max_size=6))
def test_lines_fit_agrees_with_counting(lengths: list[int]) -> None:
    data = b"".join(b"x" * length + b"\r\n" for length in lengths)
    assert lines_fit(data) == (max(lengths) <= 998)


@pytest.mark.parametrize("text", SCRIPTS)
@pytest.mark.parametrize("encoding", TransferEncoding)
def test_ascii_travels_as_it_is_and_the_rest_as_asked(text: str, encoding: TransferEncoding) -> None:
    transfer, _ = encode_part(wire_lines(canonical(text)), encoding, b"=_boundary")
    if encoding is TransferEncoding.BASE64:
        assert transfer == "base64"
    elif text.isascii():
        assert transfer == "7bit"
    else:
        assert transfer == encoding.value


def test_a_line_too_long_for_8bit_goes_as_quoted_printable() -> None:
    for body in ("ü" * 500, "x" * 999):
        transfer, data = encode_part(wire_lines(body + "\n"), TransferEncoding.EIGHT_BIT, b"=_boundary")
        assert transfer == "quoted-printable"
        assert max(map(len, data.split(b"\r\n"))) <= 76


def test_a_part_that_holds_the_boundary_is_encoded_so_that_it_does_not() -> None:
    skeleton = build_skeleton(SECRET, "digest")
    evil = f"a\n--{skeleton.boundary.decode()}--\nhidden ü\n"
    for encoding in TransferEncoding:
        data = _assembled(skeleton, evil, "<p>x\n", encoding)
        parts = list(parse_message(data).iter_parts())
        assert [part.get_content().replace("\r\n", "\n") for part in parts] == [evil, "<p>x\n"]


def test_a_multipart_with_an_8bit_part_says_so() -> None:
    skeleton = build_skeleton(SECRET, "digest")
    for text, said in (("ü\n", "8bit"), ("u\n", None)):
        data = _assembled(skeleton, text, "x\n", TransferEncoding.EIGHT_BIT)
        assert parse_message(data)["Content-Transfer-Encoding"] == said


@pytest.mark.parametrize("line_break", ["\r\n", "\n", "\r"])
def test_m03_every_line_break_becomes_crlf_and_dots_are_left_to_the_wire(line_break: str) -> None:
    data = rendered(_TEXT, recipient(body=f"a{line_break}.{line_break}b")).data
    assert data.endswith(b"\r\n\r\na\r\n.\r\nb\r\n")


@pytest.mark.parametrize("body", ["a\0b", "\r\n\0.\r\n", "\ud800"])
def test_m03_what_no_mail_may_hold_is_refused(body: str) -> None:
    with pytest.raises(BodyError):
        wire_lines(canonical(body))
    result = _TEXT.render(recipient(body=body), date=DATE, encoding=TransferEncoding.BASE64)
    assert not isinstance(result, RenderedMessage)


@given(header_text, body_text, encodings)
def test_the_same_recipient_has_the_same_bytes_on_every_machine(
    subject: str, body: str, encoding: TransferEncoding
) -> None:
    to = recipient(first_name=_subject(subject), body=body, First_name=body)
    again = compiled(type(_BOTH.source).from_json(_BOTH.source.to_json()))
    assert rendered(_BOTH, to, encoding=encoding) == rendered(again, to, encoding=encoding)
