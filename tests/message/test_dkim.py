"""Signed mails verify, and changed ones do not (D6): dkimpy is the oracle, of the canonical form and of signatures."""

from __future__ import annotations

import re
from functools import cache

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from mailtui.message.compose import CompiledMessage
from mailtui.message.dkim import KINDS, DkimKeyProblem, DkimSpec, Signer, relaxed_body, relaxed_fields
from mailtui.message.dkim_key import make_key, read_signing_key
from mailtui.message.mime import TransferEncoding
from mailtui.message.reference import parse_message
from mailtui.message.rendered import RenderedMessage
from tests.message import dkim_oracle
from tests.message.dkim_oracle import verifies
from tests.message.samples import DATE
from tests.message.test_whole_messages import cells, person, whole

_SPEC = DkimSpec("s1")
_MAIL = (
    b"Date: Fri, 15 Jan 2027 08:00:00 +0000\r\nFrom: Acme <news@acme.test>\r\nTo: anna@list.test\r\n"
    b"Subject: Spring\r\nMessage-ID: <1@acme.test>\r\nX-Campaign: spring\r\n"
    b"List-Unsubscribe: <https://acme.test/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n"
    b"\r\nHello Anna,\r\nspring is here.\r\n"
)


@cache
def _pem(kind: str) -> bytes:
    return make_key(kind)


@cache
def _signer(kind: str) -> Signer:
    return Signer(_SPEC, _pem(kind))


@cache
def _record(kind: str) -> str:
    return read_signing_key(_pem(kind)).record


# Lines with what canonical forms are about: runs of blanks and tabs, at the beginning, in the middle and at the end.
_line = st.one_of(
    st.lists(st.sampled_from((" ", "\t", "  ", "a", "B", ".", ":", ";", "=", "ü", "日", "x" * 70)), max_size=12),
    st.just([".", " ", "\t"]),
).map("".join)
_body = st.builds(
    lambda lines, blank, times: ("".join(f"{line}\r\n" for line in lines) * times + "\r\n" * blank).encode(),
    st.lists(_line, max_size=8),
    st.integers(0, 3),
    st.sampled_from((1, 1, 1, 1, 200)),
)
_value = st.lists(_line.filter(str.strip), min_size=1, max_size=4).map(lambda lines: "\r\n ".join(lines))
_name = st.sampled_from(("Subject", "SUBJECT", "To", "Cc", "Reply-To", "X-Any", "List-Id", "References", "Sender"))
_mail = st.builds(
    lambda fields, body: (
        ("From: news@acme.test\r\n" + "".join(f"{name}:{gap}{value}\r\n" for name, gap, value in fields)).encode()
        + b"\r\n"
        + body
    ),
    st.lists(st.tuples(_name, st.sampled_from(("", " ", "\t ")), _value), max_size=6),
    _body,
)


@given(_body)
@settings(max_examples=100)
def test_d6_the_body_has_the_canonical_form_of_dkimpy(body: bytes) -> None:
    assert b"".join(relaxed_body(body)) == dkim_oracle.relaxed_body(body)


@given(_mail)
@settings(max_examples=60)
def test_d6_headers_have_the_canonical_form_of_dkimpy(mail: bytes) -> None:
    head = mail[: mail.index(b"\r\n\r\n") + 2]
    fields = [tuple(field.split(b":", 1)) for field in re.split(rb"\r\n(?![ \t])", head) if field]
    theirs = [name + b":" + value for name, value in dkim_oracle.relaxed_headers([(n, v) for n, v in fields])]
    assert [field + b"\r\n" for field in relaxed_fields(head)] == theirs


@pytest.mark.parametrize("kind", KINDS)
@given(mail=_mail)
@settings(max_examples=30)
def test_d6_any_mail_that_is_signed_verifies(kind: str, mail: bytes) -> None:
    signed = _signer(kind).signed(mail, "news@acme.test")
    assert verifies(signed, _record(kind))
    assert signed.endswith(mail)
    assert max(map(len, signed.removesuffix(mail).split(b"\r\n"))) <= 80


@pytest.mark.parametrize("kind", KINDS)
@given(row=cells, encoding=st.sampled_from(TransferEncoding), made=st.booleans())
@settings(max_examples=12)
def test_d6_what_a_campaign_renders_verifies(
    kind: str, row: dict[str, str], encoding: TransferEncoding, made: bool
) -> None:
    """Names and texts of any script, folded and encoded headers, files, copies, ways to leave, each encoding."""
    mail = _whole(made).render(person(row), date=DATE, encoding=encoding, smtputf8=True)
    if not isinstance(mail, RenderedMessage):
        return  # a cell that no mail may hold
    signed = _signer(kind).signed(mail.data, mail.sender)
    assert verifies(signed, _record(kind))
    assert all(len(line) <= 998 for line in signed.split(b"\r\n"))
    listed = _tags(signed)["h"].lower().split(":")
    assert listed.count("from") == 2
    assert listed.count("list-unsubscribe") == 2
    assert "cc" in listed
    assert "x-campaign" not in listed


@cache
def _whole(made: bool) -> CompiledMessage:
    return whole(made=made)


@given(st.data())
@settings(max_examples=40)
def test_d6_a_mail_with_one_byte_changed_does_not_verify(data: st.DataObject) -> None:
    signed = _signer("ed25519").signed(_MAIL, "news@acme.test")
    unsigned = signed.index(b"X-Campaign"), signed.index(b"List-Unsubscribe:")
    first = signed.index(b"bh=")  # before it stand tags, of which some changes leave what they mean
    spare = signed.index(b"==\r\n") - 1  # the signature's last letter, of which four bits say nothing
    letters = [
        at
        for at in range(first, len(signed))
        if signed[at : at + 1].isalnum() and at != spare and not unsigned[0] <= at < unsigned[1]
    ]
    at = data.draw(st.sampled_from(letters))
    other = b"q" if signed[at : at + 1].lower() != b"q" else b"z"
    assert not verifies(signed[:at] + other + signed[at + 1 :], _record("ed25519"))


