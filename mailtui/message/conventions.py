"""Owns how the cells of a list are written, as far as a message's filters need to know it."""

from __future__ import annotations

import dataclasses

from jinja2 import nodes

from mailtui.audience.findings import Understanding
from mailtui.message.column_filters import assigned_names, name_columns
from mailtui.message.frozen import MessageSource
from mailtui.message.locales import Conventions
from mailtui.message.mistakes import texts_of
from mailtui.message.templates import TemplateSet


def with_types(source: MessageSource, understanding: Understanding) -> MessageSource:
    """The message with the types of those columns that its filters read and that are written in a way of their own.

    Other columns do not count, so that a list may change where the message does not look.
    """
    styled = {
        name: kind.said
        for name, kind in zip(understanding.columns, understanding.types, strict=False)
        if kind.style and kind.kind in ("number", "date")
    }
    if not styled:
        return source
    trees = _trees(source)
    assigned = assigned_names(trees)
    read = frozenset[str]().union(*(name_columns(tree, assigned) for tree in trees))
    return dataclasses.replace(source, types=tuple(sorted((name, styled[name]) for name in styled if name in read)))


def conventions_of(source: MessageSource) -> Conventions:
    """How a message's filters write values and read cells."""
    assigned = assigned_names(_trees(source)) if source.types else frozenset()
    return Conventions(source.language, dict(source.types), assigned)


def _trees(source: MessageSource) -> list[nodes.Template]:
    """The syntax trees of all templates that have one; mistakes are told by who compiles them."""
    templates = TemplateSet(source.includes)
    found = [templates.parse(text) for text in texts_of(source).everything]
    return [tree for tree in found if isinstance(tree, nodes.Template)]
