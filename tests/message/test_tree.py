"""The view of a finished message shows what a reader gets and how it is put together."""

from __future__ import annotations

from mailtui.message.mime import TransferEncoding
from mailtui.message.tree import describe
from tests.message.samples import compiled, recipient, rendered, source


def test_a_message_is_taken_apart() -> None:
    message = compiled(source(sender="Zoë <z@acme.test>", html="<p>{{ body }}</p>", text="{{ body }}"))
    for encoding in TransferEncoding:
        sent = rendered(message, recipient(first_name="Ünal", body="Grüße"), encoding=encoding)
        view = describe(sent.data)
        headers = dict(view.headers)
        assert headers["Subject"] == "Ünal, spring is here"
        assert headers["From"] == "Zoë <z@acme.test>"
        assert view.text == sent.text == "Grüße\n"
        assert view.html == sent.html == "<p>Grüße</p>\n"
        assert view.tree == (
            "multipart/alternative",
            f"├─ text/plain  {encoding.value}  9 bytes",
            f"└─ text/html  {encoding.value}  16 bytes",
        )
        assert "\r" not in view.source
        assert view.source.startswith("Date: Fri, 15 Jan 2027 08:00:00 +0000\nFrom: =?utf-8?")


def test_a_single_part_is_one_line() -> None:
    view = describe(rendered(compiled(source()), recipient()).data)
    assert view.tree == ("text/plain  7bit  12 bytes",)
    assert view.html is None


def test_what_could_act_on_a_terminal_is_shown_in_headers() -> None:
    view = describe(b"Subject: =?utf-8?q?=1B]0;x=07=E2=80=AEx?=\r\n\r\nx\r\n")
    assert dict(view.headers)["Subject"] == "\\x1b]0;x\\x07\\u202ex"
