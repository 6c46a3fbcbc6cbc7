"""The preview: anybody's mail in five views, one after another, found, beside another one, and a test mail."""

from __future__ import annotations

import asyncio
import mailbox
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from mailtui.sandbox.process import SandboxHandle
from mailtui.tui.app import MailtuiApp
from mailtui.tui.dialogs.goto import GotoDialog
from mailtui.tui.dialogs.test_mail import SendTestDialog
from mailtui.tui.dialogs.worst_rows import WorstRowsDialog
from mailtui.tui.screens.preview import PreviewScreen
from mailtui.tui.text import Plain
from mailtui.tui.widgets.find_bar import FindBar
from tests.tui.conftest import MakeApp, change, shows, stretch, until
from tests.tui.test_long_list import Figures

BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "firefox", "firefox-esr"))), None)


async def opened(app: MailtuiApp, pilot: Pilot[Any]) -> PreviewScreen:
    """The preview with the first recipient's mail, unless there is none."""
    await until(lambda: app.bench.open_list is not None)
    await pilot.press("5")
    await until(lambda: isinstance(app.screen, PreviewScreen))
    screen = app.screen
    assert isinstance(screen, PreviewScreen)
    return screen


async def at_rest(app: MailtuiApp, *texts: str) -> None:
    """Wait until these are shown and nothing is being rendered."""
    await until(lambda: shows(app, *texts) and not shows(app, "rendering "))


def told(app: MailtuiApp) -> str:
    """What is said beside the names of the views."""
    return str(app.screen.query_one("#mail-said", Plain).content)


async def type_into(pilot: Pilot[Any], text: str) -> None:
    field = pilot.app.screen.query_one(Input)
    await until(lambda: field.has_focus)
    field.value = text
    await pilot.press("enter")


async def test_b5_three_recipients_one_after_another_in_five_views(app: MakeApp, sample: Path) -> None:
    running = app(target=sample)
    async with running.run_test(size=(80, 24)) as pilot:
        await opened(running, pilot)
        await at_rest(running, "row 1 · amara.okafor@example.com", "Subject  Amara, spring is here")
        await at_rest(running, "Your spring box is on its way to Lagos.", "• Sow outside: peas", "calendar[1]")
        await pilot.press("n")
        await at_rest(running, "row 2 · liam.murphy@example.org", "Subject  Liam, spring is here", "to Cork.")
        await pilot.press("right")
        await at_rest(running, "row 3 · hanako@example.net", "Subject  花子, spring is here", "to 東京.")
        await pilot.press("b")
        await at_rest(running, "row 2 · liam.murphy@example.org", "Liam, spring is here")
        await pilot.press("b", "b", "b")
        await at_rest(running, "row 1 · amara.okafor@example.com", "This is the first recipient.")
        await pilot.resize_terminal(80, 40)
        await at_rest(running, "[1] https://garden.acme.test/spring/orchard", "laid out  text  headers  tree  source")
        seen = (
            ("Hello Amara,", "- Sow outside: peas"),
            ("Message-ID", "Reply-To", "MIME-Version"),
            ("multipart/alternative", "└─ text/html"),
            ("Content-Type: multipart/alternative", "To: amara.okafor@example.com"),
            ("calendar[1]", "This week"),
        )
        for texts in seen:
            await pilot.press("v")
            await until(lambda texts=texts: shows(running, *texts))
        await pilot.press("V")
        await until(lambda: shows(running, "To: amara.okafor@example.com"))
        scroll = running.screen.query_one("#mail-scroll")
        scroll.scroll_to(y=20, animate=False)
        await until(lambda: scroll.vertical_scrollbar.position == 20)
        await pilot.press("V", "v")
        await until(lambda: shows(running, "To: amara.okafor@example.com"))
        assert scroll.vertical_scrollbar.position == 0, "the tree has none, and it is back at the top all the same"
        column = next(line for line in running.screen.query("ViewName") if str(line.render()) == "tree")
        await pilot.click(column)
        await until(lambda: shows(running, "└─ text/html"))


