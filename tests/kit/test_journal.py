"""X-05: whatever is noted, the log has one line an event, every line parses, and no address is in it."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import time
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailtui.kit.addresses import without_addresses
from mailtui.kit.hidden import hide
from mailtui.kit.journal import broke, keep_journal, note, warn


@pytest.fixture
def journal() -> Iterator[io.StringIO]:
    logger = logging.getLogger("mailtui")
    root = logging.getLogger()
    before = logger.handlers[:], logger.level, logger.propagate, root.handlers[:]
    hooks = threading.excepthook, sys.unraisablehook
    stream = io.StringIO()
    keep_journal(stream)
    yield stream
    logger.handlers[:], logger.level, logger.propagate, root.handlers[:] = before
    threading.excepthook, sys.unraisablehook = hooks


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
        "<o'zoë@example.com> and 'a@example.com'",
        '"zoë tag"@example.com, tag."a b"@example.com',
        {"zoë@example.com": ["a@example.com"]},
    ],
)
def test_x05_of_an_address_only_the_domain_is_kept(journal: io.StringIO, said: object) -> None:
    warn("held", reason=said)
    line = journal.getvalue()
    for name in ("o'", "zoë", "tag", "a@", "b@", "c@", "someone"):
        assert name not in line
    assert "@example" in str(json.loads(line)["reason"])


@pytest.mark.parametrize("strange", ['"\\', "a'", ' a"', "a@"])
def test_x05_a_long_text_is_shown_soon(strange: str) -> None:
    began = time.process_time()
    assert without_addresses(strange * 50_000 + " <ann@example.com>").endswith(" <…@example.com>")
    assert time.process_time() - began < 5


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


def test_c04_no_secret_is_in_it_whoever_writes_into_it(journal: io.StringIO) -> None:
    """Neither in what we note, nor in what Python, a thread or a library complains of."""
    secret = "hunter2-canary \x1b[2J"

    def breaks() -> None:
        raise RuntimeError(f"a library repeats {secret}")

    class Broken:
        def __del__(self) -> None:
            breaks()

    hide(secret)
    note("login", said=f"535 no {secret}")
    broke("it broke", ValueError(secret))
    try:
        breaks()
    except RuntimeError:
        logging.getLogger("asyncio").exception("Task exception was never retrieved: %r", secret)
    thread = threading.Thread(target=breaks)
    thread.start()
    thread.join()
    Broken()
    lines = [json.loads(line) for line in journal.getvalue().splitlines()]
    assert ["error" in line for line in lines] == [False, True, True, True, True]
    assert "RuntimeError: a library repeats (hidden)" in [line.get("error") for line in lines]
    assert "hunter2" not in journal.getvalue()
    assert "\x1b" not in journal.getvalue()
