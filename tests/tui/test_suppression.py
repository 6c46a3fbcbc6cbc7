"""The suppression screen: who gets nothing; adding, taking off, reading from a file and writing to one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Input

from mailtui.message.tokens import Tokens
from mailtui.service.facade import Service
from mailtui.service.suppression import SuppressionDesk
from mailtui.tui.app import MailtuiApp
from mailtui.tui.dialogs.confirm import ConfirmDialog
from mailtui.tui.dialogs.import_suppressed import ImportDialog
from mailtui.tui.dialogs.suppress import SuppressDialog
from mailtui.tui.dialogs.token import TokenDialog
from mailtui.tui.screens.suppression import SuppressionScreen
from tests.tui.conftest import MakeApp, finished, launch, shows, until

EIGHTY = (80, 24)


def _fill(running: MailtuiApp, text: object, line: str = "#path") -> None:
    """A long text, without a keystroke for each letter."""
    found = running.screen.query_one(line, Input)
    found.value = str(text)
    found.cursor_position = len(found.value)


def _ready(running: MailtuiApp, *texts: str) -> Callable[[], bool]:
    return lambda: isinstance(running.screen, SuppressionScreen) and shows(running, *texts)


@pytest.mark.parametrize("size", [EIGHTY, (60, 20)])
async def test_a8_adding_finding_and_taking_off(app: MakeApp, service: Service, size: tuple[int, int]) -> None:
    running = app()
    async with running.run_test(size=size, notifications=True) as pilot:
        await pilot.press("9")
        await until(_ready(running, "Nobody is on the suppression list."))
        await pilot.press("a")
        await until(lambda: isinstance(running.screen, SuppressDialog))
        await pilot.press(*"me", "enter")
        await until(lambda: shows(running, "me cannot be put on the list"))
        await until(lambda: shows(running, "Nothing was changed."))
        _fill(running, "Ann@Example.org", "#address")
        _fill(running, "asked [bold]us", "#reason")
        await pilot.press("tab", *"news", "enter")
        await until(_ready(running, "[1 all]", "ann@example.org", "1 news"))
        await until(lambda: shows(running, "asked [bold]us") and not shows(running, "Nobody is on"))

        await service.suppression.add(["@spam.test", "bob@example.org"])
        await pilot.press("ctrl+r")
        await until(_ready(running, "[3 all]", "2 for everybody", "bob@example.org"))
        await pilot.press("f")
        await until(lambda: shows(running, "[2 for everybody]") and not shows(running, "ann@example.org"))
        await pilot.press("slash", *"spa")
        await until(lambda: not shows(running, "bob@example.org") and shows(running, "Everybody at spam.test"))
        await pilot.press("enter", "d")
        await until(lambda: isinstance(running.screen, ConfirmDialog) and shows(running, "Everybody at spam.test will"))
        await pilot.press("escape")
        await until(_ready(running, "Shown: 1 to 1"))
        assert (await service.suppression.counts()).total == 3, "leaving the question takes nobody off"
        await pilot.press("d")
        await until(lambda: isinstance(running.screen, ConfirmDialog))
        await pilot.click("#yes")
        await until(_ready(running, "[1 for everybody]", "Shown: none, with spa"))
        await pilot.press("escape")
        await until(_ready(running, "bob@example.org", "Shown: 1 to 1 of 1"))


async def test_a8_any_number_of_entries_is_shown_page_by_page(
    app: MakeApp, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.getlogin", _nobody_known)
    monkeypatch.delenv("USER", raising=False)
    await service.suppression.add([f"p{number}@example.com" for number in range(450)], list_name="old")
    running = app()
    async with running.run_test(size=EIGHTY, notifications=True) as pilot:
        await pilot.press("9")
        await until(_ready(running, "[450 all]", "1 to 200 of 450", "p0@example.com", "UTC: by hand"))
        await pilot.press("n", "n")
        await until(_ready(running, "401 to 450 of 450", "p400@example.com"))
        assert running.screen.check_action("page", (1,)) is None
        await pilot.press("b")
        await until(_ready(running, "201 to 400 of 450", "p200@example.com"))
        await pilot.press("a")
        await until(lambda: isinstance(running.screen, SuppressDialog))
        _fill(running, "ann@example.org", "#address")
        _fill(running, "olds", "#list")
        await pilot.press("enter")
        await until(_ready(running, "That list is new"))


async def test_a8_a_file_is_read_and_its_problems_are_told(app: MakeApp, service: Service, tmp_path: Path) -> None:
    (tmp_path / "left.csv").write_text("email,reason\na@example.com,moved \x1b[31m\nnope,\nb@example.com,\n")
    running = app()
    async with running.run_test(size=EIGHTY, notifications=True) as pilot:
        await pilot.press("9")
        await until(_ready(running, "Nobody is on"))
        await pilot.press("i")
        await until(lambda: isinstance(running.screen, ImportDialog))
        _fill(running, tmp_path / "missing.csv")
        await pilot.press("enter")
        await until(lambda: shows(running, "There is no file missing.csv"))
        _fill(running, tmp_path / "left.csv")
        await pilot.press("tab", *"news", "enter")
        await until(_ready(running, "+ 2 entries new", "! 1 row holds no address", "line 3", "[2 all]", "2 news"))
        assert shows(running, "moved \\x1b[31m")

        await pilot.press("e")
        await until(lambda: shows(running, "to a new file"))
        _fill(running, tmp_path / "out.csv")
        await pilot.press("enter")
        await until(lambda: (tmp_path / "out.csv").exists() and shows(running, "2 entries written"))
        assert "a@example.com" in (tmp_path / "out.csv").read_text()

        (tmp_path / "none.csv").write_text("x,y\n1,2\n")
        await pilot.press("i")
        await until(lambda: isinstance(running.screen, ImportDialog))
        _fill(running, tmp_path / "none.csv")
        await pilot.press("enter")
        await until(_ready(running, "no column with mail addresses"))
        assert (await service.suppression.counts()).total == 2
        await pilot.press("escape")
        await until(lambda: not shows(running, "no column with") and shows(running, "a@example.com"))


async def test_a8_an_import_is_stopped_and_what_was_read_stays(app: MakeApp, service: Service, tmp_path: Path) -> None:
    rows = 250_000
    with (tmp_path / "long.csv").open("w") as stream:
        stream.write("email\n")
        stream.writelines(f"p{number}@example.com\n" for number in range(rows))
    running = app()
    async with running.run_test(size=EIGHTY) as pilot:
        await pilot.press("9")
        await until(_ready(running, "Nobody is on"))
        await pilot.press("i")
        await until(lambda: isinstance(running.screen, ImportDialog))
        _fill(running, tmp_path / "long.csv")
        # A key that is waited for is waited for until the machine has a moment's rest, which the import leaves it not.
        begun = asyncio.create_task(pilot.press("enter"))
        await until(_ready(running, "Reading long.csv: "))
        stopped = asyncio.create_task(pilot.press("escape"))
        await until(_ready(running, "The import was stopped after"), seconds=30)
        await asyncio.gather(begun, stopped)
        assert 0 < (await service.suppression.counts()).total < rows


async def test_a8_what_cannot_be_read_is_told(app: MakeApp, monkeypatch: pytest.MonkeyPatch, service: Service) -> None:
    await service.suppression.add(["a@example.com"])

    async def broken(self: SuppressionDesk) -> None:
        raise_damaged()

    monkeypatch.setattr(SuppressionDesk, "counts", broken)
    running = app()
    async with running.run_test(size=EIGHTY) as pilot:
        await pilot.press("9")
        await until(_ready(running, "The outbox is damaged", "could not be read"))


def _nobody_known() -> str:
    raise OSError


def raise_damaged() -> None:
    """As the outbox says it."""
    from mailtui.errors import OutboxError

    raise OutboxError("The outbox is damaged", hint="See: mailtui outbox check")


async def test_a8_whoever_is_in_a_report_is_put_on_the_list(app: MakeApp, service: Service, sendable: Path) -> None:
    launched = await launch(service, sendable)
    await service.start_runner({})
    await finished(service, launched.campaign.id)
    running = app()
    async with running.run_test(size=EIGHTY, notifications=True) as pilot:
        await pilot.press("8")
        await until(lambda: shows(running, "amara.okafor@example.com"))
        await pilot.press("d")
        await until(lambda: isinstance(running.screen, SuppressDialog) and shows(running, "amara.okafor@example.com"))
        await pilot.press(*"moved", "enter")
        await until(lambda: shows(running, "is on the suppression list."))
    [entry] = await service.suppression.page()
    assert (entry.address, entry.reason) == ("amara.okafor@example.com", "moved")
    assert launched.campaign.id in entry.source


async def test_b02_a_token_is_pasted_looked_at_and_its_owner_put_on_the_list(
    app: MakeApp, service: Service, sample: Path
) -> None:
    launched = (await launch(service, sample)).campaign
    [(key, address)] = await service.reader.recipients_of_row(launched.number, 1)
    token = Tokens(launched.secret, launched.id).of(1, key)
    running = app()
    async with running.run_test(size=EIGHTY, notifications=True) as pilot:
        await pilot.press("9")
        await until(_ready(running, "Nobody is on the suppression list."))
        await pilot.press("v")
        await until(lambda: isinstance(running.screen, TokenDialog))
        _fill(running, token[:-1], "#token")
        await pilot.press("enter")
        await until(lambda: shows(running, "This is no whole token"))
        _fill(running, token, "#token")
        await pilot.press("enter")
        await until(lambda: shows(running, address, "To be put on everybody's suppression list"))
        assert (await service.suppression.counts()).total == 0, "looking changes nothing"
        await pilot.press("enter")
        await until(_ready(running, "[1 all]", address))