async def test_many_keys_render_only_where_they_lead_to(app: MakeApp, sample: Path) -> None:
    running = app(target=sample)
    async with running.run_test(size=(80, 24)) as pilot:
        screen = await opened(running, pilot)
        await at_rest(running, "row 1 · ")
        rendered: list[int | None] = []
        preview = running.bench.preview
        pressed = asyncio.Event()

        async def counting(*, row: int | None = None, to: str | None = None) -> object:
            rendered.append(row)
            await pressed.wait()  # the first mail takes as long as somebody types
            return await preview(row=row, to=to)

        running.bench.preview = counting  # type: ignore[method-assign, assignment]
        await pilot.press(*"nnnnnnnnnn", "b")
        pressed.set()
        await at_rest(running, "row 11 · ")
        # Which one was begun first depends on how fast the keys came; the others on the way are never rendered.
        assert len(rendered) <= 2, rendered
        for _ in range(60):
            screen.action_next()
        await at_rest(running, "This is the last recipient.")


async def test_b5_a_text_is_found_among_the_recipients_under_the_filter(app: MakeApp, sample: Path) -> None:
    running = app(target=sample)
    async with running.run_test(size=(80, 24)) as pilot:
        screen = await opened(running, pilot)
        await at_rest(running, "row 1 · ")
        await pilot.press("slash")
        await type_into(pilot, "MURPHY")
        await at_rest(running, "row 2 · ", "1 of 1 with \u201cMURPHY\u201d")
        await pilot.press("n")
        await at_rest(running, "row 2 · ", "This is the last one with this text.")
        await pilot.press("slash")
        await type_into(pilot, ".org")
        await at_rest(running, "row 2 · ", "1 of 11 with \u201c.org\u201d")
        await pilot.press("n", "n")
        await at_rest(running, "row 8 · ", "3 of 11 with")
        await pilot.press("b")
        await at_rest(running, "row 5 · ", "2 of 11 with")
        await pilot.press("slash")
        await type_into(pilot, "nowhere at all")
        await until(lambda: shows(running, "No recipient has \u201cnowhere at all\u201d in any cell."))
        await pilot.press("escape")
        await until(lambda: not shows(running, "No recipient has"))
        assert shows(running, "row 5 · ", "2 of 11 with")  # what was found before stays
        await pilot.press("escape", "n")
        await at_rest(running, "row 6 · ")  # everybody again
        assert not shows(running, "2 of 11")
        running.bench.set_filter('city == "Cork"')
        screen.look_anew()
        await pilot.press("slash")
        await type_into(pilot, ".org")
        await at_rest(running, "1 of 1 with \u201c.org\u201d")
        spec = running.bench.spec
        assert spec is not None
        await running.bench.reopen(spec)  # read again, where the rows may be others'
        screen.look_anew()
        await until(lambda: not shows(running, "1 of 1"))


async def test_b5_the_rows_to_look_at_first(app: MakeApp, sample: Path) -> None:
    running = app(target=sample)
    async with running.run_test(size=(80, 40)) as pilot:
        await opened(running, pilot)
        await at_rest(running, "row 1 · ")
        await pilot.press("w")
        await until(
            lambda: shows(
                running,
                "Longest  the first 10 of 34 recipients",
                "noah.williams@example.org",
                "48 characters, 21 of them in city.",
                "Blank fields  2 recipients",
                "nothing in first_name.",
                "Characters beyond ASCII",
            )
        )
        await pilot.press("enter")
        await at_rest(running, "row 14 · noah.williams@example.org")


