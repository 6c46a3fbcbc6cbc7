"""The quick ways of filling a template in give what the plain one gives, whatever the template and the row."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailtui.message.filling import Pieces, Slots, Variables
from mailtui.message.mime import LINE_HARD, TransferEncoding, build_skeleton, canonical, wire_lines
from mailtui.message.rendered import RenderedMessage
from mailtui.message.templates import RENDER_ERRORS, CompiledTemplate, TemplateSet, TemplateText
from tests.message.samples import DATE, SCRIPTS, SECRET, body_text, compiled, encodings, recipient, source

_BOUNDARY = build_skeleton(SECRET, "x").boundary.decode()
_INCLUDES = (
    ("field.txt", "{{ a }}, {{ b|upper }}\n"),
    ("fixed.txt", ".fixed <&>\n"),
    ("loops.txt", "{% for n in range(2) %}{{ n }}{{ x }}{% endfor %}"),
    ("nested.txt", "{% include 'field.txt' %}.{% include 'nested.txt' ignore missing %}"),
    ("sets.txt", "{% set a = 'set' %}{{ a }}"),
    ("own.txt", "{% for campaign in ['own'] %}{{ campaign }}{% endfor %}"),
    ("callable.txt", "{% for range in [1] %}{% for n in range(2) %}{{ n }}{% endfor %}{% endfor %}"),
    ("choice.txt", "{% if a %}{{ a }}{% endif %}"),
)
# Pieces of templates; any row of them is a template, and much of it can be folded.
_leaves = st.sampled_from(
    (
        "fixed text",
        "\n",
        ".",
        "\n.\n",
        "=_",
        "=",
        "_",
        "ü\n",
        "x" * 700,
        "{{ '\r' }}",
        "{{ a }}",
        "{{ b }}",
        "{{ a }}{{ b }}",
        "{{ a|upper }}",
        "{{ b|safe }}",
        "{{ a|e }}",
        "{{ [a, '<b>']|join('&') }}",
        "{{ campaign }}",
        "{{ campaign|lower ~ '<' }}",
        "{{ campaign|e ~ '&' }}",
        "{{ x|e ~ '&' }}",
        "{{ 1 + 1 }}{{ 'x' * 3 }}{{ 1.5 }}{{ none }}{{ true }}",
        "{{ '<&>' }}",
        "{{ x }}",
        "{{ x ~ a }}",
        "{{ loop.index }}",
        "{{ row['a'] }}",
        "{{ missing_name }}",
        "{{ missing_name|default('none') }}",
        "{{ a.nothing }}",
        "{% include 'field.txt' %}",
        "{% include 'fixed.txt' %}",
        "{% include 'loops.txt' %}",
        "{% include 'sets.txt' %}",
        "{% include 'choice.txt' %}",
        "{% include 'nope.txt' ignore missing %}",
        "{% set a = 'changed' %}",
        "{% set campaign = a %}",
    )
)
_loops = st.sampled_from(
    (
        "range(1, 4)",
        "range(0)",
        "range(5, 0, -2)",
        "range(1, 2, 0)",
        "['<a>', 'ü', 3]",
        "('x', '.')",
        "'abc'",
        "[true, 1, 1.0]",
        "a.split(',')",
        "range(a|length)",
        "row",
    )
)
_names = st.sampled_from(("x", "a", "campaign", "range"))


def _wrapped(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.lists(inner, min_size=2, max_size=5).map("".join),
        st.builds("{{% for {} in {} %}}{}{{% else %}}none{{% endfor %}}".format, _names, _loops, inner),
        st.builds("{{% if {} %}}{}{{% else %}}{}{{% endif %}}".format, st.sampled_from("ab"), inner, inner),
        st.builds("{{% filter upper %}}{}{{% endfilter %}}".format, inner),
        st.builds("{{% autoescape false %}}{}{{% endautoescape %}}".format, inner),
        st.builds("{{% with a = b %}}{}{{% endwith %}}".format, inner),
        st.builds("{{% macro m(a) %}}{}{{% endmacro %}}{{{{ m(b) }}}}".format, inner),
    )


_templates = st.recursive(_leaves, _wrapped, max_leaves=12)
_ODD = ("", "Anna", "_", "=", "=_", ".", "a=", "\n", ".\n", "\ud800", "\0", "a,b,c", "x" * 299)
_cells = st.one_of(body_text, st.sampled_from((*_ODD, _BOUNDARY, _BOUNDARY[1:])))
_kinds = st.sampled_from(("plain", "html"))


def _template(text: str, *, html: bool, folded: bool = True) -> CompiledTemplate:
    templates = TemplateSet([TemplateText(name, content) for name, content in _INCLUDES])
    constants = {"campaign": "Spring & <News>"} if folded else {}
    return templates.compile(TemplateText("body", text), html=html, constants=constants)


def _variables(**values: str) -> Variables:
    row = {"a": values["a"], "b": values["b"]}
    given: dict[str, object] = {**TemplateSet(()).globals, "campaign": "Spring & <News>", "row": row, **values}
    return Variables(given)


def _plainly(template: CompiledTemplate, variables: Variables) -> tuple[str | None, bytes | None]:
    """The text and the lines as Jinja gives them for the template as it was written; None where there are none."""
    template._quick = template._lines = None
    return _both(template, variables)


def _both(template: CompiledTemplate, variables: Variables) -> tuple[str | None, bytes | None]:
    text: str | None = None
    try:
        text = template.render(variables)
        return text, template.lines(variables)[0]
    except RENDER_ERRORS:
        return text, None


@given(_templates, _kinds, _cells, _cells)
@example("{% for x in range(3) %}{{ x }}{{ a }}\n{% endfor %}", "html", "Zoë", "")
@example("a={{ a }}{{ b }}", "plain", _BOUNDARY[1:], "")
@example("{{ a }}{% include 'field.txt' without context %}{% include 'fixed.txt' without context %}", "plain", "", "")
@example("{% for a in range(2) %}{% include 'field.txt' %}{% endfor %}{{ a }}", "plain", "x", "y")
@example("{% for x in range(2) %}{% include 'loops.txt' %}{% endfor %}", "plain", "x", "y")
@example("{% for x in range(2) %}{{ x }}{% endfor %}{{ x }}", "plain", "x", "y")
@example("{% for campaign in ['own'] %}{{ campaign }}{% endfor %}", "plain", "x", "y")
@example("{% include 'own.txt' %}{{ a }}", "plain", "x", "y")
@example("{{ campaign|e ~ a }}{{ campaign|e ~ '!' }}", "html", "<", "")
@example("{% for x in ['<', '>'] %}{{ x|e ~ '!' }}{{ a }}{% endfor %}", "html", "x", "")
@example("{% include 'callable.txt' %}", "plain", "x", "y")
@example("{% for x in a %}{% for y in 'ab' %}{{ loop.index }}{% endfor %}{% endfor %}", "plain", "xyz", "y")
def test_m01_the_quick_ways_give_what_jinja_gives(template: str, kind: str, a: str, b: str) -> None:
    variables = _variables(a=a, b=b)
    quick = _template(template, html=kind == "html")
    plain = _template(template, html=kind == "html", folded=False)
    assert _both(quick, variables) == _plainly(plain, variables)


@given(_templates, _kinds, _cells, _cells)
@example("{{ a }}.", "plain", "", "")
@example("{{ a }}", "plain", ".x", "")
@example("a={{ a }}", "plain", "_x", "")
@example("{{ a }}_x", "plain", "x=", "")
@example("\n{{ a }}{{ b }}.", "plain", "", "")
@example("={{ a }}{{ b }}_", "plain", "", "")
@example("{{ a }}{{ b }}", "plain", "=", "_")
@example("x" * 996 + "{{ a }}", "plain", "ab", "")
@example("x" * 996 + "{{ a }}", "plain", "abc", "")
def test_m03_lines_that_are_called_tame_are_tame(template: str, kind: str, a: str, b: str) -> None:
    try:
        data, tame = _template(template, html=kind == "html").lines(_variables(a=a, b=b))
    except RENDER_ERRORS:
        return
    if tame:
        assert not any(line.startswith(b".") or len(line) > LINE_HARD for line in data.split(b"\r\n"))
        assert b"=_" not in data


@given(_cells, _cells, encodings)
def test_m03_a_dotless_message_has_no_line_that_begins_with_a_dot(a: str, b: str, encoding: TransferEncoding) -> None:
    message = compiled(
        source(text="{{ body }}{{ row['First name'] }}.", html="<p>\n{{ body }}", headers=[(".X", "dot")] * (a == "_"))
    )
    result = message.render(recipient(body=a, First_name=b), date=DATE, encoding=encoding)
    if isinstance(result, RenderedMessage) and result.dotless:
        assert not result.data.startswith(b".") and b"\r\n." not in result.data


@pytest.mark.parametrize(
    ("template", "kind", "slots"),
    [
        ("{{ a }} and {{ b|upper }}", Slots, 2),
        ("{{ a }}{{ a }}{{ a }}", Slots, 1),
        ("{% for n in range(8) %}{{ n }}{{ a }}{% endfor %}", Slots, 1),
        ("{% for n in [1, 2] %}{% for m in 'ab' %}{{ n }}{{ m }}{% endfor %}{% endfor %}", Slots, 0),
        ("{{ campaign }}{% include 'field.txt' %}{% include 'fixed.txt' %}", Slots, 2),
        ("{% if a %}{{ b }}{% endif %}", Pieces, None),
        ("{% for n in range(201) %}{{ n }}{% endfor %}", Pieces, None),
        ("{% for n in range(3) %}{{ loop.index }}{% endfor %}", Pieces, None),
        ("{% set a = 1 %}{{ a }}", Pieces, None),
    ],
)
def test_what_is_constant_is_folded(template: str, kind: type, slots: int | None) -> None:
    quick = _template(template, html=True)._quick
    assert isinstance(quick, kind)
    assert slots is None or (isinstance(quick, Slots) and quick._woven._count == slots)


def test_a_column_that_has_the_title_of_a_campaign_value_wins() -> None:
    template = _template("{{ campaign }}{% for n in range(2) %}{{ n }}{% endfor %}", html=False)
    assert template.render(_variables(a="", b="")) == "Spring & <News>01"
    assert template.render(_variables(a="", b="", campaign="own")) == "own01"


@pytest.mark.parametrize("text", SCRIPTS)
def test_lines_are_the_text_with_crlf(text: str) -> None:
    variables = _variables(a=text, b="")
    assert _template("<{{ a }}>", html=False).lines(variables)[0] == wire_lines(canonical(f"<{text}>"))
