"""Cells that no one wants in a mail are pointed out, and stay as they stand."""

from __future__ import annotations

import pytest

from mailtui.audience.odd_cells import damaged_note, odd_notes
from tests.audience.conftest import Opener


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("NULL", "does not find it empty"),
        ("\\N", "does not find it empty"),
        ('="01234"', "how a spreadsheet is told"),
        ("#REF!", "an error of the spreadsheet"),
        ("########", "an error of the spreadsheet"),
        ("4.4791E+11", "the digits are lost"),
        ("4,4791E+11", "the digits are lost"),
        ("#bob@example.com", "with its first sign"),
        ("'bob@example.com", "with its first sign"),
        ("M&uuml;ller", "as on a web page"),
        ("O&#39;Neil", "as on a web page"),
    ],
)
def test_odd_cells_are_told_with_their_column(cell: str, said: str) -> None:
    (note,) = odd_notes(("email", "x"), [["a@example.com", "fine"], ["b@example.com", cell]])
    assert note.startswith(f"In x, {cell} ")
    assert said in note


@pytest.mark.parametrize(
    "cell", ["", "null and void", "N", "=1", "#1001", "1E+11", "1.5", "Q&A; more", "AT&T", "São Tomé", "ÅSE ©", "Рёва"]
)  # fmt: skip
def test_usual_cells_are_not(cell: str) -> None:
    assert odd_notes(("x",), [[cell]]) == ()


@pytest.mark.parametrize(
    ("word", "codec"), [("Zoë", "cp1252"), ("naïve", "latin-1"), ("Orléans", "cp1252"), ("Привет", "cp1251")]
)
def test_letters_that_were_damaged_before_are_told(word: str, codec: str) -> None:
    damaged = word.encode().decode(codec)
    note = damaged_note(["Ann,Ä", f"Bob,{damaged},London"])
    assert note.startswith(f"{damaged} looks like {word}, read in a wrong encoding")
    assert damaged_note(["Bob", word]) == ""
    assert "M\ufffdller has lost a letter" in damaged_note(["M\ufffdller"])


def test_damaged_letters_are_found_far_below_the_first_rows(opened: Opener) -> None:
    rows = [f"user{number}@example.com,Name" for number in range(9_000)]
    rows[8_000] = "zoe@example.com," + "Zoë".encode().decode("cp1252")
    audience = opened("email,name\n" + "\n".join(rows) + "\n")
    assert any("looks like Zoë" in note for note in audience.understanding.notes)
    # A line of UTF-8 in a code page is told as a problem, and not twice.
    mixed = opened(
        "email,name\na@example.com,Jörg\nb@example.com,Käthe\n".encode("cp1252") + "c@example.com,Zoë\n".encode()
    )
    assert mixed.understanding.notes == ()
    assert [one.line for one in mixed.problems()] == [4]


def test_an_encoding_that_was_given_by_mistake_shows(opened: Opener) -> None:
    audience = opened("email,name\na@example.com,Zoë\n", encoding="cp1252")
    assert any("looks like Zoë" in note for note in audience.understanding.notes)
