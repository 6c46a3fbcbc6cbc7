"""The report: totals, reasons, every recipient by state and page, and the file it is written to."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from textual.widgets import Input

from mailtui.service.facade import Service
from mailtui.tui.dialogs.export import ExportDialog
from mailtui.tui.screens.report import ReportScreen
from mailtui.tui.widgets.table import KeyedTable
from tests.tui.conftest import MakeApp, grid, sent_to_faults, shows, until

ROWS, PAGE = 450, 200
FAULTS = """
rules:
  - {stage: rcpt, recipient: "*7@example.test", reply: "550 5.1.1 [@click=app.quit]No such user[/]"}
"""


@pytest_asyncio.fixture
async def sent(service: Service, sample: Path) -> AsyncIterator[str]:
    """The id of a finished campaign to 450 people, each tenth of whom was refused."""
    async with sent_to_faults(service, sample, FAULTS, rows=ROWS) as campaign:
        yield campaign


async def test_nothing_to_report(app: MakeApp) -> None:
    running = app()
    async with running.run_test() as pilot:
        await pilot.press("f9")
        await until(lambda: shows(running, "there is nothing to report"))
        await pilot.press("e", "f", "n")
        assert isinstance(running.screen, ReportScreen)


async def test_totals_reasons_pages_and_states(app: MakeApp, sent: str) -> None:
    running = app()
    async with running.run_test() as pilot:
        await pilot.press("f9")
        await until(lambda: shows(running, "+ 405 sent", "× 45 failed", "? 0 unknown", sent))
        await until(lambda: shows(running, "× 45 failed: 550 5.1.1 [@click=app.quit]No such user[/]"))
        table = running.screen.query_one(KeyedTable)
        await until(lambda: table.row_count == PAGE)
        await until(lambda: shows(running, "every recipient   1 to 200 of 450", "person1@example.test"))
        await pilot.press("b")  # there is no page before the first
        await until(lambda: shows(running, "1 to 200 of 450"))
        await pilot.press("n")
        await until(lambda: shows(running, "201 to 400 of 450", "person201@example"))
        await pilot.press("n")
        await until(lambda: shows(running, "401 to 450 of 450") and table.row_count == 50)
        await pilot.press("n")
        await pilot.press("b")
        await until(lambda: shows(running, "201 to 400 of 450"))
        await pilot.press("f")
        await until(
            lambda: shows(running, "× failed   1 to 45 of 45", "person7@example.test") and table.row_count == 45
        )
        assert not shows(running, "person8@example.test")
        await pilot.press("f")
        await until(lambda: shows(running, "+ sent   1 to 200 of 405"))
        await pilot.press("f")
        await until(lambda: shows(running, "every recipient"))


async def test_entered_from_home_it_has_its_rows(app: MakeApp, sent: str) -> None:
    running = app()
    async with running.run_test() as pilot:
        await until(lambda: shows(running, sent))
        await pilot.press("enter")
        await until(lambda: shows(running, "1 to 200 of 450", "person1@example.test", "× 45 failed: 550 5.1.1"))
        assert running.screen.query_one(KeyedTable).row_count == PAGE


async def test_export_to_a_new_file_only(app: MakeApp, sent: str, tmp_path: Path) -> None:
    running = app()
    taken = tmp_path / "taken.csv"
    taken.write_text("mine")
    async with running.run_test(notifications=True) as pilot:
        await pilot.press("f9")
        await until(lambda: shows(running, "1 to 200 of 450"))
        await pilot.press("e")
        await until(lambda: isinstance(running.screen, ExportDialog))
        field = running.screen.query_one(Input)
        assert field.value.endswith(f"spring-news-{sent}-report.csv")
        for wrong, why in (
            (taken, "nothing is ever overwritten"),
            (tmp_path / "report.txt", "End it with .csv or .jsonl"),
            (tmp_path / "nowhere" / "report.csv", "There is no folder"),
        ):
            field.value = str(wrong)
            await pilot.press("enter")
            await until(lambda why=why: shows(running, why))
        field.value = str(tmp_path / "all.csv")
        await pilot.press("enter")
        await until(lambda: shows(running, "450 recipients written"))
        await pilot.press("f")
        await until(lambda: shows(running, "1 to 45 of 45"))
        await pilot.press("e")
        await until(lambda: isinstance(running.screen, ExportDialog))
        running.screen.query_one(Input).value = str(tmp_path / "failed.jsonl")
        await pilot.press("enter")
        await until(lambda: (tmp_path / "failed.jsonl").exists() and shows(running, "45 recipients written"))
    assert taken.read_text() == "mine"
    with (tmp_path / "all.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["address"] for row in rows] == [f"person{number}@example.test" for number in range(1, ROWS + 1)]
    assert (tmp_path / "all.csv").stat().st_mode & 0o777 == 0o600
    failed = [json.loads(line) for line in (tmp_path / "failed.jsonl").read_text().splitlines()]
    assert {line["state"] for line in failed} == {"failed"}
    assert len(failed) == 45


async def test_it_fits_a_small_terminal_and_uses_a_large_one(app: MakeApp, sent: str) -> None:
    for size, more in (((60, 20), False), ((120, 40), True)):
        running = app()
        async with running.run_test(size=size) as pilot:
            await pilot.press("f9")
            await until(lambda: shows(running, "person1@", "+ 405 sent"))  # noqa: B023
            lines = grid(running)
            assert any("Last change" in line for line in lines) is more
            assert all(len(line) <= size[0] for line in lines)