async def test_b5_how_two_mails_differ(app: MakeApp, sample: Path) -> None:
    running = app(target=sample)
    async with running.run_test(size=(80, 24)) as pilot:
        await opened(running, pilot)
        await at_rest(running, "row 1 · ")
        await pilot.press("d")
        await until(lambda: shows(running, "Compare with which row?"))
        await type_into(pilot, "liam.murphy@example.org")
        await at_rest(running, "- row 2 · liam.murphy@example.org", "+ row 1 · ", "lines of 25 differ")
        await until(lambda: shows(running, "- Your spring box is on its way to Cork.", "+ Your spring box is on its"))
        assert shows(running, "lines the same")
        await pilot.press("s")
        await until(lambda: shows(running, "Spring is here, Liam", "┃ Spring is here, Amara"))
        await pilot.press("v", "v")
        await until(lambda: shows(running, "To: liam.murphy@example.org", "┃ To: amara.okafor@example.com"))
        await pilot.press("n")
        await at_rest(running, "+ row 2 · ", "no line differs", "Both are the same here.")
        await pilot.press("d")
        await at_rest(running, "row 2 · ", "marked: row 2")
        await pilot.press("n", "m")
        await until(lambda: shows(running, "marked: row 3"))
        await pilot.press("b", "d")
        await at_rest(running, "- row 3 · hanako@example.net", "+ row 2 · ")
        await pilot.press("V", "V")
        await until(lambda: shows(running, "This week"))
        said = told(running)
        change(sample.parent / "body.html.j2", "This week", "Next week")  # of both: it is no difference
        await pilot.press("4", "5")
        await at_rest(running, "- row 3 · ", "+ row 2 · ", "Next week")
        assert told(running) == said
        await pilot.press("escape")
        await at_rest(running, "row 2 · ", "marked: row 3")


async def test_b5_where_no_browser_can_be_seen_the_page_is_named(
    app: MakeApp, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "127.0.0.1 1 127.0.0.1 22")
    running = app(target=sample)
    async with running.run_test(size=(120, 24)) as pilot:
        await opened(running, pilot)
        await at_rest(running, "row 1 · ")
        await pilot.press("B")
        await until(lambda: shows(running, "This is a session over SSH", "The page is there until mailtui ends"))
        [page] = running.service.settings.home.pages.rglob("*.html")
        assert stat.S_IMODE(page.stat().st_mode) == 0o600
        assert stat.S_IMODE(page.parent.stat().st_mode) == 0o700
        assert "Lagos" in page.read_text("utf-8")
    running.service.close()
    assert not page.exists()


