"""The index: built once, never half, never stale, never too many; and memory that does not grow with the list."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

import mailtui.audience.filling as filling
import mailtui.audience.index as index
from mailtui.audience.audience import open_audience
from mailtui.audience.index import evict
from mailtui.audience.reading import Reading, reading_to_json
from mailtui.audience.spec import AudienceSpec
from mailtui.errors import AudienceError

LIST = "email,name\n" + "".join(f"user{number}@example.com,N{number}\n" for number in range(200))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "list.csv").write_text(LIST)
    return tmp_path


def count(folder: Path, **options: str) -> int:
    spec = AudienceSpec.model_validate({"source": "list.csv", **options})
    with open_audience(spec, folder=folder, cache=folder / "cache") as audience:
        return sum(1 for _ in audience.recipients())


def indexes(folder: Path) -> list[Path]:
    return sorted((folder / "cache").iterdir())


def test_built_once_private_and_shared_by_filters(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert count(folder) == 200
    (path,) = indexes(folder)
    assert path.suffix == ".db"
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    def never(*_: object) -> None:
        raise AssertionError("the index is built a second time")

    monkeypatch.setattr(index, "fill", never)
    assert count(folder) == 200
    assert count(folder, filter='name == "N7"') == 1


def test_another_content_or_another_reading_is_another_index(folder: Path) -> None:
    count(folder)
    assert count(folder, delimiter=",") == 200
    assert len(indexes(folder)) == 2
    (folder / "list.csv").write_text(LIST + "last@example.com,Last\n")
    assert count(folder) == 201


def test_an_error_while_building_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(filling, "reading_to_json", fail)
        with pytest.raises(KeyboardInterrupt):
            count(folder)
    assert indexes(folder) == []
    assert count(folder) == 200


def test_a_list_that_changes_while_it_is_read_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = reading_to_json

    def meanwhile(*args: Reading) -> str:
        (folder / "list.csv").write_text(LIST + "x@example.com,X\n")
        return genuine(*args)

    monkeypatch.setattr(filling, "reading_to_json", meanwhile)
    with pytest.raises(AudienceError, match="changed while it was read"):
        count(folder)
    assert indexes(folder) == []


KILLED = """
import os, signal, sys
from pathlib import Path
import mailtui.audience.filling as filling
from mailtui.audience.audience import open_audience
from mailtui.audience.reading import Reading
from mailtui.audience.spec import AudienceSpec
filling.reading_to_json = lambda reading: os.kill(os.getpid(), signal.SIGKILL)
folder = Path(sys.argv[1])
open_audience(AudienceSpec(source="list.csv"), folder=folder, cache=folder / "cache")
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_a_kill_leaves_no_half_index(folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder)], check=False)
    assert done.returncode == -9
    (orphan,) = indexes(folder)
    assert orphan.suffix == ".tmp"
    assert count(folder) == 200
    old = time.time() - 2 * 86_400
    os.utime(orphan, (old, old))
    assert count(folder) == 200
    assert not orphan.exists(), "what a crash left half built goes after a day"


@pytest.mark.parametrize("garbage", [b"", b"not a database at all, but long enough to look" * 50])
def test_a_damaged_index_is_built_again(folder: Path, garbage: bytes) -> None:
    count(folder)
    (path,) = indexes(folder)
    path.write_bytes(garbage)
    assert count(folder) == 200


def test_old_indexes_go_first_by_age_then_by_size(tmp_path: Path) -> None:
    now = time.time()
    for name, age, size in (("ancient", 40 * 86_400, 10), ("older", 5_000, 100), ("newer", 100, 100), ("mine", 0, 100)):
        path = tmp_path / f"{name}.db"
        path.write_bytes(b"x" * size)
        os.utime(path, (now - age, now - age))
    (tmp_path / "other.txt").write_text("not ours")
    evict(tmp_path, keep=tmp_path / "mine.db", size_limit=250)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.db", "newer.db", "other.txt"]
    evict(tmp_path, keep=tmp_path / "mine.db", size_limit=50)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.db", "other.txt"]


MEASURED = """
import re, sys
from pathlib import Path
from mailtui.audience.audience import open_audience
from mailtui.audience.counting import count_stream
from mailtui.audience.reading import Reading
from mailtui.audience.spec import AudienceSpec
folder = Path(sys.argv[1])
spec = AudienceSpec(source=sys.argv[2], filter='name contains "7" or name matches "^N1"')
count_stream(spec, folder)
with open_audience(spec, folder=folder, cache=folder / "cache") as audience:
    audience.counts()
    for _ in audience.recipients(): pass
    for _ in audience.problems(): pass
# not ru_maxrss: a child starts with that of the process that started it, here a test process of any size
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_list(tmp_path: Path) -> None:
    peaks = []
    for rows in (20_000, 200_000):
        with (tmp_path / f"{rows}.csv").open("w") as stream:
            stream.write("email,name,note\n")
            for number in range(rows):
                # One in ten is a duplicate and one in ten a bad address, so these lists grow too.
                address = (
                    "nobody" if number % 10 == 1 else f"user{number - number % 10 * (number % 10 == 2)}@example.com"
                )
                stream.write(f'{address},N{number},"some words, {number}"\n')
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, str(tmp_path), f"{rows}.csv"], check=True, capture_output=True, text=True
        )
        peaks.append(int(done.stdout))
    # SQLite's page cache of 16 MB and its sorter fill on the way; 180,000 rows in memory would take twice that.
    assert peaks[1] - peaks[0] < 30 * 1024, peaks
    assert peaks[1] < 100 * 1024, peaks
