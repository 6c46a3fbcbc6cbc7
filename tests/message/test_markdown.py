"""Bodies in Markdown: what their author wrote becomes HTML and plain text, and what a cell says stays text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape
from selectolax.lexbor import LexborHTMLParser

from mailtui.errors import TemplateError
from mailtui.message.compose import CompiledMessage
from mailtui.message.mime import TransferEncoding, canonical
from mailtui.message.preflight import Preflight
from mailtui.message.reference import self_check
from mailtui.message.rendered import RenderedMessage, RenderProblem
from tests.message.pages import count_pages, html_of, page, person, render, rendered
from tests.message.samples import DATE, body_text


def markdown(body: str, *, text: str | None = None, **includes: str) -> CompiledMessage:
    return page(body, "markdown", text=text, includes=includes)


def body_of(message: CompiledMessage, name: str = "", url: str = "") -> str:
    found = re.search(r"<body>\n(.*)</body>", html_of(message, name, url), re.DOTALL)
    assert found is not None
    return found.group(1)


def test_b2_markdown_becomes_html_and_plain_text() -> None:
    message = markdown(
        "# Hello {{ name }}\n\nSpring is **here**, see [the garden](https://acme.test/{{ url }}).\n\n"
        "| what | price |\n|---|--:|\n| {{ name }} | 2 |\n"
    )
    made = rendered(message, "Ann", "g")
    html, text = made.html or "", made.text or ""
    assert html.startswith("<!DOCTYPE html>") and "<h1>Hello Ann</h1>" in html
    assert '<strong>here</strong>, see <a href="https://acme.test/g">the garden</a>' in html
    assert "<td>Ann</td>" in html and '<td style="text-align:right">2</td>' in html
    assert text.startswith("Hello Ann\n\nSpring is here, see the garden[1].\n")
    assert text.endswith("[1] https://acme.test/g\n") and "<" not in text


def test_b2_the_text_of_its_author_wins() -> None:
    assert rendered(markdown("# Hi", text="Hi yourself, {{ name }}\n"), "Ann").text == "Hi yourself, Ann\n"


MARKUP = (
    "*Ann* [x](http://evil.test)",
    "# x",
    "<b>x</b>",
    "- a\n- b",
    "`c` ~~d~~",
    "| a |\n|---|",
    "a\n\n    b",
    "> q",
)


@pytest.mark.parametrize("cell", MARKUP)
@pytest.mark.parametrize(
    "template",
    [
        "{{ name }}",
        "Hi {{ name }} there",
        "{% if name %}{{ name }}{% endif %}",
        "{{ name|e }}",
        "{{ name|tojson }}",
        "{{ name ~ '' }}",
        "{{ name + '' }}",
        '{{ [name, "x"]|join(" ") }}',
        "{% macro greet(who) %}Dear {{ who }}{% endmacro %}{{ greet(name) }}",
        "{% macro greet() %}Dear {% endmacro %}{{ greet() ~ name }}",
        "{% macro greet() %}Dear {% endmacro %}{{ greet() + name }}",
        "{% macro greet() %}Dear {% endmacro %}{{ [greet(), name]|join }}",
        '{% macro greet() %}Dear X{% endmacro %}{{ greet()|replace("X", name) }}',
        "{% macro greet() %}Dear Xyz{% endmacro %}{{ greet()|truncate(6, true, name[:2], 0) }}",
        "{% set whole %}{{ name }}{% endset %}{{ whole }}",
        "{% set whole %}{{ name }}{% endset %}{{ whole|striptags }}",
        "{% for row in [name] %}{{ row }}{% endfor %}",
        '{% include "part" %}',
    ],
)
def test_b1_a_cell_is_no_markup(template: str, cell: str) -> None:
    body = LexborHTMLParser(body_of(markdown(template, part="{{ name }}"), cell)).body
    assert body is not None
    assert {node.tag for node in body.traverse()} <= {"body", "p"}
    if not any(word in template for word in ("tojson", "striptags", "truncate")):
        assert re.sub(r"\s+", " ", cell.strip()) in re.sub(r"\s+", " ", body.text())


def test_b1_only_its_author_can_let_a_cell_be_markup_and_hears_of_it() -> None:
    message = markdown("{{ name|safe }}")
    assert body_of(message, "**Ann**") == "<p><strong>Ann</strong></p>\n"
    assert body_of(message, "<b>Ann</b>") == "<p>&lt;b&gt;Ann&lt;/b&gt;</p>\n"
    assert "unescaped" in {finding.code for finding in Preflight(message).findings()}


def test_b1_what_an_author_writes_in_macros_blocks_and_parents_is_markdown() -> None:
    parent = "# {% block head %}{% endblock %}\n\n{% block body %}*fine*{% endblock %}"
    message = markdown(
        '{% extends "frame" %}{% block head %}**{{ name }}**{% endblock %}{% block body %}{{ super() }} {{ name }}'
        "{% endblock %}",
        frame=parent,
    )
    assert body_of(message, "A*n*n") == "<h1><strong>A*n*n</strong></h1>\n<p><em>fine</em> A*n*n</p>\n"
    macro = markdown("{% macro greet(who) %}**Dear {{ who }}**{% endmacro %}{{ greet(name) ~ '!' }}")
    assert body_of(macro, "A*n*n") == "<p><strong>Dear A*n*n</strong>!</p>\n"


@given(st.lists(st.tuples(body_text, body_text), min_size=1, max_size=4))
def test_m04_any_cell_reads_back_whatever_was_rendered_before(people: list[tuple[str, str]]) -> None:
    for name, url in people:
        made = render(PROPERTY, name, url)
        if isinstance(made, RenderProblem):
            assert "run a script" in made.reason
            continue
        differences = self_check(PROPERTY, person(name, url), date=DATE, encoding=TransferEncoding.EIGHT_BIT)
        assert differences == []
        escaped = str(escape(clean(name)))
        assert canonical(f"<h1>Hi {escaped}</h1>") in canonical(made.html or "")


def clean(cell: str) -> str:
    """Two code points that no text has do not come through."""
    return cell.replace("\ufdd0", "").replace("\ufdd1", "")


PROPERTY = markdown("# Hi {{ name }}\n\n{% if url %}[here]({{ url }}){% endif %} **{{ name }}** x\n")


@pytest.mark.parametrize("cell", ["javascript:alert(1)", " java\tscript:x", "VBScript:x", "data:text/html,x"])
def test_m10_a_cell_that_begins_a_link_runs_nothing(cell: str) -> None:
    made = render(markdown("[here]({{ url }})"), "Ann", cell)
    assert isinstance(made, RenderProblem) and "would run a script" in made.reason
    assert isinstance(render(markdown("[here](https://x.test/{{ url }})"), "Ann", cell), RenderedMessage)


@pytest.mark.parametrize("call", ['replace("D", name)', "join([name, name])", "partition(name)"])
def test_m08_methods_of_what_an_author_wrote_take_no_cells(call: str) -> None:
    made = render(markdown("{% macro greet() %}Dear{% endmacro %}{{ greet()." + call + " }}"), "*Ann*")
    assert isinstance(made, RenderProblem) and "unsafe" in made.reason


def test_m08_what_is_between_marks_is_never_cut_open() -> None:
    made = render(markdown("{% set whole %}{{ name }}{% endset %}{{ (whole ~ '')[:3] }}"), "**Ann** and others")
    assert isinstance(made, RenderProblem) and "a filter cuts" in made.reason
    assert body_of(markdown("{{ name|truncate(5, true, '...', 0) }}"), "**Ann**") == "<p>**...</p>\n"
    made = render(markdown("{{ name|truncate(2) }}"), "**Ann** and others")
    assert isinstance(made, RenderProblem) and "cannot be filled in" in made.reason


def test_a_mistake_has_its_place() -> None:
    with pytest.raises(TemplateError) as caught:
        markdown("# Hi\n\n{{ nam }}")
    (problem,) = caught.value.problems
    assert (problem.place.file, problem.place.line) == ("body.markdown.j2", 3)
    made = render(markdown("# Hi\n\n{{ name|int // 0 }}"), "1")
    assert isinstance(made, RenderProblem) and made.place.line == 3


def test_a_page_is_made_once_for_all_who_take_the_same_turns() -> None:
    message = markdown("# Hi {{ name }}\n\n{% if url %}[here]({{ url }}){% endif %}")
    made = count_pages(message)
    for number in range(50):
        rendered(message, f"Person {number}", "u" if number % 2 else "")
    assert len(made) == 2
