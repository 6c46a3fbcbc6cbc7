"""Owns making HTML of MJML, and finding what in MJML has no meaning, since the library passes it through unsaid."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailtui.errors import Place, Problem
from mailtui.kit.safe_text import safe_text
from mailtui.kit.suggest import did_you_mean
from mailtui.message.mime import BodyError
from mailtui.message.styles import inline_styles


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_EVERYWHERE = _words("css-class mj-class")
_PADDING = _words("padding padding-top padding-right padding-bottom padding-left container-background-color")
_BORDER = _words("border border-top border-right border-bottom border-left border-radius")
_FONT = _words(
    "font-family font-size font-style font-weight color letter-spacing line-height text-decoration text-transform"
)
_LINK = _words("href name rel target title")
_BACKGROUND = _words(
    "background-color background-position background-position-x background-position-y background-repeat "
    "background-size background-url"
)
_SECTION = _PADDING | _BORDER | _BACKGROUND | _words("direction full-width text-align text-padding gap")
_ICONS = _words(
    "icon-align icon-height icon-position icon-unwrapped-alt icon-unwrapped-url icon-width icon-wrapped-alt "
    "icon-wrapped-url"
)
# Source: the component pages of the MJML 4 documentation, https://documentation.mjml.io
_ATTRIBUTES: dict[str, frozenset[str]] = {
    "mj-accordion": _PADDING | _ICONS | _words("border font-family"),
    "mj-accordion-element": _ICONS | _words("background-color border font-family"),
    "mj-accordion-text": _PADDING | _FONT | _words("background-color"),
    "mj-accordion-title": _PADDING | _FONT | _words("background-color"),
    "mj-attributes": frozenset(),
    "mj-body": _words("background-color width id"),
    "mj-breakpoint": _words("width"),
    "mj-button": _PADDING
    | _BORDER
    | _FONT
    | _LINK
    | _words("align background-color height inner-padding text-align vertical-align width"),
    "mj-carousel": _PADDING
    | _words(
        "align border-radius icon-width left-icon right-icon tb-border tb-border-radius tb-hover-border-color "
        "tb-selected-border-color tb-width thumbnails"
    ),
    "mj-carousel-image": _LINK | _words("alt border-radius src tb-border tb-border-radius thumbnails-src"),
    "mj-column": _PADDING
    | _BORDER
    | _words(
        "background-color direction inner-background-color inner-border inner-border-bottom inner-border-left "
        "inner-border-radius inner-border-right inner-border-top vertical-align width"
    ),
    "mj-divider": _PADDING | _words("align border-color border-style border-width width"),
    "mj-font": _words("href name"),
    "mj-group": _words("background-color direction vertical-align width"),
    "mj-head": frozenset(),
    "mj-hero": _PADDING
    | _BACKGROUND
    | _words(
        "align background-height background-width border-radius height inner-background-color inner-padding "
        "inner-padding-bottom inner-padding-left inner-padding-right inner-padding-top mode vertical-align width"
    ),
    "mj-html-attribute": _words("name"),
    "mj-html-attributes": frozenset(),
    "mj-image": _PADDING
    | _BORDER
    | _LINK
    | _words("align alt fluid-on-mobile font-size height max-height sizes src srcset usemap width"),
    "mj-navbar": _PADDING
    | _words(
        "align base-url hamburger ico-align ico-close ico-color ico-font-family ico-font-size ico-line-height ico-open "
        "ico-padding ico-padding-bottom ico-padding-left ico-padding-right ico-padding-top ico-text-decoration "
        "ico-text-transform"
    ),
    "mj-navbar-link": _PADDING | _FONT | _LINK,
    "mj-preview": frozenset(),
    "mj-raw": _words("position"),
    "mj-section": _SECTION,
    "mj-selector": _words("path"),
    "mj-social": _PADDING
    | _FONT
    | _words(
        "align border-radius icon-height icon-padding icon-size inner-padding mode table-layout text-padding "
        "vertical-align"
    ),
    "mj-social-element": _PADDING
    | _FONT
    | _LINK
    | _words(
        "align alt background-color border-radius icon-height icon-padding icon-position icon-size sizes src srcset "
        "text-padding vertical-align"
    ),
    "mj-spacer": _PADDING | _BORDER | _words("height vertical-align width"),
    "mj-style": _words("inline"),
    "mj-table": _PADDING
    | _FONT
    | _words("align border cellpadding cellspacing role table-layout text-align vertical-align width"),
    "mj-text": _PADDING | _FONT | _words("align background-color height vertical-align"),
    "mj-title": frozenset(),
    "mj-wrapper": _SECTION,
    "mjml": _words("dir lang owa"),
}
_OF_ANY = _words("mj-all mj-class")  # what they say holds for other tags

_UNREAD = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|<!--.*?-->", re.DOTALL)
_TAG = re.compile(r"""<(mj[a-z0-9-]*)((?:[^<>"']|"[^"]*"|'[^']*')*)>""", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([a-zA-Z_][\w:.-]*)\s*=\s*(?:"[^"]*"|'[^']*')""")
_OPEN_OR_CLOSE = re.compile(r"""<(/?)(mj[a-z0-9-]*)((?:[^<>"']|"[^"]*"|'[^']*')*)>|<!--.*?-->""", re.DOTALL)
_INLINE_STYLE = re.compile(r"""<mj-style\s+inline\s*=\s*["']inline["']\s*>(.*?)</mj-style\s*>""", re.DOTALL)
_STAYS = re.compile(r"@|:[\w-]+[^;{}]*\{")  # rules that can stand in no element
_POSITION = re.compile(r"\s*(?:in root template)?\s*at position (\d+):\d+|\s*in root template")


def html_from_mjml(text: str) -> str:
    """A whole page; nothing is loaded and nothing read. Raises `BodyError` with the line in the filled-in text."""
    from mjml import mjml2html  # only a campaign in MJML needs it

    inlined = [css for css in _INLINE_STYLE.findall(text) if css.strip()]
    source = _INLINE_STYLE.sub(lambda found: _style_that_stays(found.group(1)), text)
    try:
        page: str = mjml2html(source, fonts={})
    except ValueError as error:
        raise BodyError(_said(str(error), source)) from None
    return inline_styles(page, extra="\n".join(inlined)) if inlined else page


def _style_that_stays(css: str) -> str:
    breaks = "\n" * css.count("\n")
    return f"<mj-style>{css}</mj-style>" if _STAYS.search(css) else f"<mj-style>{breaks}</mj-style>"


def _said(error: str, text: str) -> str:
    unclosed = _unbalanced(text)
    if unclosed:
        return f"is no MJML: {unclosed}"
    at = _POSITION.search(error)
    offset = int(at.group(1)) if at is not None and at.group(1) else None
    line = "" if offset is None else f" at line {text.encode()[:offset].count(10) + 1} of what is filled in"
    reason = safe_text(_POSITION.sub("", error), limit=200).strip()
    begins = "" if text.lstrip().startswith(("<mjml", "<!--")) else "; it must begin with <mjml>"
    return f"is no MJML{line}: {reason}{begins}"


def _unbalanced(text: str) -> str:
    """A sentence about the first tag that is not closed or not opened, '' when there is none."""
    waiting: list[tuple[str, int]] = []
    for tag in _OPEN_OR_CLOSE.finditer(text):
        name = (tag.group(2) or "").lower()
        if not name or tag.group(3).rstrip().endswith("/"):
            continue
        line = text.count("\n", 0, tag.start()) + 1
        if not tag.group(1):
            waiting.append((name, line))
        elif not waiting:
            return f"</{name}> at line {line} of what is filled in closes nothing"
        elif waiting.pop()[0] != name:
            return f"</{name}> at line {line} of what is filled in closes another tag than the one before it opened"
    return f"<{waiting[-1][0]}> at line {waiting[-1][1]} of what is filled in is not closed" if waiting else ""


def mjml_problems(name: str, source: str) -> Iterator[Problem]:
    """Tags of a template that there are not, and files that it would include past Jinja."""
    for tag, place, _ in _tags(name, source):
        if tag == "mj-include":
            hint = 'Write {% include "part.mjml.j2" %}, which reads files of the campaign folder.'
            yield Problem(place, "mj-include is not used here.", hint)
        elif tag not in _ATTRIBUTES and tag not in _OF_ANY:
            yield Problem(place, f"there is no tag {safe_text(tag, limit=60)} in MJML.", did_you_mean(tag, _ATTRIBUTES))


def mjml_warnings(name: str, source: str) -> Iterator[Problem]:
    """Attributes that their tag does not have: MJML leaves them out without a word."""
    for tag, place, attributes in _tags(name, source):
        known = _ATTRIBUTES.get(tag)
        if known is None:
            continue
        for attribute in attributes:
            if attribute not in known | _EVERYWHERE:
                hint = did_you_mean(attribute, sorted(known | _EVERYWHERE))
                yield Problem(place, f"{tag} has no attribute {safe_text(attribute, limit=60)}", hint)


def _tags(name: str, source: str) -> Iterator[tuple[str, Place, list[str]]]:
    read = _UNREAD.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), source)
    for tag in _TAG.finditer(read):
        line = read.count("\n", 0, tag.start()) + 1
        column = tag.start() - read.rfind("\n", 0, tag.start())
        yield tag.group(1).lower(), Place(name, line, column), _ATTRIBUTE.findall(tag.group(2))
