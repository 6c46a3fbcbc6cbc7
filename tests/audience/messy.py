"""Files as people have them: what is in each, and what mailtui makes of it. `python -m tests.audience.messy` writes the
table of docs/lists.md anew."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mailtui.audience.audience import open_audience
from mailtui.audience.spec import AudienceSpec
from mailtui.errors import AudienceError
from scripts.page import table, write_block

PAGE = Path(__file__).parents[2] / "docs" / "lists.md"
PEOPLE = (
    ("ann@example.com", "Ann", "London"),
    ("zoe@example.com", "Zoë", "Orléans"),
    ("cid@example.com", "Cid", "Rome"),
)
NAMES = "email,name,city\n"
ROWS = "".join(",".join(row) + "\n" for row in PEOPLE)
PLAIN = NAMES + ROWS
NOISE = "".join(f"user{number}@example.com,Bob,Paris\n" for number in range(40))


@dataclass(frozen=True, slots=True)
class Case:
    """One file. `lost` are those of `people` whose rows cannot be read and must be told."""

    data: bytes
    lost: tuple[str, ...] = ()
    name: str = "list.csv"
    options: Mapping[str, Any] = field(default_factory=dict)
    refused: bool = False
    names: tuple[str, str, str] = ("email", "name", "city")
    people: tuple[tuple[str, str, str], ...] = PEOPLE


def _quoted(mark: str) -> str:
    return "email,name,city,note\n" + "".join(
        f'"{address}","{name}","{city}","says {mark}"\n' for address, name, city in PEOPLE
    )


def _wider(name: str, cells: tuple[str, str, str], delimiter: str = ",") -> str:
    rows = [",".join(("email", "name", "city")), *(",".join(person) for person in PEOPLE)]
    return "".join(
        f"{row.replace(',', delimiter)}{delimiter}{cell}\n" for row, cell in zip(rows, (name, *cells), strict=True)
    )


def _columns(count: int) -> bytes:
    more = [",".join(f"{word}{number}" for number in range(count - 3)) for word in ("tag", "x", "y", "z")]
    return _wider(more[0], (more[1], more[2], more[3])).encode()


CASES = {
    "plain UTF-8": Case(PLAIN.encode()),
    "UTF-8 with a byte order mark": Case(b"\xef\xbb\xbf" + PLAIN.encode()),
    "UTF-16 with a byte order mark": Case(PLAIN.encode("utf-16")),
    "UTF-16 without one, big-endian": Case(PLAIN.encode("utf-16-be")),
    "cp1252 (Windows)": Case(PLAIN.encode("cp1252")),
    "cp1250 (Windows, Central Europe)": Case(
        "email,name,city\nann@example.com,Łucja Żółć,Gdańsk\nzoe@example.com,Świętosława Gęś,Łódź\n"
        "cid@example.com,Józef Wójcik,Kraków\n".encode("cp1250"),
        people=(("ann@example.com", "Łucja Żółć", "Gdańsk"), ("zoe@example.com", "Świętosława Gęś", "Łódź"),
                ("cid@example.com", "Józef Wójcik", "Kraków")),
    ),
    "one cp1252 line in UTF-8": Case(
        (PLAIN + "ünal@example.com,Ünal,Köln\n").encode() + "x@example.com,Jörg,Ulm\n".encode("cp1252")
    ),
    "one UTF-8 line in cp1252": Case(
        (NAMES + "x@example.com,Jörg,Ulm\ny@example.com,Käthe,Ulm\n").encode("cp1252") + ROWS.encode(),
        lost=("zoe@example.com",),
    ),
    "semicolons, a decimal comma": Case(_wider("sum", ("1,50", "2,75", "3,20"), ";").encode()),
    "tabs": Case(PLAIN.replace(",", "\t").encode()),
    "pipes": Case(PLAIN.replace(",", "|").encode()),
    "first line sep=;": Case(b"sep=;\r\n" + PLAIN.replace(",", ";").encode()),
    "line breaks inside quotes": Case(_quoted("one,\r\ntwo").encode()),
    "doubled quotes": Case(_quoted('""hi""').encode()),
    "quotes with a backslash": Case(_quoted('\\"hi, you\\"').encode()),
    r"MySQL: \N, \" and other backslashes": Case(
        _wider("note", (r"\N", r"says \"hi\"", r"C:\new")).replace(",", "\t").encode()
    ),
    "a quote that is never closed": Case((NAMES + 'bob@example.com,"Bob,Paris\n' + ROWS + NOISE).encode()),
    "rows too short and too long": Case((PLAIN + "dan@example.com,Dan\neve@example.com,Eve,Oslo,x\n").encode()),
    "the same name twice, one without a name": Case(_wider("Name,,tag", ("a,b,c", "d,e,f", "g,h,i")).encode()),
    "no column names": Case(ROWS.encode(), names=("column_1", "column_2", "column_3")),
    "no column names, a bad address first": Case(
        b"dan(at)example.com,Dan,Oslo\n" + ROWS.encode(), names=("column_1", "column_2", "column_3")
    ),
    "delimiters at the ends of rows": Case((NAMES + ROWS.replace("\n", ",,\n")).encode()),
    "line ends of CR only": Case(PLAIN.replace("\n", "\r").encode()),
    "a NUL byte": Case((PLAIN + "dan@example.com,D\0n,Oslo\n").encode()),
    "a cell of 1 MB": Case(_wider("note", ("", "", "x" * 1_000_000)).encode()),
    "empty lines": Case(PLAIN.replace("\n", "\n\n").encode()),
    "a title block above the names": Case(("Customers 2026\n\nexported on,2026-01-31\n" + PLAIN).encode()),
    "a footer with a total": Case((PLAIN + "Total,3 people,\n").encode()),
    "names again further down, with a mark": Case(
        b"\xef\xbb\xbf" + (NAMES + ROWS[: ROWS.index("cid")] + "\ufeff" + NAMES + ROWS[ROWS.index("cid") :]).encode()
    ),
    "two tables, one below the other": Case((PLAIN + "\nid,email\n7,dan@example.com\n8,eve@example.com\n").encode()),
    "comments": Case(("# 2026, by it@example.com\n" + PLAIN + "#dan@example.com,Dan,Oslo\n").encode()),
    "Google contacts: two columns of addresses": Case(
        "E-mail 1 - Value,Name,City,E-mail 2 - Value\nann@example.com,Ann,London,ann@example.org\n"
        "zoe@example.com,Zoë,Orléans,\ncid@example.com,Cid,Rome,\n"
        "dan@example.com ::: d@example.com,Dan,Oslo,\n".encode(),
        names=("E-mail 1 - Value", "Name", "City"),
    ),
    "a column with the same address in all rows": Case(
        _wider("owner email", ("it@example.org",) * 3).replace("email,name", "contact,name", 1).encode(),
        names=("contact", "name", "city"),
    ),
    "names, lists and links as addresses": Case(
        (PLAIN + "Dan Ray <dan@example.com>,Dan,Oslo\neve@example.com; e@example.com,Eve,Oslo\n"
         "mailto:fay@example.com,Fay,Oslo\n‘gus@example.com’,Gus,Oslo\nhal@example.com.,Hal,Oslo\n").encode()
    ),
    "signs that cannot be seen": Case(
        (PLAIN.replace("ann@example.com", "\xa0ann@example.com\u200b") + "da\u200bn@example.com,Dan,Oslo\n"
         "\u200feve@example.com,Eve,Oslo\n").encode()
    ),
    "letters that were damaged before": Case((PLAIN + "dan@example.com,JÃ¶rg,KÃ¶ln\n").encode()),
    "letters that were lost before": Case((PLAIN + "dan@example.com,M\ufffdller,Ulm\n").encode()),
    "what spreadsheets leave behind": Case(_wider("phone,zip", ('4.4E+11,="01234"', "1,#REF!", "2,")).encode()),
    "NULL for nothing": Case(_wider("phone", ("NULL", "030 12", "NULL")).encode()),
    "cells cut at another sign": Case(PLAIN.replace(",", "^").encode(), refused=True),
    "codes with leading zeros": Case(_wider("postcode", ("01234", "45000", "00184")).encode()),
    "1,900 columns": Case(_columns(1_900)),
    "5,000 columns": Case(_columns(5_000), refused=True),
    "a web page saved as .csv": Case(
        b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Please, log in</body></html>\n", refused=True
    ),
    "gzip": Case(gzip.compress(PLAIN.encode(), mtime=0)),
    "an empty file": Case(b"", refused=True),
    "a list without addresses": Case(b"name,city\nAnn,London\n", refused=True),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a file: who gets a mail, with which cells; what was understood; what was told; whether refused."""

    people: tuple[tuple[str, str, str], ...]
    understood: str
    told: tuple[str, ...]
    refused: bool


