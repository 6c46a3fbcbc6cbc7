"""The open list is asked in threads: views, a search, another reading, its problems as a file; newer ends older."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from mailtui.errors import AudienceError, RuleError, UsageError
from mailtui.kit.paths import Home
from mailtui.service.facade import Service
from mailtui.service.lists import ListView
from mailtui.service.workbench import Superseded, Workbench

ROWS = 30_000


@pytest_asyncio.fixture
async def bench(home: Home) -> AsyncIterator[Workbench]:
    with Service.open(os.environ) as service:
        opened = Workbench(service)
        yield opened
        opened.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Many rows with two that are bad and one that is a duplicate."""
    lines = [f"u{number}@example.com;Näme {number % 1_000:03};{number}" for number in range(1, ROWS + 1)]
    lines[4], lines[6], lines[8] = "nobody;X;5", "broken", lines[0]
    path = tmp_path / "list.csv"
    path.write_text("email;name;n\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


async def test_a_view_is_worked_out_once_and_read_by_pages(bench: Workbench, path: Path) -> None:
    await bench.open(path)
    told: list[int] = []
    view = ListView(column="name", descending=True)
    assert await bench.prepare_view(view, told.append) == ROWS
    assert told == [20_000]
    rows = await bench.page(1, 31, view)
    assert [row.row for row in rows[:2]] == [5, 999], "X, then Näme 999"
    assert await bench.position(view, 999) == 2
    assert await bench.search("u29999@", 1, view) == 31
    assert await bench.search("u29999@", 31, view) is None
    assert await bench.search("NÄME 999", 5, view, column="name", backwards=True) == 4
    with pytest.raises(Superseded):
        await bench.page(1, 10, ListView(column="n"))  # it was never prepared


async def test_a_newer_question_ends_the_older_whatever_it_was_at(bench: Workbench, path: Path) -> None:
    await bench.open(path)
    asked = []
    for number in range(60):
        asked.append(asyncio.ensure_future(bench.examine(f'name contains "{number}" or n == {number}', 5)))
        await asyncio.sleep(0.001 * (number % 13))
    ends = await asyncio.gather(*asked, return_exceptions=True)
    assert not isinstance(ends[-1], BaseException)
    assert {type(end) for end in ends if isinstance(end, BaseException)} <= {Superseded}
    views = [asyncio.ensure_future(bench.prepare_view(ListView(column=name))) for name in ("name", "n", "email")]
    first, second, last = await asyncio.gather(*views, return_exceptions=True)
    assert isinstance(first, Superseded)
    assert isinstance(second, Superseded)
    assert last == ROWS
    searches = [asyncio.ensure_future(bench.search("nowhere", 1)) for _ in range(2)]
    assert isinstance((await asyncio.gather(*searches, return_exceptions=True))[0], Superseded)


async def test_who_asks_for_the_counts_that_are_being_counted_gets_them_too(bench: Workbench, path: Path) -> None:
    await bench.open(path)
    looked: list[int] = []
    asked = [asyncio.ensure_future(bench.counts(lambda rows, _: looked.append(rows))) for _ in range(3)]
    first, *others = await asyncio.gather(*asked)
    assert all(one is first for one in others)
    assert looked == [ROWS]
    bench.set_filter("n <= 10")
    asked = [asyncio.ensure_future(bench.counts()) for _ in range(2)]
    await asyncio.sleep(0)
    bench.set_filter("n <= 20")
    ends = await asyncio.gather(*asked, bench.counts(), return_exceptions=True)
    assert [type(end) for end in ends[:2]] == [Superseded, Superseded]
    assert (await bench.counts()).matched == 19


async def test_questions_are_answered_from_the_index_that_was_built_when_it_was_opened(
    bench: Workbench, path: Path, home: Home
) -> None:
    await bench.open(path)
    built = sorted(home.audiences.glob("*.db"))
    await bench.examine("n > 10", 5)
    await bench.counts()
    assert await bench.prepare_view(ListView(column="name")) == ROWS
    assert sorted(home.audiences.glob("*.db")) == built, "one reading of the file, not two"


async def test_no_answer_is_about_another_file_than_the_one_that_is_seen(bench: Workbench, path: Path) -> None:
    opened = await bench.open(path)
    path.write_text("name;email\nAnn;ann@example.com\n", encoding="utf-8")
    for question in (
        bench.counts(),
        bench.prepare_view(ListView(column="name")),
        bench.explain(1),
        bench.examine("n == 1", 5),
        bench.problems(5),
    ):
        with pytest.raises(AudienceError, match="list has changed since it was opened"):
            await question
    assert (await bench.page(1, 1))[0].cells[0] == "u1@example.com"
    assert bench.spec is not None
    again = await bench.reopen(bench.spec)
    assert again is not opened
    assert (await bench.counts()).rows == 1


async def test_another_reading_keeps_the_filter_or_says_that_it_does_not_fit(bench: Workbench, path: Path) -> None:
    await bench.open(path)
    bench.set_filter("n <= 10")
    assert (await bench.counts()).matched == 9  # one of the ten cannot be read
    assert [row.matched for row in await bench.page(9, 3)] == [True, True, False]
    assert bench.spec is not None
    await bench.reopen(bench.spec.model_copy(update={"types": {"n": "text"}}))
    assert bench.filter_text == "n <= 10"
    assert misfit(bench) is None
    assert (await bench.counts()).matched < 9
    spec = bench.spec
    await bench.reopen(spec.model_copy(update={"header": False, "address": "column_1", "types": {}}))
    assert bench.filter_text == "n <= 10"
    assert misfit(bench) is not None
    with pytest.raises(RuleError):
        await bench.counts()
    assert (await bench.page(1, 1))[0].cells == ("email", "name", "n")
    bench.set_filter("")
    assert misfit(bench) is None
    assert (await bench.counts()).rows == ROWS + 1


def misfit(bench: Workbench) -> RuleError | None:
    return bench.misfit


async def test_problems_go_into_a_file(bench: Workbench, path: Path, tmp_path: Path) -> None:
    await bench.open(path)
    assert await bench.save_problems(tmp_path / "out.csv") == 3
    lines = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "line,row,kind,reason,text"
    assert [line.split(",")[2] for line in lines[1:]] == ["bad_address", "bad_row", "duplicate"]
    with pytest.raises(UsageError, match="cannot be written"):
        await bench.save_problems(tmp_path / "none" / "out.csv")
    assert (tmp_path / "out.csv").stat().st_mode & 0o077 == 0, "people's addresses are for the owner alone"
    with pytest.raises(UsageError, match="exists already"):
        await bench.save_problems(tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines() == lines
