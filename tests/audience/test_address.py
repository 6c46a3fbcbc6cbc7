"""Addresses: what is accepted equals email-validator, what is kept is what was written, and nothing escapes."""

from __future__ import annotations

import string
import subprocess
import sys
import unicodedata

import email_validator
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailtui.audience.address import AddressError, parse_address, parse_mailbox, plain_address

ASCII_ATOMS = string.ascii_letters + string.digits + "!#$%&'*+-/=?^_`{|}~."
near_misses = st.text(st.sampled_from(ASCII_ATOMS + '@@..--"<>()[]:;, \\\t\x00é＠。'), max_size=80)
labels = st.text(st.sampled_from("aZ09-x"), min_size=0, max_size=66)
shaped = st.builds(
    lambda local, parts: local + "@" + ".".join(parts),
    st.text(st.sampled_from(ASCII_ATOMS), max_size=70),
    st.lists(labels, min_size=1, max_size=6),
)


def reference(text: str) -> str | None:
    """What email-validator makes of a text, or None; the local part as written."""
    try:
        found = email_validator.validate_email(text, check_deliverability=False, test_environment=True, strict=True)
    except email_validator.EmailNotValidError:
        return None
    return f"{unicodedata.normalize('NFC', text.rpartition('@')[0])}@{found.ascii_domain}"


def special(text: str) -> bool:
    return text.rpartition(".")[2].rpartition("@")[2].lower() in email_validator.SPECIAL_USE_DOMAIN_NAMES


@settings(max_examples=500, deadline=None)
@given(st.one_of(near_misses, shaped))
@example("Info@example.com")  # a name RFC 2142 knows; email-validator lower-cases it, a list's owner wrote it so
@example("a@xn--mller-kva.de")
@example("a@xn--0.de")
@example("a@ab--c.de")
@example("a@x.d-")
@example("a" * 64 + "@example.com")
@example("a" * 65 + "@example.com")
@example("a@" + "b" * 63 + ".com")
@example("a@" + "b" * 64 + ".com")
@example("a@" + "b." * 125 + "com")
@example("a@" + "b." * 124 + "com")
@example("a@1.2.3.4")
@example("a@example.com\n")
def test_the_fast_path_accepts_only_what_email_validator_accepts(text: str) -> None:
    plain = plain_address(text)
    if plain is not None and not special(text):
        assert plain == reference(text)


@settings(max_examples=500, deadline=None)
@given(st.one_of(near_misses, shaped, st.emails()))
@example("ü@example.com")
@example("u\u0308@example.com")
@example("a@mu\u0308ller.de")
@example("a@MÜLLER.de")
@example("a@ⓔxample.com")
@example("a@例え.jp")
@example("a@b。c.com")
@example('"a b"@example.com')
@example("a@[127.0.0.1]")
@example("A <a@example.com>")
def test_everything_is_accepted_or_refused_as_by_email_validator(text: str) -> None:
    trimmed = text.strip("\t\n\v\f\r \xa0\ufeff\u200b\u2060\u3000")
    if special(trimmed):
        return
    expected = reference(trimmed)
    try:
        found = parse_address(text)
    except AddressError as error:
        # A local part may be too long in bytes only (RFC 5321 counts octets, email-validator characters).
        assert expected is None or len(trimmed.rpartition("@")[0].encode()) > 64
        assert str(error).endswith((".", ")")) or len(str(error)) > 10
        return
    assert found.text == expected
    assert found.text == f"{found.local}@{found.domain}" == found.key


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.text(max_size=60),
        st.text(max_size=30).map(lambda text: text + "@example.com"),
        st.text(max_size=20).map("a@{}.com".format),
    )
)
@example("\ud800@example.com")
@example("a@\ud800.com")
@example("a@\udcff.test")
def test_any_text_gives_an_address_or_an_address_error(text: str) -> None:
    try:
        found = parse_address(text)
    except AddressError:
        return
    found.text.encode()
    found.domain.encode("ascii")
    assert parse_address(found.text) == found, "the canonical form is its own canonical form"
    assert not set(found.text) & set(' <>()[]\\,;:"\r\n\0')


