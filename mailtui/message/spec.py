"""Owns the message's keys of a campaign file. The campaign room composes them with the other rooms' keys."""

from __future__ import annotations

from typing import Annotated

import pydantic

from mailtui.kit.validation import Spec

# `X-Priority: 1` is a number in YAML and text in a header.
HeaderValue = Annotated[str, pydantic.Field(coerce_numbers_to_str=True)]


class MessageSpec(Spec):
    """What a person writes about the message.

    `subject`, `from`, `reply_to` and the values of `headers` are templates; `text` and `html` are paths of
    template files, relative to the campaign file. When none of `subject`, `text` and `html` is given, the list
    brings its own mail (`source.own_mail_defaults`).
    """

    sender: str | None = pydantic.Field(
        default=None, alias="from", description='Who the mail is from: "Acme News <news@acme.test>".'
    )
    reply_to: str | None = pydantic.Field(default=None, description="Where answers go, if not to the sender.")
    subject: str | None = pydantic.Field(default=None, description="The subject line, a template.")
    html: str | None = pydantic.Field(default=None, description="The file with the HTML body, a template.")
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
