"""Owns the grammars by which texts are coloured, and what of their trees has which colour.

They are loaded when a text of their kind is shown first. Where one is not installed, or is another than the queries
below were written for, the text is shown without its colours.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

NAMES = ("tag", "attribute", "string", "comment", "property", "number", "keyword", "heading", "mark", "wrong")
"""What parts of a text are called here; the style sheet has a colour for each."""
EMBEDDED = "css"
"""A part of a page that is a style sheet."""

_QUERIES: Mapping[str, str] = {
    "html": """
        (tag_name) @tag (erroneous_end_tag_name) @wrong
        (attribute_name) @attribute (quoted_attribute_value) @string (attribute_value) @string
        (doctype) @comment (comment) @comment
        (style_element (raw_text) @css)
    """,
    "css": """
        (tag_name) @tag (class_name) @attribute (id_name) @attribute
        (property_name) @property (feature_name) @property
        (plain_value) @string (string_value) @string (color_value) @number
        (integer_value) @number (float_value) @number
        (at_keyword) @keyword ["@media" "@import" "@charset" "@keyframes" "@supports"] @keyword (important) @keyword
        (comment) @comment
    """,
    "markdown": """
        (atx_heading) @heading (setext_heading) @heading
        (fenced_code_block) @string (indented_code_block) @string (html_block) @comment
        [(list_marker_minus) (list_marker_plus) (list_marker_star) (list_marker_dot) (list_marker_parenthesis)] @mark
        (thematic_break) @mark (block_quote_marker) @mark (link_destination) @string (link_label) @attribute
    """,
    "yaml": """
        (double_quote_scalar) @string (single_quote_scalar) @string (block_scalar) @string
        (boolean_scalar) @keyword (null_scalar) @keyword (integer_scalar) @number (float_scalar) @number
        (block_mapping_pair key: (_) @tag) (flow_pair key: (_) @tag)
        (comment) @comment
    """,
}


@dataclass(frozen=True, slots=True)
class Grammar:
    """A language as tree-sitter reads it, and the query for its colours."""

    language: Any
    query: Any
    parser: Any

    def parsed(self, old: bytes, new: bytes, tree: Any) -> Any:
        """The tree of a text. That of the text before it, `tree`, is changed where the texts differ: parsing only what
        was typed takes a fraction of the time.
        """
        if tree is not None:
            start = alike(old, new)
            tail = alike(old[start:][::-1], new[start:][::-1])
            before, after = len(old) - tail, len(new) - tail
            tree.edit(start, before, after, _point(old, start), _point(old, before), _point(new, after))
            return self.parser.parse(new, tree)
        return self.parser.parse(new)

    def captures(self, root: Any, first: int, last: int) -> Mapping[str, list[Any]]:
        """The parts of a tree within lines, from `first` up to `last`, by what they are, in their order; tree-sitter
        gives them in any.
        """
        from tree_sitter import QueryCursor

        cursor = QueryCursor(self.query)
        cursor.set_point_range((first, 0), (last, 0))
        found: Mapping[str, list[Any]] = cursor.captures(root)
        return {
            name: sorted(nodes, key=lambda node: (node.start_byte, -node.end_byte)) for name, nodes in found.items()
        }


def alike(one: str | bytes, other: str | bytes) -> int:
    """How many characters or bytes two texts begin with alike."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _point(text: bytes, offset: int) -> tuple[int, int]:
    return text.count(b"\n", 0, offset), offset - (text.rfind(b"\n", 0, offset) + 1)


@cache
def grammar(name: str) -> Grammar | None:
    """The grammar of html, css, markdown or yaml; None for others, and where it cannot be used here."""
    if name not in _QUERIES:
        return None
    try:
        tree_sitter = importlib.import_module("tree_sitter")
        language = tree_sitter.Language(importlib.import_module(f"tree_sitter_{name}").language())
        query = tree_sitter.Query(language, _QUERIES[name])
        return Grammar(language, query, tree_sitter.Parser(language))
    except (ImportError, AttributeError, ValueError):  # not installed, or of another version than these queries
        return None
