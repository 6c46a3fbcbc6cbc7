"""Lists, templates and file names made to hurt: shown as what they are on the message, preview and review screens."""

from __future__ import annotations

import asyncio
import csv
from pathlib import Path

import pytest
from textual.widget import Widget

from mailtui.service.facade import Service
from mailtui.tui.app import MailtuiApp
from mailtui.tui.dialogs.confirm_start import ConfirmStartDialog
from mailtui.tui.screens.message import MessageScreen
from mailtui.tui.screens.preview import PreviewScreen
from mailtui.tui.screens.review import ReviewScreen
from tests.tui.conftest import grid, shows, until

CELLS = [
    "[@click=app.danger]click me[/]",
    "[/nothing opened]",
    "a=[/]",
    "[bold red]big[",
    "\\[escaped\\]",
    "\x1b]52;c;ZXZpbA==\x07 clipboard",
    "\x1b[2J\x1b[1;1Hcleared",
    "\x9b31m C1",
    "\u202egnp.exe\u2066",
    "<script>x</script><a href='javascript:x'>y</a>",
    "{{ 7 * 7 }}{% raw %}",
    "x" * 5_000,
]
NAMES = [f"{one} {other}" for one, other in zip(CELLS[::2], CELLS[1::2], strict=True)]
BAD = ["\x1b", "\x9b", "\x07", "\u202e", "\u2066", "\x00"]
TEMPLATE = """Hello {{ name }} [@click=app.danger]link[/] [/x] \x1b]0;title\x07 \x9b2J \u202e
{# [bold] #}
"""
HTML = """<h1>{{ name }}</h1><p>[@click=app.danger]link[/] &#27;]0;t&#7; &#x202e; \x1b[2J</p>
<ul><li>{{ name }}</ul><table><tr><th>[/]<th>{{ name }}<tr><td>1<td>2</table>
<a href="http://x.test/[/]\x1b[2J">{{ name }}</a><img alt="[/] \x1b[2J" src="http://track.test/x.gif">
"""


@pytest.fixture
def hurt(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows when a stranger's text runs an action."""
    done: list[str] = []
    monkeypatch.setattr(MailtuiApp, "action_danger", lambda app: done.append("danger"), raising=False)
    return done


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    folder = tmp_path / "[@click=app.danger]folder"
    folder.mkdir()
    with (folder / "list.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["email", "name", "[/evil]"])
        for number, cell in enumerate(NAMES, 1):
            writer.writerow([f"p{number}@example.test", cell, cell])
    (folder / "body[@click=app.danger].txt").write_text(TEMPLATE, "utf-8")
    (folder / "body.html").write_text(HTML, "utf-8")
    campaign = folder / "campaign.yaml"
    campaign.write_text(
        "name: '[@click=app.danger]News[/] [/x]'\n"
        "smtp: {host: 127.0.0.1, port: 2525, security: plain}\n"
        "from: '\"[@click=app.danger]Acme[/]\" <news@acme.test>'\n"
        'subject: \'[/x] {{ name[:8]|replace("\\x1b", "")|replace("\\x9b", "") }} [bold]\'\n'
        "text: 'body[@click=app.danger].txt'\n"
        "html: body.html\n"
        "headers: {X-Evil: '[@click=app.danger]x[/]'}\n"
        "audience: {source: list.csv, address: email, filter: 'name != \"[/x] [@click=app.danger]z\"'}\n",
        "utf-8",
    )
    return campaign


def harmless(app: MailtuiApp) -> bool:
    """Nothing on the screen that acts: no control code in what is drawn, and no text that is a link to an action."""
    for widget in app.screen.walk_children(Widget):
        for line in range(widget.size.height):
            for segment in widget.render_line(line):
                assert not [character for character in segment.text if character in BAD], segment
                assert segment.style is None or not segment.style.meta.get("@click"), segment
    return not app.crash


async def test_nothing_of_a_strangers_acts_on_three_screens(service: Service, hostile: Path, hurt: list[str]) -> None:
    app = MailtuiApp(service, target=hostile)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: app.bench.open_list is not None)
        await pilot.press("4")
        await until(lambda: isinstance(app.screen, MessageScreen) and shows(app, "[@click=app.danger]link[/]"))
        assert harmless(app)
        for _ in range(7):
            await pilot.press("n")
            assert harmless(app)
        await pilot.press("c")
        await until(lambda: shows(app, "mails rendered"))
        assert harmless(app)

        await pilot.press("5")
        await until(lambda: isinstance(app.screen, PreviewScreen) and shows(app, "row 1 · "))
        preview = app.screen
        assert isinstance(preview, PreviewScreen)
        for number in range(1, len(NAMES) + 1):
            preview.show_row(number)
            await until(lambda number=number: shows(app, f"row {number} · "))
            for _ in range(5):
                preview.action_view(1)
                await asyncio.sleep(0.05)
                assert harmless(app)
        await pilot.press("b", "m", "n", "d")
        await until(lambda: shows(app, f"+ row {len(NAMES)} · ", "differ"))
        for _ in range(5):
            preview.action_view(1)
            await pilot.press("s")
            assert harmless(app)
        await pilot.press("escape", "w")
        await until(lambda: shows(app, "Rows to look at first", "Longest"))
        assert harmless(app)
        await pilot.press("escape")

        await pilot.press("6")
        await until(lambda: isinstance(app.screen, ReviewScreen) and shows(app, "6 of 6 rows tried:"))
        await until(lambda: shows(app, "[@click=app.danger]Acme[/]"))
        assert harmless(app)
        await pilot.press("s")
        await until(lambda: isinstance(app.screen, ConfirmStartDialog))
        assert harmless(app)
    assert not hurt


async def test_clicking_on_a_strangers_text_does_nothing(service: Service, hostile: Path, hurt: list[str]) -> None:
    app = MailtuiApp(service, target=hostile)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: app.bench.open_list is not None)
        for room in ("4", "5", "6"):
            await pilot.press(room)
            await until(lambda: shows(app, "@click=app.danger"))
            for y, line in enumerate(grid(app)):
                if "@click=" in line:
                    for within in (2, 22):  # in what would be the tag, and in what would be the link
                        await pilot.click(offset=(min(line.index("@click=") + within, 79), y))
            if len(app.screen_stack) > 1:
                await pilot.press("escape")
            assert not hurt


async def test_errors_that_quote_a_stranger_are_harmless(service: Service, hostile: Path, hurt: list[str]) -> None:
    body = hostile.parent / "body[@click=app.danger].txt"
    body.write_text("{{ name }}{{ '[/x]\x1b[2J' }}{% [/] %}", "utf-8")
    app = MailtuiApp(service, target=hostile)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: app.bench.open_list is not None)
        for room, kind in (("4", MessageScreen), ("5", PreviewScreen), ("6", ReviewScreen)):
            await pilot.press(room)
            await until(lambda kind=kind: isinstance(app.screen, kind) and shows(app, "tag name"))
            assert harmless(app)
