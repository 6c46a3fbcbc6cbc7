"""Header lines: encoding, folding, and that no cell can start a header of its own (M-01, M-02, B-02, B-06)."""

from __future__ import annotations

import base64
import email.header
import email.utils
import hmac
import quopri
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mailtui.audience.address import parse_mailbox
from mailtui.message import headers
from mailtui.message.headers import HeaderError, HeaderKind
from mailtui.message.reference import parse_message
from tests.message.samples import CONTROLS, SCRIPTS, compiled, header_text, recipient, refused, rendered, source

_names = st.sampled_from(["Subject", "X-A", "X-" + "A" * 48])


def _parsed(line: bytes, name: str) -> str:
    message = parse_message(line + b"\r\n\r\nbody\r\n")
    assert message.keys() == [name]
    return str(message[name])


@given(_names, header_text)
def test_m02_free_text_reads_as_it_was_written(name: str, text: str) -> None:
    value = text.strip(" \t")
    line = headers.unstructured(name, value)
    assert _parsed(line, name) == value
    for part in line.split(b"\r\n"):
        assert len(part) <= 998
        assert b"=?utf-8?" not in part or len(part) <= 76
        assert part.strip()
    for word in re.findall(rb"=\?utf-8\?[qb]\?[^?]*\?=", line):
        assert len(word) <= 75


@pytest.mark.parametrize("text", SCRIPTS)
def test_m04_encoded_words_split_no_character(text: str) -> None:
    line = headers.unstructured("Subject", (text * 9).strip())
    for coded in re.findall(rb"=\?utf-8\?b\?([^?]*)\?=", line):
        base64.b64decode(coded, validate=True).decode()
    for coded in re.findall(rb"=\?utf-8\?q\?([^?]*)\?=", line):
        quopri.decodestring(coded, header=True).decode()


def test_ascii_is_folded_at_blanks_and_a_long_word_stays_whole() -> None:
    line = headers.unstructured("Subject", "word " * 40 + "end")
    assert max(map(len, line.split(b"\r\n"))) <= 78
    long = headers.unstructured("X-Long", "a " + "y" * 500)
    assert b"y" * 500 in long


_phrases = st.one_of(
    st.sampled_from(SCRIPTS),
    st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=80),
    st.text(st.sampled_from('ab=? "\\.,<>@()é中'), min_size=1, max_size=60),
)


@given(_phrases)
def test_a_display_name_reads_as_it_was_written(text: str) -> None:
    assume("\t" not in text)  # parse_mailbox refuses controls
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    box = parse_mailbox(f"{quoted} <news@acme.test>")
    line = headers.mailbox("From", box)
    (address,) = parse_message(line + b"\r\n\r\n")["From"].addresses
    assert address.addr_spec == "news@acme.test"
    # The standard parser folds runs of blanks in a phrase, and puts one between two encoded words.
    assert "".join(address.display_name.split()) == "".join(box.name.split())
    if b"=?utf-8?" in line:
        phrase = line.decode().removeprefix("From: ").rpartition("<")[0]
        words = [
            raw.decode(charset or "ascii") if isinstance(raw, bytes) else raw
            for raw, charset in email.header.decode_header(phrase)
        ]
        assert "".join(words).strip(" ") == box.name.strip(" ")
    assert all(len(part) <= 76 or b"=?" not in part for part in line.split(b"\r\n"))