def outcome(case: Case, folder: Path) -> Outcome:
    """Open the file as any list is opened."""
    (folder / case.name).write_bytes(case.data)
    spec = AudienceSpec(source=case.name, **case.options)
    try:
        audience = open_audience(spec, folder=folder, cache=folder / "cache")
    except AudienceError as error:
        return Outcome((), "–", (f"{error.title}. {error.hint}",), refused=True)
    with audience:
        found = audience.understanding
        settings = {**dict(found.settings), "address": found.address_column}
        counts = audience.counts()
        understood = "; ".join([
            *(f"{key} {_shown(finding.value)} ({finding.confidence})" for key, finding in settings.items()
              if key != "quote" or finding.confidence != "likely"),
            f"{counts.rows:,} rows, {counts.recipients:,} recipients",
        ])  # fmt: skip
        told = [*found.notes, *(f"Line {item.line}: {item.reason}" for item in audience.problems())]
        _, name, city = case.names
        people = tuple((one.address, one.fields[name], one.fields[city]) for one in audience.recipients())
    return Outcome(people, understood, tuple(told), refused=False)


def silently_wrong(case: Case, found: Outcome) -> list[str]:
    """People that the file has, and that neither came out as they stand in it nor were told."""
    if found.refused:
        return [] if case.refused else ["the file was refused"]
    missing = [address for address, *_ in case.people if address not in case.lost]
    wrong = [person[0] for person in case.people if person[0] in missing and person not in found.people]
    came = {address for address, *_ in found.people}
    return [*wrong, *(address for address in case.lost if address in came or not found.told)]


def outcomes(folder: Path) -> dict[str, Outcome]:
    """What comes of all files."""
    return {name: outcome(case, folder) for name, case in CASES.items()}


def lines(found: Mapping[str, Outcome]) -> list[str]:
    """The table of docs/lists.md."""
    rows = [
        (_plain(name), _plain(one.understood), "<br>".join(map(_plain, one.told)) or "nothing")
        for name, one in found.items()
    ]
    wrong = sum(1 for name, one in found.items() if silently_wrong(CASES[name], one))
    said = f"{len(rows)} files, {wrong} silently wrong. A test compares this table with what the program does."
    return [*table(("file", "what was understood", "what was told"), rows), "", said]


def _shown(value: str) -> str:
    return {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", "": "none"}.get(value, value)


def _plain(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        write_block(PAGE, "messy", "files", lines(outcomes(Path(temporary))))
