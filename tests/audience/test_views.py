"""A list seen another way: which rows, in which order, where a text stands; groups, flags and excluded kinds."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailtui.audience.audience import open_audience
from mailtui.audience.comparing import fold
from mailtui.audience.rules_text import parse_rule
from mailtui.audience.spec import AudienceSpec
from mailtui.audience.views import ListView, Which
from mailtui.errors import RuleError, UsageError
from tests.audience.conftest import Opener

LIST = """email,name,size,joined
ann@example.com,Ann,10,2026-01-31
info@example.com,Öz,9,2025-12-01
bob@example.com,bob,,
ANN@example.com,Zoë,1e5,soon
ann@EXAMPLE.com,ann,100,2024-05-05
not an address,Cid,007,2026-06-15
broken row
tom@gamil.com,Tom,-3,2026-02-01
joe@mailinator.com, Joe,2.5,1999-01-01
bob@example.com,Bob,11,2020-02-02
"""
TYPES = {"size": "number", "joined": "date"}


def rows(audience: object, view: ListView) -> list[int]:
    length = audience.prepare(view)  # type: ignore[attr-defined]
    found = [row.row for row in audience.page(1, length, view)]  # type: ignore[attr-defined]
    assert [audience.position(view, row) for row in found] == list(range(1, length + 1))  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ("all", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ("matched", [1, 2, 5, 6, 8, 9, 10]),
        ("out", [3, 4, 7]),
        ("problems", [6, 7]),
        ("duplicates", [5]),
        ("excluded", [2, 8]),
        ("flagged", [2, 8, 9]),
        ("recipients", [1, 9, 10]),
    ],
)
def test_which_rows(opened: Opener, which: Which, expected: list[int]) -> None:
    rule = "size < 1000 or name == 'tom'"
    audience = opened(LIST, filter=rule, exclude=("role", "bad_domain"), types=TYPES)
    assert rows(audience, ListView(which)) == expected
    # in another order the same rows, those that cannot be read at the end
    assert sorted(rows(audience, ListView(which, "name"))) == expected
    assert [row.matched for row in audience.page(1, 10)] == [row in (1, 2, 5, 6, 8, 9, 10) for row in range(1, 11)]


def test_remarkable_rows_are_counted_once_and_only_where_the_filter_holds(opened: Opener) -> None:
    audience = opened("email,n\ninfo@gamil.com,1\ninfo@example.com,1\nadmin@example.com,2\n", filter="n == 1")
    counts = audience.counts()
    assert dict(counts.flagged) == {"role": 2, "disposable": 0, "bad_domain": 1}
    assert rows(audience, ListView("flagged")) == [1, 2]
    assert counts.remarkable == 2


@pytest.mark.parametrize(
    ("column", "up", "down"),
    [
        ("name", [1, 5, 3, 10, 6, 9, 8, 4, 2, 7], [2, 4, 8, 9, 6, 3, 10, 1, 5, 7]),
        ("size", [8, 9, 6, 2, 1, 10, 5, 4, 3, 7], [5, 10, 1, 2, 6, 9, 8, 4, 3, 7]),
        ("joined", [9, 10, 5, 2, 1, 8, 6, 4, 3, 7], [6, 8, 1, 2, 5, 10, 9, 4, 3, 7]),
    ],
)
def test_in_which_order(opened: Opener, column: str, up: list[int], down: list[int]) -> None:
    audience = opened(LIST, types=TYPES)
    assert rows(audience, ListView(column=column)) == up
    assert rows(audience, ListView(column=column, descending=True)) == down


def test_huge_numbers_are_in_order_and_compared_exactly(opened: Opener) -> None:
    numbers = [9007199254740993, 9007199254740992, 2**63, 2**63 - 1, 10**25 + 1, 10**25, 5, -(10**30)]
    audience = opened("email,n\n" + "".join(f"a@example.com,{number}\n" for number in numbers), types={"n": "number"})
    listed = [numbers[row - 1] for row in rows(audience, ListView(column="n"))]
    assert list(map(float, listed)) == sorted(map(float, numbers))
    assert audience.counts(f"n == {10**25 + 1}").matched == 1
    assert audience.counts("n > 9007199254740992").matched == 5


def test_an_unknown_column_is_told(opened: Opener) -> None:
    with pytest.raises(UsageError, match="no column nmae") as caught:
        opened(LIST).prepare(ListView(column="nmae"))
    assert "name" in caught.value.hint


texts = st.text(st.sampled_from("aAbBßİÖö%_!\\' \xa0"), max_size=5).filter(lambda text: text == text.strip('"'))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(texts, texts), max_size=20), texts, st.sampled_from([None, "x", "y"]), st.booleans())
def test_search_finds_what_a_plain_reading_finds(
    opened: Opener, cells: list[tuple[str, str]], text: str, column: str | None, sorted_too: bool
) -> None:
    audience = opened("email,x,y\n" + "".join(f"a@b.test,{x},{y}\n" for x, y in cells))
    view = ListView(column="x") if sorted_too else ListView()
    order = rows(audience, view)
    held = {
        place
        for place, row in enumerate(order, start=1)
        if any(
            fold(text) in fold(cell)
            for name, cell in zip(("email", "x", "y"), ("a@b.test", *cells[row - 1]), strict=True)
            if column in (None, name)
        )
    }
    for after in range(len(cells) + 2):
        forward = audience.search(text, after, view, column=column)
        assert forward == min((place for place in held if place > after), default=None)
        backward = audience.search(text, after, view, column=column, backwards=True)
        assert backward == max((place for place in held if place < after), default=None)


def test_a_row_that_cannot_be_read_is_found_by_its_text(opened: Opener) -> None:
    audience = opened(LIST)
    assert audience.search("BROKEN", 1) == 7
    assert audience.search("broken", 1, column="name") is None
    assert audience.search("broken", 10, ListView("problems"), backwards=True) == 2


def test_long_lists_are_searched_counted_and_sorted_in_parts(opened: Opener) -> None:
    order = list(range(45_000))
    random.Random(1).shuffle(order)
    audience = opened("email,n\n" + "".join(f"u{number}@example.com,N{number:05}\n" for number in order))
    heard: list[tuple[int, int]] = []
    counts = audience.counts('n startsWith "N0"', heard=lambda looked, matched: heard.append((looked, matched)))
    assert (counts.matched, heard[-1], len(heard)) == (10_000, (45_000, 10_000), 1)
    looked: list[int] = []
    view = ListView(column="n", descending=True)
    assert audience.prepare(view, looked.append) == 45_000
    assert looked == [20_000, 40_000]
    assert [row.cells[1] for row in audience.page(44_999, 2, view)] == ["N00001", "N00000"]
    assert audience.search("n00007", 3, view, told=looked.append) == 44_993
    assert audience.search("u7@", 44_999, view, backwards=True) == 44_993
    lines = (f"u{number}@example.com,N{number:05},{place // 1_000}\n" for place, number in enumerate(order))
    opened_for_part = opened("email,n,block\n" + "".join(lines), filter='n startsWith "N0"')
    assert abs(opened_for_part.share(32_768) - 10 / 45) < 0.02
    opened_for_part.set_rule(parse_rule("block in (1, 4, 9, 16, 25, 36)"))  # neighbours are alike
    assert abs(opened_for_part.share(2_000) - 6 / 45) < 0.02

    class EndedError(Exception):
        pass

    def stop(*_: int) -> None:
        raise EndedError

    with pytest.raises(EndedError):
        audience.prepare(ListView(column="email"), stop)
    with pytest.raises(EndedError):
        audience.counts(heard=stop)
    assert audience.prepare(ListView(column="email")) == 45_000, "what was ended is begun anew"


def test_another_filter_makes_other_views(opened: Opener) -> None:
    audience = opened(LIST)
    assert len(rows(audience, ListView("matched"))) == 10
    audience.set_rule(parse_rule("name == 'ann'"))
    assert rows(audience, ListView("matched")) == [1, 5]
    assert audience.counts().matched == 2
    with pytest.raises(RuleError):
        audience.set_rule(parse_rule("nmae == 'ann'"))
    assert audience.counts().matched == 2
    audience.set_rule(None)
    assert audience.counts().matched == 10


def test_excluded_kinds_are_out_and_say_why(opened: Opener) -> None:
    audience = opened(LIST, exclude=("role", "disposable", "bad_domain"))
    counts = audience.counts()
    assert (counts.excluded, counts.duplicates, counts.recipients) == (3, 2, 3)
    assert counts.valid + counts.problems == counts.rows
    assert counts.flagged == (("role", 1), ("disposable", 1), ("bad_domain", 1))
    assert [one.row for one in audience.recipients()] == [1, 3, 4]
    reasons = {one.row: one.reason for one in audience.problems() if one.kind == "excluded"}
    assert reasons == {
        2: "info@ is the address of a task, not of a person",
        8: "gamil.com is probably gmail.com",
        9: "mailinator.com hands out throw-away addresses",
    }
    view = audience.row(8)
    assert view.problem is not None
    assert (view.problem.kind, view.flags) == ("excluded", ("gamil.com is probably gmail.com",))
    assert [row.flags for row in audience.page(8, 2)] == [{"bad_domain"}, {"disposable"}]


def test_without_exclude_flags_are_only_told(opened: Opener) -> None:
    audience = opened(LIST)
    assert audience.counts().excluded == 0
    assert audience.counts().recipients == 6
    assert audience.row(2).problem is None
    assert audience.row(2).flags == ("info@ is the address of a task, not of a person",)
    assert [kind for kind, count in audience.counts("name == 'tom'").flagged if count] == ["bad_domain"]


def test_grouped_rows_make_one_mail_with_all_rows_that_match(opened: Opener) -> None:
    audience = opened(LIST, group=True, filter="not (name == 'Ann' and size == 100)", types=TYPES)
    counts = audience.counts()
    assert (counts.duplicates, counts.grouped, counts.recipients) == (0, 1, 6)
    found = {one.row: [row["name"] for row in one.rows] for one in audience.recipients()}
    assert found == {1: ["Ann"], 2: ["Öz"], 3: ["bob", "Bob"], 4: ["Zoë"], 8: ["Tom"], 9: [" Joe"]}
    assert [one.kind for one in audience.problems()] == ["bad_address", "bad_row"]
    later = audience.row(10)
    assert (later.problem, later.with_row, later.further) == (None, 3, ())
    assert audience.row(3).further == (10,)
    assert audience.row(1).further == ()
    mailed = {row.row: row.mailed for row in audience.page(1, 10) if row.mailed}
    assert mailed == {1: 1, 3: 3, 5: 1, 10: 3}, "who is filtered out too, since another row gets the mail"
    assert {row.mailed for row in opened(LIST, filter="size == 7").page(1, 10)} == {None}
    assert next(audience.recipients(start_row=3)).rows[1]["size"] == "11"
    assert next(opened(LIST).recipients()).rows == ()


def test_the_index_is_the_same_for_whatever_is_made_of_its_rows(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(LIST)

    def indexes(**options: Any) -> int:
        spec = AudienceSpec(source="list.csv", **options)
        open_audience(spec, folder=tmp_path, cache=tmp_path / "cache").close()
        return len(list((tmp_path / "cache").glob("*.db")))

    assert indexes() == 1
    assert indexes(group=True, exclude=("role",), filter="name == 'Ann'", columns={"name": "name"}) == 1
    assert indexes(types=TYPES) == 2
