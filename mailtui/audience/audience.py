"""Owns the audience as others see it: a list, understood, checked, filtered, with nobody in it twice.

A duplicate is judged among the rows that are valid and match the filter, in the order of the list: the first
such row is kept. So a person whose first row is filtered out and whose second is not gets the mail.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

import apsw

from mailtui.audience.address import AddressError, parse_address
from mailtui.audience.findings import Understanding
from mailtui.audience.hygiene import BITS, Hygiene, HygieneKind, kinds_of
from mailtui.audience.index import Index, ListChanged, open_index
from mailtui.audience.left_out import LeftOut
from mailtui.audience.match import Matcher
from mailtui.audience.ordering import Looked, Views, search_steps
from mailtui.audience.problem import RowProblem
from mailtui.audience.reach import FILES_ONLY, Reach
from mailtui.audience.recipient import GROUP_LIMIT, AddedColumn, Recipient
from mailtui.audience.rules import Rule
from mailtui.audience.rules_tree import read_rule
from mailtui.audience.selection import Heard, Selection
from mailtui.audience.source import Source, find_source
from mailtui.audience.spec import AudienceSpec
from mailtui.audience.views import AudienceCounts, ListRow, ListView, RowView
from mailtui.errors import AudienceError, UsageError
from mailtui.kit.suggest import did_you_mean

Filter = str | Mapping[str, Any] | Rule | None
WHOLE_LIST = ListView()


def open_audience(
    spec: AudienceSpec,
    *,
    folder: Path,
    cache: Path,
    reach: Reach = FILES_ONLY,
    now: datetime | None = None,
    progress: Callable[[int], None] | None = None,
    identity: str | None = None,
) -> Audience:
    """Open a list. A relative `spec.source` is looked for in `folder`; its index is kept in `cache`.

    `reach` knows the addresses of roles and throw-away domains, and fetches sheets. `now` is what `within` counts
    from. `progress` hears how many rows have been read when the index has to be built, and 0 while a sheet is fetched;
    what it raises ends the reading and leaves nothing behind. A list with column names and no row opens,
    since it can be looked at; `require_sendable` refuses it. Raises `AudienceError` when the list is missing,
    empty or no text, has no column of addresses or not the one `spec.address` names; `RuleError` when the filter
    does not fit; `ListChanged` when an `identity` is given and the list has another one by now.
    """
    hygiene = reach.hygiene
    heard = None if progress is None else partial(progress, 0)
    source = find_source(spec, folder, spool=cache, sheets=reach.sheets, heard=heard, packed=True)
    try:
        if identity not in (None, source.identity):
            raise ListChanged(source.name)
        index = open_index(source, spec, cache, hygiene=hygiene, progress=progress)
    finally:
        source.discard()
    try:
        return Audience(index, spec, source, hygiene=hygiene, now=now)
    except BaseException:
        index.connection.close()
        raise


class Audience:
    """One list under one filter. Use it in a `with`, or close it."""

    def __init__(
        self, index: Index, spec: AudienceSpec, source: Source, *, hygiene: Hygiene, now: datetime | None
    ) -> None:
        self._index = index
        self._connection = index.connection
        self._reading = index.reading
        self._rows = index.rows
        self._hygiene = hygiene
        self._now = now
        self._grouped = spec.group
        self._unwanted = sum(BITS[kind] for kind in spec.exclude)
        self._ended = False
        self.added: AddedColumn | None = None
        """What recipients have beside their cells; the list's rows and the filter know nothing of it."""
        self._cells = ", ".join(f"c{number}" for number in range(len(index.reading.columns)))
        self.name = source.name
        """What a person calls the list: the path as given, or `standard input`."""
        self.identity = source.identity
        """Another one whenever the list's file was written to, or the sheet has other cells."""
        self.sheet = source.sheet
        """What is known of the copy of a Google sheet; None for a file."""
        self.rule = read_rule(spec.filter)
        """The filter as a tree, or None for everybody."""
        self._selection = self._select(self.rule)
        self._views = Views(index, self._selection)
        self._left_out = self._leave_out(self._selection)

    def __enter__(self) -> Audience:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the index. Calling it twice does no harm."""
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
        """The names of the columns, no two alike, in the order of the list; one that was added stands last."""
        return self._reading.columns if self.added is None else self.added.behind(self._reading.columns)

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

    def set_rule(self, rule: Rule | None) -> None:
        """Put the list under another filter. Raises `RuleError`; then the former one stays."""
        selection = self._select(rule)
        self._views.close()
        self._selection.close()
        self.rule, self._selection = rule, selection
        self._views = Views(self._index, selection)
        self._left_out = self._leave_out(selection)

    def counts(self, filter: Filter = None, *, heard: Heard | None = None) -> AudienceCounts:
        """Count the list under its own filter, or under another one given here. Raises `RuleError`.

        `heard` is told, several times a second, how many rows were looked at and how many match; what it raises ends
        the count.
        """
        if filter is None:
            return self._count(self._selection, heard)
        with self._select(read_rule(filter)) as selection:
            return self._count(selection, heard)

    def recipients(self, start_row: int = 0, last_row: int | None = None) -> Iterator[Recipient]:
        """Everybody who gets a mail: distinct, valid, matched, in the order of the list.

        `start_row` is the number of the first row to consider, `last_row` that of the last; an interrupted reader
        passes the last row it had. Who is a duplicate does not depend on them. Several iterators may be open at once.
        Where rows are grouped, a recipient has all rows of the address, wherever they stand, up to one more than
        `GROUP_LIMIT`: whoever has so many gets no mail, and takes no memory for the others.
        """
        columns, added = self._reading.columns, self.added
        last = self._rows if last_row is None else last_row
        for row, key, twin, cells in self._selection.kept(self._cells, start_row, last):
            fields = dict(zip(columns, cells, strict=True))
            rows: tuple[dict[str, str], ...] = ()
            if self._grouped:
                more = self._selection.more_of(key, row, self._cells, GROUP_LIMIT) if twin else ()
                rows = (fields, *(dict(zip(columns, other, strict=True)) for other in more))
            if added is not None:
                added.fill(key, rows or (fields,))
            yield Recipient(key, row, key, fields, rows)

    def keys(self) -> Iterator[tuple[int, int, str]]:
        """Row, line and key of everybody who gets a mail: `recipients` without their cells."""
        for row, key, _, cells in self._selection.kept("line", 0, self._rows):
            yield row, int(cells[0]), key

    def problems(self, limit: int | None = None) -> Iterator[RowProblem]:
        """Rows that no mail goes to: bad rows, bad addresses, duplicates and excluded kinds, in list order.

        Of duplicates and excluded kinds those that match the filter; where rows are grouped, nobody is a duplicate.
        """
        return islice(self._left_out.problems(), limit)

    def alike(self, rows: int) -> tuple[int, tuple[int, ...]]:
        """How many recipients' addresses differ from another one's in capital letters alone, and the first `rows`."""
        return sum(1 for _ in self._selection.alike()), tuple(heapq.nsmallest(rows, self._selection.alike()))

    def flagged(self, kind: HygieneKind, rows: int) -> tuple[int, tuple[int, ...]]:
        """How many recipients' addresses have a flag, and the first `rows`."""
        return self._selection.flagged(BITS[kind], rows)

    def row(self, number: int) -> RowView:
        """One data record, counted from 1. Raises `UsageError` when there is no such row."""
        if not 1 <= number <= self._rows:
            has = f"{self.name} has {self._rows:,} rows" if self._rows else f"{self.name} has no rows"
            raise UsageError(f"There is no row {number:,}", detail=has, hint="Rows count from 1, without the header.")
        problem = self._problem(number)
        matcher = self._selection.matcher
        found = self._connection.execute(
            f"SELECT line, key, flag, twin, {self._cells} FROM entry WHERE row = ?",  # noqa: S608 - names c0 to cN
            (number,),
        ).fetchone()
        if found is None:
            assert problem is not None
            return RowView(number, problem.line, {}, None, problem, matched=matcher is None, explanation=None)
        line, key, flag, twin, *cells = found
        explanation = None if matcher is None else matcher.explain(cells)
        held = explanation is None or explanation.held
        with_row = None
        if problem is None and held:
            problem, with_row = self._left_out.of_row(number, line, key, flag, cells, twin=bool(twin))
        further: tuple[int, ...] = ()
        if self._grouped and twin and held and problem is None and with_row is None:
            further = self._selection.further_rows(key, number, GROUP_LIMIT)
        fields = dict(zip(self._reading.columns, cells, strict=True))
        flags = tuple(self._hygiene.reason(key, bit) for bit in BITS.values() if flag & bit)
        return RowView(number, line, fields, key, problem, held, explanation, flags, with_row, further)

    def prepare(self, view: ListView, told: Looked | None = None) -> int:
        """Work a view of the list out, once; how many rows it has. Raises `UsageError` for an unknown column.

        `told` hears up to which row of the list has been looked; what it raises ends that.
        """
        self._require_going()
        if view.column is not None and view.column not in self._reading.columns:
            raise UsageError(f"The list has no column {view.column}", hint=did_you_mean(view.column, self.columns))
        return self._views.prepare(view, told)

    def page(self, first: int, count: int, view: ListView = WHOLE_LIST) -> list[ListRow]:
        """The rows at the positions `first` to `first + count - 1` of a view, bad ones included."""
        last = first + count - 1
        if self._views.plain(view):
            rows = self._list_rows("BETWEEN ? AND ?", (first, last))
            return [rows[row] for row in sorted(rows)]
        wanted = self._views.rows(view, first, last)
        rows = self._list_rows(f"IN ({', '.join('?' * len(wanted))})", tuple(wanted))
        return [rows[row] for row in wanted]

    def position(self, view: ListView, row: int) -> int | None:
        """Where a row stands in a view, from 1; None when it is not in it."""
        return self._views.position(view, row)

    def search(
        self,
        text: str,
        after: int,
        view: ListView = WHOLE_LIST,
        *,
        column: str | None = None,
        backwards: bool = False,
        told: Looked | None = None,
    ) -> int | None:
        """The first position of a view after `after`, or before it, whose row has a text, in one column or any.

        Upper and lower case are the same. None when there is no further one. `told` hears at which position the
        search is, several times a second; what it raises ends it.
        """
        length = self.prepare(view)
        for first, last in search_steps(after, length, backwards=backwards):
            found = self.search_within(text, first, last, view, column=column, backwards=backwards)
            if found is not None:
                return found
            if told is not None:
                told(first if backwards else last)
        return None

    def search_within(
        self, text: str, first: int, last: int, view: ListView = WHOLE_LIST, *, column: str | None, backwards: bool
    ) -> int | None:
        """The first position of a prepared view from `first` to `last`, or the last one, whose row has a text."""
        self._require_going()
        return self._views.search(view, text, first, last, column=column, backwards=backwards)

    def _list_rows(self, which: str, rows: tuple[int, ...]) -> dict[int, ListRow]:
        matcher = self._selection.matcher
        query = f"SELECT row, line, key, flag, twin, {self._cells} FROM entry WHERE row {which}"  # noqa: S608 - c0 to cN
        entries = list(self._connection.execute(query, rows))
        mailed = self._selection.mailed({key for _, _, key, _, twin, *_ in entries if twin})
        found = {
            row: ListRow(
                row,
                line,
                tuple(cells),
                key is not None,
                kinds_of(flag),
                matcher is None or matcher.test(cells),
                mailed.get(key) if twin else None,
            )
            for row, line, key, flag, twin, *cells in entries
        }
        query = f"SELECT row, line, text FROM problem WHERE kind = 'bad_row' AND row {which}"  # noqa: S608
        for row, line, text in self._connection.execute(query, rows):
            found[row] = ListRow(row, line, (text,), usable=False, matched=matcher is None)
        return found

    def matching(self, first: int, wanted: int, *, held: bool, among: int | None = None) -> list[ListRow]:
        """Up to `wanted` rows from `first` on for which the filter holds, or does not; a sample to look at.

        `among` is how many rows are looked at before it gives up; None means all of them.
        """
        if wanted < 1:
            return []
        self._require_going()
        condition = self._selection.condition if held else f"NOT {self._selection.condition}"
        query = (
            f"SELECT row, line, key, flag, {self._cells} FROM entry"  # noqa: S608 - c0 to cN
            f" WHERE row BETWEEN :first AND :last AND {condition} ORDER BY row LIMIT :wanted"
        )
        last = self._rows if among is None else first + among - 1
        return [
            ListRow(row, line, tuple(cells), key is not None, kinds_of(flag), held)
            for row, line, key, flag, *cells in self._selection.ask(query, first=first, last=last, wanted=wanted)
        ]

    def share(self, sample: int) -> float:
        """For which part of the list the filter holds, judged by about `sample` rows from all over it."""
        self._require_going()
        return self._selection.share(sample)

    def require_fitting(self, rule: Rule | None) -> None:
        """Raise `RuleError` when a filter names a column the list does not have, or a value no cell compares with."""
        if rule is not None:
            self._matcher(rule)

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

    def _problem(self, number: int) -> RowProblem | None:
        found = self._connection.execute(
            "SELECT line, row, kind, reason, text FROM problem WHERE row = ?", (number,)
        ).fetchone()
        return None if found is None else RowProblem(*found)

    def _require_going(self) -> None:
        """An interrupt between two statements would be lost on SQLite."""
        if self._ended:
            raise apsw.InterruptError

    def _count(self, selection: Selection, heard: Heard | None) -> AudienceCounts:
        self._require_going()
        problems: Any = self._connection.execute("SELECT count(*) FROM problem").get
        totals = selection.totals(heard)
        return AudienceCounts(
            rows=self._rows,
            valid=self._rows - int(problems),
            duplicates=0 if self._grouped else totals.repeats,
            problems=int(problems),
            matched=self._rows if selection.matcher is None else totals.matched,
            recipients=totals.valid - totals.excluded - totals.repeats,
            excluded=totals.excluded,
            grouped=totals.repeats if self._grouped else 0,
            remarkable=totals.remarkable,
            flagged=tuple(zip(BITS, totals.flagged, strict=True)),
        )

    def _select(self, rule: Rule | None) -> Selection:
        return Selection(self._index, None if rule is None else self._matcher(rule), unwanted=self._unwanted)

    def _leave_out(self, selection: Selection) -> LeftOut:
        return LeftOut(self._index, selection, self._hygiene, unwanted=self._unwanted, grouped=self._grouped)

    def _matcher(self, rule: Rule) -> Matcher:
        return Matcher.of_list(rule, self._reading.understanding, now=self._now)
