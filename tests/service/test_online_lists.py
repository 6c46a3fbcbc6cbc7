"""A list of the network in the app: one state of a sheet while it is open, and domains looked up beside it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailtui.errors import AudienceError
from mailtui.kit.paths import Home
from mailtui.service.facade import Service
from mailtui.service.workbench import Workbench
from tests.servers.google import Fault, GoogleServer, Grid, Spreadsheet, google_server
from tests.servers.name_server import NameServer, name_server

ID = "1AbC-dEf_0123456789012345678901234567890123"
LINK = f"https://docs.google.com/spreadsheets/d/{ID}/edit#gid=0"
ROWS = [["email", "city"], ["ann@example.com", "York"], ["bo@null.example", "Bath"], ["cy@gone.example", "Bath"]]


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleServer]:
    with google_server() as server:
        server.books = {ID: Spreadsheet("Spring", [Grid(0, "Guests", ROWS), Grid(7, "Staff", ROWS[:2])], public=True)}
        monkeypatch.setenv("MAILTUI_GOOGLE__DOCS_URL", server.url)
        yield server


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    with name_server() as server:
        server.records = {"example.com": {"MX": ["10 mail.example.com."]}, "null.example": {"MX": ["0 ."]}}
        monkeypatch.setenv("MAILTUI_DNS__SERVERS", f"['{server.setting}']")
        yield server


@pytest.fixture
def bench(home: Home, google: GoogleServer, names: NameServer) -> Iterator[Workbench]:
    with Service.open(os.environ) as service:
        workbench = Workbench(service)
        yield workbench
        workbench.close()


async def test_a3_a_sheet_stays_as_it_was_opened(
    bench: Workbench, google: GoogleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailtui.audience.sheets.sheets.REUSED_FOR", 0.0)
    opened = await bench.open(Path(LINK))
    assert opened is not None
    assert (opened.name, opened.rows) == ("Spring - Guests", 3)
    assert opened.sheet is not None and not opened.sheet.offline
    google.books[ID].tabs[0].rows = [*ROWS, ["new@example.com", "York"]]
    assert (await bench.counts()).recipients == 3
    bench.set_filter("city == 'York'")
    assert (await bench.counts()).recipients == 1
    assert [row.cells[0] for row in await bench.page(1, 10)] == [row[0] for row in ROWS[1:]]
    again = await bench.open(Path(LINK))
    assert again is not None and again.rows == 4


async def test_a3_the_way_a_sheet_is_read_is_tried_on_its_copy(bench: Workbench, google: GoogleServer) -> None:
    await bench.open(Path(LINK))
    assert bench.spec is not None
    google.asked.clear()
    trial = await bench.try_reading(bench.spec.model_copy(update={"header": False}))
    assert trial.understanding.columns == ("column_1", "column_2")
    assert [text for _, text in (await bench.beginning()).lines][:2] == ["email | city", "ann@example.com | York"]
    assert google.asked == []
    trial = await bench.try_reading(bench.spec.model_copy(update={"range": "A2:A3", "header": False}))
    assert trial.rows == (("ann@example.com",), ("bo@null.example",))
    assert google.asked, "another part of it has no copy yet"


async def test_a3_opening_a_sheet_can_be_stopped(bench: Workbench, google: GoogleServer) -> None:
    google.fail("/export", *[Fault(503)] * 20)
    opening = asyncio.ensure_future(bench.open(Path(LINK)))
    while not google.asked:
        await asyncio.sleep(0.02)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    google.faults.clear()
    opened = await bench.open(Path(LINK))
    assert opened is not None and opened.rows == 3, "the thread is free again"


async def test_a3_what_is_wrong_with_a_sheet_leaves_what_is_open(bench: Workbench, google: GoogleServer) -> None:
    await bench.open(Path(LINK))
    with pytest.raises(AudienceError, match="no tab with the number 9"):
        await bench.open(Path(LINK.replace("gid=0", "gid=9")))
    assert bench.open_list is not None and bench.open_list.name == "Spring - Guests"


async def test_a5_domains_of_the_open_list(bench: Workbench, names: NameServer) -> None:
    await bench.open(Path(LINK))
    assert names.asked == []
    heard: list[tuple[int, int]] = []
    found = await bench.mail_domains(lambda done, total: heard.append((done, total)))
    assert {row.domain: row.verdict for row in found.domains} == {
        "example.com": "ok",
        "null.example": "no_mail",
        "gone.example": "no_such_domain",
    }
    assert (found.lost(), len(found.unknown)) == (2, 0)
    assert heard[-1] == (3, 3)

    def stop(_done: int, _total: int) -> None:
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        await bench.mail_domains(stop)
