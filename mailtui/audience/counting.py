"""Owns counting a list in one pass, with no index and no memory that grows."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from mailtui.audience.address import are_plain, is_address, plain_address
from mailtui.audience.csv_blocks import Columns
from mailtui.audience.csv_reader import BadRecord
from mailtui.audience.match import Matcher
from mailtui.audience.match_columns import column_counter
from mailtui.audience.reach import FILES_ONLY, Reach
from mailtui.audience.reading import read_batches, understand
from mailtui.audience.rules_tree import read_rule
from mailtui.audience.source import find_source
from mailtui.audience.spec import AudienceSpec
from mailtui.audience.views import StreamCounts

_FEW = 12


def count_stream(
    spec: AudienceSpec, folder: Path, *, reach: Reach = FILES_ONLY, now: datetime | None = None
) -> StreamCounts:
    """Count rows, matches and problems. Raises as `open_audience`."""
    source = find_source(spec, folder, sheets=reach.sheets)
    try:
        reading = understand(source, spec)
        rule = read_rule(spec.filter)
        matcher = None if rule is None else Matcher.of_list(rule, reading.understanding, now=now)
        in_columns = None if matcher is None else column_counter(matcher)
        position = reading.address_position
        rows = matched = problems = 0
        for batch in read_batches(source, reading):
            if isinstance(batch, Columns):
                rows += batch.count
                problems += _unusable(batch.column(position))
                matched += batch.count if in_columns is None else in_columns(batch)
            else:
                rows += len(batch)
                good = [cells for _, cells in batch if not isinstance(cells, BadRecord)]
                problems += len(batch) - len(good) + _unusable([cells[position] for cells in good])
                matched += len(batch) if matcher is None else sum(map(matcher.test, good))
        return StreamCounts(rows, matched, problems)
    finally:
        source.discard()


def _unusable(cells: list[str]) -> int:
    """How many of these are no address that mail can go to."""
    if are_plain(cells):
        return 0
    if len(cells) <= _FEW:
        return sum(1 for cell in cells if plain_address(cell) is None and not is_address(cell))
    half = len(cells) // 2
    return _unusable(cells[:half]) + _unusable(cells[half:])