def test_a_plain_name_is_neither_quoted_nor_encoded() -> None:
    assert headers.mailbox("From", parse_mailbox("Acme News <news@acme.test>")) == b"From: Acme News <news@acme.test>"
    assert headers.mailbox("From", parse_mailbox('"Acme, Inc." <n@acme.test>')) == b'From: "Acme, Inc." <n@acme.test>'
    assert headers.mailbox("From", parse_mailbox("news@acme.test")) == b"From: news@acme.test"


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("where", ["subject", "header", "structured", "from", "reply_to"])
def test_m01_a_cell_cannot_start_a_header(control: str, where: str) -> None:
    cell = f"x{control}Bcc: everyone@evil.test"
    message = compiled(
        source(
            subject="{{ first_name }}" if where == "subject" else "Hi",
            sender='"{{ first_name }}" <news@acme.test>' if where == "from" else "news@acme.test",
            reply_to='"{{ first_name }}" <help@acme.test>' if where == "reply_to" else None,
            headers=[
                ("X-Name", "{{ first_name }}" if where == "header" else "x"),
                (
                    "List-Unsubscribe",
                    "<https://acme.test/{{ first_name }}>" if where == "structured" else "<mailto:a@b.test>",
                ),
            ],
        )
    )
    problem = refused(message, recipient(first_name=cell))
    assert re.search("line break|control|NUL|surrogate|half a character", problem.reason)


@given(st.text(max_size=60), st.sampled_from(CONTROLS), st.text(max_size=60))
def test_m01_no_text_around_a_control_makes_it_pass(before: str, control: str, after: str) -> None:
    for write in (headers.unstructured, headers.structured):
        with pytest.raises(HeaderError):
            write("X-A", before + control + after)


@pytest.mark.parametrize("text", ["=?utf-8?q?hi=0ABcc:_e@x.test?=", "=?utf-8?q?a?= =?utf-8?q?b?="])
def test_m02_a_literal_encoded_word_reaches_the_reader_as_those_characters(text: str) -> None:
    message = compiled(
        source(subject="{{ first_name }}", sender="{{ body }} <news@acme.test>", headers=[("X-A", "{{ first_name }}")])
    )
    data = rendered(message, recipient(first_name=text, body='"=?utf-8?q?x?="')).data
    parsed = parse_message(data)
    assert str(parsed["Subject"]) == text
    assert str(parsed["X-A"]) == text
    assert parsed["From"].addresses[0].display_name == "=?utf-8?q?x?="
    assert "Bcc" not in parsed
    assert text.encode() not in data.partition(b"\r\n\r\n")[0]
    assert (
        "=?" in refused(compiled(source(headers=[("List-Id", "{{ first_name }}")])), recipient(first_name=text)).reason
    )


