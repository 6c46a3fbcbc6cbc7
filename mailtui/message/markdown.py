"""Owns making HTML of Markdown: CommonMark with tables and strikethrough, and no HTML of its own."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_PAGE = """<!DOCTYPE html>
<html{language}>
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body>
{body}</body>
</html>
"""


def html_from_markdown(text: str, language: str = "") -> str:
    """A whole page; tags in the Markdown come out as the text they are. `language` is a tag such as de-AT."""
    attribute = f' lang="{language}"' if language else ""
    return _PAGE.format(language=attribute, body=_parser().render(text))


@functools.cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # only a campaign in Markdown needs it

    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
