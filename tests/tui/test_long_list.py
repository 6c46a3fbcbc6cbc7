"""A list of any length on the screen: first rows at once, any place, sorted, searched, counted, and no stall.

The figures are printed. The limits only catch a screen that stands still, on a machine that others use as well.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailtui.service.lists import ListView
from mailtui.service.workbench import Superseded
from mailtui.tui.app import MailtuiApp
from mailtui.tui.screens.audience import AudienceScreen
from mailtui.tui.widgets.list_rows import ListRows
from tests.tui.conftest import MakeApp, shows, until

RULE = 'city endsWith "7" and plan == "plan1" and spent > 500 and joined after 2020-01-01'
LISTS = [60_000, pytest.param(1_000_000, marks=[pytest.mark.long, pytest.mark.timeout(600)])]


class Figures:
    """How long things took, and how long the interface stood still at the longest meanwhile."""

    def __init__(self) -> None:
        self.took: dict[str, float] = {}
        self.stalls: dict[str, float] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Measure what is done inside."""
        ticker = asyncio.ensure_future(self._tick(name))
        start = time.perf_counter()
        yield
        self.took[name] = time.perf_counter() - start
        ticker.cancel()

    async def _tick(self, name: str) -> None:
        before = time.perf_counter()
        while True:
            await asyncio.sleep(0.002)
            now = time.perf_counter()
            self.stalls[name] = max(self.stalls.get(name, 0), now - before)
            before = now

    def __str__(self) -> str:
        return "\n".join(
            f"  {name}: {took * 1000:,.0f} ms, longest stall {self.stalls.get(name, 0) * 1000:.0f} ms"
            for name, took in self.took.items()
        )


@pytest.mark.parametrize("rows", LISTS)
async def test_a_long_list_is_used_without_a_stall(
    app: MakeApp, tmp_path: Path, rows: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "long.csv"
    write_wide_list(path, rows)
    figures, shown = Figures(), app()
    async with shown.run_test(size=(80, 24)):
        with figures.of("read for the first time"):
            assert await shown.open_target(path)
        await until(lambda: isinstance(shown.screen, AudienceScreen) and shown.screen.table.current is not None)
        screen = shown.screen
        assert isinstance(screen, AudienceScreen)
        with figures.of("open again to first rows"):
            assert await shown.open_target(path)
            await until(lambda: screen.table.current is not None)
        with figures.of("jump to the end"):
            screen.table.action_last()
            await until(lambda: screen.table.current is not None and screen.table.cursor == rows - 1)
        before = resident()
        with figures.of("scroll all over"):
            for position in range(0, rows, rows // 100):
                screen.table.go_to(position)
                await asyncio.sleep(0.005)
            await until(lambda: screen.table.current is not None)
        more = (resident() - before) / 2**20
        await count(shown, figures, rows)
        await turn(shown, figures, rows)
        with figures.of("find what stands near the end"):
            found = await shown.bench.search(f"person{rows - 5}@", 1)
        assert found == rows - 5
        memory = resident() / 2**20
        assert shows(shown, "row")
    with capsys.disabled():
        print(f"\n{rows:,} rows, {memory:.0f} MiB in all, {more:.1f} MiB more after scrolling:\n{figures}")
    assert max(figures.stalls.values()) < 2.0
    assert figures.took["open again to first rows"] < 3
    assert figures.took["jump to the end"] < 3
    assert figures.took["first guess at a filter"] < 3
    assert more < 40


async def count(shown: MailtuiApp, figures: Figures, rows: int) -> None:
    """Count a filter as the rules screen does: a guess, then exactly, told on the way; a newer one ends it."""
    bench = shown.bench
    heard: list[tuple[int, int]] = []
    with figures.of("type a filter, forty keys"):
        typed = []
        for number in range(40):
            typed.append(asyncio.ensure_future(ended(bench.examine(f'name contains "{number}"', 25))))
            await asyncio.sleep(0.02)
        ends = await asyncio.gather(*typed)
    assert not ends[-1], "the newest is answered"
    with figures.of("first guess at a filter"):
        glance = await bench.glance(RULE, 25)
    with figures.of("filter counted"):
        counts, sample = await bench.examine(RULE, 25, lambda looked, matched: heard.append((looked, matched)))
    assert heard[-1] == (rows, counts.matched)
    assert counts.matched == sum(1 for number in range(1, rows + 1) if wanted(number))
    assert abs(glance.share - counts.matched / rows) < 0.02
    assert len(sample.within) == 25


async def ended(question: Awaitable[object]) -> bool:
    """Whether a newer question ended this one."""
    try:
        await question
    except Superseded:
        return True
    return False


async def turn(shown: MailtuiApp, figures: Figures, rows: int) -> None:
    """Sort by a text column on the screen."""
    view = shown.screen.query_one(ListRows)
    with figures.of("sort by a text column"):
        view.turn(ListView(column="name", descending=True))
        await until(lambda: view.view.column == "name" and view.table.current is not None)
    page = await shown.bench.page(1, 2, view.view)
    assert [row.cells[1] for row in page] == sorted(f"Person {number}" for number in range(1, rows + 1))[:-3:-1]
    with figures.of("page deep in it"):
        view.table.go_to(rows // 2)
        await until(lambda: view.table.current is not None)


def wanted(number: int) -> bool:
    return (
        number % 97 % 10 == 7
        and number % 3 == 1
        and number * 7 % 1000 + number % 100 / 100 > 500
        and (2010 + number % 15, number % 12 + 1, number % 28 + 1) > (2020, 1, 1)
    )


def write_wide_list(path: Path, rows: int) -> None:
    """A list of so many good rows with ten columns."""
    with path.open("w", encoding="utf-8") as stream:
        stream.write("email,name,city,plan,postcode,phone,country,joined,spent,note\n")
        for number in range(1, rows + 1):
            day = f"{2010 + number % 15}-{number % 12 + 1:02}-{number % 28 + 1:02}"
            stream.write(
                f"person{number}@example.test,Person {number},City {number % 97},plan{number % 3},{number % 99999:05},"
                f"+49{number:09},{'DE' if number % 2 else 'FR'},{day},"
                f"{number * 7 % 1000}.{number % 100:02},{'Grüße' if number % 5 == 0 else 'hello'} {number % 11}\n"
            )


def resident() -> int:
    """The memory of this process in bytes, 0 where it cannot be told."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
    except OSError:
        return 0
