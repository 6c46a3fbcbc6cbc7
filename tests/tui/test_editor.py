"""Writing a message in the app: colours, mistakes as one types, fields, the mail beside, and never a lost text."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from mailtui.errors import UsageError
from mailtui.kit.paths import Home
from mailtui.service.drafts import Mistake
from mailtui.tui.app import MailtuiApp
from mailtui.tui.dialogs.choose import ChooseDialog
from mailtui.tui.outside import edit_outside
from mailtui.tui.screens.message import MessageScreen
from mailtui.tui.screens.preview import PreviewScreen
from mailtui.tui.widgets.editor import grammar as grammars
from mailtui.tui.widgets.editor.code_area import CodeArea
from mailtui.tui.widgets.editor.colouring import Colouring
from tests.tui.conftest import MakeApp, change, shows, until
from tests.tui.terminal import ENTERED, Terminal

PAGE = """<!-- a {{ b }} -->
<style>
.a { color: #fff; }
</style>
<p class="x">Gö {{ row["First name"]|upper
  }} {% if plan %}{# one
two #}{{ open
"""


def colours(text: str, language: str) -> list[set[tuple[str, str]]]:
    """(what, colour) of each line."""
    lines = text.split("\n")
    colouring = Colouring(language)
    colouring.look(lines)
    return [
        {(line[span.start : span.end], span.name) for span in colouring.spans(number, line)}
        for number, line in enumerate(lines)
    ]


def test_a_page_its_style_sheet_and_what_is_filled_in_have_colours() -> None:
    found = colours(PAGE, "html")
    assert {("<!-- a {{ b }} -->", "comment"), ("b", "field")} <= found[0]
    assert {("color", "property"), ("#fff", "number"), ("a", "attribute")} <= found[2]
    assert {("p", "tag"), ("class", "attribute"), ("row", "field"), ('"First name"', "string")} <= found[4]
    assert {('{{ row["First name"]|upper', "filled"), ("|upper", "property")} <= found[4]
    assert {("  }}", "filled"), ("if", "keyword"), ("{# one", "comment")} <= found[5]
    assert {("two #}", "comment"), ("{{ open", "filled")} <= found[6]
    assert ("## Hi", "heading") in colours("text\n\n## Hi\n", "markdown")[2]
    assert {("name", "tag"), ("# why", "comment")} <= colours("name: x # why\n", "yaml")[0]
    far = colours("{#\n" + "x\n" * 100 + "#} y", "text")
    assert ("x", "comment") in far[70]


async def test_another_width_folds_every_row_anew() -> None:
    words = " ".join(f"word{number:02}" for number in range(12))
    app = Alone("\n".join(["", *[words] * 4]))
    async with app.run_test(size=(80, 30)) as pilot:
        for width in (40, 60, 33):
            await pilot.resize_terminal(width, 30)
            await pilot.pause()
            shown = [strip.text[3:].strip() for strip in app.area.render_lines(Region(0, 0, width, 30))]
            assert " ".join(line for line in shown if line) == " ".join([words] * 4)


def test_a_row_has_the_same_spans_each_time_so_that_it_need_not_be_drawn_again() -> None:
    lines = ["<tr><td class='c'>Item <b>b</b></td><td>x</td></tr>"] * 900
    colouring = Colouring("html")
    seen = set()
    for typed in ("", "h", "he", "hel", "hell", "hello"):
        colouring.look([typed, *lines])
        seen |= {tuple(colouring.spans(number, lines[0])) for number in range(400, 440)}
    assert len(seen) == 1


def test_braces_without_end_take_no_time() -> None:
    began = time.monotonic()
    colours("{{{%{#" * 30_000 + "}}", "text")
    colours("\n".join(["{{ {# {%"] * 5_000), "text")
    assert time.monotonic() - began < 5


def test_without_a_grammar_the_text_is_shown_without_its_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(grammars._QUERIES, "html", "(no_such_node) @tag")
    grammars.grammar.cache_clear()
    try:
        assert grammars.grammar("html") is None
        assert colours(PAGE, "html")[4] >= {("row", "field")}
    finally:
        grammars.grammar.cache_clear()


class Alone(App[None]):
    """An area by itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.area = CodeArea(text, "html")

    def compose(self) -> ComposeResult:
        yield self.area


async def test_textual_asks_for_each_line_and_draws_it_as_it_is_given() -> None:
    """Where Textual changes this, the colours are gone."""
    app = Alone("<b>x\x1b[31m</b>\n{{ name }}\n")
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()

        def drawn(row: int) -> dict[str, Any]:
            [strip] = app.area.render_lines(Region(0, row, 40, 1))
            return {segment.text.strip(): segment.style for segment in strip if segment.text.strip()}

        tag, field = drawn(0)["b"], drawn(1)["name"]
        assert tag.color != drawn(0)["<"].color
        assert field.color != tag.color
        assert field.bold
        assert not any("\x1b" in text for text in drawn(0)), "nothing acts on the terminal"
        app.area.insert("<i>")
        assert "i" in drawn(0)
        app.area.undo()
        app.area.mark([Mistake(2, 4, "no such column")])
        assert drawn(1)["name"].underline, "a row that was drawn before is drawn anew where its look is another"
        app.area.mark(())
        assert drawn(1)["name"] == field
        app.theme = "textual-light"
        await until(lambda: drawn(1)["name"].color != field.color)
        app.area.replace("each", (1, 3), (1, 7))
        assert "each" in drawn(1)
        app.area.undo()
        assert app.area.text == "<b>x\x1b[31m</b>\n{{ name }}\n"


async def opened(app: MailtuiApp, pilot: Pilot[Any]) -> MessageScreen:
    await until(lambda: app.bench.open_list is not None)
    await pilot.press("4")
    await until(lambda: isinstance(app.screen, MessageScreen))
    screen = app.screen
    assert isinstance(screen, MessageScreen)
    await until(lambda: screen.draft is not None and screen.editor.area is not None)
    return screen


def written(screen: MessageScreen) -> CodeArea:
    area = screen.editor.area
    assert area is not None
    return area


async def test_a_text_is_written_looked_at_previewed_and_saved(app: MakeApp, sample: Path) -> None:
    body = sample.parent / "body.txt.j2"
    change(sample, "html: body.html.j2\n", "")
    body.write_bytes(b"Hello\r\nyou\r\n")
    running = app(target=sample)
    async with running.run_test(size=(100, 30)) as pilot:
        screen = await opened(running, pilot)
        await pilot.press("enter", "H", "i")
        await until(lambda: shows(running, "* not saved", "HiHello"))
        area = written(screen)
        area.insert(" {{ frist_name }} {{ plan|uper }}\n")
        await until(lambda: shows(running, "× body.txt.j2:1:7 the list has no column frist_name."))
        await until(lambda: shows(running, "body.txt.j2:1:29 there is no filter uper", "Mistake"))
        area.go_to(2)
        await pilot.press("ctrl+n")
        await until(lambda: area.cursor_location == (0, 6))
        await pilot.press("ctrl+n")
        await until(lambda: area.cursor_location == (0, 28))
        area.undo()
        await until(lambda: not shows(running, "frist_name"))
        area.go_to(1, 3)
        await pilot.press("ctrl+t")
        await until(lambda: isinstance(running.focused, Input))
        await pilot.press("c", "i", "t", "enter")
        await until(lambda: area.text.startswith("Hi{{ city }}Hello"))
        await until(lambda: shows(running, "HiLagosHello"))
        assert body.read_bytes() == b"Hello\r\nyou\r\n"
        await pilot.press("ctrl+s")
        await until(lambda: not shows(running, "* not saved"))
        assert body.read_bytes() == b"Hi{{ city }}Hello\r\nyou\r\n"
        # the subject by itself: nothing else of the campaign file is touched
        before = sample.read_text("utf-8").split("\n")
        await pilot.press("escape")
        await until(lambda: running.focused is screen.query_one("#files"))
        await pilot.press("home", "enter")
        await until(lambda: written(screen).one_line and running.focused is written(screen))
        await pilot.press("a", "apostrophe", "enter", "b")
        await until(lambda: shows(running, "a'b"))
        await pilot.press("ctrl+s")
        await until(lambda: sample.read_text("utf-8").split("\n") != before)
        after = sample.read_text("utf-8").split("\n")
        assert [old for old, new in zip(before, after, strict=True) if old != new] == [before[16]]
        assert after[16].startswith("subject: 'a''b{{ first_name")
        await until(lambda: running.bench.campaign is not None and "a'b" in str(running.bench.campaign.spec.subject))


async def test_what_is_not_saved_is_asked_about_and_what_others_write_is_seen(app: MakeApp, sample: Path) -> None:
    body = sample.parent / "body.txt.j2"
    running = app(target=sample)
    async with running.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await opened(running, pilot)
        body.write_text("From elsewhere\n", "utf-8")
        await until(lambda: shows(running, "From elsewhere"))
        await pilot.press("enter", "x")
        await pilot.press("f6")
        await until(lambda: isinstance(running.screen, ChooseDialog) and shows(running, "body.txt.j2 is not saved"))
        await pilot.press("escape")
        await until(lambda: running.screen is screen)
        body.write_text("Again from elsewhere\n", "utf-8")
        await until(lambda: shows(running, "Another program changed or removed this file", "xFrom elsewhere"))
        await pilot.press("ctrl+s")
        await until(lambda: shows(running, "was changed by another program", "Save mine", "Read theirs"))
        assert body.read_text("utf-8") == "Again from elsewhere\n"
        await pilot.click("#mine")
        await until(lambda: body.read_text("utf-8") == "xFrom elsewhere\n")
        await until(lambda: running.screen is screen)
        await pilot.press("y", "ctrl+q")
        await until(lambda: shows(running, "body.txt.j2 is not saved"))
        await pilot.press("escape")
        await until(lambda: running.screen is screen)
        await pilot.press("f6")
        await until(lambda: isinstance(running.screen, ChooseDialog))
        await pilot.click("#drop")
        await until(lambda: isinstance(running.screen, PreviewScreen))
        assert body.read_text("utf-8") == "xFrom elsewhere\n"


async def test_texts_that_were_not_saved_outlive_the_app(app: MakeApp, sample: Path, home: Home) -> None:
    body = sample.parent / "body.txt.j2"
    running = app(target=sample)
    async with running.run_test(size=(80, 24)) as pilot:
        await opened(running, pilot)
        await pilot.press("enter", "z")
        running.exit(return_code=143)  # as a signal does: nobody is asked
    assert len(list(home.unsaved.glob("*.json"))) == 1
    body.write_text("From elsewhere\n", "utf-8")
    running = app(target=sample)
    async with running.run_test(size=(80, 24), notifications=True) as pilot:
        await until(lambda: shows(running, "Texts of this message were not saved"))
        await pilot.press("4")
        await until(lambda: isinstance(running.screen, ChooseDialog) and shows(running, "still here", "body.txt.j2"))
        await pilot.press("enter")
        await until(lambda: shows(running, "* not saved", "zHello", "saving asks which one stays"))
        screen = running.screen
        assert isinstance(screen, MessageScreen)
        await until(lambda: running.focused is written(screen))
        await pilot.press("ctrl+s")
        await until(lambda: shows(running, "was changed by another program"))
        await pilot.click("#mine")
        await until(lambda: body.read_text("utf-8").startswith("zHello"))
        await until(lambda: not list(home.unsaved.iterdir()))


async def test_finding_lines_and_files_that_can_only_be_looked_at(app: MakeApp, sample: Path) -> None:
    body = sample.parent / "body.txt.j2"
    body.write_text("one\nTWO\nthree\u2028x\ntwo\n", "utf-8")
    running = app(target=sample)
    async with running.run_test(size=(60, 20), notifications=True) as pilot:
        screen = await opened(running, pilot)
        await until(lambda: shows(running, "It can only be looked at"))
        body.write_text("one\nTWO\nthree\ntwo\n", "utf-8")
        await until(lambda: not shows(running, "It can only be looked at"))
        await pilot.press("enter", "ctrl+f", "t", "w", "o", "enter")
        await until(lambda: written(screen).selected_text == "TWO")
        await pilot.press("ctrl+f", "enter")
        await until(lambda: written(screen).selected_text == "two")
        await pilot.press("ctrl+g", "3", "enter")
        await until(lambda: written(screen).cursor_location == (2, 0))
        await pilot.press("ctrl+r")
        await until(lambda: shows(running, "row 1", "amara"))
        files = screen.query_one("#files", OptionList)
        change(sample, "subject: '", "subject: >\n  '")
        await pilot.press("escape", "r", "home")
        await until(lambda: files.highlighted == 0 and shows(running, "subject cannot be changed in place"))
        await pilot.press("enter")  # and there it can be
        await until(lambda: shows(running, "campaign  campaign.yaml") and written(screen).cursor_location == (16, 0))


def test_an_editor_of_ones_own_must_be_named(tmp_path: Path) -> None:
    app: App[None] = App()
    for environ, said in (({}, "No editor is named"), ({"EDITOR": "'x"}, "no command")):
        with pytest.raises(UsageError, match=said):
            edit_outside(app, tmp_path / "x", environ)


async def test_an_editor_that_cannot_be_had_is_told(
    app: MakeApp, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    running = app(target=sample)
    async with running.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(running, pilot)
        await pilot.press("ctrl+o")
        await until(lambda: shows(running, "No editor is named in $VISUAL or $EDITOR", "export EDITOR=nano"))


EDITS = """
from pathlib import Path
from textual.app import App
from mailtui.errors import UsageError
from mailtui.tui.outside import edit_outside

class Edits(App):
    def key_e(self):
        try:
            edit_outside(self, Path("x"), {"EDITOR": "no-such-editor"})
        except UsageError as error:
            self.exit(message=error.title)

Edits().run()
"""


def test_an_editor_that_is_not_there_leaves_the_app_its_terminal(tmp_path: Path) -> None:
    with Terminal(["-c", EDITS], os.environ) as terminal:
        terminal.read_until(lambda output: ENTERED in output)
        terminal.press(b"e")
        assert terminal.ends() == 0
    assert terminal.output.count(ENTERED) == 2, "left for the editor, and taken again"
    assert b"no-such-editor cannot be started: No such file" in terminal.output
