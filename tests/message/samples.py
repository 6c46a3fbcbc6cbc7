"""Messages, recipients and hostile strings that the tests of this room share."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from mailtui.audience.recipient import Recipient
from mailtui.message.compose import CompiledMessage, compile_message
from mailtui.message.frozen import MessageSource
from mailtui.message.mime import TransferEncoding
from mailtui.message.rendered import RenderedMessage, RenderProblem
from mailtui.message.templates import TemplateText

SECRET = b"a secret of the campaign"
DATE = 1_800_000_000.0
COLUMNS = ("email", "first_name", "body", "First name")

SCRIPTS = (
    "Grüße aus Köln",
    "Ελληνικά άλφα",
    "Привет, мир",
    "שלום עולם",
    "مرحبا بالعالم",
    "नमस्ते दुनिया",
    "日本語の件名です",
    "한국어 제목",
    "ไทยแลนด์",
    "👩‍👩‍👧‍👦 family 🏳️‍🌈",
    "e\u0301 combining a\u0308",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
    "\u200fright to left",
    "\u00a0no break\u00a0",
    "a  b   two blanks",
    "=?utf-8?q?hi=0ABcc:_e@x.test?=",
    "=?utf-8?b?QmNjOiBlQHgudGVzdA==?= and =?x",
    "=?",
    "?=",
    '"quoted" \\ back',
    "semi; comma, colon: at@ <angle>",
    "(comment)",
    "x" * 300,
    "ü" * 300,
    "word " * 60,
    "tab\there",
)
CONTROLS = ("\r\n", "\n", "\r", "\0", "\x0b", "\x0c", "\x1b", "\x85", "\u2028", "\u2029", "\x7f", "\ud800")

# Any text that may stand in a header: no controls, no surrogates, no separators of lines.
header_text = st.one_of(
    st.sampled_from(SCRIPTS),
    st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=200),
    st.text(st.sampled_from('=?utf-8qbQB_ "\\<>@,;:()é中😀\t'), min_size=1, max_size=120),
)
body_text = st.one_of(
    st.sampled_from(SCRIPTS),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=400),
    st.text(st.sampled_from("a \t=.\r\né中😀-_?"), max_size=300),
    st.builds(
        lambda line, times: line * times,
        st.sampled_from(("x", "ü ", "-- \n", ".\n", "\r\n.\r\n")),
        st.integers(0, 1200),
    ),
)
encodings = st.sampled_from(tuple(TransferEncoding))


def recipient(row: int = 1, address: str = "anna@list.test", **fields: str) -> Recipient:
    """One row of a list with the columns of `COLUMNS`; `First_name` in a keyword is the column with a blank."""
    cells = dict.fromkeys(COLUMNS, "") | {"email": address, "first_name": "Anna"}
    cells |= {name.replace("First_name", "First name"): value for name, value in fields.items()}
    return Recipient(address, row, address, cells)


def source(
    *,
    sender: str = "Acme News <news@acme.test>",
    subject: str = "{{ first_name }}, spring is here",
    text: str | None = "Hello {{ first_name }}",
    html: str | None = None,
    headers: Sequence[tuple[str, str]] = (),
    includes: Sequence[tuple[str, str]] = (),
    reply_to: str | None = None,
    postal_address: str | None = None,
    commercial: bool = False,
) -> MessageSource:
    """A campaign's message with only what a test is about spelt out."""
    return MessageSource(
        sender=sender,
        subject=subject,
        text=None if text is None else TemplateText("body.txt.j2", text),
        html=None if html is None else TemplateText("body.html.j2", html),
        reply_to=reply_to,
        headers=tuple(headers),
        includes=tuple(TemplateText(name, content) for name, content in includes),
        campaign="Spring news",
        postal_address=postal_address,
        commercial=commercial,
    )


def compiled(message: MessageSource, columns: Sequence[str] = COLUMNS) -> CompiledMessage:
    return compile_message(message, columns, secret=SECRET)


def rendered(
    message: CompiledMessage,
    to: Recipient,
    *,
    encoding: TransferEncoding = TransferEncoding.EIGHT_BIT,
    smtputf8: bool = False,
) -> RenderedMessage:
    result = message.render(to, date=DATE, encoding=encoding, smtputf8=smtputf8)
    assert isinstance(result, RenderedMessage), result
    return result


def refused(message: CompiledMessage, to: Recipient, *, smtputf8: bool = False) -> RenderProblem:
    result = message.render(to, date=DATE, encoding=TransferEncoding.EIGHT_BIT, smtputf8=smtputf8)
    assert isinstance(result, RenderProblem), result
    return result
