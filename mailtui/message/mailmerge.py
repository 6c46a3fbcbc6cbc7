"""Owns reading a template as mailmerge has it: header lines above a body, with Jinja2 in both.

It is read as it was written, before anything is filled in, since a campaign file keeps headers and bodies apart. What
cannot be carried over is told with its line; nothing is left out unsaid. Sources: the README and sample files of
mailmerge 2 (https://github.com/awdeorio/mailmerge), RFC 5322 section 2.2 for the header lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email import message_from_string
from email.message import Message

from mailtui.errors import Place, Problem
from mailtui.message.headers import OURS, header_name_problems

TEMPLATE, DATABASE, SERVER = "mailmerge_template.txt", "mailmerge_database.csv", "mailmerge_server.conf"
"""What mailmerge calls its three files where nobody says otherwise."""

_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]*)[ \t]*:(.*)", re.DOTALL)
_MARKUP = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_FIELD = re.compile(r"\{\{-?\s*([^\W\d]\w*)\s*-?\}\}")
_NAMED = re.compile(r"""\s*["']?\s*(\{\{[^{}]*\}\})\s*["']?\s*<\s*(\{\{[^{}]*\}\})\s*>\s*""")
_TAG = re.compile(r"<[a-zA-Z][^<>]*>")
_BODY_TYPES = {"text/plain": "text", "text/html": "html", "text/markdown": "markdown"}
_LOOKED_AT = 200  # lines in which the headers of a template are looked for


@dataclass(frozen=True, slots=True)
class MailmergeTemplate:
    """What a template of mailmerge says, by the keys of a campaign file. `bodies` are (key, template); `remarks` what
    is not carried over as it was, with its line.
    """

    sender: str = ""
    subject: str = ""
    reply_to: str = ""
    address: str = ""
    name: str = ""
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    attachments: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    bodies: tuple[tuple[str, str], ...] = ()
    remarks: tuple[Problem, ...] = ()


def is_mailmerge(text: str) -> bool:
    """Whether a text begins as a template of mailmerge does: with header lines, one of which says whom it is to."""
    names = set()
    for line in text.removeprefix("\ufeff").splitlines()[:_LOOKED_AT]:
        if not line.strip():
            break
        found = _HEADER.match(line)
        if found is None and not line[:1].isspace() and not _MARKUP.match(line):
            return False
        names.add(found.group(1).lower() if found is not None else "")
    return "to" in names and bool(names & {"from", "subject"})


def read_mailmerge(text: str, name: str) -> MailmergeTemplate:
    """Read a template that was found in the file `name`. Never fails: what is odd becomes a remark."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    reader = _Reader(name)
    end = reader.headers(lines)
    reader.body("\n".join(lines[end + 1 :]), end + 2)
    return reader.result()


@dataclass(slots=True)
class _Line:
    """A header as it stands in the file, continued lines joined."""

    name: str
    value: str
    number: int


@dataclass(slots=True)
class _Reader:
    file: str
    _found: list[_Line] = field(default_factory=list)
    _bodies: list[tuple[str, str]] = field(default_factory=list)
    _remarks: list[Problem] = field(default_factory=list)

    def remark(self, line: int, message: str, hint: str = "") -> None:
        self._remarks.append(Problem(Place(self.file, line), message, hint))

    def headers(self, lines: list[str]) -> int:
        """Read the lines above the body; the index of the blank one behind them."""
        for at, line in enumerate(lines):
            if not line.strip():
                return at
            found = _HEADER.fullmatch(line)
            if line[:1] in " \t" and self._found:
                last = self._found[-1]
                last.value = f"{last.value} {line.strip()}".strip()
            elif found is not None:
                self._found.append(_Line(found.group(1).lower(), found.group(2).strip(), at + 1))
            elif _MARKUP.match(line.strip()):
                self.remark(at + 1, "Jinja around header lines is not carried over.", "Put it into a header's value.")
            else:
                self.remark(at + 1, "this line is no header, and above the body there is nothing else; it is left out.")
        return len(lines)

    def body(self, text: str, line: int) -> None:
        given = next((header for header in self._found if header.name == "content-type"), None)
        kind = "text/plain" if given is None else given.value.partition(";")[0].strip().lower()
        if kind.startswith("multipart/") and given is not None:
            self._parts(given, text)
            return
        if kind not in _BODY_TYPES and given is not None:
            self.remark(given.number, f"a body of the type {kind or '(none)'} is taken for plain text.")
        self._add(_BODY_TYPES.get(kind, "text"), text, line)

    def _parts(self, given: _Line, text: str) -> None:
        message = message_from_string(f"Content-Type: {given.value}\n\n{text}")
        for part in message.walk():
            if not part.is_multipart():
                self._part(part, given.number)

    def _part(self, part: Message, line: int) -> None:
        kind = part.get_content_type()
        content = part.get_payload()
        encoding = str(part.get("Content-Transfer-Encoding", "7bit")).strip().lower()
        taken = {key for key, _ in self._bodies}
        key = _BODY_TYPES.get(kind)
        if key is None or key in taken or encoding not in ("7bit", "8bit", "binary") or not isinstance(content, str):
            self.remark(line, f"a part of the type {kind} is not carried over.", "Attach it as a file.")
        else:
            self._add(key, content, line)

    def _add(self, key: str, text: str, line: int) -> None:
        self._bodies.append((key, text if text.endswith("\n") or not text else text + "\n"))
        if key == "markdown":
            if _TAG.search(_MARKUP.sub("", text)):
                self.remark(line, "HTML tags in Markdown come out here as the text they are.", "Use html: for tags.")
            if re.search(r"\S\n[^\s#>*+-]", text):
                hint = "End such lines with a backslash, where they are to break."
                self.remark(line, "a single line break in Markdown is a blank here, and was a new line.", hint)
        if key in ("markdown", "html") and "{{" in text:
            self.remark(line, "cells are escaped here, so none can be markup.", "Where one is to be: {{ field|safe }}")

    def result(self) -> MailmergeTemplate:
        address, name, more = self._to()
        return MailmergeTemplate(
            sender=self._one("from"),
            subject=self._one("subject"),
            reply_to=self._one("reply-to"),
            address=address,
            name=name,
            cc=(*more, *self._mailboxes("cc")),
            bcc=tuple(self._mailboxes("bcc")),
            attachments=tuple(self._attachments()),
            headers=tuple(self._others()),
            bodies=tuple(self._bodies),
            remarks=tuple(sorted(self._remarks, key=lambda remark: remark.place.line or 0)),
        )

    def _named(self, name: str) -> Iterator[_Line]:
        for header in self._found:
            if header.name == name:
                if header.value:
                    yield header
                else:
                    self.remark(header.number, f"{name.upper()} is blank, and left out.")

    def _one(self, name: str) -> str:
        found = list(self._named(name))
        for header in found[1:]:
            self.remark(header.number, f"{name.upper()} stands here twice; the first one counts.")
        return found[0].value if found else ""

    def _to(self) -> tuple[str, str, list[str]]:
        """The columns of address and name, and whom else the mail was to."""
        headers = list(self._named("to"))
        boxes = [(header, box) for header in headers for box in _split(header.value)]
        if not boxes:
            return "", "", []
        header, first = boxes[0]
        for other, box in boxes[1:]:
            self.remark(other.number, f"{box} in TO becomes a Cc: each mail has one recipient, others get a copy.")
        more = [box for _, box in boxes[1:]]
        alone, named = _FIELD.fullmatch(first.strip()), _NAMED.fullmatch(first)
        if alone is not None:
            return alone.group(1), "", more
        address = None if named is None else _FIELD.fullmatch(named.group(2))
        if named is not None and address is not None:
            shown = _FIELD.fullmatch(named.group(1))
            if shown is None:
                self.remark(header.number, "the name in TO is more than a column, and left out.")
            return address.group(1), "" if shown is None else shown.group(1), more
        inner = re.search(r"<\s*(\{\{[^{}]*\}\})\s*>", first)
        address = None if inner is None else _FIELD.fullmatch(inner.group(1))
        if address is not None:
            self.remark(header.number, "the name in TO is more than a column, and left out.")
            return address.group(1), "", more
        hint = "The column with addresses is found out; audience: address: names another."
        self.remark(header.number, f"TO is {first.strip()}, and here each row's own address is meant.", hint)
        return "", "", more

    def _mailboxes(self, name: str) -> Iterator[str]:
        for header in self._named(name):
            yield from _split(header.value)

    def _attachments(self) -> Iterator[str]:
        for header in self._named("attachment"):
            path = header.value.removeprefix("./")
            if path.startswith(("/", "~", "..", "\\")) or re.match(r"[A-Za-z]:[\\/]", path):
                hint = "Copy it into the campaign's folder, and name it under attachments:."
                self.remark(header.number, f"{header.value} is outside of the template's folder, and left out.", hint)
            else:
                yield path

    def _others(self) -> Iterator[tuple[str, str]]:
        known = {"from", "subject", "reply-to", "to", "cc", "bcc", "attachment", "content-type"}
        seen: set[str] = set()
        for header in self._found:
            if header.name in known:
                continue
            shown = "-".join(word.capitalize() for word in header.name.split("-"))
            problem = next(header_name_problems([shown]), None)
            if problem is not None:
                self.remark(header.number, f"{shown} is left out.", OURS.get(header.name, problem.hint))
            elif header.name in seen:
                self.remark(header.number, f"{shown} stands here twice; the first one counts.")
            elif header.value:
                seen.add(header.name)
                yield shown, header.value


def _split(value: str) -> Iterable[str]:
    """The mailboxes of a header: separated by commas that stand in no quotes, brackets or Jinja."""
    kept = re.findall(r'(?:\{\{.*?\}\}|\{%.*?%\}|"[^"]*"|<[^>]*>|[^,])+', value)
    return [box.strip() for box in kept if box.strip()]
