"""Owns the second opinion: the same message as the standard library understands it. A runner needs none.

The standard library never writes what we send (see `headers`), but it reads it: a message is parsed back and
compared with what was meant, and its parts with an `EmailMessage` made from the same bodies.
"""

from __future__ import annotations

import email.policy
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage, Message
from email.parser import BytesParser

from mailtui.audience.recipient import Recipient
from mailtui.message.compose import CompiledMessage
from mailtui.message.enclosed import safe_name
from mailtui.message.files import FileRef, read_file
from mailtui.message.frozen import MessageSource
from mailtui.message.media_types import media_type_of
from mailtui.message.mime import TransferEncoding
from mailtui.message.rendered import RenderedMessage, RenderProblem

_LINE_HARD = 998
_MAILBOXES = frozenset({"from", "to", "cc", "reply-to"})
_MIME_HEADERS = frozenset({"mime-version", "content-type", "content-transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A file as its reader must get it; with a `cid`, an image of the HTML."""

    name: str
    media_type: str
    data: bytes
    cid: str = ""


def enclosed_files(source: MessageSource, own: Sequence[FileRef] = ()) -> list[Enclosed]:
    """The files of one recipient's message, read anew. Raises `FileProblem`."""
    shared = [Enclosed(safe_name(file.name), file.media_type, file.data, file.cid) for file in source.files]
    for ref in own:
        name, data = safe_name(ref.name), read_file(ref)
        shared.append(Enclosed(name, media_type_of(name, data), data))
    return shared


def reference_message(text: str | None, html: str | None, files: Sequence[Enclosed] = ()) -> EmailMessage:
    """An `EmailMessage` with the same bodies and files, its content set by the standard library. Files have no names
    in it: it takes what looks like an encoded word for one.
    """
    message = EmailMessage(policy=email.policy.SMTP)
    if text is not None:
        message.set_content(text, cte="base64")
    if html is not None and text is not None:
        message.add_alternative(html, subtype="html", cte="base64")
    elif html is not None:
        message.set_content(html, subtype="html", cte="base64")
    page = message.get_body(preferencelist=("html",))
    for file in files:
        main, _, sub = file.media_type.partition("/")
        if file.cid:
            assert isinstance(page, EmailMessage), "an image belongs to a page"
            named = f"<{file.cid}>"
            page.add_related(file.data, main, sub, cid=named, disposition="inline")
        else:
            message.add_attachment(file.data, main, sub)
    return message


def parse_message(data: bytes) -> EmailMessage:
    """The bytes of a message as the standard library reads them, with every defect it finds noted."""
    message = BytesParser(policy=email.policy.default).parsebytes(data)
    assert isinstance(message, EmailMessage)
    return message


def self_check(
    compiled: CompiledMessage,
    recipient: Recipient,
    *,
    date: float,
    encoding: TransferEncoding,
    smtputf8: bool = False,
    files: Sequence[FileRef] = (),
) -> list[str]:
    """Render one message and read it back with the standard library: what differs from what was meant.

    For the first message of a campaign; an empty list is the proof that the skeleton and the standard parser agree,
    and that the quick ways of filling templates in give what Jinja alone does. A render problem is reported as one
    difference.

    There is no other way to build a message to fall back to: the skeleton does every mix of bodies and files in every
    encoding. A difference is a defect of ours, and stops the campaign.
    """
    message = compiled.render(recipient, date=date, encoding=encoding, smtputf8=smtputf8, files=files)
    if isinstance(message, RenderProblem):
        return [message.reason]
    enclosed = enclosed_files(compiled.source, files)
    found = verify_against_reference(message, list(compiled.meant(recipient, date, message)), enclosed)
    text, html = compiled.meant_bodies(recipient, date)
    if (message.text, message.html) != (text, html):
        found.append("a body is not what its template gives")
    return found


def verify_against_reference(
    message: RenderedMessage, headers: Sequence[tuple[str, str]], files: Sequence[Enclosed] = ()
) -> list[str]:
    """What the standard parser reads in the bytes that was not meant, one sentence each; [] when all is well.

    `headers` are the decoded headers in order, the MIME ones left out.
    """
    parsed = parse_message(message.data)
    found = list(wire_faults(message.data))
    shown = [(name, _read(value)) for name, value in parsed.items() if name.lower() not in _MIME_HEADERS]
    meant = [(name, value) for name, value in headers]
    if [name for name, _ in shown] != [name for name, _ in meant]:
        found.append(f"headers are {[name for name, _ in shown]}, not {[name for name, _ in meant]}")
    else:
        found += [
            f"{name} reads {value!r}, not {wanted!r}"
            for (name, value), (_, wanted) in zip(shown, meant, strict=True)
            if _comparable(name, value) != _comparable(name, wanted)
        ]
    reference = reference_message(message.text, message.html, files)
    ours, theirs = list(parsed.walk()), list(reference.walk())
    if [part.get_content_type() for part in ours] != [part.get_content_type() for part in theirs]:
        return [*found, "the parts are not the ones meant"]
    told = iter([*(file for file in files if file.cid), *(file for file in files if not file.cid)])
    for our, their in zip(ours, theirs, strict=True):
        if our.is_multipart():
            same = True
        elif our.get_content_disposition() is None:
            same = _lf(our.get_content()) == _lf(their.get_content())
        else:
            file = next(told, None)
            same = file is not None and _read_file(our) == file and their.get_payload(decode=True) == file.data
        if not same:
            found.append(f"the {our.get_content_type()} part reads differently")
        found += [f"the parser notes {type(defect).__name__}" for defect in our.defects]  # some show on reading
    return found


def wire_faults(data: bytes) -> list[str]:
    """What no server should be sent: bare line breaks, NUL, lines of more than 998 bytes, no break at the end."""
    found = []
    rest = data.replace(b"\r\n", b"")
    if b"\r" in rest or b"\n" in rest:
        found.append("there is a bare CR or LF")
    if b"\0" in rest:
        found.append("there is a NUL")
    if max(map(len, data.split(b"\r\n"))) > _LINE_HARD:
        found.append(f"a line has more than {_LINE_HARD} bytes")
    if not data.endswith(b"\r\n"):
        found.append("the last line has no line break")
    return found


def _read(value: object) -> str:
    """A header as a reader sees it; an address header is its name and address, however they were quoted.

    The standard parser hands the bytes of UTF-8 in an address (RFC 6532) on one by one, as half characters.
    """
    addresses = getattr(value, "addresses", None)
    shown = (
        ", ".join(
            f"{address.display_name} <{address.addr_spec}>" if address.display_name else address.addr_spec
            for address in addresses
        )
        if addresses
        else str(value)
    )
    return shown.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _comparable(name: str, value: str) -> str:
    """A value without the blanks in a display name, of which the standard parser puts some between two encoded
    words (RFC 2047 section 6.2 says that there are none) and folds others into one.
    """
    return "".join(value.split()) if name.lower() in _MAILBOXES else value


def _read_file(part: Message) -> Enclosed | None:
    """The file that a reader gets of a part; None where what is said of it does not go together."""
    data = part.get_payload(decode=True)
    cid = str(part.get("Content-ID", "")).strip("<> ")
    inline = part.get_content_disposition() == "inline"
    if not isinstance(data, bytes) or inline is not bool(cid):
        return None
    return Enclosed(part.get_filename() or "", part.get_content_type(), data, cid)


def _lf(text: str) -> str:
    return text.replace("\r\n", "\n")
