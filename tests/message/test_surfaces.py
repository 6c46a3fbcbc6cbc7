"""Every place of a message where a template is worked out is behind the same walls (M-08, M-09)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import pytest

from mailtui.errors import TemplateError
from mailtui.message.compose import compile_message
from mailtui.message.frozen import MessageSource, Unsubscribe
from mailtui.message.mime import TransferEncoding
from mailtui.message.rendered import RenderProblem
from mailtui.message.templates import TemplateText
from tests.message.samples import COLUMNS, DATE, SECRET, recipient, source
from tests.message.test_hardening import CANARY, ESCAPES, FLOODS

_PLAIN = source(subject="Hi", text="x")


def _page(template: str, written_in: str = "", *, before: str = "", after: str = "", **parts: Any) -> MessageSource:
    body = TemplateText("body", before + template + after)
    return dataclasses.replace(_PLAIN, text=None, html=body, written_in=written_in, **parts)


SURFACES: dict[str, Callable[[str], MessageSource]] = {
    "subject": lambda it: dataclasses.replace(_PLAIN, subject=it),
    "from": lambda it: dataclasses.replace(_PLAIN, sender=f'"{it}" <news@acme.test>'),
    "reply_to": lambda it: dataclasses.replace(_PLAIN, reply_to=f'"{it}" <news@acme.test>'),
    "a header": lambda it: dataclasses.replace(_PLAIN, headers=(("X-Note", it),)),
    "html, and the text made of it": lambda it: _page(it, before="<p>", after="</p>", plain_from_html=True),
    "html with a style sheet": lambda it: _page(
        it, before="<style>p{color:red}</style><p>", after="</p>", inline_css=True
    ),
    "markdown": lambda it: _page(it, "markdown"),
    "mjml": lambda it: _page(
        it,
        "mjml",
        before="<mjml><mj-body><mj-section><mj-column><mj-text>",
        after="</mj-text></mj-column></mj-section></mj-body></mjml>",
    ),
    "an included file": lambda it: dataclasses.replace(
        _PLAIN, text=TemplateText("body", "{% include 'part' %}"), includes=(TemplateText("part", it),)
    ),
    "a layout's block": lambda it: dataclasses.replace(
        _PLAIN,
        text=TemplateText("body", "{% extends 'layout' %}{% block a %}" + it + "{% endblock %}"),
        includes=(TemplateText("layout", "{% block a %}{% endblock %}"),),
    ),
    "an attachment's path": lambda it: dataclasses.replace(_PLAIN, own_files=((it, ""),)),
    "an attachment's name": lambda it: dataclasses.replace(_PLAIN, own_files=(("a.txt", it),)),
    "cc": lambda it: dataclasses.replace(_PLAIN, cc=(f'"{it}" <x@acme.test>',)),
    "bcc": lambda it: dataclasses.replace(_PLAIN, bcc=(f'"{it}" <x@acme.test>',)),
    "unsubscribe url": lambda it: dataclasses.replace(_PLAIN, unsubscribe=Unsubscribe(url=f"https://acme.test/{it}")),
    "unsubscribe mailto": lambda it: dataclasses.replace(_PLAIN, unsubscribe=Unsubscribe(f"leave+{it}@acme.test")),
    "feedback_id": lambda it: dataclasses.replace(_PLAIN, feedback_id=f"a:{it}"),
}
_FEW = (2, 4, 11, 16, 19, 27, 38, 40)  # of the escapes: by attribute, by index, by format, by filter, by import


@pytest.fixture(autouse=True)
def _canary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", CANARY)
    monkeypatch.setenv("MAILTUI_PASSWORD_ACME", CANARY)


def outcome(message: MessageSource) -> str:
    """Everything that a row's templates come to: bytes, files and copies; or why there is nothing."""
    try:
        compiled = compile_message(MessageSource.from_json(message.to_json()), COLUMNS, secret=SECRET)
    except TemplateError as error:
        return f"refused: {error}"
    extras = compiled.extras(recipient())
    if isinstance(extras, RenderProblem):
        return f"refused: {extras.reason}"
    mail = compiled.render(recipient(), date=DATE, encoding=TransferEncoding.EIGHT_BIT)
    return f"refused: {mail.reason}" if isinstance(mail, RenderProblem) else f"{mail} {mail.text} {mail.html} {extras}"


def _held(surface: str, escape: str) -> None:
    said = outcome(SURFACES[surface](escape))
    assert CANARY not in said and "root:" not in said
    assert not re.search(r"<(class|function|built-in|module|bound method|frame)|environ\(", said)


@pytest.mark.parametrize("surface", SURFACES)
def test_m08_every_surface_is_in_the_sandbox(surface: str) -> None:
    for at in _FEW:
        _held(surface, ESCAPES[at])
        assert outcome(SURFACES[surface](ESCAPES[at])).startswith("refused: "), ESCAPES[at]


@pytest.mark.long
@pytest.mark.parametrize("surface", SURFACES)
def test_m08_every_escape_through_every_surface(surface: str) -> None:
    for escape in ESCAPES:
        _held(surface, escape)


@pytest.mark.parametrize("surface", SURFACES)
def test_m09_every_surface_bounds_what_it_makes(surface: str) -> None:
    for flood in (FLOODS[0], FLOODS[1], FLOODS[-1]):
        said = outcome(SURFACES[surface](flood))
        assert said.startswith("refused: ") and len(said) < 2_000, flood


@pytest.mark.long
@pytest.mark.parametrize("surface", SURFACES)
def test_m09_every_flood_through_every_surface(surface: str) -> None:
    for flood in FLOODS:
        assert outcome(SURFACES[surface](flood)).startswith("refused: "), flood


def test_the_surfaces_do_work_out_what_they_are_given() -> None:
    """Otherwise nothing above would show anything."""
    for surface, made in SURFACES.items():
        assert "seven-7" in outcome(made("seven-{{ 3 + 4 }}")), surface
