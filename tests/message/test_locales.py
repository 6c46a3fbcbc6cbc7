"""Filters that write dates, numbers and amounts as a language does."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given

from mailtui.errors import TemplateError
from mailtui.message.compose import CompiledMessage, compile_message
from mailtui.message.rendered import RenderProblem
from mailtui.message.source import read_message
from mailtui.message.spec import MessageSpec
from tests.message.pages import COLUMNS, html_of, page, render
from tests.message.samples import SECRET, body_text


def message(template: str, language: str = "", written_in: str = "") -> CompiledMessage:
    source = dataclasses.replace(page(template, written_in).source, language=language)
    return compile_message(source, COLUMNS, secret=SECRET)


@pytest.mark.parametrize(
    ("template", "language", "cell", "shown"),
    [
        ('{{ name|date("long", "de") }}', "", "2026-12-31", "31. Dezember 2026"),
        ('{{ name|date("short") }}', "de", "31.12.2026", "31.12.26"),
        ("{{ name|date }}", "", "2026-12-31T23:59:59Z", "Dec 31, 2026"),
        ('{{ name|date("d. MMMM", read="dmy") }}', "de-AT", "05/01/2026", "5. Jänner"),
        ('{{ name|date("d. MMMM", read="mdy") }}', "de", "05/01/2026", "1. Mai"),
        ("{{ name|number }}", "de", "1,234.50", "1.234,5"),
        ("{{ name|number(2) }}", "", "1.234,5", "1,234.50"),
        ("{{ name|number }}", "hi", "1234567", "12,34,567"),
        ('{{ name|number(read="comma") }}', "", "1,234", "1.234"),
        ('{{ name|number(read="point") }}', "", "1,234", "1,234"),
        ('{{ name|money("EUR") }}', "de", "1234.5", "1.234,50\u00a0€"),
        ('{{ name|money("JPY", "en") }}', "de", "1234.5", "¥1,234"),
        ("{{ 3|money('EUR') }}", "", "", "€3.00"),
        ("{{ name|percent }} {{ name|percent(1) }}", "", "0.256", "26% 25.6%"),
        ('{{ name|plural("order", "orders") }}', "", "1", "order"),
        ('{{ name|plural("order", "orders") }}', "", "0", "orders"),
        ('{{ name|plural("commande", "commandes") }}', "fr", "0", "commande"),
        ('{{ name|plural("письмо", "письма", few="письма", many="писем") }}', "ru", "22", "письма"),
        ('{{ name|plural("письмо", "письма", few="письма", many="писем") }}', "ru", "11", "писем"),
        ('{{ ["1", "2"]|map("money", "USD")|join(" ") }}', "", "", "$1.00 $2.00"),
        ("{{ name|titlecase }}", "", "ANN o’neil-SMITH McDonald", "Ann O’Neil-Smith McDonald"),
        ('{{ now|date("full") }}', "", "", "Friday, January 15, 2027"),
    ],
)
@pytest.mark.parametrize("written_in", ["", "markdown"])
def test_b1_values_are_written_as_the_language_does(
    template: str, language: str, cell: str, shown: str, written_in: str
) -> None:
    assert shown in html_of(message(template, language, written_in), cell)


@pytest.mark.parametrize(
    ("template", "cell", "said"),
    [
        ("{{ name|date }}", "05/01/2026", "“05/01/2026” in name is no date that can be read in one way"),
        ("{{ name|date }}", "soon", "“soon” in name is no date"),
        ("{{ name|date }}", "", "a blank cell is no date"),
        ("{{ name|number }}", "1,234", "“1,234” in name is no number that can be read in one way"),
        ("{{ name|money('EUR') }}", "free", "“free” in name is no number"),
        ("{{ name|money('EURO') }}", "1", "“EURO” is no currency"),
        ("{{ name|date('long', 'xx') }}", "2026-01-01", "“xx” is no language"),
        ("{{ name|date('long', '../../etc/passwd') }}", "2026-01-01", "is no language"),
        ("{{ name|date('nothing to see') }}", "2026-01-01", ""),
        ("{{ name|date('d' * 1000) }}", "2026-01-01", "60 characters at most"),
        ("{{ name|number(10 ** 9) }}", "1", "0 to 10 decimals"),
        ("{{ name|number('x') }}", "1", "0 to 10 decimals"),
        ("{{ (1e308 * 10)|number }}", "", "“inf” is no number"),
        ("{{ row|number }}", "", "is no number"),
        ("{{ name|date(read='xyz') }}", "2026-01-01", "no way to read a date; there are dmy, mdy, ymd"),
    ],
)
def test_what_is_no_such_value_is_an_error_of_the_row(template: str, cell: str, said: str) -> None:
    made = render(message("line one\n" + template), cell)
    if not said:
        return
    assert isinstance(made, RenderProblem)
    assert said in made.reason and made.place.line == 2


FILTERED = [message("{{ name|titlecase }}", written_in=written_in) for written_in in ("", "markdown")] + [
    message(f"{{{{ name|{call} }}}}") for call in ("date", "number", "money('EUR')", "percent", "plural('a', 'b')")
]


@given(body_text)
def test_any_cell_gives_a_text_or_an_error_of_its_row(cell: str) -> None:
    for one in FILTERED:
        render(one, cell)  # anything else would have been raised


@pytest.mark.parametrize(
    "template",
    [
        "{{ (name|titlecase).__class__ }}",
        "{{ ('2026-01-01'|date).format(row) }}",
        "{{ ('2026-01-01'|date('d')).__init__.__globals__ }}",
        "{{ name|date(name.__class__) }}",
        "{{ [name]|map('date', name.__class__)|list }}",
        "{{ '1'|plural(name.__class__, 'x') }}",
    ],
)
def test_m08_the_filters_open_no_way_out(template: str) -> None:
    made = render(message(template), "2026-01-01")
    assert isinstance(made, RenderProblem) and "unsafe" in made.reason


def test_the_language_of_the_campaign(tmp_path: Path) -> None:
    (tmp_path / "body.html").write_text("<p>{{ name|date }}</p>")

    def read(language: str) -> str:
        spec = MessageSpec.model_validate(
            {"from": "a@acme.test", "subject": "S", "html": "body.html", "language": language}
        )
        return read_message(spec, tmp_path, "Spring").language

    assert read("de-AT") == "de-AT"
    with pytest.raises(TemplateError, match=r"mistake|cannot be read") as caught:
        read("klingon")
    assert caught.value.problems[0].place.key == "language"


def test_languages_are_loaded_only_where_they_are_used() -> None:
    program = (
        "import sys\nfrom tests.message.pages import page, html_of\n"
        "html_of(page('{{ name|titlecase }}'), 'x')\n"
        "assert not {'babel', 'markdown_it', 'mjml', 'css_inline'} & set(sys.modules)\n"
        "html_of(page('{{ name|date }}'), '2026-01-01')\nassert 'babel' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
