"""Long texts on a screen: where they go on on the next row, and that only the rows in sight are drawn."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.selection import SELECT_ALL

from mailtui.service.previews import Pair, Piece
from mailtui.tui.folding import breaks
from mailtui.tui.text import plain
from mailtui.tui.widgets.difference_lines import DifferenceLines
from mailtui.tui.widgets.wrapped import LINES, Line, Wrapped
from tests.tui.conftest import grid

_TEXTS = st.text(st.sampled_from("ab é花🎉 \u0301\u200d\ufe0f👩क्षि"), max_size=60)


@given(_TEXTS, st.integers(2, 20))
@example("a" * 40, 7)
@example("   a long word: " + "x" * 30, 12)
@example("👩\u200d👩\u200d👩" * 6, 5)
def test_b5_nothing_is_lost_and_no_row_is_too_wide(text: str, room: int) -> None:
    at = [0, *breaks(text, room), len(text)]
    rows = [text[start:end] for start, end in pairwise(at)]
    assert "".join(rows) == text
    assert all(rows) or not text
    assert max(cell_len(row.rstrip(" ")) for row in rows) <= room


def test_b5_rows_end_between_words_and_letters_keep_their_accents() -> None:
    def rows(text: str, room: int) -> list[str]:
        at = [0, *breaks(text, room), len(text)]
        return [text[start:end].rstrip() for start, end in pairwise(at)]

    assert rows("one two three", 8) == ["one two", "three"]
    assert rows("one  two   three ", 5) == ["one", "two", "three"]
    assert rows("see https://example.test/long", 12) == ["see", "https://exam", "ple.test/lon", "g"]
    assert rows("東京の春は", 4) == ["東京", "の春", "は"]
    assert rows("e\u0301e\u0301e\u0301", 2) == ["e\u0301e\u0301", "e\u0301"]


@given(_TEXTS, st.sampled_from(["", "- ", "花 "]), st.integers(1, 40))
def test_b5_a_line_takes_the_rows_that_it_says(text: str, lead: str, width: int) -> None:
    line = Line(plain(text), plain(lead))
    assert len(line.rows(width)) == line.height(width)


class Shown(App[None]):
    """A text of some thousand lines and what differs in another one."""

    def __init__(self, lines: list[Line], pairs: list[Pair]) -> None:
        super().__init__()
        self.lines, self.pairs = lines, pairs

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Wrapped()
        with VerticalScroll():
            yield DifferenceLines()

    def on_mount(self) -> None:
        self.query_one(Wrapped).show_lines(self.lines)
        self.query_one(DifferenceLines).show_pairs(self.pairs, beside=False)


class Counted(Line):
    """A line that counts how often one was drawn."""

    drawn = 0

    def rows(self, width: int) -> list[Content]:
        Counted.drawn += 1
        return super().rows(width)


async def test_b5_only_the_lines_in_sight_are_drawn() -> None:
    lines: list[Line] = [Counted(plain(f"line {number}")) for number in range(LINES - 1)]
    lines.append(Counted(plain("the last one " * 20), plain("> ", "bold")))
    pairs = [Pair((Piece(f"left {number}", changed=True),), (Piece(f"right {number}"),)) for number in range(LINES)]
    running = Shown(lines, pairs)
    async with running.run_test(size=(60, 20)) as pilot:
        first, second = running.query(VerticalScroll)
        text, differing = running.query_one(Wrapped), running.query_one(DifferenceLines)
        assert grid(running)[0].startswith("line 0")
        assert "- left 0" in grid(running)[10]
        assert text.virtual_size.height == LINES - 1 + lines[-1].height(text.size.width)
        first.scroll_end(animate=False)
        second.scroll_end(animate=False)
        await pilot.pause()
        seen = grid(running)
        assert seen[9].startswith("  ") and seen[9].endswith("the last one")
        assert "The rest is not shown here." in seen[-1]  # two lines for each pair are too many
        assert Counted.drawn < 200
        second.scroll_home(animate=False)
        differing.show_pairs(pairs[:9], beside=True)
        text.show_lines(lines[:3])
        await pilot.pause()
        assert "left 0" in grid(running)[10] and "┃ right 0" in grid(running)[10]
        running.screen.selections = {text: SELECT_ALL}
        assert running.screen.get_selected_text() == "line 0\nline 1\nline 2"
        await pilot.pause()
        assert grid(running)[2].startswith("line 2")