@pytest.mark.parametrize(
    "name", ["From", "To", "Cc", "Reply-To", "Subject", "Date", "List-Unsubscribe", "Content-Type"]
)
def test_d6_nobody_may_add_a_header_that_readers_go_by(name: str) -> None:
    signed = _signer("rsa").signed(_MAIL, "news@acme.test")
    assert verifies(signed, _record("rsa"))
    added = name.encode() + b": <evil@list.test>\r\n"
    assert not verifies(added + signed, _record("rsa"))
    assert not verifies(signed.replace(b"\r\n\r\n", b"\r\n" + added + b"\r\n", 1), _record("rsa"))


def test_d6_what_relays_do_with_a_mail_leaves_its_signature_good() -> None:
    signed = _signer("rsa").signed(_MAIL, "news@acme.test")
    passed = b"Return-Path: <b@acme.test>\r\nReceived: from a by b\r\n" + signed.replace(b"X-Campaign: spring\r\n", b"")
    assert verifies(passed.replace(b"Subject: Spring", b"subject:\r\n  Spring ") + b"\r\n\r\n", _record("rsa"))
    # A relay may give a way to leave, or a name of a list, to mails that have none.
    plain = re.sub(rb"List-[^:]+: [^\r]+\r\n", b"", _MAIL)
    again = _signer("rsa").signed(plain, "news@acme.test")
    assert verifies(b"List-Unsubscribe: <https://relay.test/u>\r\n" + again, _record("rsa"))


@pytest.mark.parametrize("kind", KINDS)
def test_d6_the_same_mail_has_the_same_signature_whoever_signs_it_and_when(kind: str) -> None:
    """A retry has the same bytes (T-07), also by another process that has signed other mails meanwhile."""
    first = _signer(kind).signed(_MAIL, "news@acme.test")
    other = Signer(_SPEC, _pem(kind))
    other.signed(_MAIL.replace(b"Anna", b"Bert"), "news@acme.test")
    assert other.signed(_MAIL, "news@acme.test") == first
    assert {"t", "x", "l"}.isdisjoint(_tags(first))
    assert _tags(first)["a"] == f"{kind}-sha256"


def test_d6_the_domain_is_that_of_from_unless_one_is_named() -> None:
    asked: list[bytes] = []
    record = _record("rsa")
    assert verifies(_signer("rsa").signed(_MAIL, "news@acme.test"), record, asked=asked)
    named = Signer(DkimSpec("mail.2026", "example.org"), _pem("rsa"))
    assert verifies(named.signed(_MAIL, "news@acme.test"), record, asked=asked)
    assert asked == [b"s1._domainkey.acme.test.", b"mail.2026._domainkey.example.org."]
    assert named.spec.record_name("acme.test") == "mail.2026._domainkey.example.org"


def test_d6_the_longest_names_make_no_line_too_long() -> None:
    label = "x" * 61
    domain = ".".join([label] * 4)[:250]
    signer = Signer(DkimSpec(".".join([label] * 3), domain), _pem("ed25519"))
    signed = signer.signed(_MAIL, "news@acme.test")
    assert verifies(signed, _record("ed25519"))
    assert max(map(len, signed.split(b"\r\n"))) <= 998


def test_d6_a_reader_sees_the_mail_as_without_a_signature() -> None:
    before, after = parse_message(_MAIL), parse_message(_signer("rsa").signed(_MAIL, "news@acme.test"))
    assert [(name, str(value)) for name, value in after.items()][1:] == [(n, str(v)) for n, v in before.items()]
    assert after.get_content() == before.get_content()


def test_d6_keys_that_are_not_to_be_used_are_refused_with_what_to_do() -> None:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    plain = serialization.NoEncryption()
    short = rsa.generate_private_key(65_537, 1024).private_bytes(*form, plain)
    curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(*form, plain)
    key = serialization.load_pem_private_key(_pem("ed25519"), None)
    locked = key.private_bytes(*form, serialization.BestAvailableEncryption(b"hunter2"))
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    cut = _pem("rsa")[:400]
    for pem, sentence in (
        (short, "1,024 bits"),
        (curve, "another kind"),
        (locked, "passphrase"),
        (public, "public one"),
        (cut, "cut off"),
        (b"hunter2", "no PEM text"),
        (b"", "no PEM text"),
    ):
        with pytest.raises(DkimKeyProblem, match=sentence) as refused:
            Signer(_SPEC, pem)
        assert refused.value.hint
        assert "hunter2" not in str(refused.value)


@pytest.mark.long
@pytest.mark.parametrize(("bits", "good"), [(1536, False), (2047, False), (3072, True), (4096, True), (4104, False)])
def test_d6_the_lengths_of_rsa_that_everybody_verifies(bits: int, good: bool) -> None:
    key = rsa.generate_private_key(65_537, bits)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    if not good:
        with pytest.raises(DkimKeyProblem, match="bits"):
            Signer(_SPEC, pem)
        return
    signed = Signer(_SPEC, pem).signed(_MAIL, "news@acme.test")
    assert verifies(signed, read_signing_key(pem).record)


def _tags(signed: bytes) -> dict[str, str]:
    value = re.sub(r"\s", "", str(parse_message(signed)["DKIM-Signature"]))
    return dict(part.split("=", 1) for part in value.split(";"))
