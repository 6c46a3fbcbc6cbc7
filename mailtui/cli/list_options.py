"""Owns the options that say how a list is read, each named like the key of `audience:` in a campaign file."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from mailtui.errors import UsageError
from mailtui.service.list_options import ListOptions
from mailtui.service.lists import COLUMN_TYPES

Command = TypeVar("Command", bound=Callable[..., Any])

_SETTINGS = {
    "format": ("FORMAT", "csv, xlsx, json, jsonl, parquet or sqlite."),
    "encoding": ("NAME", "Such as utf-8, utf-16 or cp1252."),
    "delimiter": ("SIGN", "What stands between cells: comma, semicolon, tab, pipe or any sign."),
    "quote": ("SIGN", "What stands around cells; none where nothing does."),
    "header": ("LINE", "The line with the column names, from 1; none where there are none."),
    "address": ("COLUMN", "The column with the addresses."),
    "sheet": ("TAB", "The tab of a workbook or Google sheet, by name or from 1."),
    "range": ("CELLS", "Only a part of it, such as A3:F."),
    "records": ("PATH", "Where in a JSON file the list is, such as data.items."),
    "query": ("SQL", "Of a SQLite file: a SELECT, or the name of a table."),
}

_MEANING = (
    click.option(
        "--type",
        "given_types",
        multiple=True,
        metavar="COLUMN=TYPE",
        help=f"As what a column's cells compare: {', '.join(COLUMN_TYPES)}.",
    ),
    click.option("--group", is_flag=True, help="The rows of one address make one mail."),
    click.option(
        "--exclude", multiple=True, metavar="KIND", help="Leave out addresses: role, disposable or bad_domain."
    ),
)


def reading_options(command: Command) -> Command:
    """Add them to a command, which gets them as `options`."""

    @functools.wraps(command)
    def wrapper(*args: Any, given_types: tuple[str, ...], exclude: tuple[str, ...], group: bool, **kwargs: Any) -> Any:
        options: ListOptions = kwargs.pop("options")
        settings = dict(options.settings)
        if exclude:
            settings["exclude"] = " ".join(exclude)
        if group:
            settings["group"] = "yes"
        options = ListOptions(settings, dict(map(_type, given_types)), options.offline)
        return command(*args, options=options, **kwargs)

    for option in reversed(_MEANING):
        wrapper = option(wrapper)
    return source_options(wrapper)  # type: ignore[return-value]


def source_options(command: Command) -> Command:
    """Add those that say where the rows are and nothing of what they mean; the command gets them as `options`."""

    @functools.wraps(command)
    def wrapper(*args: Any, offline: bool, **kwargs: Any) -> Any:
        typed = {key: kwargs.pop(f"given_{key}") for key in _SETTINGS}
        settings = {key: text for key, text in typed.items() if text is not None}
        for key, text in settings.items():
            if not text.strip(" "):
                raise UsageError(f"--{key} is empty", hint="Leave it out to have it found out.")
        return command(*args, options=ListOptions(settings, offline=offline), **kwargs)

    wrapper = click.option("--offline", is_flag=True, help="Of a Google sheet, take the copy that was kept.")(wrapper)
    for key, (metavar, text) in reversed(_SETTINGS.items()):
        wrapper = click.option(f"--{key}", f"given_{key}", metavar=metavar, help=text)(wrapper)
    return wrapper  # type: ignore[return-value]


def _type(text: str) -> tuple[str, str]:
    column, sign, kind = text.rpartition("=")
    if not sign or not column.strip():
        raise UsageError(f"--type {text} is not COLUMN=TYPE", hint="For example: --type 'joined=date dmy'")
    return column, kind.strip()
