"""The message screen: files, fields, mistakes in their places, and the check of every row."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import OptionList

from mailtui.tui.app import MailtuiApp
from mailtui.tui.room import Room
from mailtui.tui.screens.message import MessageScreen
from mailtui.tui.screens.preview import PreviewScreen
from mailtui.tui.text import Plain
from mailtui.tui.widgets.findings import Findings
from mailtui.tui.widgets.trouble import Trouble
from tests.tui.conftest import MakeApp, change, grid, shows, stretch, until


async def opened(app: MailtuiApp, pilot: Pilot[Any]) -> MessageScreen:
    """The message screen with the campaign's files read."""
    await until(lambda: app.bench.open_list is not None)
    await pilot.press("4")
    await until(lambda: isinstance(app.screen, MessageScreen))
    screen = app.screen
    assert isinstance(screen, MessageScreen)
    if app.bench.campaign is not None:
        await until(lambda: app.focused is screen.query_one("#files"))
    return screen


def told_by(app: MailtuiApp) -> str:
    """The error that is shown, without its line breaks on the screen."""
    trouble = app.screen.query_one(Trouble)
    return str(trouble.query_one(Plain).content) if trouble.display else ""


async def test_files_and_fields_are_shown_with_the_first_recipients_values(app: MakeApp, sample: Path) -> None:
    running = app(target=sample)
    async with running.run_test(size=(80, 24)) as pilot:
        await opened(running, pilot)
        await until(lambda: shows(running, "body.txt.j2", "_footer.html.j2", "Hello {{ first_name", "campaign.yaml"))
        await until(lambda: shows(running, "+ first_name     Amara", "+ plan           orchard", "· postal_address"))
        await pilot.press("n")
        await until(lambda: shows(running, "html  body.html.j2", "<!doctype html>"))
        for _ in range(3):
            await pilot.press("n")
        await until(lambda: shows(running, "campaign  campaign.yaml", "1  # A campaign"))


async def test_the_subject_is_a_file_of_its_own(app: MakeApp, sample: Path) -> None:
    running = app(target=sample)
    async with running.run_test(size=(80, 24)) as pilot:
        screen = await opened(running, pilot)
        await until(lambda: screen.query_one("#files", OptionList).option_count > 5)
        await pilot.press("home")
        await until(lambda: shows(running, "subject  subject  in the campaign file", 'default("Hello") }}, spring'))


async def test_b2_a_body_in_markdown_or_mjml_is_a_file_of_the_message(app: MakeApp, sample: Path) -> None:
    change(sample, "html: body.html.j2\ntext: body.txt.j2", "markdown: body.md.j2")
    body = sample.parent / "body.md.j2"
    body.write_text("# Hello {{ first_name }}\n\nSpring is **here**.\n", "utf-8")
    running = app(target=sample)
    async with running.run_test(size=(120, 40)) as pilot:
        await opened(running, pilot)
        await until(lambda: shows(running, "markdown body.md.j2", "# Hello {{ first_name }}", "+ first_name"))
        await pilot.press("5")
        await until(lambda: shows(running, "row 1", "Hello Amara", "Spring is here."))
        await pilot.press("4")
        change(sample, "markdown: body.md.j2", "mjml: body.mjml.j2")
        section = "<mj-section><mj-column><mj-txt>Hello {{ first_name }}</mj-txt></mj-column></mj-section>"
        (sample.parent / "body.mjml.j2").write_text(f"<mjml><mj-body>\n{section}</mj-body></mjml>", "utf-8")
        await until(lambda: isinstance(running.screen, MessageScreen))
        await pilot.press("r")
        await until(lambda: shows(running, "× mjml     body.mjml.j2", "no tag mj-txt in MJML. Did you"))


