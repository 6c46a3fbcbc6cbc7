"""Owns the judgement of what mails hold: subject, links, images, sizes, what was left over or forgotten.

Rendering a mail takes some twenty microseconds, and looking at it must not take longer. So what lies in the markup is
looked at once for each shape a mail's HTML takes, wherever the markup or about its length differs; every mail has its
links looked up among those that were judged already, its images where cells say which, and its cells for what a list
may bring in.
"""

from __future__ import annotations

import html as html_text
import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TypeVar

from mailtui.errors import Place
from mailtui.message.frozen import MessageSource
from mailtui.message.links import judge_image, judge_link, judge_shown
from mailtui.message.links_written import Written, target_of
from mailtui.message.page_look import look_at, shouting
from mailtui.message.placeholders import Placeholders, left_over, may_leave
from mailtui.message.remarks import NOWHERE, Remark
from mailtui.message.rendered import RenderedMessage
from mailtui.message.subjects import judge_subject
from mailtui.message.templates import TemplateText

_SHAPES = 2_000  # different ones that are looked at; a list with more has cells with markup in them
_ALIKE = 9  # bits of length within which mails of one markup are alike
_LINKS = 5_000  # judged links that are kept
_CLIPPED = 102 * 1024  # bytes; Gmail shows no more
_LONG = 80 * 1024
_HEAVY = 20 * 1024 * 1024  # bytes of a whole mail; Outlook.com takes 20 MB, Gmail 25 MB
_LARGE = 5 * 1024 * 1024
_TEXT_SHARE = 5  # the text has at least one letter for so many of the HTML
_TEXT_LEAST = 600  # letters of HTML from which on that counts

BY_TEXT = frozenset({"hidden-text", "body-capitals", "text-short", "preheader"})
"""What depends on how much text there is: looked at in one mail of those with the same markup and about its length."""
_TAGS = re.compile(rb"<[/!a-zA-Z][a-z0-9]*")
_BUT_MARKUP = bytes(set(range(256)) - set(b"<>\"'"))
_TEXT_LINK = re.compile(rb"\bh[tps]{2,5}:/[^\s<>\"]+")
_LINK_ENDS = b".,;:!?)]}'*_|"
_MARKUP = re.compile(rb"<[^<>]*>")
_BROWSER = re.compile(
    r"(?:view|read|see|open|trouble|having|problems?|can'?t|can.?not|wenn|falls|wird|ansicht|online|web|browser)\b.{0,60}"
    r"(?:browser|online|web ?version|onlineversion|webansicht|web page)",
    re.IGNORECASE,
)
_LEAVE = re.compile(
    r"unsubscri|abmeld|abbestell|austragen|opt[ -]?out|d[ée]sabonn|d[ée]sinscri|desinscri|de baja"
    r"|cancelar|disiscri|annulla|afmeld|uitschrijv|avregistr|avprenum|wypisz|rezygn|odhl[aá]s|отпис|配信停止|退订"
    r"|stop receiving|leave this|no longer (?:wish|want)"
    r"|(?:e-?mail|subscription|notification) (?:preferences|settings)",
    re.IGNORECASE,
)


