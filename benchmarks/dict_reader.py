"""The usual way to count a list, for comparison: `csv.DictReader` in a loop, and the rule as Python. Prints JSON.

It takes every row for a good one: nothing is validated, nothing that is damaged is told.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path


def main() -> None:
    """Count the rows of a file, and those whom `benchmarks.parts.audience` means."""
    rows = matched = 0
    with Path(sys.argv[1]).open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            rows += 1
            if means(row):
                matched += 1
    print(json.dumps({"rows": rows, "matched": matched}))


def means(row: dict[str, str]) -> bool:
    """The filter of the benchmark as a person would write it in Python; a row too short has None at its end."""
    try:
        revenue = float(row["revenue"])
    except ValueError:
        return False
    return (
        (row["country"] in ("DE", "FR") or "pro" in (row["plan"] or "").lower())
        and revenue > 5000
        and "acme" not in row["company"].lower()
        and row["joined"] >= "2022-01-01"
        and row["postcode"].startswith("0")
    )


if __name__ == "__main__":
    main()
