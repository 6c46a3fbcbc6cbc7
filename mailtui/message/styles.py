"""Owns putting the rules of style sheets into the elements they are for, since many mail programs read no others.

What cannot stand in an element (@media, :hover) stays in the style sheet. Nothing is loaded, from anywhere.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from mailtui.kit.safe_text import safe_text
from mailtui.message.mime import BodyError

if TYPE_CHECKING:
    from css_inline import CSSInliner

_STYLE = re.compile(r"<style\b", re.IGNORECASE)
_BLANK_STYLE = re.compile(r"<style\b[^>]*>\s*</style>", re.IGNORECASE)
# `<![if !mso]>` is no comment of HTML, and a parser of HTML makes one of it that Outlook does not know.
_CONDITION = re.compile(r"<!--.*?-->|(<!\[(?:if|endif)[^\]>]*\]>)", re.IGNORECASE | re.DOTALL)
_KEPT = re.compile(r"<!--mailtui-condition-([0-9]+)-->")


def has_style(source: str) -> bool:
    """Whether a template has a style sheet in it."""
    return _STYLE.search(source) is not None


def inline_styles(page: str, *, extra: str | None = None) -> str:
    """A page of HTML with the rules of its style sheets in its elements; with `extra`, those of that one and no others.

    Raises `BodyError`.
    """
    from css_inline import InlineError  # only a campaign with styles needs it

    conditions: list[str] = []

    def put_away(found: re.Match[str]) -> str:
        if found.group(1) is None:
            return found.group()
        conditions.append(found.group(1))
        return f"<!--mailtui-condition-{len(conditions) - 1}-->"

    if _KEPT.search(page):
        raise BodyError("has a comment that mailtui uses for itself")
    kept = _CONDITION.sub(put_away, page)
    try:
        inlined = _inliner(extra).inline(kept)
    except (InlineError, ValueError) as error:
        raise BodyError(f"has styles that cannot be inlined: {safe_text(str(error), limit=200)}") from None
    inlined = _KEPT.sub(lambda found: conditions[int(found.group(1))], inlined)
    return _BLANK_STYLE.sub("", inlined)


@functools.lru_cache(maxsize=8)
def _inliner(extra: str | None) -> CSSInliner:
    from css_inline import CSSInliner

    return CSSInliner(
        inline_style_tags=extra is None,
        keep_style_tags=True,
        keep_link_tags=True,
        keep_at_rules=extra is None,  # beside a sheet of one's own it inlines nothing
        remove_inlined_selectors=extra is None,
        load_remote_stylesheets=False,
        extra_css=extra,
    )
