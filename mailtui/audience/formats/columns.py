"""Owns what is found out about the columns of a list of any kind: which has the addresses, and their types."""

from __future__ import annotations

from collections.abc import Sequence

from mailtui.audience.address_column import address_notes, guess_address_column
from mailtui.audience.column_types import find_types, type_notes
from mailtui.audience.comparing import fold
from mailtui.audience.findings import Finding, Understanding, Unit
from mailtui.audience.heading import COLUMN_LIMIT, unique_names
from mailtui.audience.odd_cells import odd_notes
from mailtui.audience.source import Source
from mailtui.audience.spec import AudienceSpec
from mailtui.errors import AudienceError
from mailtui.kit.suggest import did_you_mean

SAMPLE_ROWS = 300
_SHOWN_COLUMNS = 40
_SHOWN_CELL = 60
_HEARD_EVERY = 1_000


def settle(
    source: Source,
    spec: AudienceSpec,
    *,
    format: Finding,
    settings: Sequence[tuple[str, Finding]],
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    unit: Unit,
    notes: Sequence[str] = (),
    texts: Sequence[str] | None = None,
) -> Understanding:
    """What was understood of a list with these columns, of which `rows` are the first; `texts` as in `odd_notes`.

    Raises `AudienceError` when there are too many columns, none with addresses, or not the one that `spec` names.
    """
    require_readable_width(source, len(columns))
    headed = any(key == "header" for key, _ in settings)
    address = find_address_column(source, spec, columns, rows, headed=headed)
    types = find_types(columns, rows, spec.types)
    return Understanding(
        format=format,
        settings=tuple(settings),
        columns=tuple(columns),
        types=types,
        address_column=address,
        notes=(
            *source.notes,
            *notes,
            *address_notes(columns, rows, address),
            *type_notes(columns, rows, types),
            *odd_notes(columns, rows, texts),
        ),
        unit=unit,
    )


class KeysFound:
    """The keys of records, in the order in which they were first seen, and the first records."""

    def __init__(self, source: Source) -> None:
        self.keys: dict[str, None] = {}
        self.count = 0
        self._source = source
        self._sample: list[dict[str, str]] = []

    def add(self, flat: dict[str, str]) -> None:
        """One record more. Raises `AudienceError` when the keys become too many."""
        self.count += 1
        if self._source.heard is not None and self.count % _HEARD_EVERY == 0:
            self._source.heard()
        if not flat.keys() <= self.keys.keys():
            self.keys.update(dict.fromkeys(flat))
            require_readable_width(self._source, len(self.keys))
        if len(self._sample) < SAMPLE_ROWS:
            self._sample.append(flat)

    @property
    def has_addresses(self) -> bool:
        """Whether a column of these records looks like addresses."""
        columns, rows, _ = self._grid()
        return bool(guess_address_column(columns, rows).value)

    def settle(
        self, spec: AudienceSpec, *, format: Finding, settings: Sequence[tuple[str, Finding]], unit: Unit
    ) -> Understanding:
        """What was understood of these records. Raises as `settle`."""
        columns, rows, notes = self._grid()
        return settle(
            self._source, spec, format=format, settings=settings, columns=columns, rows=rows, unit=unit, notes=notes
        )

    def _grid(self) -> tuple[tuple[str, ...], list[list[str]], tuple[str, ...]]:
        columns, notes = unique_names(tuple(self.keys))
        return columns, [[flat.get(key, "") for key in self.keys] for flat in self._sample], notes


def require_readable_width(source: Source, width: int) -> None:
    """Raise `AudienceError` for more columns than an index can hold."""
    if width > COLUMN_LIMIT:
        raise AudienceError(f"{source.name} has {width:,} columns", hint=f"Up to {COLUMN_LIMIT:,} are read.")


def find_address_column(
    source: Source, spec: AudienceSpec, columns: Sequence[str], rows: Sequence[Sequence[str]], *, headed: bool = True
) -> Finding:
    """The column with the addresses: the one that was given, else the one that looks like it.

    `headed` is whether the names stand in a row of the list, which may have been taken for another one.
    """
    if spec.address is not None:
        return _given(spec.address, columns)
    found = guess_address_column(columns, rows)
    if not found.value:
        raise AudienceError(
            f"{source.name} has no column with mail addresses",
            detail=f"Its columns: {shown_names(columns)}" + _first_row(columns, rows),
            hint=_how_to_name_it(columns, headed=headed),
        )
    return found


def _how_to_name_it(columns: Sequence[str], *, headed: bool) -> str:
    if headed and len(columns) == 1 and not columns[0].replace(" ", "").isalnum():
        return "It was read as one column. Say what stands between the cells: --delimiter SIGN, --quote SIGN or none."
    further = " Where the names stand further down, say their line: --header LINE." if headed else ""
    return f"Name the column: --address COLUMN, or audience: {{address: COLUMN}} in a campaign file.{further}"


def shown_names(names: Sequence[str]) -> str:
    """Names for an error, the first ones of many."""
    more = f" and {len(names) - _SHOWN_COLUMNS:,} more" if len(names) > _SHOWN_COLUMNS else ""
    return ", ".join(names[:_SHOWN_COLUMNS]) + more


def _given(name: str, columns: Sequence[str]) -> Finding:
    for candidate in columns:
        if candidate == name or fold(candidate) == fold(name.strip()):
            return Finding(candidate, "given", "as you said")
    raise AudienceError(
        f"The list has no column {name}",
        detail=f"Its columns: {shown_names(columns)}",
        hint=did_you_mean(name, columns),
    )


def _first_row(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    cells = [f"{name} = {cell[:_SHOWN_CELL]}" for name, cell in zip(columns, rows[0], strict=True) if cell]
    return "\nIts first row: " + ", ".join(cells[:_SHOWN_COLUMNS])
