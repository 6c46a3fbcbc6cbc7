"""Owns the judgement of what mails hold: subject, links, images, sizes, what was left over or forgotten.

Rendering a mail takes some twenty microseconds, and looking at it must not take longer. So what lies in the markup is
looked at once for each shape a mail's HTML takes, in the first mails and wherever the markup differs; every mail has
its links looked up among those that were judged already, and its cells for what a list may bring in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from mailtui.errors import Place
from mailtui.message.frozen import MessageSource
from mailtui.message.links import judge_link
from mailtui.message.page_look import look_at, shouting
from mailtui.message.placeholders import Placeholders, left_over
from mailtui.message.remarks import NOWHERE, Remark
from mailtui.message.rendered import RenderedMessage
from mailtui.message.subjects import judge_subject
from mailtui.message.templates import TemplateText

_FIRST = 3  # mails that are looked at in any case
_SHAPES = 200  # different ones that are looked at; a list with more has cells with markup in them
_LINKS = 5_000  # judged links that are kept
_CLIPPED = 102 * 1024  # bytes; Gmail shows no more
_LONG = 80 * 1024
_HEAVY = 20 * 1024 * 1024  # bytes of a whole mail; Outlook.com takes 20 MB, Gmail 25 MB
_LARGE = 5 * 1024 * 1024
_TEXT_SHARE = 5  # the text has at least one letter for so many of the HTML
_TEXT_LEAST = 600  # letters of HTML from which on that counts

_ODD = re.compile(
    r"\|\s*safe\b|autoescape|(?=href|src|action)(?!(?-i:href=|src=|action=))(?:href|src|action)\s*=", re.IGNORECASE
)
"""In templates: links may be written in another way than `href="…"`, or come from a cell with their markup."""
_ANY_LINK = re.compile(rb"""href\s*=\s*("[^"]*"|'[^']*'|[^\s>"']*)""", re.IGNORECASE)
_ANY_SOURCE = re.compile(rb"""(?:src|action)\s*=\s*("[^"]*"|'[^']*'|[^\s>"']*)""", re.IGNORECASE)
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
        self._shapes: dict[tuple[int, int], tuple[Remark, ...]] = {}
        self._links: dict[bytes, Remark | None] = {}
        self._subject: tuple[str | None, tuple[Remark, ...]] = (None, ())
        self._seen = 0
        self._leaving = 0  # mails looked at that say how to unsubscribe
        self._odd = any(_ODD.search(text.source) for text in self._templates)
        self._sources = tuple(
            f"{key}=".encode()
            for key in ("src", "action")
            if source.written_in or any(_filled_in(key, text.source) for text in self._templates)
        )
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
            found += self._of_html(html, mail, fields)
        elif self._seen < _FIRST:
            self._seen += 1
            found += self._of_text_alone(mail.text or "", fields)
        if text is not None and b"http://" in text:
            found.append(_PLAIN_HTTP)
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

    def _of_html(self, html: bytes, mail: RenderedMessage, fields: Mapping[str, str]) -> list[Remark]:
        targets = _written(_ANY_LINK, html) if self._odd else [_target(piece) for piece in html.split(b"href=")[1:]]
        shape = (html.count(b"<"), len(targets))
        told = self._shapes.get(shape)
        if told is None or self._seen < _FIRST:
            told = self._look(shape, mail, fields)
        found = list(told)
        for link in targets:
            remark = self._links[link] if link in self._links else self._judged(link)
            if remark is not None:
                found.append(remark)
        for source in self._sources_of(html):
            remark = judge_link(source.decode("utf-8", "replace"), image=True)
            if remark is not None and remark.severity == "error":
                found.append(remark)
        if len(html) > _LONG:
            found.append(_too_long(len(html)))
        return found

    def _sources_of(self, html: bytes) -> list[bytes]:
        """What images are loaded from and forms sent to, where that is not the same for everybody."""
        if self._odd:
            return _written(_ANY_SOURCE, html)
        return [_target(piece) for key in self._sources for piece in html.split(key)[1:]]

    def _look(self, shape: tuple[int, int], mail: RenderedMessage, fields: Mapping[str, str]) -> tuple[Remark, ...]:
        if len(self._shapes) >= _SHAPES:
            return ()
        self._seen += 1
        page, text = mail.html or "", mail.text
        look = look_at(page)
        each = self._odd or self._sources
        found = [remark for remark in look.remarks if not (each and remark.severity == "error")]  # told for each mail
        if text is not None:
            found += _much_shorter(text, look.words)
        found += self._left_over(f"{look.words}\n{text or ''}", fields)
        if _BROWSER.match(look.words[:120]):
            message = (
                "the first words of the HTML, which lists of mails show as a preview, are about viewing it elsewhere"
            )
            hint = "Begin with a hidden line that says what the mail is about (a preheader)."
            found.append(Remark("note", "preheader", message, hint))
        found += self._way_out(f"{page}\n{text or ''}")
        told = tuple({(remark.code, remark.which): self._placed(remark) for remark in found}.values())
        self._shapes[shape] = told
        return told

    def _of_text_alone(self, text: str, fields: Mapping[str, str]) -> list[Remark]:
        return [*shouting(text), *self._way_out(text), *self._left_over(text, fields)]

    def _left_over(self, bodies: str, fields: Mapping[str, str]) -> list[Remark]:
        """Braces that come from a template; those of cells are told with their row."""
        found = None if left_over("\n".join(fields.values())) else self._placeholders.in_mail(bodies)
        return [] if found is None else [found]

    def _way_out(self, bodies: str) -> list[Remark]:
        if not self._source.commercial or _LEAVE.search(bodies):
            return []
        message = "commercial mail must say in its text how to get no more of it (CAN-SPAM, 15 U.S.C. 7704)"
        hint = "Write a line with a link for unsubscribing, in the text and in the HTML."
        return [Remark("warning", "no-unsubscribe-link", message, hint)]

    def _judged(self, link: bytes) -> Remark | None:
        if len(self._links) >= _LINKS:
            self._links.clear()
        text = link.decode("utf-8", "replace")
        remark = judge_link(text)
        remark = None if remark is None else self._placed(remark)
        self._links[link] = remark
        return remark

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
    "plain-http": ('href="http://',),
    "unbalanced": (),
    "leftover": (),
}
"""What to look for in the templates where it is not what tells remarks apart."""

_BLANK = Remark(
    "warning", "blank-body", "the text or the HTML part is blank", "Write it, or take that part out of the campaign."
)
_PLAIN_HTTP = Remark(
    "note",
    "plain-http",
    "a link starts with http://; https:// is safer and trusted more",
    "Write https:// where the site has it; nearly all have.",
)


def _is_blank(body: bytes) -> bool:
    return not body or body.isspace()


def _written(pattern: re.Pattern[bytes], html: bytes) -> list[bytes]:
    return [found.strip(b"\"'") for found in pattern.findall(html)]


def _filled_in(key: str, source: str) -> bool:
    return re.search(rf"""{key}\s*=\s*(?:"[^"{{]*|'[^'{{]*|[^\s"'>{{]*)\{{[{{%]""", source, re.IGNORECASE) is not None


def _target(piece: bytes) -> bytes:
    """What stands behind `href=`, without its quotes."""
    quote = piece[:1]
    if quote in (b'"', b"'"):
        return piece[1 : piece.find(quote, 1)]
    return piece[:2_000].partition(b">")[0].partition(b" ")[0]


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
