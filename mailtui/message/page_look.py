"""Owns what is seen of a mail's HTML only once it is parsed: links with their texts, images, what is dropped.

The targets of links are judged elsewhere, for each mail: they differ where the markup is the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from mailtui.kit.safe_text import safe_text
from mailtui.kit.words import counted
from mailtui.message.html_text import shallow
from mailtui.message.links import judge_image, judge_link, judge_shown
from mailtui.message.remarks import Remark

SIZE_LIMIT = 512 * 1024  # characters that are parsed; Gmail cuts a mail at a fifth of it
_MUCH_HIDDEN = 200  # letters; a preheader has less than half
_SHOUTED = 30  # words
_HIDDEN = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?:px|pt|em)?\s*(?:;|!|$))",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TAG = re.compile(
    r"<(/?)(a|div|span|table|b|strong|em|font|center|h[1-6]|ul|ol|style|blockquote)(?=[\s>/])", re.IGNORECASE
)
_WORD = re.compile(r"[^\W\d_]{4,}")
_LETTERS = re.compile(r"[^\W_]")
_DROPPED = {
    "script": ("script", "a script; mail programs run none, and filters distrust it", "Take it out."),
    "form": ("form", "a form; most mail programs show none or warn of it", "Link to a page with the form on it."),
    "iframe": ("frame", "a frame or embedded object, which mail programs leave out", "Show an image that links there."),
}
_POINT = re.compile(r"(?<![\w-])(width|height)\s*:\s*[01](?:px)?\s*(?:!important\s*)?(?:;|$)", re.IGNORECASE)
_FRAMES = ("iframe", "object", "embed", "frame", "video", "audio")


@dataclass(frozen=True, slots=True)
class PageLook:
    """What one page has; `words` is its visible text."""

    remarks: tuple[Remark, ...]
    words: str


def look_at(html: str, *, sources: bool = True, shown: bool = True) -> PageLook:
    """Look at a page of HTML; what is longer than `SIZE_LIMIT` is looked at up to there.

    Without `sources` what images are loaded from and forms sent to is left to others, without `shown` what links show.
    """
    kept = shallow(html[:SIZE_LIMIT])
    parser = LexborHTMLParser(kept)
    body = parser.body
    remarks = [*_images(parser, sources), *_dropped(parser), *_hidden(parser)]
    if shown:
        remarks += _links(parser)
    if sources:
        remarks += _forms(parser)
    if len(html) <= SIZE_LIMIT:
        remarks += _unbalanced(html)
    if body is None:
        return PageLook(tuple(remarks), "")
    body.strip_tags(["style", "script", "title"])
    words = " ".join(body.text(separator=" ").split())
    remarks += shouting(words)
    return PageLook(tuple(remarks), words)


def _links(parser: LexborHTMLParser) -> Iterator[Remark]:
    for node in parser.css("a, area"):
        if "href" not in node.attributes:
            continue  # a place to go to
        link = node.attributes.get("href") or ""
        remark = judge_shown(node.text(), link)
        if remark is not None:
            yield remark


def _forms(parser: LexborHTMLParser) -> Iterator[Remark]:
    for node in parser.css("form[action]"):
        remark = judge_link(node.attributes.get("action") or "#here")
        if remark is not None:
            yield remark


def _images(parser: LexborHTMLParser, sources: bool) -> Iterator[Remark]:
    without, remote = [], 0
    for node in parser.css("img"):
        source = (node.attributes.get("src") or "").strip()
        if "alt" not in node.attributes and not _is_ornament(node):
            without.append(source)
        if source.startswith(("http:", "https:", "//")):
            remote += 1
        if sources and "src" in node.attributes and (remark := judge_image(source)) is not None:
            yield remark
    if without:
        first = safe_text(without[0] or "without a source", limit=60)
        message = f"{counted(len(without), 'image')} without a text that stands for it (alt), first: {first}"
        hint = 'Write alt="what it shows", or alt="" for an ornament; many readers see no images.'
        yield Remark("warning", "image-alt", message, hint)
    if remote:
        message = f"{counted(remote, 'image')} loaded from the web; many mail programs ask before they show such images"
        yield Remark("note", "image-remote", message, "See to it that the mail can be understood without them.")


def _is_ornament(node: LexborNode) -> bool:
    """Whether nobody misses it: a single point, or one that readers aloud are told to leave out."""
    given = node.attributes
    if given.get("role") in ("presentation", "none") or given.get("aria-hidden") == "true":
        return True
    style = given.get("style") or ""
    return all(
        any(found == name for found in _POINT.findall(f"{name}:{given.get(name) or ''};{style}"))
        for name in ("width", "height")
    )


def _dropped(parser: LexborHTMLParser) -> Iterator[Remark]:
    for name, (code, what, hint) in _DROPPED.items():
        found = parser.css(", ".join(_FRAMES) if name == "iframe" else name)
        kept = [node for node in found if (node.attributes.get("type") or "") != "application/ld+json"]
        if kept:
            yield Remark("warning", code, f"the HTML has {what}", hint)


def _hidden(parser: LexborHTMLParser) -> Iterator[Remark]:
    for node in parser.css("[style]"):
        if not _HIDDEN.search(node.attributes.get("style") or "") or "class" in node.attributes:
            continue  # with a class, a style sheet may show it: for telephones
        letters = len(_LETTERS.findall(node.text()))
        if letters > _MUCH_HIDDEN:
            message = f"a style hides {letters:,} letters of text; filters take that for a trick"
            yield Remark("warning", "hidden-text", message, "Take the text out, or show it.")
            return


def _unbalanced(html: str) -> Iterator[Remark]:
    open_, closed = Counter[str](), Counter[str]()
    for found in _TAG.finditer(_COMMENT.sub("", html)):
        (closed if found.group(1) else open_)[found.group(2).lower()] += 1
    for name in sorted(open_.keys() | closed.keys()):
        if open_[name] != closed[name]:
            message = f"<{name}> is opened {_times(open_[name])} and closed {_times(closed[name])}"
            hint = f"See where a </{name}> is missing or one too many; mail programs guess, each in its own way."
            yield Remark("warning", "unbalanced", message, hint, name)


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count:,} times")


def shouting(words: str) -> Iterator[Remark]:
    """Whether more than half of a long text is in capitals."""
    found = _WORD.findall(words)
    loud = sum(word.isupper() for word in found)
    if loud >= _SHOUTED and 2 * loud > len(found):
        message = f"{loud:,} of {len(found):,} words are in capitals; filters take that for spam"
        yield Remark("warning", "body-capitals", message, "Write them in small letters.")
