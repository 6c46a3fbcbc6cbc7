"""A whole check renders in child processes: what one process would find, the culprit named, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mailtui.audience.recipient import Recipient
from mailtui.campaign.campaign import load_campaign
from mailtui.campaign.judging import Judge
from mailtui.errors import TemplateError
from mailtui.kit.children import own_environment
from mailtui.message.compose import compile_message
from mailtui.message.mime import TransferEncoding
from mailtui.message.preflight import Preflight
from tests.campaign.conftest import WriteCampaign
from tests.cli.program import wait_until

COLUMNS = ("email", "first_name", "city")
ROWS = 1_500


class GivenUp(Exception):
    pass


def people() -> list[Recipient]:
    """Every kind of row a check tells apart, spread over more batches than one child has."""
    cells = [
        {"email": "x", "first_name": "" if row % 7 == 0 else "X" if row % 11 == 0 else f"Name{row}", "city": "York"}
        for row in range(1, ROWS + 1)
    ]
    return [Recipient(f"p{n}@example.com", n, f"p{n}@example.com", fields) for n, fields in enumerate(cells, 1)]


def in_children(path: Path, people: list[Recipient], *, seconds: float = 10.0) -> Preflight:
    source = load_campaign(path).read_message()
    preflight = Preflight(compile_message(source, COLUMNS, secret=b"s"))
    judge = Judge(source, COLUMNS, secret=b"s", date=0.0, with_rows=True, alive=lambda: None, row_seconds=seconds)
    with judge:
        assert sum(batch.rows for batch in judge.judge(iter(people), preflight)) == len(people)
    return preflight


def _children() -> dict[str, str]:
    listed = subprocess.run(["ps", "--ppid", str(os.getpid()), "-o", "pid=,args="], capture_output=True, text=True)
    return {line.split()[0]: line for line in listed.stdout.splitlines() if "mailtui.message" in line}


_before: dict[str, str] = {}


@pytest.fixture(autouse=True)
def others() -> None:
    """Note whose children are there already: an earlier test's app may have left one behind in this process."""
    _before.clear()
    _before.update(_children())


def children() -> list[str]:
    return [line for number, line in _children().items() if number not in _before]


def test_children_find_what_one_process_finds(write_campaign: WriteCampaign) -> None:
    path = write_campaign(body="{{ 1 // (first_name|length - 1) }} http://a.test {{ first_name }}\n")
    built = compile_message(load_campaign(path).read_message(), COLUMNS, secret=b"s")
    alone = Preflight(built)
    for row in people():
        alone.feed(row, built.render(row, date=0.0, encoding=TransferEncoding.EIGHT_BIT, smtputf8=True))
    assert in_children(path, people()).findings() == alone.findings()
    assert {"render", "blank-field", "plain-http"} <= {item.code for item in alone.findings()}
    assert not children()


@pytest.mark.parametrize(
    "slow",
    ["{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "{{ 'a' * 10**10 }}"],
    ids=["loop", "memory"],
)
def test_m09_a_row_that_overruns_is_named_with_many_before_it(write_campaign: WriteCampaign, slow: str) -> None:
    path = write_campaign(body="{% if first_name == 'Name701' %}" + slow + "{% endif %}hello\n")
    try:
        found = in_children(path, people(), seconds=1.5).findings()
    except TemplateError as error:
        assert "row 701 (p701@example.com)" in error.title
    else:
        assert [item.rows for item in found if item.code == "render"] == [(701,)]
    assert not children()


def test_a_child_that_is_killed_costs_no_row(write_campaign: WriteCampaign) -> None:
    path = write_campaign()
    source = load_campaign(path).read_message()
    preflight = Preflight(compile_message(source, COLUMNS, secret=b"s"))
    rows = 0
    with Judge(source, COLUMNS, secret=b"s", date=0.0, with_rows=True, alive=lambda: None) as judge:
        for batch in judge.judge(iter(people()), preflight):
            if not rows:
                os.kill(judge._children[0]._process.pid, signal.SIGKILL)
            rows += batch.rows
    assert rows == ROWS
    [special] = [item for item in preflight.findings() if item.code == "special-domain"]
    assert special.count == ROWS


def test_whoever_gives_up_leaves_no_child(write_campaign: WriteCampaign) -> None:
    """Also while a template never ends: nobody waits for it."""
    path = write_campaign(body="{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}\n")
    source = load_campaign(path).read_message()
    asked = 0

    def give_up() -> None:
        nonlocal asked
        asked += 1
        if asked > 5:
            raise GivenUp

    with (
        pytest.raises(GivenUp),
        Judge(source, COLUMNS, secret=b"s", date=0.0, with_rows=True, alive=give_up) as judge,
    ):
        list(judge.judge(iter(people()), Preflight(compile_message(source, COLUMNS, secret=b"s"))))
    assert not children()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_ends_a_check_at_once_and_leaves_no_child(write_campaign: WriteCampaign, tmp_path: Path) -> None:
    path = write_campaign(300, body="{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}\n")
    command = [sys.executable, "-m", "mailtui", "check", str(path)]
    environ = own_environment(os.environ) | {"MAILTUI_HOME": str(tmp_path / "home")}
    process = subprocess.Popen(command, env=environ, start_new_session=True, stderr=subprocess.PIPE)

    def group() -> list[str]:
        listed = subprocess.run(["ps", "-eo", "pgid=,args="], capture_output=True, text=True).stdout.splitlines()
        return [line for line in listed if line.split()[0] == str(process.pid) and "mailtui.message.judging" in line]

    wait_until(lambda: bool(group()))
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=20) == 130
    assert not group()
    assert process.stderr is not None
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
