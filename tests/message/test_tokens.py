"""Tokens (B-02): nobody can make one up, none gives anybody away, and each bad one has its own sentence."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mailtui.message.tokens import TokenError, Tokens, read_token

SECRET = b"s" * 32
_ids = st.text("abcdefghjkmnpqrstuvwxyz23456789", min_size=8, max_size=8)
_rows = st.integers(0, 10**9)
_keys = st.one_of(st.emails(), st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable()))
_secrets = st.binary(min_size=32, max_size=32)


def test_b02_the_form_is_the_one_that_is_documented() -> None:
    """Worked out here anew, by the words of docs/unsubscribe.md."""
    said = b"unsubscribe\0k3v9x2mq\x0017\0anna@list.test"
    mac = base64.urlsafe_b64encode(hmac.new(SECRET, said, hashlib.sha256).digest()[:16]).decode().rstrip("=")
    assert Tokens(SECRET, "k3v9x2mq").of(17, "anna@list.test") == f"v1.k3v9x2mq.17.{mac}"


@given(_secrets, _ids, _rows, _keys)
def test_b02_a_token_is_read_back_and_is_its_own_recipients(secret: bytes, campaign: str, row: int, key: str) -> None:
    text = Tokens(secret, campaign).of(row, key)
    token = read_token(f" {text}\n")
    assert (token.campaign, token.row) == (campaign, row)
    assert token.is_of(secret, key)
    assert len(text) <= 64
    assert "@" not in text


@given(_secrets, _secrets, _ids, _ids, _rows, _rows, _keys, _keys)
def test_b02_nothing_of_another_makes_a_token_fit(
    secret: bytes, secret2: bytes, campaign: str, campaign2: str, row: int, row2: int, key: str, key2: str
) -> None:
    mac = Tokens(secret, campaign).mac(row, key)
    assume((secret2, campaign2, row2, key2) != (secret, campaign, row, key))
    assert not read_token(f"v1.{campaign2}.{row2}.{mac}").is_of(secret2, key2)


@given(_secrets, _rows, _keys, st.integers(0, 21), st.sampled_from("ABCxyz019_-"))
def test_b02_a_changed_character_makes_it_false(secret: bytes, row: int, key: str, at: int, put: str) -> None:
    text = Tokens(secret, "k3v9x2mq").of(row, key)
    changed = text[: len(text) - 22 + at] + put + text[len(text) - 21 + at :]
    assume(changed != text)
    assert not read_token(changed).is_of(secret, key)


@given(_keys.filter(lambda key: len(key) > 5))
def test_b02_neither_address_nor_key_is_in_a_token(key: str) -> None:
    text = Tokens(SECRET, "k3v9x2mq").of(3, key)
    hidden = base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")
    assert key not in text
    assert hidden not in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "blank"),
        ("v1.k3v9x2mq.17.mU2n6p0ZcQ8yT1aWb4Rf5", "no whole token"),
        ("v1.k3v9x2mq.17.", "no whole token"),
        ("v1.k3v9x2mq", "no whole token"),
        ("v1.k3v9x2mq.017.mU2n6p0ZcQ8yT1aWb4Rf5g", "no whole token"),
        ("v1.k3v9x2mq.17.mU2n6p0ZcQ8yT1aWb4Rf5gg", "no whole token"),
        ("v2.k3v9x2mq.17.mU2n6p0ZcQ8yT1aWb4Rf5g", "that this version of mailtui knows"),
        ("v1.k3v9x2mq.\u0661.mU2n6p0ZcQ8yT1aWb4Rf5g", "characters in it that no token has"),
        ("v1.k3v9x2mq.17.mU2n6p0ZcQ8yT1aWb4Rf5\u00fc", "characters in it that no token has"),
        ("anna@list.test", "one looks like v1."),
        ("https://acme.test/leave/v1.k3v9x2mq.17.mU2n6p0ZcQ8yT1aWb4Rf5gg", "one looks like v1."),
        ("https://acme.test/xv1.k3v9x2mq.17.mU2n6p0ZcQ8yT1aWb4Rf5g", "one looks like v1."),
        ("<v1.k3v9x2mq.17.mU2n6p0ZcQ8yT1aWb4Rf5g> <v1.k3v9x2mq.18.mU2n6p0ZcQ8yT1aWb4Rf5g>", "several"),
        ("v1." + "x" * 10_000, "no token"),
    ],
)
def test_b02_what_is_no_token_is_told_why(text: str, said: str) -> None:
    with pytest.raises(TokenError, match=said):
        read_token(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://acme.test/leave?a=1&t={}#end",
        "Re: unsubscribe {}",
        "AW: abbestellen f\u00fcr {}",
        "mailto:leave@acme.test?subject=unsubscribe%20{}&body=x",
        "<https://acme.test/leave/{0}>, <mailto:leave@acme.test?subject=unsubscribe%20{0}>",
    ],
)
def test_b02_a_token_is_found_in_the_link_or_the_subject_that_has_it(text: str) -> None:
    token = Tokens(SECRET, "k3v9x2mq").of(17, "anna@list.test")
    assert read_token(text.format(token)) == read_token(token)
