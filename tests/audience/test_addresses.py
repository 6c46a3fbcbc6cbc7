"""A list read for its addresses alone: what is taken for one where somebody is to be left out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtui.audience.address import AddressError
from mailtui.audience.addresses import open_addresses, read_key
from mailtui.audience.spec import AudienceSpec
from mailtui.kit.spreadsheet import bare, inert


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("ann@Example.com", "ann@example.com"),
        (" ann@example.com ", "ann@example.com"),
        ('"Ann, A." <Ann@example.com>', "Ann@example.com"),
        ("@Example.COM", "@example.com"),
        ("'@example.com", "@example.com"),
        ("'=1+1@example.com", "=1+1@example.com"),
        ("o'neil@example.com", "o'neil@example.com"),
        ("@bücher.example", "@xn--bcher-kva.example"),
    ],
)
def test_an_address_or_a_domain_in_any_spelling(text: str, key: str) -> None:
    assert read_key(text) == key


@pytest.mark.parametrize("text", ["", "@", "example.com", "ann@", "ann@example.com, bob@example.com", "@a@example.com"])
def test_what_is_neither_is_told(text: str) -> None:
    with pytest.raises(AddressError):
        read_key(text)


@given(st.text(alphabet="'\"=+-@ a", max_size=6))
def test_a_cell_that_was_defused_for_a_spreadsheet_comes_back(text: str) -> None:
    assert bare(inert(text)) == text


def test_every_row_is_read_or_told_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "no.csv").write_text("email,Reason\nann@example.com,asked\nnobody,\n@example.org,\nbroken\n")
    with open_addresses(AudienceSpec(source="no.csv"), folder=tmp_path, spool=tmp_path) as opened:
        rows = list(opened.rows())
    assert [(row.line, row.key, row.reason) for row in rows] == [
        (2, "ann@example.com", "asked"),
        (3, None, ""),
        (4, "@example.org", ""),
        (5, None, ""),
    ]
    assert rows[1].problem == "There is no @-sign."
    assert rows[3].text == "broken"
