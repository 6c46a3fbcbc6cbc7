"""The list screen: what was understood, counts, rows of any number, and every state it can be in."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from textual.widgets import Input

from mailtui.service.lists import AudienceCounts
from mailtui.tui.app import MailtuiApp
from mailtui.tui.dialogs.explain import ExplainDialog
from mailtui.tui.dialogs.export import ExportDialog
from mailtui.tui.dialogs.goto import GotoDialog
from mailtui.tui.dialogs.problems import ProblemsDialog
from mailtui.tui.screens.audience import AudienceScreen
from mailtui.tui.text import Plain
from mailtui.tui.widgets.trouble import Trouble
from mailtui.tui.widgets.understood import matched_text
from tests.tui.conftest import MakeApp, change, shows, stretch, until

SIZES = [(60, 20), (80, 24), (120, 40)]


async def opened(app: MailtuiApp) -> AudienceScreen:
    """Wait until the list is open, its rows are there and it is counted."""
    await until(lambda: isinstance(app.screen, AudienceScreen) and app.bench.open_list is not None)
    screen = app.screen
    assert isinstance(screen, AudienceScreen)
    await until(lambda: screen.table.current is not None and shows(app, "recipient"), seconds=60)
    return screen


@pytest.mark.parametrize("size", SIZES)
async def test_shows_what_was_understood_and_counted(app: MakeApp, sample: Path, size: tuple[int, int]) -> None:
    shown = app(target=sample)
    async with shown.run_test(size=size):
        await opened(shown)
        assert shows(shown, "encoding", "utf-8", "certain")
        assert shows(shown, "address", "email", "given")
        await until(lambda: shows(shown, "42 rows", "2 unusable", "38 matched", "2 duplicates", "34 recipients"))
        assert shows(shown, "not (unsubscribed")
        assert shows(shown, "amara.okafor@example.com")


@pytest.mark.parametrize("size", SIZES)
async def test_without_a_list_it_says_what_to_press(app: MakeApp, size: tuple[int, int]) -> None:
    shown = app()
    async with shown.run_test(size=size) as pilot:
        await pilot.press("2")
        await until(lambda: isinstance(shown.screen, AudienceScreen))
        assert shows(shown, "No list is open.")
        await pilot.press("p", "g", "e", "v", "y", "enter")
        await pilot.pause()
        assert isinstance(shown.screen, AudienceScreen), "nothing can be done with no list"


async def test_a_list_without_rows_says_so(app: MakeApp, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("email,name\n")
    shown = app(target=tmp_path / "empty.csv")
    async with shown.run_test(size=(80, 24)) as pilot:
        await until(lambda: shows(shown, "The list has column names and no row."))
        await pilot.press("e", "g", "p", "enter", "end")
        assert isinstance(shown.screen, AudienceScreen)


async def test_an_error_stands_in_full_above_what_stays_open(app: MakeApp, sample: Path, tmp_path: Path) -> None:
    shown = app(target=sample)
    async with shown.run_test(size=(80, 24)) as pilot:
        await opened(shown)
        assert not await shown.open_target(tmp_path / "missing.csv")
        await pilot.pause()
        assert shows(shown, "× There is no list", "Looked for")
        assert shows(shown, "amara.okafor@example.com", "34 recipients")
        await pilot.press("escape")
        await pilot.pause()
        assert not shows(shown, "There is no list")


async def test_an_error_with_nothing_open(app: MakeApp, tmp_path: Path) -> None:
    shown = app(target=tmp_path / "missing.csv")
    async with shown.run_test(size=(80, 24)):
        await until(lambda: shows(shown, "× There is no list", "No list is open."))


async def test_a_filter_that_does_not_fit_is_told(app: MakeApp, sample: Path) -> None:
    change(sample, "joined after", "joinned after")
    shown = app(target=sample)
    async with shown.run_test(size=(80, 24)):
        await until(lambda: shows(shown, "× The filter does not fit this list", "42 rows", "not counted"))
        told = str(shown.screen.query_one(Trouble).query_one(Plain).content)  # as it is, however it is wrapped
        assert "campaign.yaml:38:3: audience.filter: the list has no column joinned" in told
        assert "Did you mean joined?" in told and "4 opens campaign.yaml" in told


async def test_reading_shows_how_far_it_is_and_can_be_stopped(
    app: MakeApp, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = tmp_path / "big.csv"
    write_list(big, 30_000)
    shown = app(target=sample)
    async with shown.run_test(size=(80, 24)) as pilot:
        await opened(shown)
        slow_reading(monkeypatch)
        opening = asyncio.create_task(shown.open_target(big))
        await until(lambda: shows(shown, "Reading big.csv,", "rows so far", "esc stops"))
        await pilot.press("down")
        assert shows(shown, "amara.okafor@example.com"), "what was open stays usable"
        await pilot.press("escape")
        assert not await opening
        await until(lambda: not shows(shown, "Reading"))
        assert shown.bench.open_list is not None
        assert shown.bench.open_list.rows == 42


def slow_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make reading a list take its time: a small machine."""
    from mailtui.audience.filling import _Filling

    put = _Filling._put

    def slowly(*arguments: object) -> None:
        put(*arguments)  # type: ignore[arg-type]
        time.sleep(0.4)

    monkeypatch.setattr(_Filling, "_put", slowly)


