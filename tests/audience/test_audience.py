"""The audience as others see it: counts, recipients, problems, rows, and errors that help."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailtui.audience.address import AddressError, parse_address
from mailtui.audience.audience import open_audience
from mailtui.audience.counting import count_stream
from mailtui.audience.spec import AudienceSpec
from mailtui.errors import AudienceError, ExitCode, RuleError, UsageError
from tests.audience.conftest import Opener

LIST = """email,name,city
ann@example.com,Ann,London
bob@example.com,Bob,Paris
ANN@example.com,Other Ann,London
ann@EXAMPLE.com,Ann again,Paris
not an address,Cid,London
bob@example.com,Bob again,London
broken row
dan@example.com,Dan,London
"""


def test_counts_and_recipients_without_a_filter(opened: Opener) -> None:
    audience = opened(LIST)
    counts = audience.counts()
    assert (counts.rows, counts.matched, counts.valid, counts.problems) == (8, 8, 6, 2)
    assert (counts.duplicates, counts.recipients) == (2, 4)
    assert [(one.row, one.key) for one in audience.recipients()] == [
        (1, "ann@example.com"),
        (2, "bob@example.com"),
        (3, "ANN@example.com"),
        (8, "dan@example.com"),
    ]
    assert dict(next(audience.recipients()).fields) == {"email": "ann@example.com", "name": "Ann", "city": "London"}


def test_a_duplicate_whose_first_row_is_filtered_out_is_kept(opened: Opener) -> None:
    audience = opened(LIST, filter='city == "London"')
    assert [(one.row, one.key) for one in audience.recipients()] == [
        (1, "ann@example.com"),
        (3, "ANN@example.com"),
        (6, "bob@example.com"),
        (8, "dan@example.com"),
    ]
    counts = audience.counts()
    assert (counts.matched, counts.duplicates, counts.recipients) == (5, 0, 4)
    assert audience.counts('city == "Paris"').recipients == 2
    assert audience.counts('city == "Paris" or name contains "ann"').duplicates == 1
    assert audience.counts().recipients == 4, "counting under another filter changes nothing"


def test_problems_in_the_order_of_the_list(opened: Opener) -> None:
    audience = opened(LIST)
    found = [(one.line, one.row, one.kind, one.text) for one in audience.problems()]
    assert found == [
        (5, 4, "duplicate", "ann@EXAMPLE.com,Ann again,Paris"),
        (6, 5, "bad_address", "not an address,Cid,London"),
        (7, 6, "duplicate", "bob@example.com,Bob again,London"),
        (8, 7, "bad_row", "broken row"),
    ]
    reasons = [one.reason for one in audience.problems()]
    assert reasons[0] == "ann@example.com already stands in row 1"
    assert reasons[1] == "There is no @-sign."
    assert len(list(audience.problems(limit=2))) == 2


def test_start_row_resumes_without_anybody_twice(opened: Opener) -> None:
    audience = opened(LIST)
    everybody = [one.row for one in audience.recipients()]
    for start in range(10):
        assert [one.row for one in audience.recipients(start_row=start)] == [row for row in everybody if row >= start]


def test_iterators_do_not_disturb_each_other(opened: Opener) -> None:
    audience = opened(LIST)
    one, other = audience.recipients(), audience.recipients()
    pairs = list(zip(one, other, strict=True))
    assert all(left == right for left, right in pairs)
    assert len(pairs) == 4
    again = audience.recipients()
    next(again)
    assert audience.counts().rows == 8
    assert len(list(again)) == 3


def test_rows_and_why_they_are_out(opened: Opener) -> None:
    audience = opened(LIST, filter='city == "London" and name != "Dan"')
    first = audience.row(1)
    assert (first.line, first.address, first.problem, first.matched) == (2, "ann@example.com", None, True)
    last = audience.row(8)
    assert not last.matched
    assert last.explanation is not None
    assert [(part.text, part.held, part.actual) for part in last.explanation.parts] == [
        ('city == "London"', True, "London"),
        ('name != "Dan"', False, "Dan"),
    ]
    bad = audience.row(7)
    assert bad.problem is not None
    assert (bad.problem.kind, bad.fields, bad.matched, bad.explanation) == ("bad_row", {}, False, None)
    wrong = audience.row(5)
    assert wrong.problem is not None
    assert (wrong.address, wrong.problem.kind, wrong.fields["name"]) == (None, "bad_address", "Cid")
    duplicate = opened(LIST).row(4)
    assert duplicate.problem is not None
    assert (duplicate.problem.kind, duplicate.matched) == ("duplicate", True)


def test_find_gives_the_row_that_is_kept(opened: Opener) -> None:
    audience = opened(LIST, filter='city == "London"')
    found = audience.find(" bob@Example.COM ")
    assert found is not None
    assert found.row == 6
    out = opened(LIST, filter='city == "Nowhere"').find("bob@example.com")
    assert out is not None
    assert (out.row, out.matched) == (2, False)
    assert audience.find("nobody@example.com") is None
    with pytest.raises(UsageError):
        audience.find("no address")


@pytest.mark.parametrize("number", [0, 9, -1])
def test_rows_that_do_not_exist(opened: Opener, number: int) -> None:
    with pytest.raises(UsageError, match="There is no row"):
        opened(LIST).row(number)


def test_a_filter_may_say_email_whatever_the_column_is_called(opened: Opener) -> None:
    audience = opened("Mail Address;x\na@example.com;1\nb@example.net;2\n", filter='!email contains "@example.net"')
    assert [one.row for one in audience.recipients()] == [1]


def test_a_header_alone_can_be_looked_at_but_not_sent_to(opened: Opener) -> None:
    audience = opened("email,name\n")
    assert (audience.columns, audience.has_rows) == (("email", "name"), False)
    assert audience.counts().rows == 0
    assert list(audience.recipients()) == []
    assert list(audience.problems()) == []
    with pytest.raises(AudienceError, match="no row"):
        audience.require_sendable()
    opened(LIST).require_sendable()


cells = st.sampled_from(
    ["a@example.com", "A@example.com", "a@EXAMPLE.com ", "b@example.com", "c@x.test", "", "nobody", "ü@x.test"]
)
records = st.lists(st.tuples(cells, st.sampled_from(["1", "2", "3"])), max_size=30)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records, st.sampled_from([None, "n == 1", "n != 2", "n > 1", 'email contains "a"']))
def test_the_index_agrees_with_a_plain_reading(opened: Opener, rows: list[tuple[str, str]], rule: str | None) -> None:
    audience = opened("email,n\n" + "".join(f"{cell},{number}\n" for cell, number in rows), filter=rule)
    seen: dict[str, int] = {}
    valid = matched = duplicates = 0
    for row, (cell, number) in enumerate(rows, start=1):
        held = (
            rule is None
            or {
                "n == 1": number == "1",
                "n != 2": number != "2",
                "n > 1": number > "1",
                'email contains "a"': "a" in cell.lower(),
            }[rule]
        )
        matched += held
        try:
            key = parse_address(cell).key
        except AddressError:
            continue
        valid += 1
        if held:
            duplicates += key in seen
            seen.setdefault(key, row)
    counts = audience.counts()
    assert (counts.rows, counts.valid, counts.matched) == (len(rows), valid, matched)
    assert (counts.duplicates, counts.recipients, counts.problems) == (duplicates, len(seen), len(rows) - valid)
    assert {one.key: one.row for one in audience.recipients()} == seen
    assert len(list(audience.problems())) == counts.problems + duplicates


@pytest.mark.parametrize("rule", [None, 'city == "London"', "city empty", "not (name == 'Bob')"])
def test_one_streaming_pass_counts_the_same(opened: Opener, tmp_path: Path, rule: str | None) -> None:
    counts = opened(LIST, filter=rule).counts()
    streamed = count_stream(AudienceSpec(source="list.csv", filter=rule), tmp_path)
    assert (streamed.rows, streamed.matched, streamed.problems) == (counts.rows, counts.matched, counts.problems)


class _Stdin:
    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


def test_standard_input_leaves_nothing_behind_but_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    spec = AudienceSpec(source="-", filter='city == "London"')
    for _ in range(2):
        monkeypatch.setattr(sys, "stdin", _Stdin(LIST.encode()))
        with open_audience(spec, folder=tmp_path, cache=cache) as audience:
            assert audience.counts().recipients == 4
            assert audience.name == "standard input"
        assert [path.suffix for path in cache.iterdir()] == [".db"], "the same input is indexed once"
    monkeypatch.setattr(sys, "stdin", _Stdin(LIST.encode()))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    assert count_stream(spec, tmp_path).matched == 5
    assert list((tmp_path / "tmp").iterdir()) == []
    monkeypatch.setattr(sys, "stdin", _Stdin(b""))
    with pytest.raises(AudienceError, match="standard input is empty"):
        count_stream(spec, tmp_path)
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("how", ["index", "stream"])
@pytest.mark.parametrize(
    ("source", "data", "options", "part"),
    [
        ("lst.csv", None, {}, "Did you mean list.csv?"),
        ("nowhere/list.csv", None, {}, "There is no folder"),
        (".", None, {}, "is a folder"),
        ("list.csv", b"", {}, "is empty"),
        ("list.csv", b"\xef\xbb\xbf \r\n\r\n", {}, "is empty"),
        ("list.csv", b"\n" * 9_000, {}, "no row that can be read"),
        ("list.csv", b"PK\x03\x04 and more", {}, "damaged or cut off"),
        ("list.csv", b"name,city\nAnn,London\n", {}, "Its columns: name, city"),
        ("list.csv", b"name,city\nAnn,London\n", {}, "Name the column"),
        ("list.csv", b"from,city\na@example.com,London\n", {}, "no column with mail addresses"),
        ("list.csv", b"email,city\na@example.com,London\n", {"address": "emial"}, "Did you mean email?"),
        ("list.csv", b"email,city\na@example.com,London\n", {"filter": 'cty == "x"'}, "Did you mean city?"),
    ],
)
def test_errors_help(
    tmp_path: Path, how: str, source: str, data: bytes | None, options: dict[str, str], part: str
) -> None:
    (tmp_path / "list.csv").write_bytes(b"email\na@example.com\n")
    if data is not None:
        (tmp_path / source).write_bytes(data)
    spec = AudienceSpec.model_validate({"source": source, **options})
    with pytest.raises((AudienceError, RuleError)) as caught:
        if how == "index":
            open_audience(spec, folder=tmp_path, cache=tmp_path / "cache")
        else:
            count_stream(spec, tmp_path)
    assert part in str(caught.value)
    assert caught.value.exit_code is ExitCode.FINDINGS
    leftovers = list((tmp_path / "cache").glob("*.tmp")) if (tmp_path / "cache").exists() else []
    assert leftovers == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes to take away")
def test_an_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"email\n")
    path.chmod(0)
    me = os.geteuid()
    if me == 0:
        os.seteuid(65_534)  # root reads everything; nobody does not
    try:
        with pytest.raises(AudienceError, match="cannot be read"):
            count_stream(AudienceSpec(source="list.csv"), tmp_path)
    finally:
        os.seteuid(me)


def test_more_columns_than_an_index_can_have(opened: Opener) -> None:
    header = ",".join(f"c{number}" for number in range(1_899))
    assert len(opened(f"email,{header}\na@example.com{',' * 1_899}\n").columns) == 1_900
    with pytest.raises(AudienceError, match="1,901 columns"):
        opened(f"email,x,{header}\na@example.com,{',' * 1_899}\n")
