"""What a template cannot do: reach Python, read a secret, or make memory out of nothing (M-08, M-09)."""

from __future__ import annotations

import re

import pytest

from mailtui.errors import TemplateError
from mailtui.message.compose import CompiledMessage
from mailtui.message.hardening import KEPT_FILTERS, HardenedEnvironment
from mailtui.message.locales import FILTERS
from mailtui.message.mime import TransferEncoding
from mailtui.message.rendered import RenderProblem
from tests.message.samples import DATE, compiled, recipient, refused, rendered, source

CANARY = "canary-7f31e0"

# Known ways out of a Jinja sandbox, written anew for what a template of ours can see.
ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''['__class__']['__base__'] }}",
    "{{ first_name.__init__.__globals__ }}",
    "{{ row.__class__.__bases__ }}",
    "{{ (row|list)[0].__class__ }}",
    "{{ self.__init__.__globals__.__builtins__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ namespace.__init__.__globals__['os'].environ }}",
    "{{ range.__globals__ }}",
    "{{ dict.__base__.__subclasses__() }}",
    "{{ dict.fromkeys('ab') }}",
    "{% macro m() %}{% endmacro %}{{ m.__globals__ }}",
    "{% macro m() %}{% endmacro %}{{ m._environment }}",
    "{% macro m() %}{% endmacro %}{{ m._func.__globals__ }}",
    "{% for x in [1] %}{{ loop.__class__.__init__ }}{% endfor %}",
    "{% for x in [1] %}{{ loop._iterator.gi_frame }}{% endfor %}",
    "{{ '{0.__class__.__init__.__globals__}'.format(row) }}",
    "{{ '{a.__class__}'.format_map({'a': row}) }}",
    "{% set f = ''.format %}{{ f() }}",
    "{{ ('{0.__class__}'|string).format(row) }}",
    "{{ ['{0.__class__}']|map('attr', 'format')|list }}",
    "{{ ''|attr('__class__') }}",
    "{{ ''|attr('for' ~ 'mat') }}",
    "{{ ['x']|map(attribute='__class__')|list }}",
    "{{ [row]|map(attribute='__class__.__mro__')|list }}",
    "{{ [row]|groupby('__class__') }}",
    "{{ [row]|sum(attribute='__class__') }}",
    "{{ [row]|selectattr('__class__')|list }}",
    "{{ {}|xmlattr }}",
    "{{ row.update({'a': 'b'}) }}",
    "{{ [].append(1) }}",
    "{{ row.pop('email') }}",
    "{{ cycler.__init__.__globals__.os.environ }}",
    "{{ joiner.__init__.__globals__.os.popen('id').read() }}",
    "{{ lipsum.__globals__['os'].environ }}",
    "{{ config }}",
    "{{ request.application }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ environ }}",
    "{{ env('CANARY') }}",
    "{% include '/etc/passwd' %}",
    "{% include '../../../../etc/passwd' %}",
    "{% extends '/etc/hostname' %}",
    "{% import 'os' as os %}{{ os.environ }}",
    "{% from 'os' import environ %}{{ environ }}",
]
_MEGA = "{% set x = 'a' * 1000000 %}"
FLOODS = [
    "{% set n = namespace(x='aaaaaaaaaa') %}{% for i in range(40) %}{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x }}",
    _MEGA + "{{ x|replace('a', x) }}",
    _MEGA + "{{ x.replace('a', x) }}",
    _MEGA + "{{ [x, x]|join(x * 1) }}{{ range(1000)|join(x) }}",
    _MEGA + "{{ x.join(['a'] * 1000) }}",
    _MEGA + "{{ x.join(['a', 'b']|map('upper')) }}{{ x.join(range(1000)|map('string')) }}",
    _MEGA + "{{ ([x] * 100000)|join }}",
    _MEGA + "{{ ([x] * 100000)|map('upper')|join }}",
    _MEGA + "{{ (['a', 'b'] * 50000)|map('replace', 'a', x)|list|length }}",
    _MEGA + "{{ x|wordwrap(1, wrapstring=x) }}",
    _MEGA + "{{ 'a.test b.test '|replace('b', 'c.test ' * 100)|urlize(rel=x) }}",
    _MEGA + "{% for i in range(99999) %}{{ x }}{% endfor %}",
    _MEGA + "{% for i in range(99999) %}{{ x|upper }}{% endfor %}",
    _MEGA + "{% set y %}{% for i in range(99999) %}{{ x }}{% endfor %}{% endset %}{{ y|length }}",
    _MEGA + "{% macro m() %}{% for i in range(99999) %}{{ x }}{% endfor %}{% endmacro %}{{ m()|length }}",
    _MEGA + "{% filter upper %}{% for i in range(99999) %}{{ x }}{% endfor %}{% endfilter %}",
    "{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}",
    "{{ [[1]]|tojson(indent=100000000) }}",
    "{{ 1|round(10000000, 'ceil') }}",
    "{{ 'a' * 10000000 }}",
    "{{ 10000000 * 'a' }}",
    "{{ [1] * 10000000 }}",
    "{{ 10 ** 10000000 }}",
    "{{ (10 ** 500) * (10 ** 5000) }}",
    "{{ '%100000000d' % 1 }}",
    "{{ '{:>100000000}'.format(1) }}",
    "{{ 'x'.center(100000000) }}",
    "{{ 'x'.ljust(100000000) }}",
    "{{ 'x'.zfill(100000000) }}",
    "{{ 'x'|center(100000000) }}",
    "{{ 'x\n'|indent(100000000) }}",
    "{{ [1]|batch(100000000, 'x')|list }}",
    "{{ (1).to_bytes(100000000, 'big') }}",
    "{{ lipsum(10000) }}",
    "{{ range(1000000)|list }}",
    "{% set n = namespace(x='aaaaaaaaaa') %}{% for i in range(40) %}{% set n.x = n.x + n.x %}{% endfor %}{{ n.x }}",
]