@pytest.mark.parametrize(
    "name", ["x.test", "x.local", "example.com", "example.org", "x.invalid", "x.onion", "x.arpa", "localhost", "test"]
)
def test_special_use_names_are_addresses(name: str) -> None:
    assert parse_address(f"a@{name.upper()}").text == f"a@{name}"


def test_special_use_names_with_other_scripts() -> None:
    assert parse_address("ü@Müller.LOCAL").text == "ü@xn--mller-kva.local"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("ann", "no @-sign"),
        ("Ann <a@example.com>", "write the address alone"),
        ("MailTo:a@example.com", "without mailto:"),
        ('="a@example.com"', "written as a formula"),
        ("a@example.com, b@example.com", "more than one address"),
        ("a@example.com;b@example.com", "more than one address"),
        ("a@example.com b@example.com", "more than one address"),
        ("a@b@example.com", "more than one @-sign"),
        ('"a b"@example.com', "Quotes"),
        ("a@[192.0.2.1]", "IP address"),
        ("a b@example.com", "blank inside"),
        ("a@exam\nple.com", "line break"),
        ("alice@x)bob@example.com", "@-sign"),
        ("a@example.com ORCPT=rfc822", "blank inside"),
        ("a..b@example.com", "two periods"),
        ("a@example", "period"),
    ],
)
def test_refusals_say_why(text: str, part: str) -> None:
    with pytest.raises(AddressError, match=part):
        parse_address(text)


def test_key_and_smtputf8() -> None:
    one, other = parse_address("Bob.Smith+x@EXAMPLE.com"), parse_address("bob.smith+x@example.com")
    assert one.key == "Bob.Smith+x@example.com"
    assert one.key != other.key, "local parts are never merged by guess (RFC 5321 section 2.4)"
    assert parse_address("a@MÜNCHEN.example.com").key == parse_address("a@xn--mnchen-3ya.example.com").key
    assert parse_address("u\u0308@example.com").key == "ü@example.com"
    assert parse_address("ü@example.com").needs_smtputf8
    assert not parse_address("a@münchen.example.com").needs_smtputf8


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("Acme News <news@acme.test>", "Acme News", "news@acme.test"),
        ('"Acme, Inc." <news@acme.test>', "Acme, Inc.", "news@acme.test"),
        (r'"The \"Best\"" <news@acme.test>', 'The "Best"', "news@acme.test"),
        ("news@acme.test", "", "news@acme.test"),
        ("<news@acme.test>", "", "news@acme.test"),
        ("Łódź O'Neil & Co. <news@acme.test>", "Łódź O'Neil & Co.", "news@acme.test"),
    ],
)
def test_mailboxes(text: str, name: str, address: str) -> None:
    found = parse_mailbox(text)
    assert (found.name, found.address.text) == (name, address)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Acme",
        "Acme, Inc. <news@acme.test>",
        "a@acme.test <b@acme.test>",
        "A <a@acme.test>, B <b@acme.test>",
        "A <a@acme.test> b",
        "A <a@acme.test",
        "A a@acme.test>",
        "A\r\nBcc: x@acme.test <a@acme.test>",
        "A <a@acme.test>\n",
        "A\0 <a@acme.test>",
        "A <>",
        "A (comment) <a@acme.test>",
        "group: a@acme.test;",
        '"A" "B" <a@acme.test>',
        r'"A\" <a@acme.test>',
        "alice@x.test)bob@acme.test",
    ],
)
def test_what_is_no_single_mailbox_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        parse_mailbox(text)


def test_plain_addresses_load_no_validator() -> None:
    program = (
        "import sys; from mailtui.audience.address import parse_address; parse_address('a@x.test');"
        "assert 'email_validator' not in sys.modules and 'asyncio' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
