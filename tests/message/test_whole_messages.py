"""Any text in any place of a whole message: the standard parser reads back what was meant, and nothing else
(M-01 to M-05).

The message here has everything a campaign may give one: a name in From, Reply-To and To, headers of each kind, a way
to unsubscribe, copies, two bodies or one and its text made, files for all and for one. What is expected is worked out
here from the cells, apart from what `self_check` compares.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from email.message import EmailMessage

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailtui.audience.recipient import Recipient
from mailtui.message.compose import CompiledMessage, compile_message
from mailtui.message.enclosed import safe_name
from mailtui.message.files import FileRef, refer_to
from mailtui.message.frozen import MessageSource, SharedFile, Unsubscribe
from mailtui.message.mime import TransferEncoding, canonical
from mailtui.message.reference import parse_message, self_check, wire_faults
from mailtui.message.rendered import RenderedMessage, RenderProblem
from mailtui.message.templates import TemplateText
from tests.message.samples import CONTROLS, DATE, SCRIPTS, SECRET, body_text, encodings, header_text

COLUMNS = ("email", "name", "topic", "note", "body", "boss")
ORDER = [
    *("Date", "From", "To", "Cc", "Subject", "Message-ID", "X-Campaign", "Reply-To", "X-Note", "List-Unsubscribe"),
    *("List-Id", "Feedback-ID", "Auto-Submitted", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"),
]
_PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
_HTML = '<html><body><p title="{{ note }}">{{ body }}</p><img src="cid:pixel@mailtui" alt="x"></body></html>'
_NOT_IN_HEADERS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
anything = st.one_of(
    header_text,
    body_text,
    st.sampled_from(CONTROLS),
    st.builds("{}{}{}".format, st.sampled_from(SCRIPTS), st.sampled_from(CONTROLS), header_text),
    st.sampled_from(("x\r\nBcc: victim@list.test", "x\n\nbody", "=?utf-8?q?x=0D=0ABcc:_v@list.test?=", "\r\n.\r\n")),
)
cells = st.fixed_dictionaries(dict.fromkeys(COLUMNS[1:5], anything))


def _shared(path: str, data: bytes, media_type: str, cid: str = "") -> SharedFile:
    return SharedFile(path, path, media_type, hashlib.sha256(data).hexdigest(), data, cid)


def whole(*, made: bool = False, name: str = "Preise Grüße 日本.pdf") -> CompiledMessage:
    """A message that has everything, frozen and thawed. `made`: its text is made of its HTML."""
    source = MessageSource(
        sender='"{{ topic }}" <news@acme.test>',
        subject="{{ topic }}",
        text=None if made else TemplateText("body.txt", "{{ body }}"),
        html=TemplateText("body.html", _HTML),
        reply_to='"{{ note }}" <help@acme.test>',
        headers=(("X-Campaign", "spring"), ("X-Note", "{{ note }}")),
        campaign="Spring",
        columns=(("name", "name"), ("cc", "boss")),
        cc=("Team <team@acme.test>",),
        files=(
            _shared("pixel.png", _PIXEL, "image/png", "pixel@mailtui"),
            _shared(name, b"%PDF\r\n.\r\n", "application/pdf"),
        ),
        own_files=(("{{ note }}.txt", ""),),
        unsubscribe=Unsubscribe("leave+{{ token }}@acme.test", "https://acme.test/{{ token }}", one_click=False),
        list_id="Acme News <news.acme.test>",
        feedback_id="spring:acme",
        automatic=True,
        plain_from_html=made,
    )
    return compile_message(MessageSource.from_json(source.to_json()), COLUMNS, secret=SECRET)


def person(row: dict[str, str]) -> Recipient:
    fields = {"email": "anna@list.test", "boss": "Größe <boss@list.test>", **row}
    return Recipient("anna@list.test", 7, "anna@list.test", fields)


def _names(data: bytes) -> list[str]:
    """The names of the header lines, found by nothing but RFC 5322's own rule."""
    head = data.partition(b"\r\n\r\n")[0]
    return [line.partition(b":")[0].decode() for line in re.split(rb"\r\n(?![ \t])", head)]


def _bodies(parsed: EmailMessage) -> list[str]:
    parts = [part for part in parsed.walk() if part.get_content_maintype() == "text" and not part.get_filename()]
    return [str(part.get_content()).replace("\r\n", "\n") for part in parts]


