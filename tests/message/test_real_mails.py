"""Mails as the field makes them, each seen in all five views: laid out, plain text, headers, MIME tree, source.

What stands in `real_mails/NAME.txt` was looked at by a person on a terminal: the mail says that, in that order. Change
such a file only after looking again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

from mailtui.kit.text_width import text_width
from mailtui.message.html_blocks import Block, Kind
from mailtui.message.html_text import lay_out
from mailtui.message.markdown import html_from_markdown
from mailtui.message.mjml import html_from_mjml
from mailtui.message.pages import plain_text
from mailtui.message.tree import describe
from mailtui.tui.widgets.mail_text import mail_pages
from tests.message.samples import compiled, recipient, rendered, source

FOLDER = Path(__file__).parent / "real_mails"
MAILS = sorted(path for path in FOLDER.iterdir() if path.suffix in (".html", ".mjml", ".md"))
SUBJECT = "🎉 Grüße, 花子 👩🏽‍🚀: שלום"

# What no reader of the mail sees in any mail program, and a terminal's must not either.
NEVER = (
    *("mso-", "{", "@media", "<!--", "-->", "endif", "urn:schemas", "schema.org", "never shown as text"),
    *("tracked text", "Outlook only", "(Outlook)", "for dark screens", "Turn your phone", "It dims by itself"),
    *("hidden", "Hidden inline", "By style sheet", "By its id", "By height", "By size", "By opacity", "By both"),
    *("By colour", "Far away", "pixel", "spacer", "iVBOR"),
    *("\u00ad", "\u200b", "\u034f", "\u2060", "\ufeff", "\u200e", "\u200f", "\u202b"),
)


def html_of(path: Path) -> str:
    text = path.read_text("utf-8")
    if path.suffix == ".mjml":
        return html_from_mjml(text)
    return html_from_markdown(text) if path.suffix == ".md" else text


def shown(blocks: tuple[Block, ...]) -> Iterator[str]:
    """The blocks as a person would write them down; a heading with #, a line across as dashes."""
    for block in blocks:
        if block.gap:
            yield ""
        text = "-----" if block.kind is Kind.RULE else block.text
        mark = "# " if block.kind is Kind.HEADING else ""
        yield (" " * block.indent + "> " * block.quoted + block.lead + mark + text).rstrip()


def test_there_are_mails_of_many_kinds() -> None:
    assert len(MAILS) >= 18
    assert {path.stem for path in FOLDER.glob("*.txt")} == {path.stem for path in MAILS}


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_b5_a_mail_of_the_field_says_in_a_terminal_what_it_says(path: Path) -> None:
    lines = list(shown(lay_out(html_of(path))))
    assert lines == path.with_suffix(".txt").read_text("utf-8").split("\n")[:-1]
    assert not [word for word in NEVER for line in lines if word in line]
    widest = max(text_width(line) for line in lines if not line.startswith("["))
    assert widest <= 100


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_b5_its_five_views_agree(path: Path) -> None:
    message = source(subject=SUBJECT, text=None, html=html_of(path))
    message = dataclasses.replace(message, plain_from_html=True)
    view = describe(rendered(compiled(message), recipient()).data)
    assert view.html is not None and view.text is not None
    assert lay_out(view.html) == lay_out(html_of(path))
    assert view.text.strip() == plain_text(html_of(path)).strip()
    assert not [word for word in NEVER if word in view.text]
    targets = [block.text for block in lay_out(view.html) if block.kind is Kind.LINK]
    assert all(target in view.text for target in targets)
    assert dict(view.headers)["Subject"] == SUBJECT
    assert [line.split()[-4 if "bytes" in line else -1].lstrip("├└─ ") for line in view.tree] == [
        *("multipart/alternative", "text/plain", "text/html"),
    ]
    assert max(map(len, view.source.encode().split(b"\n"))) <= 998
    pages = mail_pages(view)
    assert len(pages) == 5
    for lines in pages.values():
        parts = [part.plain for line in lines for part in line.rows(76)]
        assert not [part for part in parts if "\\u" in part or "\\x" in part]  # nothing is shown as an escape


@pytest.mark.parametrize(
    "text",
    [
        *("plain", "花子", "ｶﾞﾗｽ", "한국", "שָׁלוֹם", "مرحبا", "ไทย", "नमस्ते", "कि", "é", "e\u0301", "\u1112\u1161\u11ab"),
        *("😀", "👩🏽‍🚀", "👨‍👩‍👧‍👦", "🤷🏿‍♂️", "☀️", "☀", "7️⃣", "🇩🇪🇯🇵", "❤️", "🏳️‍🌈", "a 👍🏽 b", "می‌خواهم"),
    ],
)
def test_a_text_takes_as_many_columns_as_the_screen_gives_it(text: str) -> None:
    assert text_width(text) == cell_len(text)
