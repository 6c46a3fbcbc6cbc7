"""Owns the audience as others see it: a list, understood, checked, filtered, with nobody in it twice.

A duplicate is judged among the rows that are valid and match the filter, in the order of the list: the first
such row is kept. So a person whose first row is filtered out and whose second is not gets the mail.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

import apsw

from mailtui.audience.address import AddressError, is_address, parse_address, plain_address
from mailtui.audience.csv_reader import BadRecord
from mailtui.audience.findings import Understanding
from mailtui.audience.index import open_index, read_problems
from mailtui.audience.match import Explanation, Matcher
from mailtui.audience.problem import RowProblem
from mailtui.audience.reading import Reading, original, read, understand
from mailtui.audience.recipient import Recipient
from mailtui.audience.rules import Rule
from mailtui.audience.rules_tree import read_rule
from mailtui.audience.selection import Selection, repeat_reason
from mailtui.audience.source import find_source
from mailtui.audience.spec import AudienceSpec
from mailtui.audience.views import AudienceCounts, ListRow, RowView, StreamCounts
from mailtui.errors import AudienceError, UsageError

Filter = str | Mapping[str, Any] | Rule | None


def open_audience(
    spec: AudienceSpec,
    *,
    folder: Path,
    cache: Path,
    now: datetime | None = None,
    progress: Callable[[int], None] | None = None,
) -> Audience:
    """Open a list. A relative `spec.source` is looked for in `folder`; its index is kept in `cache`.

    `now` is what `within` counts from. `progress` hears how many rows have been read when the index has to be
    built; what it raises ends the reading and leaves nothing behind. A list with column names and no row opens,
    since it can be looked at; `require_sendable` refuses it. Raises `AudienceError` when the list is missing,
    empty or no text, has no column of addresses or not the one `spec.address` names; `RuleError` when the filter
    does not fit.
    """
    source = find_source(spec, folder, spool=cache)
    try:
        connection, reading = open_index(source, spec, cache, progress=progress)
    finally:
        source.discard()
    try:
        rule = read_rule(spec.filter)
        return Audience(connection, reading, name=source.name, identity=source.identity, rule=rule, now=now)
    except BaseException:
        connection.close()
        raise


def count_stream(spec: AudienceSpec, folder: Path, *, now: datetime | None = None) -> StreamCounts:
    """Count rows, matches and problems in one pass, with no index and no memory that grows.

    Raises as `open_audience`.
    """
    source = find_source(spec, folder)
    try:
        reading = understand(source, spec)
        position = reading.address_position
        rule = read_rule(spec.filter)
        test = None if rule is None else _matcher(rule, reading, now).test
        rows = matched = problems = 0
        for _, cells in read(source, reading):
            rows += 1
            if isinstance(cells, BadRecord):
                problems += 1
                continue
            if plain_address(cells[position]) is None and not is_address(cells[position]):
                problems += 1
            if test is not None and test(cells):
                matched += 1
        return StreamCounts(rows, rows if test is None else matched, problems)
    finally:
        source.discard()


class Audience:
    """One list under one filter. Use it in a `with`, or close it."""

    def __init__(
        self,
        connection: apsw.Connection,
        reading: Reading,
        *,
        name: str,
        identity: str,
        rule: Rule | None,
        now: datetime | None,
    ) -> None:
        self._connection = connection
        self._reading = reading
        self._now = now
        self._ended = False
        self._matcher = None if rule is None else _matcher(rule, reading, now)
        self._selection = Selection(connection, self._matcher)
        self._rows = int(connection.execute("SELECT value FROM meta WHERE name = 'rows'").get)
        self._cells = ", ".join(f"c{number}" for number in range(len(reading.columns)))
        self.name = name
        """What a person calls the list: the path as given, or `standard input`."""
        self.identity = identity
        """Another one whenever the list's file was written to."""
        self.rule = rule
        """The filter as a tree, or None for everybody."""

    def __enter__(self) -> Audience:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the index. Calling it twice does no harm."""
        self._selection.close()
        self._connection.close()

    def interrupt(self) -> None:
        """End, from another thread, whatever is read or counted now or later; its reader gets `apsw.InterruptError`."""
        self._ended = True
        self._connection.interrupt()

    @property
    def understanding(self) -> Understanding:
        """How the list was read, each finding with how sure it is."""
        return self._reading.understanding

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, no two alike, in the order of the list."""
        return self._reading.columns

    @property
    def has_rows(self) -> bool:
        """Whether there is any data record."""
        return self._rows > 0

    @property
    def address_column(self) -> str:
        """The column with the addresses."""
        return self._reading.understanding.address_column.value

    def require_sendable(self) -> None:
        """Raise `AudienceError` when the list has no row at all."""
        if not self.has_rows:
            raise AudienceError(
                f"{self.name} has column names and no row",
                detail=f"Its columns: {', '.join(self.columns)}",
                hint="Add a line a person below the first.",
            )

    def counts(self, filter: Filter = None) -> AudienceCounts:
        """Count the list under its own filter, or under another one given here. Raises `RuleError`."""
        if filter is None:
            return self._count(self._selection)
        rule = read_rule(filter)
        assert rule is not None
        with Selection(self._connection, _matcher(rule, self._reading, self._now)) as selection:
            return self._count(selection)

    def recipients(self, start_row: int = 0, last_row: int | None = None) -> Iterator[Recipient]:
        """Everybody who gets a mail: distinct, valid, matched, in the order of the list.

        `start_row` is the number of the first row to consider, `last_row` that of the last; an interrupted reader
        passes the last row it had. Who is a duplicate does not depend on them. Several iterators may be open at once.
        """
        columns = self.columns
        last = self._rows if last_row is None else last_row
        for row, key, cells in self._selection.kept(self._cells, start_row, last):
            yield Recipient(key, row, key, dict(zip(columns, cells, strict=True)))

    def problems(self, limit: int | None = None) -> Iterator[RowProblem]:
        """Rows that no mail goes to: bad rows, bad addresses, and the filter's duplicates, in list order."""
        merged = heapq.merge(
            read_problems(self._connection),
            self._selection.duplicates(self._cells, self._reading),
            key=lambda problem: problem.line,
        )
        return islice(merged, limit)

    def alike(self, rows: int) -> tuple[int, tuple[int, ...]]:
        """How many recipients' addresses differ from another one's in capital letters alone, and the first `rows`."""
        return sum(1 for _ in self._selection.alike()), tuple(heapq.nsmallest(rows, self._selection.alike()))

    def row(self, number: int) -> RowView:
        """One data record, counted from 1. Raises `UsageError` when there is no such row."""
        if not 1 <= number <= self._rows:
            has = f"{self.name} has {self._rows:,} rows" if self._rows else f"{self.name} has no rows"
            raise UsageError(f"There is no row {number:,}", detail=has, hint="Rows count from 1, without the header.")
        problem = self._problem(number)
        found = self._connection.execute(
            f"SELECT line, key, twin, {self._cells} FROM entry WHERE row = ?",  # noqa: S608 - names c0 to cN
            (number,),
        ).fetchone()
        if found is None:
            assert problem is not None
            matched = self._matcher is None
            return RowView(number, problem.line, {}, None, problem, matched=matched, explanation=None)
        line, key, twin, *cells = found
        explanation = None if self._matcher is None else self._matcher.explain(cells)
        if problem is None and twin:
            first = self._selection.first_of(number)
            if first is not None:
                reason = repeat_reason(key, first)
                problem = RowProblem(line, number, "duplicate", reason, original(cells, self._reading))
        fields = dict(zip(self.columns, cells, strict=True))
        held = explanation is None or explanation.held
        return RowView(number, line, fields, key, problem, matched=held, explanation=explanation)

    def page(self, first: int, count: int) -> list[ListRow]:
        """The data records `first` to `first + count - 1` as they stand in the list, bad ones included."""
        last = first + count - 1
        rows = {
            row: ListRow(row, line, tuple(cells), usable=key is not None)
            for row, line, key, *cells in self._connection.execute(
                f"SELECT row, line, key, {self._cells} FROM entry WHERE row BETWEEN ? AND ?",  # noqa: S608 - c0 to cN
                (first, last),
            )
        }
        bad = self._connection.execute("SELECT row, line, text FROM problem WHERE row BETWEEN ? AND ?", (first, last))
        for row, line, text in bad:
            if row not in rows:
                rows[row] = ListRow(row, line, (text,), usable=False)
        return [rows[row] for row in sorted(rows)]

    def matching(self, first: int, wanted: int, *, held: bool, among: int | None = None) -> list[ListRow]:
        """Up to `wanted` rows from `first` on for which the filter holds, or does not; a sample to look at.

        `among` is how many rows are looked at before it gives up; None means all of them.
        """
        found: list[ListRow] = []
        if wanted < 1:
            return found
        self._require_going()
        query = f"SELECT row, line, key, {self._cells} FROM entry WHERE row >= ? ORDER BY row LIMIT ?"  # noqa: S608
        for row, line, key, *cells in self._connection.execute(query, (first, -1 if among is None else among)):
            if (self._matcher is None or self._matcher.test(cells)) is held:
                found.append(ListRow(row, line, tuple(cells), usable=key is not None))
                if len(found) == wanted:
                    break
        return found

    def share(self, sample: int) -> float:
        """For which part of the list the filter holds, judged by up to `sample` rows from all over it."""
        if self._matcher is None or not self._rows:
            return 1.0
        seen = held = 0
        query = f"SELECT {self._cells} FROM entry WHERE row = ?"  # noqa: S608 - c0 to cN
        chosen = random.Random(self._rows).sample(range(1, self._rows + 1), min(sample, self._rows))  # noqa: S311
        for row in sorted(chosen):
            for cells in self._connection.execute(query, (row,)):
                seen += 1
                held += self._matcher.test(cells)
        return held / seen if seen else 0.0

    def require_fitting(self, rule: Rule | None) -> None:
        """Raise `RuleError` when a filter names a column the list does not have, or a value no cell compares with."""
        if rule is not None:
            _matcher(rule, self._reading, self._now)

    @property
    def size(self) -> int:
        """How many data records there are, bad ones included."""
        return self._rows

    def find(self, address: str) -> RowView | None:
        """The row that stands for an address: the one that is kept, else its first; None when there is none."""
        try:
            key = parse_address(address).key
        except AddressError as error:
            raise UsageError(f"{address} is not a mail address", detail=str(error)) from None
        rows = [row for (row,) in self._connection.execute("SELECT row FROM entry WHERE key = ? ORDER BY row", (key,))]
        for row in rows:
            view = self.row(row)
            if view.matched:
                return view
        return self.row(rows[0]) if rows else None

    def explain(self, number: int) -> Explanation | None:
        """Why a row is in or out, clause by clause; None without a filter or for a row that cannot be read."""
        return self.row(number).explanation

    def _problem(self, number: int) -> RowProblem | None:
        found = self._connection.execute(
            "SELECT line, row, kind, reason, text FROM problem WHERE row = ?", (number,)
        ).fetchone()
        return None if found is None else RowProblem(*found)

    def _require_going(self) -> None:
        """An interrupt between two statements would be lost on SQLite."""
        if self._ended:
            raise apsw.InterruptError

    def _count(self, selection: Selection) -> AudienceCounts:
        self._require_going()
        problems = int(self._connection.execute("SELECT count(*) FROM problem").get)
        matched, matched_valid, duplicates = selection.totals()
        return AudienceCounts(
            rows=self._rows,
            valid=self._rows - problems,
            duplicates=duplicates,
            problems=problems,
            matched=self._rows if selection.matcher is None else matched,
            recipients=matched_valid - duplicates,
        )


def _matcher(rule: Rule, reading: Reading, now: datetime | None) -> Matcher:
    # A filter may say `email` whatever the column is called, as in Mailgrid; a real column of that name wins.
    return Matcher(rule, reading.columns, aliases={"email": reading.understanding.address_column.value}, now=now)