@pytest.mark.parametrize("length", [20, 70, 200, 500, 900])
def test_b02_an_unsubscribe_link_is_literal_and_on_one_line(length: int) -> None:
    link = "https://acme.test/u/" + "t" * length
    message = compiled(
        source(
            headers=[
                ("List-Unsubscribe", "<https://acme.test/u/{{ body }}>, <mailto:leave@acme.test>"),
                ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            ]
        )
    )
    data = rendered(message, recipient(body="t" * length)).data
    assert f"<{link}>".encode() in data
    assert b"=?" not in data
    assert max(map(len, data.split(b"\r\n"))) <= 998
    assert parse_message(data)["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_b02_a_link_too_long_for_a_line_is_refused() -> None:
    message = compiled(source(headers=[("List-Unsubscribe", "<https://acme.test/u/{{ body }}>")]))
    assert (
        "998" in refused(message, recipient(body="t" * 1000)).reason
        or "997" in refused(message, recipient(body="t" * 1000)).reason
    )


def test_b06_each_header_stands_once_and_in_order() -> None:
    message = compiled(
        source(
            html="<p>x", reply_to="help@acme.test", headers=[("X-A", "{{ first_name }}"), ("List-Id", "<a.acme.test>")]
        )
    )
    parsed = parse_message(rendered(message, recipient()).data)
    assert parsed.keys() == [
        "Date", "From", "To", "Subject", "Message-ID", "Reply-To", "List-Id", "X-A", "MIME-Version", "Content-Type",
    ]  # fmt: skip
    assert parsed.defects == []


def test_a_blank_custom_header_is_left_out_and_a_blank_subject_is_refused() -> None:
    message = compiled(source(subject="{{ first_name }}", headers=[("X-A", "{{ body }}")]))
    assert "X-A" not in parse_message(rendered(message, recipient()).data)
    assert refused(message, recipient(first_name="  ")).reason == "the subject is blank"


@pytest.mark.parametrize(
    "name",
    [
        "From",
        "to",
        "CC",
        "Bcc",
        "Subject",
        "Date",
        "Message-ID",
        "mime-version",
        "Content-Type",
        "Content-X",
        "Resent-To",
        "Sender",
        "Reply-To",
        "Delivered-To",
    ],
)
def test_headers_that_are_ours_cannot_be_set(name: str) -> None:
    (problem,) = headers.header_name_problems([name])
    assert "cannot be set" in problem.message
    assert problem.hint
    assert problem.place.key == f"headers.{name}"


@pytest.mark.parametrize("names", [["X A"], ["X:A"], ["Ü"], [""], ["X" * 51], ["X-A", "x-a"], ["X\r\nBcc"]])
def test_a_name_that_is_none_or_stands_twice_is_told(names: list[str]) -> None:
    assert len(list(headers.header_name_problems(names))) == 1


def test_kinds() -> None:
    assert headers.header_kind("List-Unsubscribe") is HeaderKind.STRUCTURED
    assert headers.header_kind("X-Campaign") is HeaderKind.UNSTRUCTURED
    assert headers.header_kind("Reply-To") is HeaderKind.MAILBOX


@given(st.integers(0, 4_000_000_000))
def test_the_date_is_the_one_meant(epoch: int) -> None:
    text = headers.date_header(epoch)
    assert email.utils.parsedate_to_datetime(text).timestamp() == epoch
    assert text == email.utils.formatdate(epoch).replace("-0000", "+0000")


def test_a_message_id_is_stable_gives_nothing_away_and_differs_by_key_and_secret() -> None:
    one = headers.MessageIds(b"s").of("anna@list.test", "acme.test")
    assert one == headers.MessageIds(b"s").of("anna@list.test", "acme.test")
    assert re.fullmatch(r"<[0-9a-f]{32}@acme\.test>", one)
    assert one != headers.MessageIds(b"s").of("bert@list.test", "acme.test")
    assert one != headers.MessageIds(b"t").of("anna@list.test", "acme.test")


def test_m05_characters_before_the_at_need_smtputf8() -> None:
    message = compiled(source(reply_to="hölp@acme.test"))
    assert "SMTPUTF8" in refused(message, recipient()).reason
    assert "hölp@acme.test".encode() in rendered(message, recipient(), smtputf8=True).data
    to = recipient(address="grüße@list.test")
    plain = compiled(source())
    assert "SMTPUTF8" in refused(plain, to).reason
    sent = rendered(plain, to, smtputf8=True)
    assert sent.recipient == "grüße@list.test"
    assert "To: grüße@list.test\r\n".encode() in sent.data
    ours = compiled(source(sender="{{ body }}"))
    assert "SMTPUTF8" in refused(ours, recipient(body="ö@acme.test")).reason
    assert rendered(ours, recipient(body="ö@acme.test"), smtputf8=True).sender == "ö@acme.test"


def test_m05_a_domain_goes_out_as_a_labels() -> None:
    message = compiled(source(sender="Köln <news@köln.test>"))
    sent = rendered(message, recipient())
    assert sent.sender == "news@xn--kln-sna.test"
    assert sent.message_id.endswith("@xn--kln-sna.test>")
    assert sent.data.isascii()


@pytest.mark.parametrize(
    "address", ["a@x.test, b@y.test", "a@x.test\r\nBcc: b@y.test", "A <a@x.test>", "a@köln.test", "a@X.test", "a", ""]
)
def test_m06_an_address_that_is_not_canonical_is_never_sent(address: str) -> None:
    problem = refused(compiled(source()), recipient(address=address))
    assert problem.place.key == "recipient"


@given(st.binary(max_size=200), st.text(st.characters(exclude_categories=["Cs"])))
def test_a_message_id_is_the_hmac_of_the_standard_library(secret: bytes, key: str) -> None:
    expected = hmac.digest(secret, key.encode(), "sha256").hex()[:32]
    assert headers.MessageIds(secret).of(key, "acme.test") == f"<{expected}@acme.test>"
