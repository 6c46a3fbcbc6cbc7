"""M-01, M-05, B-01: the Cc header says who it is said to name, in any script, and nobody else."""

from __future__ import annotations

import email.policy
from email.parser import BytesParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtui.audience.address import Address, AddressError, Mailbox
from mailtui.audience.recipient import Recipient
from mailtui.message.compose import compile_message
from mailtui.message.copies import cc_line, copied, named_in
from mailtui.message.extras import mailboxes_in
from mailtui.message.frozen import MessageSource
from mailtui.message.headers import HeaderError, mailboxes
from mailtui.message.mime import TransferEncoding
from mailtui.message.reference import self_check
from mailtui.message.rendered import RenderedMessage, RenderProblem
from mailtui.message.templates import TemplateText

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.just(" "), max_size=120).map(str.strip)
LOCALS = st.from_regex(r"[a-z]{1,40}", fullmatch=True)


def address(local: str) -> Address:
    text = f"{local}@example.org"
    return Address(text, local, "example.org", text)


@given(st.lists(st.tuples(NAMES, LOCALS), min_size=1, max_size=12))
def test_m01_every_mailbox_is_read_back_and_lines_are_short(given: list[tuple[str, str]]) -> None:
    line = mailboxes("Cc", [Mailbox(name, address(local)) for name, local in given])
    assert all(part[:1] == b" " for part in line.split(b"\r\n")[1:]) and line.isascii()
    assert max(map(len, line.split(b"\r\n"))) <= 79, "a comma behind a full line"
    read = BytesParser(policy=email.policy.default).parsebytes(line + b"\r\n\r\n")
    assert len(read.items()) == 1 and not read["Cc"].defects
    found = [("".join(one.display_name.split()), one.addr_spec) for one in read["Cc"].addresses]
    assert found == [("".join(name.split()), f"{local}@example.org") for name, local in given]


def test_each_address_gets_one_and_the_recipient_none() -> None:
    cell = 'A <a@example.org>; "Doe, J." <b@EXAMPLE.org>, a@example.org\nme@example.com'
    assert mailboxes_in(cell) == ["A <a@example.org>", '"Doe, J." <b@EXAMPLE.org>', "a@example.org", "me@example.com"]
    people = copied(mailboxes_in(cell), ["b@example.org", "c@example.org", "me@example.com"], "me@example.com")
    assert [(one.name, one.address.text) for one in people.cc] == [("A", "a@example.org"), ("Doe, J.", "b@example.org")]
    assert [one.text for one in people.addresses] == ["a@example.org", "b@example.org", "c@example.org"]
    assert cc_line((), smtputf8=False) == b""
    with pytest.raises(AddressError, match="boss at home"):
        copied(["boss at home"], (), "me@example.com")
    with pytest.raises(HeaderError, match="SMTPUTF8"):
        cc_line(named_in(["jörg@example.org"], ""), smtputf8=False)


@pytest.mark.parametrize(
    ("cell", "cc"),
    [
        ("Zoë <zoe@example.org>; b@example.org", "Zoë <zoe@example.org>, b@example.org"),
        ("  ", None),
        ("x@example.org\r\nBcc: all@evil.test", RenderProblem),
        ("A\r\nX: y <x@example.org>", RenderProblem),
        ("nobody", RenderProblem),
    ],
)
def test_m01_a_cell_makes_a_header_or_no_mail(cell: str, cc: str | type | None) -> None:
    source = MessageSource(
        "News <news@acme.test>", "Hi", TemplateText("text", "Hello\n"), None,
        campaign="x", columns=(("cc", "team"),), bcc=("secret@example.org",),
    )  # fmt: skip
    message = compile_message(source, ("team",), secret=b"k")
    recipient = Recipient("me@example.com", 7, "me@example.com", {"team": cell})
    made = message.render(recipient, date=0.0, encoding=TransferEncoding.EIGHT_BIT, smtputf8=False)
    if cc is RenderProblem:
        assert isinstance(made, RenderProblem) and (made.row, made.place.key) == (7, "cc"), made
        return
    assert isinstance(made, RenderedMessage)
    read = BytesParser(policy=email.policy.default).parsebytes(made.data)
    assert (read["Cc"] and str(read["Cc"]), read["Bcc"], b"secret" in made.data) == (cc, None, False)
    assert self_check(message, recipient, date=0.0, encoding=TransferEncoding.EIGHT_BIT) == []
