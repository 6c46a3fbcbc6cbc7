"""Campaigns whose page is made from its template, for the tests of each way to write one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mailtui.audience.recipient import Recipient
from mailtui.message.compose import CompiledMessage, compile_message
from mailtui.message.frozen import MessageSource
from mailtui.message.mime import TransferEncoding
from mailtui.message.rendered import RenderedMessage, RenderProblem
from mailtui.message.templates import TemplateText
from tests.message.samples import DATE, SECRET

COLUMNS = ("email", "name", "url")


def page(
    body: str,
    written_in: str = "",
    *,
    text: str | None = None,
    inline_css: bool = False,
    includes: Mapping[str, str] = MappingProxyType({}),
) -> CompiledMessage:
    """A message frozen and thawed, as a runner has it."""
    source = MessageSource(
        sender="Acme <news@acme.test>",
        subject="Hello",
        text=None if text is None else TemplateText("body.txt.j2", text),
        html=TemplateText(f"body.{written_in or 'html'}.j2", body),
        written_in=written_in,
        inline_css=inline_css,
        includes=tuple(TemplateText(name, content) for name, content in includes.items()),
    )
    return compile_message(MessageSource.from_json(source.to_json()), COLUMNS, secret=SECRET)


def person(name: str = "", url: str = "") -> Recipient:
    """A row of `COLUMNS`."""
    return Recipient("ann@example.com", 1, "ann@example.com", {"email": "ann@example.com", "name": name, "url": url})


def render(message: CompiledMessage, name: str = "", url: str = "") -> RenderedMessage | RenderProblem:
    return message.render(person(name, url), date=DATE, encoding=TransferEncoding.EIGHT_BIT)


def rendered(message: CompiledMessage, name: str = "", url: str = "") -> RenderedMessage:
    made = render(message, name, url)
    assert isinstance(made, RenderedMessage), made
    return made


def html_of(message: CompiledMessage, name: str = "", url: str = "") -> str:
    html = rendered(message, name, url).html
    assert html is not None
    return html


def count_pages(message: CompiledMessage) -> list[str]:
    """Have the message note what it makes pages of."""
    made: list[str] = []
    assert message._page is not None
    make = message._page._make
    assert make is not None

    def counted(text: str) -> str:
        made.append(text)
        return make(text)

    message._page._make = counted
    return made