async def test_mistakes_stand_in_full_with_their_places_and_go_when_mended(app: MakeApp, sample: Path) -> None:
    body = sample.parent / "body.txt.j2"
    change(body, "{{ city }}{% endif %}", "{{ ctiy }}{% endif %}")
    change(sample, 'first_name|default("Hello")', "frist_name")
    running = app(target=sample)
    async with running.run_test(size=(120, 40)) as pilot:
        await opened(running, pilot)
        await until(lambda: shows(running, "× body.txt.j2:3:50 the list has no column ctiy. Did you mean city?"))
        assert shows(running, "× subject:1:4 the list has no column frist_name. Did you mean first_name?")
        await until(lambda: shows(running, "× subject", "× text     body.txt.j2", "  html     body.html.j2"))
        await until(lambda: shows(running, "{{ frist_name }}, spring", "× frist_name     no column"))
        await until(lambda: shows(running, "+ customer       000471"))
        change(body, "ctiy", "city")
        change(sample, "frist_name", "first_name")
        await pilot.press("r")
        await until(lambda: shows(running, "{{ first_name }}, spring") and not shows(running, "×"))


async def test_a_missing_template_and_one_that_is_not_text(app: MakeApp, sample: Path) -> None:
    (sample.parent / "body.txt.j2").write_bytes(b"ok\nHello \xff")
    (sample.parent / "body.html.j2").unlink()
    running = app(target=sample)
    async with running.run_test(size=(120, 40)) as pilot:
        await opened(running, pilot)
        await until(lambda: shows(running, "body.html.j2 is not there", "2:7 here is a byte that is not UTF-8"))
        files = running.screen.query_one("#files", OptionList)
        files.highlighted = 4
        await until(lambda: shows(running, "body.txt.j2 is not UTF-8 text.", "editor of yours"))
        files.highlighted = 5
        await until(lambda: shows(running, "There is no file body.html.j2 yet.", "Press enter to make it, empty."))
        await pilot.press("enter")
        await until(lambda: (sample.parent / "body.html.j2").exists() and not shows(running, "Press enter to make it"))
        await until(lambda: not shows(running, "body.html.j2 is not there"))


async def test_reloading_keeps_a_filter_that_was_set_here(app: MakeApp, sample: Path) -> None:
    running = app(target=sample)
    async with running.run_test(size=(80, 24)) as pilot:
        await opened(running, pilot)
        running.bench.set_filter('city == "Lyon"')
        change(sample, "name: Spring news", "name: Late spring")
        await pilot.press("r")
        await until(lambda: shows(running, "Late spring"))
        assert running.bench.filter_text == 'city == "Lyon"'
        running.bench.set_filter(running.bench.file_filter)
        change(sample, '"2020-12-31"', '"2021-12-31"')
        await pilot.press("r")
        await until(lambda: "2021-12-31" in running.bench.filter_text)


async def test_the_check_renders_every_row_and_a_finding_leads_to_its_row(app: MakeApp, sample: Path) -> None:
    change(sample.parent / "body.txt.j2", "This week", "{{ 1 // (customer|int - 644) }}")
    running = app(target=sample)
    async with running.run_test(size=(80, 24)) as pilot:
        screen = await opened(running, pilot)
        await until(lambda: screen.check_action("check", ()) is True)
        await pilot.press("c")
        await until(lambda: shows(running, "mails rendered", "× 1 error", "× error"))
        await until(lambda: shows(running, "! warning", "[row 4]", "the template cannot be filled in", "by zero"))
        await until(lambda: isinstance(running.focused, Findings))
        await until(lambda: shows(running, "Mend the template or the rows"))  # what to do, below the cursor
        assert not shows(running, "Mend them in the list")
        await pilot.press("down")
        await until(lambda: shows(running, "Mend them in the list"))
        await pilot.press("f")  # errors only
        await until(lambda: not shows(running, "! warning "))
        await pilot.press("enter")
        await until(lambda: isinstance(running.screen, PreviewScreen) and shows(running, "row 4 · marie.dubois"))
        await until(lambda: "body.txt.j2:15: the template cannot be filled in" in told_by(running))
        await pilot.press("4")
        await until(lambda: shows(running, "mails rendered"))  # what was found is still there
        await pilot.press("f", "f")  # notes only
        await until(lambda: shows(running, "(RFC 6761)"))
        await pilot.press("end", "right", "right")
        await until(lambda: isinstance(running.screen, PreviewScreen) and shows(running, "row 3 ·"))


