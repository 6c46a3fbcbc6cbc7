"""A campaign is open whatever its list is like: what does not fit is told with its place, and can be mended."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
import pytest_asyncio

from mailtui.errors import ConfigError, RuleError, UsageError
from mailtui.kit.paths import Home
from mailtui.service.facade import Service
from mailtui.service.samples import write_sample
from mailtui.service.workbench import Workbench


@pytest_asyncio.fixture
async def bench(home: Home) -> AsyncIterator[Workbench]:
    with Service.open(os.environ) as service:
        opened = Workbench(service)
        yield opened
        opened.close()


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    write_sample(tmp_path / "spring")
    return tmp_path / "spring" / "campaign.yaml"


def rewrite(path: Path, changes: Mapping[str, str]) -> int:
    """Replace texts in a file; the line where the first of them was."""
    text = path.read_text("utf-8")
    line = text[: text.index(next(iter(changes)))].count("\n") + 1
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, "utf-8")
    return line


@pytest.mark.parametrize(
    ("old", "new", "title", "key"),
    [
        ("address: email", "address: mail", "The list has no column mail", "address"),
        ("source: contacts.csv", "source: gone.csv", "There is no list gone.csv", "source"),
        ("address: email", "types: {zip: text}", "A type is given for zip", "types.zip"),
    ],
)
async def test_a_campaign_whose_list_cannot_be_read_is_open_and_can_be_mended(
    bench: Workbench, sample: Path, old: str, new: str, title: str, key: str
) -> None:
    line = rewrite(sample, {old: new})
    assert await bench.open(sample) is None
    assert bench.campaign is not None and bench.campaign.path == sample
    assert bench.open_list is None and bench.spec is None
    assert bench.trouble is bench.unread is not None
    assert bench.unread.title.startswith(title)
    assert f"{sample}:{line}:" in bench.unread.detail and f"audience.{key}" in bench.unread.detail
    with pytest.raises(UsageError):
        await bench.page(1, 5)
    draft = await bench.draft({}, anew=True)
    [(number, mistake)] = draft.mistakes
    assert draft.files[number].role == "campaign" and mistake.line == line
    assert mistake.message.startswith(title)
    assert [error.title for error in draft.others] == [bench.unread.title], "in full as well, with the list's columns"
    rewrite(sample, {new: old})
    opened = await bench.open(sample)
    assert opened is not None and opened.rows == 42
    assert bench.trouble is None
    assert (await bench.counts()).recipients == 34


async def test_a_campaign_whose_filter_does_not_fit_is_open_with_its_list(bench: Workbench, sample: Path) -> None:
    line = rewrite(sample, {"joined after": "joinned after"})
    opened = await bench.open(sample)
    assert opened is not None and opened.rows == 42
    assert bench.trouble is bench.misfit is not None
    [problem] = bench.misfit.problems
    assert (problem.place.file, problem.place.line) == (str(sample), line)
    assert "joinned" in bench.filter_text == bench.file_filter
    assert len(await bench.page(1, 5)) == 5
    bench.set_filter("")
    assert bench.trouble is None


async def test_a_list_that_was_lost_takes_nothing_of_the_one_before_along(bench: Workbench, sample: Path) -> None:
    await bench.open(sample)
    rewrite(sample, {"source: contacts.csv": "source: gone.csv"})
    await bench.open(sample)
    assert bench.open_list is None
    with pytest.raises(UsageError):
        await bench.counts()
    (bare := sample.parent / "bare.csv").write_text("email\nann@example.com\n")
    await bench.open(bare)
    assert bench.trouble is None and bench.campaign is None


async def test_what_cannot_be_opened_at_all_leaves_what_is_open(bench: Workbench, sample: Path) -> None:
    await bench.open(sample)
    before = bench.campaign, bench.open_list
    (broken := sample.parent / "broken.yaml").write_text("name: x\nnonsense: 1\n")
    with pytest.raises(ConfigError):
        await bench.open(broken)
    with pytest.raises(ConfigError):
        await bench.open(sample.parent / "gone.csv")
    assert (bench.campaign, bench.open_list) == before
    with pytest.raises(RuleError):
        bench.set_filter("nope == 1")