async def test_a_newer_opening_ends_the_older(app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_list(tmp_path / "big.csv", 30_000)
    write_list(tmp_path / "small.csv", 10)
    slow_reading(monkeypatch)
    shown = app()
    async with shown.run_test(size=(80, 24)):
        first = asyncio.create_task(shown.open_target(tmp_path / "big.csv"))
        await until(lambda: shown.bench.opening is not None and shown.bench.opening.rows)
        assert await shown.open_target(tmp_path / "small.csv")
        assert not await first
        assert shown.bench.open_list is not None
        assert shown.bench.open_list.rows == 10
        assert shown.bench.opening is None
        await until(lambda: shows(shown, "10 recipients"))


async def test_problems_are_listed_and_lead_to_their_rows(app: MakeApp, sample: Path) -> None:
    shown = app(target=sample)
    async with shown.run_test(size=(80, 24)) as pilot:
        screen = await opened(shown)
        await pilot.press("p")
        await until(lambda: isinstance(shown.screen, ProblemsDialog) and shows(shown, "anna.svensson@example"))
        assert shows(shown, "Rows that get no mail", "[2 unusable]", "2 duplicates")
        assert shows(shown, "row", "line", "kind", "reason", "26  27    bad address  The part after the @-sign")
        await pilot.press("tab")
        await until(lambda: shows(shown, "[2 duplicates]", "already stands in row 1"))
        await pilot.press("shift+tab", "enter")
        await until(lambda: isinstance(shown.screen, AudienceScreen))
        await until(lambda: screen.table.cursor == 25)
        assert shows(shown, "row 26 of 42", "× gets no mail")


async def test_any_number_of_problems_is_listed_and_written_to_a_file(app: MakeApp, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("email,name\na@example.com,A\n" + "nobody,B\n" * 700)
    shown = app(target=tmp_path / "bad.csv")
    async with shown.run_test(size=(80, 24)) as pilot:
        await opened(shown)
        await pilot.press("p")
        await until(lambda: shows(shown, "[700 unusable]", "2  3     bad address"))
        await pilot.press("end")
        await until(lambda: shows(shown, "701  702   bad address"))
        await pilot.press("x")
        await until(lambda: isinstance(shown.screen, ExportDialog) and shows(shown, "700 rows that get no mail"))
        line = shown.screen.query_one(Input)
        line.value = str(tmp_path / "problems.jsonl")
        await pilot.press("enter")
        await until(lambda: shows(shown, "End it with .csv."))
        line.value = str(tmp_path / "problems.csv")
        await pilot.press("enter")
        await until(lambda: shows(shown, "700 rows written to"))
        lines = (tmp_path / "problems.csv").read_text("utf-8").splitlines()
        assert lines[0].startswith("line,row,kind,reason,text")
        assert lines[-1].startswith('702,701,bad_address,There is no @-sign.,"nobody,B"')
        assert len(lines) == 701


async def test_no_problems_is_good_news(app: MakeApp, tmp_path: Path) -> None:
    write_list(tmp_path / "good.csv", 5)
    shown = app(target=tmp_path / "good.csv")
    async with shown.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(shown)
        await pilot.press("p")
        await until(lambda: shows(shown, "Every row has a usable address"))


async def test_one_of_a_kind_is_said_as_one(app: MakeApp, tmp_path: Path) -> None:
    (tmp_path / "twice.csv").write_text("email\na@example.com\na@example.com\n")
    shown = app(target=tmp_path / "twice.csv")
    async with shown.run_test(size=(80, 24)):
        await opened(shown)
        await until(lambda: shows(shown, "1 duplicate", "1 recipient", "2 rows"))
        assert not shows(shown, "1 duplicates")
        assert not shows(shown, "1 recipients")


async def test_goes_to_a_row_by_number_or_address(app: MakeApp, sample: Path) -> None:
    stretch(sample, 5_000)
    shown = app(target=sample)
    async with shown.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await opened(shown)
        await goto(pilot, shown, "4,321")
        await until(lambda: screen.table.cursor == 4_320 and shows(shown, "person4321@example.test"))
        await goto(pilot, shown, "PERSON77@example.TEST")
        await until(lambda: shows(shown, "PERSON77@example.TEST is"))
        await goto(pilot, shown, "person77@EXAMPLE.test")
        await until(lambda: screen.table.cursor == 76 and shows(shown, "row 77 of 5,000"))
        await goto(pilot, shown, "5001")
        await until(lambda: shows(shown, "There is no row 5,001: the list has 5,000 rows."))
        await pilot.press("escape")
        await goto(pilot, shown, "abc")
        await until(lambda: shows(shown, "Type a row's number, or a mail address."))
        await pilot.press("escape")
        await until(lambda: isinstance(shown.screen, AudienceScreen))
        assert screen.table.cursor == 76


async def goto(pilot: object, shown: MailtuiApp, text: str) -> None:
    await until(lambda: isinstance(shown.screen, AudienceScreen))
    await pilot.press("g")  # type: ignore[attr-defined]
    await until(lambda: isinstance(shown.screen, GotoDialog) and shown.screen.query(Input))
    shown.screen.query_one(Input).value = text
    await pilot.press("enter")  # type: ignore[attr-defined]


async def test_explains_clause_by_clause(app: MakeApp, sample: Path) -> None:
    shown = app(target=sample)
    async with shown.run_test(size=(80, 24)) as pilot:
        await opened(shown)
        await pilot.press("e")
        await until(lambda: isinstance(shown.screen, ExplainDialog) and shows(shown, "+ in: gets a mail"))
        await pilot.press("escape")
        await pilot.press("end", "enter")
        await until(lambda: shows(shown, "Row 42 (line 43)", "× out: gets no mail"))
        assert shows(shown, '- no   joined after "2020-12-31"   it is 2019-12-24')
        assert shows(shown, '+ yes  not (unsubscribed == "yes")')
        assert shows(shown, "Galway")


async def test_v_shows_the_mail_of_the_row(app: MakeApp, sample: Path) -> None:
    shown = app(target=sample)
    async with shown.run_test(size=(80, 24)) as pilot:
        await opened(shown)
        await pilot.press("down", "v")
        await until(lambda: type(shown.screen).__name__ == "PreviewScreen")
        await until(lambda: shows(shown, "Liam"))


async def test_a_bare_list_has_no_mail_to_show(app: MakeApp, tmp_path: Path) -> None:
    write_list(tmp_path / "good.csv", 5)
    shown = app(target=tmp_path / "good.csv")
    async with shown.run_test(size=(80, 24)) as pilot:
        await opened(shown)
        await pilot.press("v")
        await pilot.pause()
        assert isinstance(shown.screen, AudienceScreen)


async def test_the_cursor_stays_when_one_goes_elsewhere_and_comes_back(app: MakeApp, sample: Path) -> None:
    shown = app(target=sample)
    async with shown.run_test(size=(80, 24)) as pilot:
        screen = await opened(shown)
        await pilot.press("end", "1")
        await until(lambda: shown.screen is not screen)
        await pilot.press("2")
        await until(lambda: shown.screen is screen)
        assert screen.table.cursor == 41


def write_list(path: Path, rows: int) -> None:
    """A list of so many good rows."""
    with path.open("w") as stream:
        stream.write("email,name,city,plan\n")
        for number in range(1, rows + 1):
            stream.write(f"person{number}@example.test,Person {number},City {number % 97},plan{number % 3}\n")


def test_what_a_filter_comes_to_adds_up() -> None:
    """Excluded rows and rows of another row's mail are not called unusable, and bad rows are in no gap."""
    counts = AudienceCounts(
        rows=50, valid=46, duplicates=0, problems=4, matched=47, recipients=20, excluded=2, grouped=24
    )
    some = matched_text(counts, filtered=True, everybody=False).plain
    assert some == "47 of 50 rows match:  20 recipients, and 24 in another row's mail, 2 excluded, 1 unusable"
    everybody = matched_text(counts, filtered=True, everybody=True).plain
    assert everybody.endswith("24 in another row's mail, 2 excluded, 4 unusable")
