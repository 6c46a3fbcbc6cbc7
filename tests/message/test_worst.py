"""Which rows are looked at first."""

from __future__ import annotations

from mailtui.audience.recipient import Recipient
from mailtui.message.worst import SHOWN, Oddity, OddRows, WorstRows


def person(row: int, **cells: str) -> Recipient:
    address = cells.pop("address", f"p{row}@example.com")
    return Recipient(address, row, address, {"email": address, **cells})


def found(recipients: list[Recipient], used: tuple[str, ...] | None = ("name", "city")) -> dict[Oddity, OddRows]:
    worst = WorstRows(used)
    for recipient in recipients:
        worst.feed(recipient)
    return {odd.oddity: odd for odd in worst.result()}


def test_b5_the_first_of_each_kind_with_reason_and_count() -> None:
    people = [person(row, name="Ann" * row, city="Rome") for row in range(1, 31)]
    people.append(person(31, name="Ann", city=" \t"))
    people.append(person(32, name="", city=""))
    people.append(person(33, name="花子", city="東京"))
    people.append(person(34, name="Zoë", city="Rome"))
    worst = found(people)
    longest = worst[Oddity.LONGEST]
    assert [row.row for row in longest.rows] == list(range(30, 30 - SHOWN, -1))
    assert longest.count == 33  # one has nothing at all
    assert longest.rows[0].why == "94 characters, 90 of them in name"
    assert [(row.row, row.why) for row in worst[Oddity.BLANK].rows] == [
        (32, "nothing in name and city"),
        (31, "nothing in city"),
    ]
    assert [(row.row, row.why) for row in worst[Oddity.NOT_ASCII].rows] == [
        (33, "4 characters beyond ASCII, in name and city"),
        (34, "1 character beyond ASCII, in name"),
    ]
    assert Oddity.ROWS not in worst


def test_b5_of_equals_the_first_in_the_list_and_no_column_that_nothing_reads() -> None:
    people = [person(row, name="Ann", notes="x" * row) for row in range(1, 40)]
    worst = found(people, ("name",))
    assert [row.row for row in worst[Oddity.LONGEST].rows] == list(range(1, SHOWN + 1))
    assert worst[Oddity.LONGEST].rows[0].why == "3 characters in name"
    assert found(people, None)[Oddity.LONGEST].rows[0].row == 39


def test_b5_rows_that_make_one_mail_and_addresses_count() -> None:
    rows = ({"email": "a@example.com", "name": "A"}, {"email": "a@example.com", "name": ""})
    grouped = Recipient("a@example.com", 4, "a@example.com", rows[0], rows)
    worst = found([grouped, person(9, address="jörg@example.com", name="J")], ("name",))
    assert worst[Oddity.ROWS].rows[0].why == "2 rows make this mail"
    assert worst[Oddity.BLANK].rows[0].row == 4
    assert worst[Oddity.NOT_ASCII].rows[0].why == "1 character beyond ASCII, in the address"
