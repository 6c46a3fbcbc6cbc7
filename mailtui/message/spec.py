"""Owns the message's keys of a campaign file. The campaign room composes them with the other rooms' keys."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from mailtui.kit.validation import Spec

WrittenIn = Literal["html", "markdown", "mjml"]

# `X-Priority: 1` is a number in YAML and text in a header.
HeaderValue = Annotated[str, pydantic.Field(coerce_numbers_to_str=True)]


class MessageSpec(Spec):
    """What a person writes about the message.

    `subject`, `from`, `reply_to` and the values of `headers` are templates; `text`, `html`, `markdown` and `mjml`
    are paths of template files, relative to the campaign file. When none of these and no `subject` is given, the list
    brings its own mail (`source.own_mail_defaults`).
    """

    sender: str | None = pydantic.Field(
        default=None, alias="from", description='Who the mail is from: "Acme News <news@acme.test>".'
    )
    reply_to: str | None = pydantic.Field(default=None, description="Where answers go, if not to the sender.")
    subject: str | None = pydantic.Field(default=None, description="The subject line, a template.")
    html: str | None = pydantic.Field(default=None, description="The file with the HTML body, a template.")
    markdown: str | None = pydantic.Field(
        default=None, description="The file with the body in Markdown, a template; instead of html."
    )
    mjml: str | None = pydantic.Field(
        default=None, description="The file with the body in MJML, a template; instead of html."
    )
    inline_css: bool | None = pydantic.Field(
        default=None,
        description="Whether the rules of <style> in html are put into the elements; left out: if there is one.",
    )
    language: str | None = pydantic.Field(
        default=None, description="How dates and numbers are written in templates, such as de or pt-BR; left out: en."
    )
    text: str | None = pydantic.Field(default=None, description="The file with the plain text body, a template.")
    headers: dict[str, HeaderValue] = pydantic.Field(
        default_factory=dict,
        description="Further headers by name; a header whose value is blank is left out.",
    )
    postal_address: str | None = pydantic.Field(
        default=None, description="The sender's postal address, {{ postal_address }} in templates."
    )
    commercial: bool = pydantic.Field(
        default=False, description="Whether a missing postal address or unsubscribe link stops the send."
    )

    @property
    def page(self) -> tuple[WrittenIn, str] | None:
        """What the page is written in, and its file; None for a message of plain text."""
        return next(iter(self._pages()), None)

    def _pages(self) -> list[tuple[WrittenIn, str]]:
        named: tuple[tuple[WrittenIn, str | None], ...] = (
            ("html", self.html),
            ("markdown", self.markdown),
            ("mjml", self.mjml),
        )
        return [(written_in, name) for written_in, name in named if name is not None]

    @pydantic.model_validator(mode="after")
    def _one_page(self) -> MessageSpec:
        given = [written_in for written_in, _ in self._pages()]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are given together; the page is written in one of them")
        if self.inline_css is not None and self.html is None:
            raise ValueError('inline_css is for html; in MJML there is <mj-style inline="inline">')
        return self
