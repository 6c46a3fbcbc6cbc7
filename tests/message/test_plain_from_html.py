"""The plain text that is made of HTML whose author wrote none beside it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given

from mailtui.errors import TemplateError
from mailtui.message.compose import CompiledMessage, compile_message
from mailtui.message.mime import TransferEncoding, canonical
from mailtui.message.preflight import Preflight
from mailtui.message.reference import parse_message, self_check
from mailtui.message.rendered import RenderProblem
from mailtui.message.source import read_message
from mailtui.message.spec import MessageSpec
from tests.message.pages import COLUMNS, page, person, render, rendered
from tests.message.samples import DATE, SECRET, body_text

BODY = """<html><head><title>{{ name }}</title></head><body>
<div style="display:none">{{ name }} peeks</div>
<table role="presentation"><tr><td class="{{ name }}"><h1>Hello {{ name }}</h1></td></tr></table>
{% if url %}<p><a href="{{ url }}">Your page</a>, <a href="mailto:{{ email }}">{{ email }}</a></p>{% endif %}
</body></html>
"""


def with_text(body: str, *, inline_css: bool = False) -> CompiledMessage:
    source = page(body, inline_css=inline_css).source
    return compile_message(dataclasses.replace(source, plain_from_html=True), COLUMNS, secret=SECRET)


def test_b2_the_text_is_made_of_the_html_with_its_links_by_number() -> None:
    made = rendered(with_text(BODY), "Ann & <Bob>", "https://acme.test/?a=1&b=2")
    assert made.text == ("Hello Ann & <Bob>\n\nYour page[1], ann@example.com\n\n[1] https://acme.test/?a=1&b=2\n")
    assert made.html == rendered(page(BODY), "Ann & <Bob>", "https://acme.test/?a=1&b=2").html
    parts = [part.get_content_type() for part in parse_message(made.data).walk()]
    assert parts == ["multipart/alternative", "text/plain", "text/html"]
    addressed = page("<a href='mailto:{{ email }}'>{{ email }}</a>{{ name }}")
    assert addressed.source.plain_from_html is False and rendered(addressed, "x").text is None
    assert "[1]" not in (rendered(with_text(BODY), "Ann").text or "")


def test_a_page_is_read_once_for_all_who_take_the_same_turns() -> None:
    message = with_text(BODY)
    for number in range(50):
        assert f"Hello Person {number}\n" in (
            rendered(message, f"Person {number}", f"https://x.test/{number}").text or ""
        )
    assert message._page is not None and len(message._page._pages) == 1


def test_styles_that_are_inlined_leave_the_text_as_it_is() -> None:
    body = "<style>p { color: red } .no { display: none }</style><p>Hi {{ name }}</p><p class=no>unseen</p>"
    assert rendered(with_text(body, inline_css=True), "Ann").text == "Hi Ann\n"


def test_a_table_of_data_has_bars_and_nothing_is_cut() -> None:
    long, target = "word " * 30, "https://acme.test/" + "x" * 900
    body = f"""<table><tr><th>What</th><th>Price</th></tr><tr><td>{long}{{{{ name }}}}</td><td>5</td></tr></table>
    <a href="{target}">there</a>"""
    text = rendered(with_text(body), "Ann").text or ""
    assert text.startswith(f"What | Price\n{long}Ann | 5\n") and text.endswith(f"[1] {target}\n")


@given(body_text)
def test_whatever_a_cell_holds_stands_in_the_text_as_it_is(cell: str) -> None:
    message = with_text("<p>{{ name }}</p><p>end</p>")
    for encoding in TransferEncoding:
        assert self_check(message, person(cell), date=DATE, encoding=encoding) == []
    text = rendered(message, cell).text or ""
    assert text == (canonical(f"{cell}\n\nend\n") if cell else "end\n")


def test_a_link_that_would_run_a_script_is_an_error_of_the_row() -> None:
    made = render(with_text(BODY), "Ann", "javascript:alert(1)")
    assert isinstance(made, RenderProblem) and "run a script" in made.reason


def read(tmp_path: Path, **keys: object) -> MessageSpec:
    (tmp_path / "b.html").write_text("<p>Hi</p>")
    (tmp_path / "b.md").write_text("Hi")
    return MessageSpec.model_validate({"from": "me@acme.test", "subject": "Hi", **keys})


def test_a_campaign_with_html_alone_gets_a_text_unless_it_says_false(tmp_path: Path) -> None:
    both = read_message(read(tmp_path, html="b.html"), tmp_path, "Spring")
    assert both.plain_from_html and both.text is None
    alone = read_message(read(tmp_path, html="b.html", text=False), tmp_path, "Spring")
    assert not alone.plain_from_html and alone.text is None and alone.digest != both.digest
    codes = [
        {finding.code for finding in Preflight(compile_message(source, COLUMNS, secret=SECRET)).findings()}
        for source in (both, alone)
    ]
    assert ["no-text-part" in found for found in codes] == [False, True]


def test_false_is_for_html_alone(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="text: false is for html alone"):
        read(tmp_path, markdown="b.md", text=False)
    with pytest.raises(ValueError, match="text: false is for html alone"):
        read(tmp_path, text=False)
    with pytest.raises(ValueError, match="no file is named"):
        read(tmp_path, html="b.html", text=" ")
    with pytest.raises(TemplateError):
        read_message(read(tmp_path, html="missing.html"), tmp_path, "Spring")


def test_what_a_style_sheet_hides_for_a_row_is_not_in_its_text() -> None:
    message = with_text("<style>.{{ url or 'b' }} { display: none }</style><p class='{{ name }}'>{{ name }}</p><p>Hi")
    assert rendered(message, "a").text == "a\n\nHi\n"
    assert rendered(message, "b").text == "Hi\n"
    assert rendered(message, "a", "a").text == "Hi\n"
