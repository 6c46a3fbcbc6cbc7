"""Owns the message's keys of a campaign file. The campaign room composes them with the other rooms' keys."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pydantic

from mailtui.kit.validation import Spec

WrittenIn = Literal["html", "markdown", "mjml"]

# `X-Priority: 1` is a number in YAML and text in a header.
HeaderValue = Annotated[str, pydantic.Field(coerce_numbers_to_str=True)]


class AttachmentSpec(Spec):
    """One attachment: `path` below the campaign's folder, and the `name` its reader sees, both templates."""

    path: str = pydantic.Field(min_length=1, description="The file, below the campaign's folder; a template.")
    name: str | None = pydantic.Field(default=None, description="What the reader sees it called; a template.")


class UnsubscribeSpec(Spec):
    """How somebody says that they want no more mail; the List-Unsubscribe header is made from it (RFC 2369)."""

    mailto: str | None = pydantic.Field(default=None, description="The address that takes the wish.")
    url: str | None = pydantic.Field(
        default=None, description="The page that takes the wish, a template; {{ token }} says who it is."
    )
    one_click: bool = pydantic.Field(
        default=False, description="Whether something at url answers the POST of RFC 8058."
    )


def _listed(value: Any) -> Any:
    """One value where many may stand."""
    return [value] if isinstance(value, str | dict) else value


def _attachment(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


def _no_body(value: Any) -> Any:
    if isinstance(value, str) and not value.strip():
        raise ValueError("no file is named; leave it out, or write text: false for a mail of HTML alone")
    return "" if value is False else value


BodyFile = Annotated[str, pydantic.BeforeValidator(_no_body, json_schema_input_type=str | Literal[False])]
"""A template file, or `false` for no such body at all, which reads as ''."""
_Attachment = Annotated[
    AttachmentSpec, pydantic.BeforeValidator(_attachment, json_schema_input_type=str | AttachmentSpec)
]
Attachments = Annotated[
    tuple[_Attachment, ...],
    pydantic.BeforeValidator(_listed, json_schema_input_type=str | AttachmentSpec | tuple[str | AttachmentSpec, ...]),
]
Mailboxes = Annotated[tuple[str, ...], pydantic.BeforeValidator(_listed, json_schema_input_type=str | tuple[str, ...])]


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
    text: BodyFile | None = pydantic.Field(
        default=None,
        description="The file with the plain text body, a template; left out beside a page: made of that. false: none.",
    )
    headers: dict[str, HeaderValue] = pydantic.Field(
        default_factory=dict,
        description="Further headers by name; a header whose value is blank is left out.",
    )
    attachments: Attachments = pydantic.Field(
        default=(), description="Files that go with the mail, for all or by a template for each recipient."
    )
    attachment_limit: int = pydantic.Field(
        default=25, ge=1, le=100, description="How many MB the attachments of one mail may come to together."
    )
    cc: Mailboxes = pydantic.Field(default=(), description="Who gets a copy of every mail, and is named in it.")
    bcc: Mailboxes = pydantic.Field(default=(), description="Who gets a copy of every mail without being named.")
    unsubscribe: UnsubscribeSpec | None = pydantic.Field(
        default=None, description="How somebody says that they want no more mail."
    )
    list_id: str | None = pydantic.Field(
        default=None, description='The list by name for mail programs: "Acme News <news.acme.test>" (RFC 2919).'
    )
    feedback_id: str | None = pydantic.Field(
        default=None, description="How Gmail groups complaints: at most four fields, a:b:c:sender; a template."
    )
    auto_submitted: bool = pydantic.Field(
        default=False, description="Whether a program sent it with nobody behind it; asks for no automatic answer."
    )
    postal_address: str | None = pydantic.Field(
        default=None, description="The sender's postal address, {{ postal_address }} in templates."
    )
    commercial: bool = pydantic.Field(
        default=False, description="Whether a missing postal address or unsubscribe link stops the send."
    )

    @property
    def attachment_bytes(self) -> int:
        """How many bytes the attachments of one mail may come to together."""
        return self.attachment_limit * 1024 * 1024

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
        if self.text == "" and self.html is None:
            raise ValueError(
                "text: false is for html alone; markdown and mjml always make a text, and a mail needs a body"
            )
        if self.inline_css is not None and self.html is None:
            raise ValueError('inline_css is for html; in MJML there is <mj-style inline="inline">')
        return self
