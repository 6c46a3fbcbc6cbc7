"""Owns what a browser is given of a mail: its HTML as one page that loads nothing, runs nothing and goes nowhere.

The page is written anew from the tree that a browser's parser makes of the mail: every tag and attribute is one that
is written here, so nothing in the mail can become more than it was read as. What loads, runs or forwards is left out,
pictures that the mail carries are put in as data, and a Content-Security-Policy in front of everything refuses the
rest, which style sheets could ask for (https://www.w3.org/TR/CSP3/).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from html import escape

from selectolax.lexbor import LexborHTMLParser, LexborNode

from mailtui.message.html_text import shallow
from mailtui.message.reference import parse_message
from mailtui.message.tree import describe

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"

_HEAD = (
    '<meta charset="utf-8">'
    f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    '<meta name="referrer" content="no-referrer"><meta http-equiv="x-dns-prefetch-control" content="off">'
)
_STRICT = "<!DOCTYPE html>"
_LIMITED = (  # in which the gaps below pictures in tables are closed, as mails written for it rely on
    '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" '
    '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">'
)
_DOCTYPE = re.compile(r"\s*<!doctype([^>]*)>", re.IGNORECASE)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# With all that is in them: what runs, loads, forwards, or names itself.
_LEFT_OUT = _words(
    "script link meta base title iframe frame frameset object embed applet param template audio video source track "
    "portal fencedframe animate animatemotion animatetransform set foreignobject handler listener"
)
# What is in them stays.
_OPENED = _words("form noscript noembed noframes xmp plaintext listing picture")
_NO_END = _words("area br col hr img input wbr")
_DROPPED = _words(
    "srcset ping action formaction poster data manifest http-equiv srcdoc code codebase archive cite longdesc profile "
    "target rel download is autofocus contenteditable lowsrc dynsrc imagesrcset attributionsrc"
)
_NAME = re.compile(r"[a-z_][-a-z0-9_:.]*", re.IGNORECASE)
_LINK = re.compile(r"(?:https?|mailto|tel):", re.IGNORECASE)
_PICTURE = re.compile(r"data:image/(?:png|jpe?g|gif|webp|bmp|avif|svg\+xml)[;,]", re.IGNORECASE)
_CID = re.compile(r"cid:([^\s\"'()<>]+)", re.IGNORECASE)
_PLAIN = '<pre style="white-space: pre-wrap; font: 15px sans-serif; margin: 16px">'


def standalone_page(data: bytes) -> str:
    """The page for the bytes of a message; of one without HTML, its text."""
    view = describe(data)
    subject = next((value for name, value in view.headers if name.lower() == "subject"), "")
    head = f"{_HEAD}<title>{escape(subject)}</title>"
    if view.html is None:
        return f"{_STRICT}<html><head>{head}</head><body>{_PLAIN}{escape(view.text or '')}</pre></body></html>\n"
    found = _DOCTYPE.match(view.html)
    doctype = "" if found is None else _LIMITED if "transitional" in found.group(1).lower() else _STRICT
    root = LexborHTMLParser(shallow(view.html)).root
    written = "" if root is None else "".join(_Writer(head, _pictures(data)).write(root))
    return f"{doctype}{written}\n"


def _pictures(data: bytes) -> dict[str, str]:
    """The pictures that a message carries, as data, by their Content-ID (RFC 2392)."""
    found: dict[str, str] = {}
    for part in parse_message(data).walk():
        name = str(part.get("Content-ID", "")).strip().strip("<>")
        body = part.get_payload(decode=True) if name and part.get_content_maintype() == "image" else None
        if isinstance(body, bytes):
            found[name] = f"data:{part.get_content_type()};base64,{base64.b64encode(body).decode()}"
    return found


class _Writer:
    """Goes through the tree without recursion, and writes it."""

    def __init__(self, head: str, pictures: Mapping[str, str]) -> None:
        self._head = head
        self._pictures = pictures

    def write(self, root: LexborNode) -> Iterator[str]:
        waiting: list[LexborNode | str] = [root]
        while waiting:
            item = waiting.pop()
            if isinstance(item, str):
                yield item
                continue
            tag = (item.tag or "").lower()
            if tag == "-text":
                yield escape(item.text_content or "")
            elif tag == "style":
                yield f"<style>{self._css(item.text() or '')}</style>"
            elif _NAME.fullmatch(tag) and tag not in _LEFT_OUT:
                shown = tag not in _OPENED
                if shown:
                    yield f"<{tag}{''.join(self._attributes(tag, item.attributes))}>"
                if tag == "head":
                    yield self._head
                if tag in _NO_END:
                    continue
                if shown:
                    waiting.append(f"</{tag}>")
                waiting.extend(reversed(list(_children(item))))

    def _attributes(self, tag: str, given: Mapping[str, str | None]) -> Iterator[str]:
        for name, value in given.items():
            name = name.lower()
            if not _NAME.fullmatch(name) or name.startswith("on") or name in _DROPPED:
                continue
            text: str | None = value or ""
            if name in ("src", "background"):
                text = self._picture(value or "")
            elif name == "href" or name.endswith(":href"):
                text = self._target(tag, value or "")
            elif name == "style":
                text = self._css(value or "")
            if text is not None:
                yield f' {name}="{escape(text)}"'
        if tag in ("a", "area"):
            yield ' target="_blank" rel="noreferrer noopener"'

    def _picture(self, source: str) -> str | None:
        source = source.strip()
        if source.lower().startswith("cid:"):
            return self._pictures.get(source[4:])
        return source if _PICTURE.match(source) else None

    def _target(self, tag: str, target: str) -> str | None:
        target = target.strip()
        if target.startswith("#"):
            return target
        if tag in ("a", "area"):
            return target if _LINK.match(target) else None
        return self._picture(target)

    def _css(self, text: str) -> str:
        """A style sheet. It can hold no tag: within a drawing, browsers read tags there."""
        shown = _CID.sub(lambda found: self._pictures.get(found.group(1), "data:,"), text)
        return shown.replace("<", "\\3c ")


def _children(node: LexborNode) -> Iterator[LexborNode]:
    child = node.child
    while child is not None:
        yield child
        child = child.next