class Content:
    """Judges one mail after another of one message."""

    def __init__(self, source: MessageSource, columns: Sequence[str]) -> None:
        self._source = source
        self._templates = [text for text in (source.html, source.text, *source.includes) if text is not None]
        self._placeholders = Placeholders(columns)
        self._shapes: dict[object, tuple[Remark, ...]] = {}
        self._links: dict[bytes, Remark | None] = {}
        self._images: dict[bytes, Remark | None] = {}
        self._shown: dict[tuple[bytes, bytes], Remark | None] = {}
        self._subject: tuple[str | None, tuple[Remark, ...]] = (None, ())
        pages = [text for text in (source.html, *source.includes) if text is not None]
        self._written = Written(tuple(text.source for text in pages), other=source.written_in)
        self._may_leave = any(map(may_leave, (source.subject, *(text.source for text in self._templates))))
        self._text_links = not (source.written_in or source.plain_from_html)
        self._replies = any(name.lower() in ("in-reply-to", "references") for name, _ in source.headers)

    def of_templates(self) -> Iterator[Remark]:
        """What stands in the templates for everybody."""
        for text in (TemplateText("subject", self._source.subject), *self._templates):
            yield from self._placeholders.in_template(text)

    def of_mail(self, mail: RenderedMessage, fields: Mapping[str, str]) -> list[Remark]:
        """What is to be said about one mail, made of these cells."""
        if mail.subject != self._subject[0]:
            self._subject = (mail.subject, tuple(judge_subject(mail.subject, replies=self._replies)))
        found = list(self._subject[1])
        html, text = mail.html_lines, mail.text_lines
        if html is not None:
            found += self._of_html(html, mail)
        elif text is not None:
            found += self._of_text_alone(text, mail)
        if text is not None and self._text_links and b":/" in text:
            found += self._links_of_text(text)
        if self._may_leave:
            found += self._left_over(mail, fields)
        if (text is not None and _is_blank(text)) or (html is not None and _is_blank(html)):
            found.append(_BLANK)
        if len(mail.data) > _LARGE:
            found.append(_too_large(len(mail.data)))
        return found

    def of_cells(self, fields: Mapping[str, str], used: Sequence[str]) -> Iterator[Remark]:
        """What cells bring in that no cell should; `used` are the columns that the message uses."""
        for name in used:
            remark = self._placeholders.in_cell(fields[name], name)
            if remark is not None:
                yield remark

    def _of_html(self, html: bytes, mail: RenderedMessage) -> list[Remark]:
        written = self._written
        links = written.links(html)
        shape = len(html) >> _ALIKE, written.turns and _markup(html)
        told = self._shapes.get(shape)
        found = list(self._look(shape, mail) if told is None else told)
        for link in links:
            remark = self._links[link] if link in self._links else self._judged(link)
            if remark is not None:
                found.append(remark)
        if written.shown_differ:
            found += self._mismatches(html)
        if written.sources_differ:
            for source in written.images(html):
                remark = self._images[source] if source in self._images else self._judged_image(source)
                if remark is not None:
                    found.append(remark)
        if len(html) > _LONG:
            found.append(_too_long(len(html)))
        return found

    def _look(self, shape: object, mail: RenderedMessage) -> tuple[Remark, ...]:
        if len(self._shapes) >= _SHAPES:
            return (_MANY_SHAPES,)
        page, text, written = mail.html or "", mail.text, self._written
        look = look_at(page, sources=not written.sources_differ, shown=not written.shown_differ)
        found = list(look.remarks)
        if text is not None:
            found += _much_shorter(text, look.words)
        if _BROWSER.match(look.words[:120]):
            message = (
                "the first words of the HTML, which lists of mails show as a preview, are about viewing it elsewhere"
            )
            hint = "Begin with a hidden line that says what the mail is about (a preheader)."
            found.append(Remark("note", "preheader", message, hint))
        found += self._way_out(f"{page}\n{text or ''}")
        return self._kept(shape, found)

    def _of_text_alone(self, text: bytes, mail: RenderedMessage) -> tuple[Remark, ...]:
        shape = len(text) >> _ALIKE
        told = self._shapes.get(shape)
        if told is None:
            if len(self._shapes) >= _SHAPES:
                return (_MANY_SHAPES,)
            words = mail.text or ""
            told = self._kept(shape, [*shouting(words), *self._way_out(words)])
        return told

    def _kept(self, shape: object, found: list[Remark]) -> tuple[Remark, ...]:
        told = self._shapes[shape] = tuple(
            {(remark.code, remark.which): self._placed(remark) for remark in found}.values()
        )
        return told

    def _left_over(self, mail: RenderedMessage, fields: Mapping[str, str]) -> list[Remark]:
        """Braces that come from a template; those of cells are told with their row."""
        bodies = [mail.subject, mail.text or ""]
        if mail.html is not None and left_over(mail.html):
            bodies.append(look_at(mail.html).words)
        said = "\n".join(bodies)
        for cell in fields.values():
            if len(cell) > 4 and left_over(cell):
                said = said.replace(cell, "")
        found = self._placeholders.in_mail(said)
        return [] if found is None else [found]

    def _links_of_text(self, text: bytes) -> list[Remark]:
        found = []
        for link in _TEXT_LINK.findall(text):
            target = link.rstrip(_LINK_ENDS)
            remark = self._links[target] if target in self._links else self._judged(target)
            if remark is not None:
                found.append(remark)
        return found

    def _mismatches(self, html: bytes) -> list[Remark]:
        """Links that show another address than their own, where cells have a say in it."""
        found = []
        for piece in html.split(b"href=")[1:]:
            begin, end = piece.find(b">") + 1, piece.find(b"</a")
            if 0 < begin < end and piece.find(b".", begin, end) > 0:
                pair = target_of(piece), piece[begin:end]
                remark = self._shown[pair] if pair in self._shown else self._compared(*pair)
                if remark is not None:
                    found.append(remark)
        return found

    def _compared(self, link: bytes, shown: bytes) -> Remark | None:
        words = html_text.unescape(_MARKUP.sub(b"", shown).decode("utf-8", "replace"))
        return _remember(self._shown, (link, shown), judge_shown(words, link.decode("utf-8", "replace")))

    def _judged_image(self, source: bytes) -> Remark | None:
        return _remember(self._images, source, judge_image(source.decode("utf-8", "replace")))

    def _way_out(self, bodies: str) -> list[Remark]:
        if not self._source.commercial or _LEAVE.search(bodies):
            return []
        message = "commercial mail must say in its text how to get no more of it (CAN-SPAM, 15 U.S.C. 7704)"
        hint = "Write a line with a link for unsubscribing, in the text and in the HTML."
        return [Remark("warning", "no-unsubscribe-link", message, hint)]

    def _judged(self, link: bytes) -> Remark | None:
        remark = judge_link(link.decode("utf-8", "replace"))
        return _remember(self._links, link, None if remark is None else self._placed(remark))

    def _placed(self, remark: Remark) -> Remark:
        """The same, with the place in a template where what it is about stands as it is."""
        return remark._replace(place=self._place(remark)) if remark.place == NOWHERE else remark

    def _place(self, remark: Remark) -> Place:
        for wanted in _WRITTEN.get(remark.code, (remark.which,)):
            for text in self._templates if len(wanted) > 2 else ():
                at = text.source.find(wanted)
                if at >= 0:
                    return Place(text.name, text.source.count("\n", 0, at) + 1)
        return NOWHERE


