"""What a long list takes to be counted: in one pass with every row looked at, and with duplicates found."""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.contest import Size, WrongCount
from benchmarks.figures import Report, Spread, Target
from benchmarks.measured import Run, run

_ROWS, _SHORT = 1_000_000, 5_000
FILTERS = {
    "five columns": (
        '(country in ("DE", "FR") or plan contains "pro") and revenue > 5000 and not company contains "acme"'
        ' and joined >= 2022-01-01 and postcode startsWith "0"'
    ),
    "none": None,
}
_COLUMNS = "email,first_name,last_name,company,postcode,phone,country,joined,revenue,plan"
_DAMAGED = 10_000  # of so many rows one has a cell too few, and one an address that is none


def audience(size: Size) -> Report:
    """Whole commands, one after another in each round."""
    rows = _SHORT if size.short else _ROWS
    report = Report()
    counted: dict[str, list[Run]] = {name: [] for name in ("loop", *FILTERS, "full", "again")}
    with tempfile.TemporaryDirectory(prefix="mailtui-bench-") as folder:
        file = Path(folder) / "list.csv"
        _write(file, rows)
        megabytes = file.stat().st_size / 1e6
        for turn in range(size.rounds):
            home = Path(folder) / f"home{turn}"
            counted["loop"].append(run([sys.executable, "-m", "benchmarks.dict_reader", file], home))
            for name, rule in FILTERS.items():
                counted[name].append(run([*_command(file, rule), "--count"], home))
            counted["full"].append(run([*_command(file, FILTERS["five columns"]), "--count", "--full"], home))
            counted["again"].append(run([*_command(file, FILTERS["five columns"]), "--count", "--full"], home))
    _check(counted, rows)
    loop = Spread.of(one.wall for one in counted["loop"])
    table: list[Sequence[object]] = []
    for name, says in _SAYS.items():
        wall = Spread.of(one.wall for one in counted[name])
        peak = Spread.of(one.peak_mb for one in counted[name])
        ratio = wall.over(loop)
        report.data[name] = {"seconds": wall.as_json(), "peak_mb": peak.as_json(), "ratio": ratio.as_json()}
        table.append((says, wall.show(), ratio.show(), f"{rows / wall.median:,.0f}", f"{peak.median:.0f}"))
    report.add_table(("command", "seconds", "of the loop's time", "rows/s", "peak MB"), table)
    report.say(
        f"{rows:,} rows of 10 columns, {megabytes:,.0f} MB. Both count the same rows; mailtui also finds",
        f"{counted['none'][0].said['problems']:,} rows that get no mail, which the loop takes for good ones.",
    )
    if not size.short:
        _judge(report, counted, loop)
    return report


_SAYS = {
    "loop": "`csv.DictReader` in a loop, the same test",
    "five columns": "`audience --count`, filter over five columns",
    "none": "`audience --count`, every row and address looked at",
    "full": "`--count --full`, first time: duplicates too",
    "again": "`--count --full`, again",
}


def _judge(report: Report, counted: dict[str, list[Run]], loop: Spread) -> None:
    quick = counted["five columns"]
    ratio = Spread.of(one.wall for one in quick).over(loop).median
    peak = max(one.peak_mb for one in quick)
    report.targets += [
        Target("Counting a list of 1,000,000, of the time of csv.DictReader", 1.0, ratio, most=True),
        Target("Memory of counting it", 60.0, peak, most=True, unit="MB", digits=0),
    ]


def _command(file: Path, rule: str | None) -> list[str | Path]:
    words: list[str | Path] = [sys.executable, "-m", "mailtui", "audience", file, "--json"]
    return words if rule is None else [*words, "--filter", rule]


def _check(counted: dict[str, list[Run]], rows: int) -> None:
    damaged = len(range(1, rows, _DAMAGED)) + len(range(2, rows, _DAMAGED))
    for turn, loop in enumerate(counted["loop"]):
        for name in ("five columns", "full", "again"):
            said = counted[name][turn].said
            if (said["rows"], said["matched"], said["problems"]) != (rows, loop.said["matched"], damaged):
                raise WrongCount(f"{name} counted {dict(said)}, and the loop {dict(loop.said)}")


def _write(file: Path, rows: int) -> None:
    """A list as shops export them; damaged rows mean nobody, so that everyone counts the same."""
    chance = random.Random(6)
    firsts, lasts = (
        ["Ann", "Bob", "Cid", "Dora", "Emil", "Gina", "Jörg", "Mia", "Rosa", "Zoë"],
        ["Smith", "Müller", "Jones", "Rossi", "Novak", "Silva"],
    )
    companies = ("Acme Ltd", "Globex", "Initech", "Acme Rockets", "Vandelay", "Black Mesa", "Hooli", "Wonka", "Duff")
    countries, plans = (
        ["DE", "FR", "US", "GB", "IT", "ES", "NL", "PL", "SE", "AT"],
        ["free", "pro", "basic", "team", "proplus"],
    )
    with file.open("w", encoding="utf-8", newline="") as stream:
        stream.write(_COLUMNS + "\n")
        for number in range(rows):
            address = f"user{number}@example{number % 97}.com"
            end = f"{chance.choice(countries)},{2018 + number % 8}-{1 + number % 12:02d}-{1 + number % 28:02d}"
            rest = f"{end},{chance.randrange(1_000_000) / 100:.2f},{chance.choice(plans)}"
            if number % _DAMAGED == 1:
                address, rest = f"user{number}.example.com", f"{end},0,free"
            elif number % _DAMAGED == 2:
                rest = f"{end},0"
            names = f"{chance.choice(firsts)},{chance.choice(lasts)},{chance.choice(companies)}"
            codes = f"{chance.randrange(100_000):05d},+49{chance.randrange(10**9):09d}"
            stream.write(f"{address},{names},{codes},{rest}\n")
