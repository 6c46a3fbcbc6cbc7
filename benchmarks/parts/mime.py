"""How long a message takes to build from its parts, here and by EmailMessage, and whether a parser reads the same."""

from __future__ import annotations

import email.policy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from email.message import EmailMessage

from benchmarks.contest import Size
from benchmarks.figures import Report, Spread, Target
from benchmarks.mime import campaign, mean_us, recipient
from mailtui.message.enclosed import attachment_part
from mailtui.message.headers import date_header, unstructured
from mailtui.message.mime import (
    NO_FILES,
    Files,
    Skeleton,
    TransferEncoding,
    build_skeleton,
    canonical,
    encode_part,
    wire_lines,
)
from mailtui.message.reference import parse_message
from mailtui.message.rendered import RenderedMessage

_MESSAGES, _OF_THE_LIBRARY = 200, 40
_FILE, _FILE_NAME = bytes(range(256)) * 400, "Preise Frühling.pdf"  # 100 KB
_GOAL = 15.0
_DATE = 1_800_000_000


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a message is made of, filled in already."""

    recipient: str
    subject: str
    message_id: str
    text: str
    html: str | None


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of message: with HTML beside its text, with a file that all or that single recipients get."""

    name: str
    html: bool = True
    shared: bool = False
    own: bool = False
    goal: bool = True


_KINDS = (
    _Kind("text", html=False),
    _Kind("text and HTML, 10 KB"),
    _Kind("the same, and a file of 100 KB for all", shared=True),
    _Kind("the same, and a file of 100 KB of one's own", own=True, goal=False),
)


def mime(size: Size) -> Report:
    """Medians, in microseconds of processor time, taken in turns."""
    report = Report()
    rows, found = [], {}
    count, library = (20, 5) if size.short else (_MESSAGES, _OF_THE_LIBRARY)
    rendered = list(_rendered(count))
    for kind in _KINDS:
        parts = [_parts_of(message, html=kind.html) for message in rendered]
        ours, theirs = _ours(kind), _by_the_library(kind)
        same = sum(_read(ours(one)) == _read(theirs(one)) for one in parts)
        taken = _taken(ours, theirs, parts, rounds=3 if size.short else 9, library=library)
        ratio = taken[1].over(taken[0])
        rows.append((kind.name, taken[0].show(1), taken[1].show(0), f"{ratio.show(1)} ×", f"{same} of {count}"))
        found[kind.name] = {"ours_us": taken[0].as_json(), "EmailMessage_us": taken[1].as_json(), "same": same}
        if kind.goal:
            report.targets.append(Target(f"building {kind.name}, over EmailMessage", _GOAL, ratio.median, digits=1))
        report.targets.append(Target(f"{kind.name}: read the same by the parser", 1.0, same / count, unit=""))
    head = ("message", "built here, µs", "by EmailMessage, µs", "how many times as fast", "read the same")
    report.add_table(head, rows)
    report.say(
        "Both get the same headers, filled-in texts and file, and give the bytes that go out. A file for all is",
        "brought into base64 once a campaign here; one of a recipient's own once for each.",
    )
    report.data = {"building": found}
    return report


def _taken(
    ours: Callable[[_Parts], bytes],
    theirs: Callable[[_Parts], bytes],
    parts: Sequence[_Parts],
    *,
    rounds: int,
    library: int,
) -> tuple[Spread, Spread]:
    here, there = [], []
    for _ in range(rounds):
        here.append(mean_us(ours, parts))
        there.append(mean_us(theirs, parts[:library]))
    return Spread.of(here), Spread.of(there)


def _rendered(count: int) -> Iterator[RenderedMessage]:
    compiled = campaign()
    for number in range(1, count + 1):
        message = compiled.render(recipient(number), date=_DATE, encoding=TransferEncoding.EIGHT_BIT)
        assert isinstance(message, RenderedMessage), message
        yield message


def _parts_of(message: RenderedMessage, *, html: bool) -> _Parts:
    return _Parts(
        message.recipient, message.subject, message.message_id, message.text or "", message.html if html else None
    )


def _ours(kind: _Kind) -> Callable[[_Parts], bytes]:
    files = Files(attachments=(attachment_part(_FILE_NAME, _FILE, "application/pdf"),)) if kind.shared else NO_FILES
    skeleton = build_skeleton(b"0123456789abcdef", "digest", files)

    def build(parts: _Parts) -> bytes:
        head = b"Date: %s\r\nFrom: Acme News <news@acme.test>\r\nTo: %s\r\n%s\r\nMessage-ID: %s\r\n" % (
            date_header(_DATE).encode(),
            parts.recipient.encode(),
            unstructured("Subject", parts.subject),
            parts.message_id.encode(),
        )
        own = (attachment_part(_FILE_NAME, _FILE, "application/pdf"),) if kind.own else ()
        text, html = _encoded(skeleton, parts.text), None if parts.html is None else _encoded(skeleton, parts.html)
        return skeleton.assemble(head, text, html, own)

    return build


def _encoded(skeleton: Skeleton, body: str) -> tuple[str, bytes]:
    return encode_part(wire_lines(canonical(body)), TransferEncoding.EIGHT_BIT, skeleton.stem)


def _by_the_library(kind: _Kind) -> Callable[[_Parts], bytes]:
    def build(parts: _Parts) -> bytes:
        mail = EmailMessage(policy=email.policy.SMTP)
        mail["Date"] = date_header(_DATE)
        mail["From"] = "Acme News <news@acme.test>"
        mail["To"] = parts.recipient
        mail["Subject"] = parts.subject
        mail["Message-ID"] = parts.message_id
        mail.set_content(parts.text, cte="8bit")
        if parts.html is not None:
            mail.add_alternative(parts.html, subtype="html", cte="8bit")
        if kind.shared or kind.own:
            mail.add_attachment(_FILE, "application", "pdf", filename=_FILE_NAME)
        return mail.as_bytes()

    return build


def _read(data: bytes) -> tuple[object, ...]:
    """A message as the standard parser reads it: its headers, and each part's type, name and content."""
    parsed = parse_message(data)
    headers = [
        (name, str(value)) for name, value in parsed.items() if not name.lower().startswith(("content-", "mime"))
    ]
    parts = [
        (
            part.get_content_type(),
            part.get_filename(),
            part.get_content().replace("\r\n", "\n") if part.get_content_maintype() == "text" else part.get_content(),
        )
        for part in parsed.walk()
        if not part.is_multipart()
    ]
    shape = [part.get_content_type() for part in parsed.walk()]
    return headers, parts, shape, [type(defect) for part in parsed.walk() for defect in part.defects]