@pytest.fixture(autouse=True)
def _canary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", CANARY)
    monkeypatch.setenv("MAILTUI_PASSWORD_ACME", CANARY)


def _outcome(template: str) -> str:
    """What a template comes to: the mistakes found at compile time, the problem of rendering, or its text."""
    try:
        message: CompiledMessage = compiled(source(text=template, html=template))
    except TemplateError as error:
        return f"refused: {error}"
    result = message.render(recipient(), date=DATE, encoding=TransferEncoding.EIGHT_BIT)
    return f"refused: {result.reason}" if isinstance(result, RenderProblem) else str(result.text)


@pytest.mark.parametrize("template", ESCAPES)
def test_m08_no_way_out_of_the_sandbox(template: str) -> None:
    outcome = _outcome(template)
    assert CANARY not in outcome
    assert "root:" not in outcome
    assert not re.search(r"<(class|function|built-in|module|bound method|frame)|environ\(", outcome)
    assert outcome.startswith("refused: ") or "Undefined" in outcome  # a filter that looks finds nothing there


@pytest.mark.parametrize("template", FLOODS)
def test_m09_a_short_expression_makes_no_flood(template: str) -> None:
    assert _outcome(template).startswith("refused: ")


@pytest.mark.parametrize("template", [flood for flood in FLOODS if flood.startswith(_MEGA)])
def test_m09_what_multiplies_is_measured_before_it_is_made(template: str) -> None:
    assert "would be too large" in _outcome(template)  # and not: there was not enough memory


def test_m09_a_message_of_ten_megabytes_is_refused() -> None:
    body = "{% for i in range(30) %}{% for j in range(1000) %}" + "x" * 500 + "{% endfor %}{% endfor %}"
    assert "larger than 10 MB" in refused(compiled(source(text=body)), recipient()).reason


def test_m08_includes_without_end_are_one_row_that_fails() -> None:
    message = compiled(
        source(text="{% include 'a' %}", includes=[("a", "{% include 'b' %}"), ("b", "{% include 'a' %}")])
    )
    assert "without end" in refused(message, recipient()).reason


def test_the_language_itself_still_works() -> None:
    template = (
        "{% set n = namespace(total=0) %}{% for word in body.split(',') if word %}{% set n.total = n.total + 1 %}"
        "{{ loop.index }}:{{ word|trim|title }}{{ ', ' if not loop.last }}{% endfor %} = {{ n.total }}"
        "{% macro hi(name) %} hi {{ name.upper() }}{% endmacro %}{{ hi(first_name) }}"
        "{% for key, value in {'a': 1}.items() %} {{ key }}{{ value * 2 }}{% endfor %} {{ 7 % 4 }} {{ 2 ** 8 }}"
    )
    message = rendered(compiled(source(text=template)), recipient(body="red, green"))
    assert message.text == "1:Red, 2:Green = 2 hi ANNA a2 3 256\n"


def test_only_chosen_filters_and_globals_are_there() -> None:
    environment = HardenedEnvironment({}, autoescape=True)
    assert set(environment.filters) == KEPT_FILTERS | set(FILTERS)
    assert set(environment.globals) == {"range", "dict", "namespace"}
    assert not {"random", "format", "attr", "center", "indent", "pprint", "xmlattr"} & KEPT_FILTERS


def test_default_stands_in_for_a_blank_cell_too() -> None:
    message = compiled(
        source(text="{{ first_name|default('friend') }} {{ nick|d('x') }} {{ body|default('y', false) }}.")
    )
    assert rendered(message, recipient(first_name=" ", body="")).text == "friend x .\n"
    assert rendered(message, recipient(first_name="Zoë", body="b")).text == "Zoë x b.\n"
