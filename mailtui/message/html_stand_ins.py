"""Owns what stands in a text where a mail shows something else: pictures, and the parts of a form, by their names."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SPACE = re.compile(r"\s+")
_LONGEST = 40
_NO_ROOM = re.compile(r"(?:^|[;\s])(?:max-)?(?:width|height)\s*:\s*[012](?:\.\d+)?(?:px)?\s*(?:!|;|$)", re.IGNORECASE)
_SPACERS = re.compile(r"(?:spacer|blank|pixel|transparent|clear|shim|dot)[-_.\w]*\.(?:gif|png)", re.IGNORECASE)
_NO_WORDS = re.compile(r"[\W_]{1,12}")

Attributes = Mapping[str, str | None]


def picture(attributes: Attributes, *, needed: bool = False) -> str:
    """How a picture is called: by its alternative text, or its file's name; empty for one that nobody sees.

    `needed`: also where its alternative text says that it is only decoration. One that stands for an emoji is it.
    """
    if _is_dot(attributes.get("width")) or _is_dot(attributes.get("height")):
        return ""
    if _NO_ROOM.search(attributes.get("style") or ""):
        return ""
    alternative = attributes.get("alt")
    said = _clean(alternative)
    if said:
        return said if _NO_WORDS.fullmatch(said) else f"[image: {said}]"
    if alternative is not None and not needed:
        return ""
    name = _file_name(attributes.get("src") or "")
    return "" if _SPACERS.fullmatch(name) else f"[image {name}]" if name else "[image]"


def drawing(attributes: Attributes, title: str) -> str:
    """How a drawing in the HTML itself (SVG) is called; empty for one that is only decoration."""
    said = _clean(attributes.get("aria-label")) or _clean(title)
    if said:
        return f"[image: {said}]"
    return "" if attributes.get("aria-hidden") == "true" else "[image]"


def field_of_form(attributes: Attributes) -> str:
    """How an input looks that a form has; empty for one that nobody sees."""
    kind = (attributes.get("type") or "text").lower()
    value = _clean(attributes.get("value"))
    if kind == "hidden":
        return ""
    if kind in ("submit", "button", "reset"):
        return button(value)
    if kind == "image":
        return picture(attributes, needed=True)
    if kind in ("checkbox", "radio"):
        return "[x]" if "checked" in attributes else "[ ]"
    said = value or _clean(attributes.get("placeholder"))
    return f"[field: {said}]" if said else "[field]"


def button(said: str) -> str:
    return f"[button: {said}]" if said else "[button]"


def _clean(text: str | None) -> str:
    return _SPACE.sub(" ", text or "").strip()


def _is_dot(length: str | None) -> bool:
    return length is not None and length.strip().removesuffix("px") in ("0", "1", "2")


def _file_name(source: str) -> str:
    source = _clean(source)
    if source.lower().startswith("data:"):
        return ""
    path = source.partition("?")[0].partition("#")[0].rstrip("/")
    name = path.removeprefix("cid:").partition("@")[0] if path.startswith("cid:") else path.rpartition("/")[2]
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