async def test_a_long_check_shows_how_far_it_is_and_ends_with_the_app(app: MakeApp, sample: Path) -> None:
    stretch(sample, 30_000)
    running = app(target=sample)
    async with running.run_test(size=(80, 24)) as pilot:
        screen = await opened(running, pilot)
        await until(lambda: screen.check_action("check", ()) is True)
        await pilot.press("c")
        await until(lambda: shows(running, "Rendering every row: ", "of 30,000"), seconds=30)
        assert screen.check_action("check", ()) is None  # one at a time
        await pilot.press("escape")
        await until(lambda: shows(running, "The check was stopped"))
        await until(lambda: screen.check_action("check", ()) is True)


async def test_with_a_list_only_it_says_what_to_open(app: MakeApp, sample: Path) -> None:
    running = app(target=sample.parent / "contacts.csv")
    async with running.run_test(size=(80, 24)) as pilot:
        await opened(running, pilot)
        await until(lambda: shows(running, "Only a list is open", "Press o to open a campaign file"))
        await pilot.press("c", "n", "r")
        await until(lambda: shows(running, "Only a list is open"))


async def test_with_nothing_open_and_on_a_small_screen(app: MakeApp, sample: Path) -> None:
    running = app()
    async with running.run_test(size=(60, 20)) as pilot:
        await pilot.press("4")
        await until(lambda: shows(running, "No message here yet."))
    running = app(target=sample)
    async with running.run_test(size=(60, 20)) as pilot:
        await opened(running, pilot)
        await until(lambda: shows(running, "body.txt.j2", " 1  Hello {{"))
        assert max(map(len, grid(running))) <= 60


async def test_a_campaign_whose_list_does_not_fit_is_mended_in_its_editor(app: MakeApp, sample: Path) -> None:
    change(sample, "address: email", "address: mail")
    shown = app(target=sample)
    async with shown.run_test(size=(80, 24)) as pilot:
        await until(lambda: shows(shown, "× The list has no column mail", "The list of this campaign cannot be read"))
        assert "campaign.yaml:37:3: audience.address" in told_by(shown)
        assert "4 opens campaign.yaml" in told_by(shown)
        await pilot.press("g", "p", "e", "3")
        await until(lambda: shows(shown, "The list of this campaign cannot be read"))
        for room, key in (("preview", "5"), ("review", "6")):  # the rules take no key from the rooms
            await pilot.press(key)
            await until(partial(in_room, shown, room))
            assert shows(shown, "× The list has no column mail", "The list of this campaign cannot be read")
            await pilot.press("n", "g", "s", "r")
            await pilot.pause()
            assert in_room(shown, room)
        await pilot.press("4")
        await until(lambda: shows(shown, "× campaign.yaml"))
        screen = shown.screen
        assert isinstance(screen, MessageScreen)
        await pilot.press("enter")
        area = screen.editor.area
        assert area is not None
        area.text = area.text.replace("address: mail", "address: email")
        await pilot.press("ctrl+s")
        await until(lambda: shown.bench.open_list is not None and shown.bench.trouble is None)
        await until(lambda: not shows(shown, "× campaign.yaml"))
        await pilot.press("escape", "2")
        await until(lambda: shows(shown, "34 recipients"))
        assert not shows(shown, "no column mail")


def in_room(app: MailtuiApp, room: str) -> bool:
    """Whether this room is shown."""
    return isinstance(app.screen, Room) and room == app.screen.ROOM