async def test_b5_a_picture_in_a_dialog(
    app: MakeApp, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = app(target=sample)
    async with running.run_test(size=(80, 24)) as pilot:
        await opened(running, pilot)
        await at_rest(running, "row 1 · ")
        with monkeypatch.context() as changed:
            changed.setitem(running.service.environ, "PATH", "/nowhere")
            await pilot.press("p")
            await until(lambda: shows(running, "a picture of a mail is drawn by a browser".capitalize()[:20]))
            await until(lambda: shows(running, "Install one of them, such as: apt install chromium."))
            await pilot.press("escape")
            endless, pid = tmp_path / "bin" / "chromium", tmp_path / "pid"
            endless.parent.mkdir()
            endless.write_text(f"#!/bin/sh\necho $$ > {pid}.new; /bin/mv {pid}.new {pid}; exec /bin/sleep 60\n")
            endless.chmod(0o755)
            changed.setitem(running.service.environ, "PATH", str(endless.parent))
            await pilot.press("p")
            await until(pid.exists)
            await pilot.press("escape")  # nobody waits for it any more, not even the app's end
            await until(lambda: not Path("/proc", pid.read_text().strip()).exists())
        if BROWSER is None:
            pytest.skip("no Chromium or Firefox here that could draw a picture")
        await pilot.press("p")
        await until(lambda: shows(running, "\u2580\u2580\u2580\u2580", "This terminal shows no pictures"), seconds=40)


async def test_going_to_a_row_and_to_an_address_also_of_those_who_get_no_mail(app: MakeApp, sample: Path) -> None:
    running = app(target=sample)
    async with running.run_test(size=(80, 24)) as pilot:
        screen = await opened(running, pilot)
        await at_rest(running, "row 1 · ")
        await pilot.press("g")
        await until(lambda: isinstance(running.screen, GotoDialog))
        await type_into(pilot, "4")
        await at_rest(running, "row 4 · marie.dubois@example.com", "Marie, spring is here")
        await pilot.press("g")
        await until(lambda: isinstance(running.screen, GotoDialog))
        await type_into(pilot, "hanako@example.net")
        await at_rest(running, "row 3 · hanako@example.net", "花子, spring is here")
        await pilot.press("g")
        await until(lambda: isinstance(running.screen, GotoDialog))
        await type_into(pilot, "nobody@example.com")
        await until(lambda: shows(running, "nobody@example.com is not on the list."))
        assert shows(running, "row 3 · hanako@example.net", "花子, spring is here")  # the mail is still there
        await pilot.press("n")
        await at_rest(running, "row 4 · marie.dubois@example.com", "Marie, spring is here")
        await until(lambda: not shows(running, "is not on the list"))
        running.bench.set_filter('city == "Lyon"')
        screen.show_row(2)
        await at_rest(
            running, "row 2 · liam.murphy@example.org", "! The filter leaves this row out", "Liam, spring is here"
        )
        screen.show_row(26)
        await at_rest(running, "row 26 · no usable address", "× Row 26 has no mail to show")
        await pilot.press("b")
        await at_rest(running, "row 4 · marie.dubois@example.com", "Marie, spring is here")


async def test_a_filter_changed_elsewhere_is_obeyed_and_nobody_is_a_state(app: MakeApp, sample: Path) -> None:
    running = app(target=sample)
    async with running.run_test(size=(80, 24)) as pilot:
        await opened(running, pilot)
        await at_rest(running, "row 1 · ")
        await pilot.press("4")
        running.bench.set_filter('city == "Lyon"')
        await pilot.press("5")
        await at_rest(running, "row 1 · amara.okafor@example.com", "! The filter leaves this row out")
        await pilot.press("n")
        await at_rest(running, "row 4 · marie.dubois@example.com", "Marie, spring is here")
        change(sample.parent / "body.html.j2", "This week", "Next week")
        await pilot.press("4")
        await pilot.press("5")
        await at_rest(running, "Next week")
    running = app(target=sample)
    async with running.run_test(size=(80, 24)) as pilot:
        await until(lambda: running.bench.open_list is not None)
        running.bench.set_filter('city == "Nowhere"')
        await pilot.press("5")
        await until(lambda: shows(running, "Nobody gets a mail: the filter lets in no row"))


async def test_a_row_that_cannot_be_rendered_says_why_and_where_and_next_still_works(
    app: MakeApp, sample: Path
) -> None:
    change(sample.parent / "body.txt.j2", "This week", "{{ 1 // (customer|int - 471) }}")
    running = app(target=sample)
    async with running.run_test(size=(80, 24)) as pilot:
        await opened(running, pilot)
        await at_rest(
            running, "row 1 · amara.okafor@example.com", "Row 1 (amara.okafor@example.com) cannot be rendered"
        )
        await until(lambda: shows(running, "body.txt.j2:15", "by zero", "n and b go on"))
        await pilot.press("n")
        await at_rest(running, "row 2 · liam.murphy@example.org", "Liam, spring is here")
        await until(lambda: not shows(running, "cannot be rendered"))
        await pilot.press("b")
        await at_rest(running, "row 1 · amara", "cannot be rendered")
        assert not shows(running, "Liam, spring is here")  # nobody takes another one's mail for this one's


async def test_a_test_mail_arrives_and_the_servers_words_are_shown(
    app: MakeApp, sendable: Path, sandbox: SandboxHandle
) -> None:
    running = app(target=sendable)
    async with running.run_test(size=(80, 24)) as pilot:
        await opened(running, pilot)
        await pilot.press("n", "n", "n")
        await at_rest(running, "row 4 · marie.dubois@example.com")
        await pilot.press("t")
        await until(lambda: isinstance(running.screen, SendTestDialog))
        await pilot.press("enter")
        await until(lambda: shows(running, "Type an address first."))
        await type_into(pilot, "not an address")
        await until(lambda: shows(running, "not an address is not a mail address"))
        await type_into(pilot, "me@example.test")
        await until(lambda: shows(running, "+ Sent to me@example.test. The server said: 250"))
        await until(lambda: shows(running, "enter or esc closes"))
        await pilot.press("5", "enter")  # neither goes into the address, and no second mail goes out
        await until(lambda: isinstance(running.screen, PreviewScreen))
        await pilot.press("t")
        await until(lambda: isinstance(running.screen, SendTestDialog))
        assert running.screen.query_one(Input).value == "me@example.test"
        assert shows(running, "▐ ▌ Begin its subject with [Test]")
        await pilot.press("tab", "space")
        await until(lambda: shows(running, "▐X▌ Begin its subject with [Test]"))
        await pilot.press("shift+tab", "enter")
        await until(lambda: shows(running, "+ Sent to me@example.test."))
    caught, marked = mailbox.mbox(sandbox.folder / "messages.mbox")
    assert caught["To"] == "me@example.test"
    assert "Marie" in caught["Subject"] and marked["Subject"] == f"[Test] {caught['Subject']}"


async def test_a_server_that_is_not_there_is_told_in_the_dialog(app: MakeApp, sample: Path) -> None:
    change(sample, "port: 2525", "port: 1")
    running = app(target=sample)
    async with running.run_test(size=(80, 24)) as pilot:
        await opened(running, pilot)
        await at_rest(running, "row 1 · ")
        await pilot.press("t")
        await until(lambda: isinstance(running.screen, SendTestDialog))
        await type_into(pilot, "me@example.test")
        await until(lambda: shows(running, "× Not sent to me@example.test."))


async def test_with_a_list_only_it_says_what_to_open(app: MakeApp, sample: Path) -> None:
    running = app(target=sample.parent / "contacts.csv")
    async with running.run_test(size=(80, 24)) as pilot:
        screen = await opened(running, pilot)
        await until(lambda: shows(running, "Only a list is open"))
        screen.show_row(3)
        await pilot.press("n", "g", "t", "v")
        await until(lambda: shows(running, "Only a list is open"))


async def test_a_mail_without_html_is_shown_as_text(app: MakeApp, sample: Path) -> None:
    change(sample, "html: body.html.j2\n", "")
    running = app(target=sample)
    async with running.run_test(size=(60, 20)) as pilot:
        await opened(running, pilot)
        await at_rest(running, "row 1 · ", "Hello Amara,")


@pytest.mark.long
async def test_b5_nothing_stands_still_over_a_list_of_100_000_rows(
    app: MakeApp, sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The figures are printed. The limit only catches a screen that stands still, on a machine that others use, too."""
    stretch(sample, 100_000)
    running, figures = app(target=sample), Figures()
    async with running.run_test(size=(80, 24)) as pilot:
        screen = await opened(running, pilot)
        await at_rest(running, "row 1 · ")
        with figures.of("ten steps"):
            for _ in range(10):
                before = screen.mail
                screen.action_next()
                while screen.mail is before:
                    await asyncio.sleep(0.002)
        with figures.of("a text near the end"):
            screen.asked(FindBar.Asked(screen.query_one(FindBar), "person99998@"))
            while screen.mail is None or screen.mail.recipient.row != 99_998:
                await asyncio.sleep(0.01)
        with figures.of("rows to look at first"):
            await pilot.press("w")
            dialog = running.screen
            assert isinstance(dialog, WorstRowsDialog)
            while not dialog.query_one(OptionList).option_count:
                await asyncio.sleep(0.01)
    with capsys.disabled():
        print(f"\n{figures}")
    assert max(figures.stalls.values()) < 2.0
    assert figures.took["ten steps"] < 10
