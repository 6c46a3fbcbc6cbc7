"""Which column has the addresses, and what is told of others that have some too."""

from __future__ import annotations

import pytest

from tests.audience.conftest import Opener


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("from,to,subject,body", "news@example.com,a@example.com,Hi,Text", "to"),
        ("Name;Correo electrónico", "Ann;a@example.com", "Correo electrónico"),
        ("name,EMAIL_ADDRESS,reply-to", "Ann,a@example.com,help@example.com", "EMAIL_ADDRESS"),
        ("имя,Электронная почта", "Ann,a@example.com", "Электронная почта"),
        ("氏名,メールアドレス", "Ann,a@example.com", "メールアドレス"),
        ("email,contact", "yes,a@example.com", "contact"),
        ("address,kontakt", "1 Main St,a@example.com", "kontakt"),
        ("id,x", "1,a@example.com", "x"),
    ],
)
def test_the_address_column_is_found(opened: Opener, header: str, row: str, expected: str) -> None:
    assert opened(f"{header}\n{row}\n").address_column == expected


def test_two_columns_of_addresses_are_a_guess_that_names_both(opened: Opener) -> None:
    found = opened("email,mail\na@example.com,b@example.com\n").understanding.address_column
    assert (found.value, found.confidence) == ("email", "guess")
    assert "mail" in found.reason


@pytest.mark.parametrize(
    ("header", "rows", "expected", "rival"),
    [
        # Google contacts: most have one address only, and that is the first.
        ("name,E-mail 1 - Value,E-mail 2 - Value", ["Ann,a@example.com :: b@example.com,c@example.com",
         "Bob,b@example.com,", "Cid,d@example.com,"], "E-mail 1 - Value", "E-mail 2 - Value"),
        ("one,two", ["a@example.com,b@example.com"], "one", "two"),
        ("old mail,new mail", ["a@example.com,b@example.com", ",c@example.com"], "new mail", "old mail"),
        # Whoever looks after all the others is not the one to write to.
        ("owner mail,customer", ["o@example.com,a@example.com", "o@example.com,b@example.com",
         "o@example.com,c@example.com"], "customer", ""),
        # Orders, of which one person has several.
        ("mail of customer", ["a@example.com"] * 3, "mail of customer", ""),
    ],
)  # fmt: skip
def test_of_several_columns_of_addresses(
    opened: Opener, header: str, rows: list[str], expected: str, rival: str
) -> None:
    audience = opened("\n".join([header, *rows]) + "\n")
    found, notes = audience.understanding.address_column, audience.understanding.notes
    assert found.value == expected
    assert (found.confidence == "guess") is bool(rival)
    assert [note for note in notes if "get no mail" in note] == (
        [f"{rival} holds addresses too, which get no mail: it goes to those in {expected}. --address names another."]
        if rival
        else []
    )
