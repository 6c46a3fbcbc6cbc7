"""X-05: whatever is noted, the log has one line an event, every line parses, and no address is in it."""

from __future__ import annotations

import io
import json
import logging
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailtui.kit.journal import broke, keep_journal, note, warn


@pytest.fixture
def journal() -> Iterator[io.StringIO]:
    logger = logging.getLogger("mailtui")
    before = logger.handlers[:], logger.level, logger.propagate
    stream = io.StringIO()
    keep_journal(stream)
    yield stream
    logger.handlers[:], logger.level, logger.propagate = before


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(codec=None), max_size=40), min_size=1, max_size=5))
def test_x05_hostile_text_is_one_line_that_says_the_same(journal: io.StringIO, texts: list[str]) -> None:
    journal.seek(0)
    journal.truncate()
    for text in texts:
        note("order", answer=text.replace("@", "a"))
    lines = journal.getvalue().split("\n")
    assert lines.pop() == ""
    assert [json.loads(line)["answer"] for line in lines] == [text.replace("@", "a") for text in texts]
    assert not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for line in lines for character in line)
    journal.getvalue().encode()


@pytest.mark.parametrize(
    "said",
    [
        "550 5.1.1 <zoë.x+tag@example.com>: user unknown",
        "'a@example.com' and b@[127.0.0.1]; c@xn--bcher-kva.example",
        "mailto:someone@example.org",
    ],
)
def test_x05_of_an_address_only_the_domain_is_kept(journal: io.StringIO, said: str) -> None:
    warn("held", reason=said)
    line = journal.getvalue()
    for name in ("zoë", "tag", "a@", "b@", "c@", "someone"):
        assert name not in line
    assert "@" in json.loads(line)["reason"]


def test_x05_a_defect_is_one_line_with_its_places_and_no_values(journal: io.StringIO) -> None:
    canary = "hunter2\n"
    try:
        raise ValueError("at once\nmore")
    except ValueError as error:
        broke("the runner broke", error)
    [line] = journal.getvalue().splitlines()
    assert json.loads(line)["error"] == "ValueError: at once\nmore"
    assert "test_journal.py" in json.loads(line)["through"][0]
    assert canary.strip() not in line


def test_nothing_is_said_where_no_journal_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    note("began")
    assert capsys.readouterr() == ("", "")
