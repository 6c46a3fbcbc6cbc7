"""Bodies in MJML, and pages whose style sheets go into their elements."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from markupsafe import escape
from selectolax.lexbor import LexborHTMLParser

from mailtui.errors import TemplateError
from mailtui.message.frozen import MessageSource
from mailtui.message.mime import TransferEncoding, canonical
from mailtui.message.preflight import Preflight
from mailtui.message.reference import self_check
from mailtui.message.rendered import RenderProblem
from mailtui.message.source import read_message
from mailtui.message.spec import MessageSpec
from mailtui.message.templates import TemplateText
from tests.message.pages import count_pages, html_of, page, person, render, rendered
from tests.message.samples import DATE, body_text

MJML = """<mjml>
<mj-head><mj-title>For {{ name }}</mj-title><mj-style>.a { color: red }</mj-style>
<mj-style inline="inline">.b { color: blue } .b:hover { color: green }</mj-style></mj-head>
<mj-body><mj-section><mj-column>
<mj-text css-class="a"><p class="b">Hi {{ name }}</p></mj-text>
{% if url %}<mj-button href="{{ url }}">Look</mj-button>{% endif %}
</mj-column></mj-section></mj-body>
</mjml>
"""
STYLED = """<!DOCTYPE html>
<html><head><style>
p { color: red } p:empty { color: blue } a:hover { color: green } .gold { color: gold }
@media (max-width: 600px) { p { color: black } }
</style><!--[if mso]><style>p { mso-x: y }</style><![endif]--></head>
<body><p class="{{ url }}">Hi {{ name }}</p><p>{{ url }}</p><a href="https://x.test/{{ name }}">x</a>
<![if !mso]><p>not Outlook</p><![endif]><!--[if !mso]><!--><p>m</p><!--<![endif]--></body></html>
"""


def test_b2_mjml_becomes_html_and_plain_text() -> None:
    made = rendered(page(MJML, "mjml"), "Ann & Bob <b>", "https://acme.test/g?a=1&b=2")
    html = made.html or ""
    assert "<mj" not in html and "Hi Ann &amp; Bob &lt;b&gt;" in html and "<title>For Ann &amp; Bob" in html
    assert 'href="https://acme.test/g?a=1&amp;b=2"' in html
    assert made.text == "Hi Ann & Bob <b>\n\nLook[1]\n\n[1] https://acme.test/g?a=1&b=2\n"
    assert "fonts.googleapis.com" not in html  # nothing is loaded that its author did not ask for


def test_b2_inline_styles_of_mjml_go_into_the_elements_and_others_stay() -> None:
    html = html_of(page(MJML, "mjml"), "Ann")
    assert '<p class="b" style="color: blue;">' in html
    assert ".b:hover { color: green }" in html and ".a { color: red }" in html
    assert "<!--[if mso | IE]>" in html and "@media only screen" in html


def test_mjml_is_made_once_for_all_who_take_the_same_turns() -> None:
    message = page(MJML, "mjml")
    made = count_pages(message)
    for number in range(50):
        assert f"Hi Person {number}<" in html_of(message, f"Person {number}", f"https://x.test/{number}")
    assert len(made) == 1
    rendered(message, "Ann", "")
    assert len(made) == 2


def test_a_cell_that_decides_how_the_page_is_made_stands_in_it() -> None:
    body = MJML.replace("<mj-text ", '<mj-text color="{{ url }}" ')
    message = page(body, "mjml")
    assert "color:#123456" in html_of(message, "Ann", "#123456")
    assert "color:#654321" in html_of(message, "Ann", "#654321")


def test_mistakes_in_mjml_have_their_place() -> None:
    body = "<mjml><mj-body>\n<mj-section>\n  <mj-colum>{{ name }}</mj-colum>\n<mj-include path='/etc/passwd'/>"
    with pytest.raises(TemplateError) as caught:
        page(body + "</mj-section></mj-body></mjml>", "mjml")
    first, second = caught.value.problems
    assert (str(first.place), first.message) == ("body.mjml.j2:3:3", "there is no tag mj-colum in MJML.")
    assert "mj-column" in first.hint
    assert second.message == "mj-include is not used here." and "include" in second.hint


def test_an_attribute_that_mjml_does_not_know_is_a_warning() -> None:
    message = page(MJML.replace("<mj-button ", '<mj-button colour="red" '), "mjml")
    (found,) = [finding for finding in Preflight(message).findings() if finding.code == "mjml-attribute"]
    assert "mj-button has no attribute colour" in found.message and "color" in found.hint
    assert found.place.line == 6
    assert "mjml-attribute" not in {finding.code for finding in Preflight(page(MJML, "mjml")).findings()}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<mjml><mj-body>\n<mj-section>{{ name }}\n</mj-body></mjml>", "</mj-body> at line 3"),
        ("<mjml><mj-body>\n<mj-section>{{ name }}", "<mj-section> at line 2 of what is filled in is not closed"),
        ("Hello {{ name }}", "it must begin with <mjml>"),
    ],
)
def test_what_is_no_mjml_is_an_error_of_the_row(body: str, said: str) -> None:
    made = render(page(body, "mjml"), "Ann")
    assert isinstance(made, RenderProblem) and said in made.reason


def test_mjml_of_the_author_s_is_part_of_a_page_by_include() -> None:
    body = MJML.replace("<mj-text css-class", '{% include "part.mjml.j2" %}<mj-text css-class')
    message = page(body, "mjml", includes={"part.mjml.j2": "<mj-text>Part for {{ name }}</mj-text>"})
    assert "Part for Ann" in html_of(message, "Ann")


def test_b2_style_sheets_go_into_the_elements() -> None:
    html = html_of(page(STYLED, inline_css=True), "Ann", "gold")
    assert '<p class="gold" style="color: gold;">Hi Ann</p>' in html
    assert '<p style="color: red;">gold</p>' in html
    assert "@media (max-width: 600px) { p { color: black } }" in html and "a:hover { color: green; }" in html
    assert "<!--[if mso]><style>p { mso-x: y }</style><![endif]-->" in html
    assert '<![if !mso]><p style="color: red;">not Outlook</p><![endif]>' in html
    assert '<!--[if !mso]><!--><p style="color: red;">m</p><!--<![endif]-->' in html


def test_a_blank_cell_is_blank_where_style_sheets_look() -> None:
    assert '<p style="color: blue;"></p>' in html_of(page(STYLED, inline_css=True), "Ann", "")


def test_a_style_sheet_that_selects_by_attributes_sees_the_cells() -> None:
    body = '<style>a[href^="https://a"] { color: red }</style><a href="{{ url }}">{{ name }}</a>'
    message = page(body, inline_css=True)
    assert 'style="color: red;"' in html_of(message, "Ann", "https://a.test")
    assert 'style="color: red;"' not in html_of(message, "Ann", "https://b.test")


def test_nothing_is_read_or_loaded_for_a_page(tmp_path: Path) -> None:
    (tmp_path / "x.css").write_text("p { color: canary }")
    link = (
        f'<link rel="stylesheet" href="file://{tmp_path}/x.css"><link rel="stylesheet" href="http://127.0.0.1:9/x.css">'
    )
    styles = f"<style>@import url(file://{tmp_path}/x.css); p {{ margin: 0 }}</style>"
    html = html_of(page(f"{link}{styles}<p>{{{{ name }}}}</p>", inline_css=True), "Ann")
    assert "canary" not in html and '<p style="margin: 0;">Ann</p>' in html


PROPERTIES = (
    page(MJML, "mjml"),
    page(STYLED, inline_css=True),
    page(STYLED.replace(' class="{{ url }}"', ""), inline_css=True),
)


@given(body_text, body_text)
def test_m04_any_cell_reads_back(name: str, url: str) -> None:
    clean = canonical(str(escape(name.replace("\ufdd0", "").replace("\ufdd1", "")))).rstrip("\n")
    for message in PROPERTIES:
        made = render(message, name, url)
        if isinstance(made, RenderProblem):
            assert "run a script" in made.reason
            continue
        assert self_check(message, person(name, url), date=DATE, encoding=TransferEncoding.EIGHT_BIT) == []
        assert clean in (made.html or "")
        tags = {node.tag for node in LexborHTMLParser(made.html or "").root.traverse()}  # type: ignore[union-attr]
        assert not tags & {"script", "b", "i", "x"}


def test_who_pays_for_styles_and_who_does_not(tmp_path: Path) -> None:
    (tmp_path / "styled.html").write_text("<style>p { margin: 0 }</style><p>{{ name }}</p>")
    (tmp_path / "plain.html").write_text("<p>{{ name }}</p>")

    def read(**keys: object) -> MessageSource:
        spec = MessageSpec.model_validate({"from": "a@acme.test", "subject": "S", **keys})
        return read_message(spec, tmp_path, "Spring")

    assert read(html="styled.html").inline_css
    assert not read(html="styled.html", inline_css=False).inline_css
    assert not read(html="plain.html").inline_css and read(html="plain.html", inline_css=True).inline_css
    assert "inline_css" not in read(html="plain.html").to_json()
    with pytest.raises(ValueError, match="html and mjml are given together"):
        read(html="plain.html", mjml="plain.html")
    with pytest.raises(ValueError, match="inline_css is for html"):
        read(mjml="plain.html", inline_css=True)


def test_what_was_launched_before_there_was_inlining_stays_as_it_was() -> None:
    """The digest names the message of a launch; this one is of a version that knew neither key."""
    earlier = MessageSource("a@acme.test", "S", None, TemplateText("b.html", "<style>p{color:red}</style><p>x</p>"))
    assert earlier.digest == "7c7c8969bf2a80f024d52c912bba455dba249628167dedfe442a04c517df8e45"
    assert not MessageSource.from_json(earlier.to_json()).inline_css
    changed = dataclasses.replace(earlier, inline_css=True)
    assert changed.digest != earlier.digest and MessageSource.from_json(changed.to_json()) == changed