_WRITTEN: Mapping[str, Sequence[str]] = {
    "link-hash": ('href="#"', "href='#'"),
    "link-empty": ('href=""', "href=''"),
    "image-data": ('src="data:', "src='data:"),
    "script": ("<script",),
    "form": ("<form",),
    "frame": ("<iframe", "<object", "<embed", "<video", "<audio"),
    "plain-http": ('href="http://', "http://"),
    "unbalanced": (),
    "leftover": (),
}
"""What to look for in the templates where it is not what tells remarks apart."""

_BLANK = Remark(
    "warning", "blank-body", "the text or the HTML part is blank", "Write it, or take that part out of the campaign."
)
_MANY_SHAPES = Remark(
    "note",
    "many-shapes",
    f"mails differ in more than {_SHAPES:,} ways; in these, only links, images, subjects and sizes were looked at",
    "Look at some of them in the preview.",
)
_Key = TypeVar("_Key", bound=Hashable)


def _remember(kept: dict[_Key, Remark | None], key: _Key, remark: Remark | None) -> Remark | None:
    if len(kept) >= _LINKS:
        kept.clear()
    kept[key] = remark
    return remark


def _markup(html: bytes) -> tuple[bytes, int]:
    """What tells the turns of a template apart: its tags, and quotes, of which cells have none."""
    return html.translate(None, _BUT_MARKUP), hash(tuple(_TAGS.findall(html)))


def _is_blank(body: bytes) -> bool:
    return not body or body.isspace()


def _much_shorter(text: str, words: str) -> Iterator[Remark]:
    if len(words) >= _TEXT_LEAST and _TEXT_SHARE * len(" ".join(text.split())) < len(words):
        message = f"the plain text has {len(text):,} characters, the HTML {len(words):,}; filters compare them"
        yield Remark("warning", "text-short", message, "Let the plain text say what the HTML says.")


def _too_long(size: int) -> Remark:
    if size > _CLIPPED:
        message = "the HTML has more than 102 KB; Gmail cuts it off there, and with it the way to unsubscribe"
        return Remark("warning", "html-clipped", message, "Make it shorter: fewer styles in elements, less text.")
    message = "the HTML has more than 80 KB; Gmail cuts mails off at 102 KB"
    return Remark("note", "html-long", message, "Make it shorter, or leave it and watch its size.")


def _too_large(size: int) -> Remark:
    if size > _HEAVY:
        message = "a mail has more than 20 MB, and many servers take no such mail"
        return Remark("warning", "mail-heavy", message, "Put large files on the web, and link to them.")
    message = "a mail has more than 5 MB; it takes long to send, and fills mailboxes"
    return Remark("note", "mail-large", message, "Put large files on the web, and link to them.")