_WHOLE = {made: whole(made=made) for made in (False, True)}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> FileRef:
    path = tmp_path_factory.mktemp("own") / "own.bin"
    path.write_bytes(b"\r\n.\r\n\0\r" + bytes(range(256)))
    return refer_to(path, "own.bin")


@given(cells, anything, encodings, st.sampled_from(("given", "made")))
@example(
    {"name": "x\r\nBcc: v@list.test", "topic": "a", "note": "b", "body": "c"}, "f", TransferEncoding.EIGHT_BIT, "given"
)
@example(
    {"name": "a", "topic": "ü" * 300, "note": "=?utf-8?q?=0A?=", "body": ".\n.\r\n"},
    "é\n",
    TransferEncoding.BASE64,
    "made",
)
def test_m01_to_m04_any_text_anywhere_is_read_back_or_refused(
    own: FileRef, row: dict[str, str], name: str, encoding: TransferEncoding, text: str
) -> None:
    message = _WHOLE[text == "made"]
    ref = own._replace(name=name)
    result = message.render(person(row), date=DATE, encoding=encoding, files=(ref,))
    hostile = [at for at in ("name", "topic", "note") if _NOT_IN_HEADERS.search(row[at])]
    if isinstance(result, RenderProblem):
        blank = not row["topic"].strip() or result.place.key in ("from", "reply_to")  # a quote in a name in quotes
        assert hostile or blank or "\0" in row["body"] or re.search("[\ud800-\udfff]", row["body"]), result
        return
    assert not [at for at in hostile if row[at].strip()]  # a blank cell says nothing
    assert wire_faults(result.data) == []
    names = _names(result.data)
    # A blank name in a header that is nothing but a name leaves that header out, and no other is ever there.
    expected = [header for header in ORDER if header in names or header not in ("X-Note", "Content-Transfer-Encoding")]
    assert sorted(names) == sorted(expected)
    parsed = parse_message(result.data)
    assert [header for header, _ in parsed.items()] == names
    assert str(parsed["Subject"]) == row["topic"].strip(" \t")
    assert [address.addr_spec for address in parsed["To"].addresses] == ["anna@list.test"]
    assert sorted(address.addr_spec for address in parsed["Cc"].addresses) == ["boss@list.test", "team@acme.test"]
    assert _bodies(parsed)[-1] == canonical(result.html or "") and len(_bodies(parsed)) == 2
    if text == "given":
        assert _bodies(parsed)[0] == canonical(row["body"])
    attached = list(parsed.iter_attachments())
    assert [part.get_filename() for part in attached] == ["Preise Grüße 日本.pdf", safe_name(name)]
    contents = [part.get_payload(decode=True) for part in attached]
    assert contents == [b"%PDF\r\n.\r\n", b"\r\n.\r\n\0\r" + bytes(range(256))]
    assert self_check(message, person(row), date=DATE, encoding=encoding, files=(ref,)) == []


@settings(max_examples=15)  # each is compiled
@given(anything)
def test_m04_a_file_for_all_may_be_called_anything(name: str) -> None:
    message = whole(name=name.replace("\ud800", ""))
    row = {"name": "Anna", "topic": "Hi", "note": "n", "body": "b"}
    result = message.render(person(row), date=DATE, encoding=TransferEncoding.EIGHT_BIT)
    assert isinstance(result, RenderedMessage), result
    assert wire_faults(result.data) == [] and sorted(set(_names(result.data)) - set(ORDER)) == []
    (attached,) = parse_message(result.data).iter_attachments()
    assert attached.get_filename() == safe_name(name)


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Z")), min_size=1, max_size=30), st.booleans())
def test_m05_an_address_in_any_script_is_sent_as_it_is_or_its_row_fails(local: str, smtputf8: bool) -> None:
    message = _WHOLE[False]
    row = {"name": "Anna", "topic": "Hi", "note": "n", "body": "b"}
    address = f"{local}@xn--bcher-kva.test"
    to = dataclasses.replace(person(row), key=address, address=address)
    result = message.render(to, date=DATE, encoding=TransferEncoding.EIGHT_BIT, smtputf8=smtputf8)
    if isinstance(result, RenderProblem):
        assert not local.isascii() or result.place.key == "recipient"
        return
    assert local.isascii() or smtputf8
    assert wire_faults(result.data) == [] and result.recipient == address
    assert f"<{address}>\r\n".encode() in result.data
