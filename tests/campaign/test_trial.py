"""First renders happen in a child under limits: a loop without end, a bomb, a bad row, a child that dies."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from mailtui.audience.recipient import Recipient
from mailtui.campaign.campaign import load_campaign
from mailtui.campaign.trial import TrialRenderer
from mailtui.errors import TemplateError
from mailtui.message.rendered import RenderedMessage, RenderProblem
from tests.campaign.conftest import WriteCampaign

COLUMNS = ("email", "first_name", "city")


def recipients(*names: str) -> list[Recipient]:
    return [
        Recipient(f"p{row}@example.com", row, f"p{row}@example.com", {"email": "x", "first_name": name, "city": "York"})
        for row, name in enumerate(names, 1)
    ]


def trial(path: Path, *, seconds: float = 10.0) -> TrialRenderer:
    source = load_campaign(path).read_message()
    return TrialRenderer(source, COLUMNS, secret=b"s", date=0.0, row_seconds=seconds)


def test_rows_come_back_in_their_order_and_a_bad_one_fails_alone(write_campaign: WriteCampaign) -> None:
    path = write_campaign(body="{{ 10 // (first_name|length - 1) }} {{ first_name }}\n")
    with trial(path) as renderer:
        done = list(renderer.render(recipients("Ann", "B", "Čid")))
    assert [recipient.row for recipient, _ in done] == [1, 2, 3]
    kinds = [type(message) for _, message in done]
    assert kinds == [RenderedMessage, RenderProblem, RenderedMessage]
    assert isinstance(done[1][1], RenderProblem)
    assert done[1][1].row == 2
    assert isinstance(done[2][1], RenderedMessage)
    assert "Čid" in (done[2][1].text or "")


def test_thousands_of_rows_block_nobody(write_campaign: WriteCampaign) -> None:
    path = write_campaign(body="{{ first_name }}\n" + "x" * 3_000)
    with trial(path) as renderer:
        assert sum(1 for _ in renderer.render(recipients(*["N" * 900] * 2_000))) == 2_000


@pytest.mark.parametrize(
    "body",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{{ first_name }}{% endfor %}{% endfor %}",
    ],
    ids=["quiet", "writing"],
)
def test_a_loop_without_end_is_ended(write_campaign: WriteCampaign, body: str) -> None:
    path = write_campaign(body="{% if first_name == 'Loop' %}" + body + "{% endif %}hello\n")
    started = time.monotonic()
    with (
        pytest.raises(TemplateError, match=r"row 2 \(p2@example.com\)") as caught,
        trial(path, seconds=1.0) as renderer,
    ):
        list(renderer.render(recipients("Ann", "Loop", "Cid")))
    assert time.monotonic() - started < 20
    assert caught.value.hint


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of memory to set there")
@pytest.mark.parametrize("body", ["{{ 'a' * 10**10 }}", "{{ 10 ** (10 ** 8) }}", "{% set x = first_name * 10**10 %}"])
def test_a_memory_bomb_takes_no_memory(write_campaign: WriteCampaign, body: str) -> None:
    path = write_campaign(body=body + "\n")
    with trial(path, seconds=5.0) as renderer:
        try:
            [(_, message)] = renderer.render(recipients("Ann"))
        except TemplateError:
            return
        assert isinstance(message, RenderProblem)


def test_a_child_that_dies_is_told(write_campaign: WriteCampaign) -> None:
    with pytest.raises(TemplateError, match="signal 9"), trial(write_campaign()) as renderer:
        child = renderer._child
        assert child is not None
        os.kill(child.pid, signal.SIGKILL)
        list(renderer.render(recipients("Ann")))


def test_a_child_that_breaks_is_a_defect_of_ours_and_not_taken_for_one_without_memory(
    write_campaign: WriteCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "mailtui.kit.children.own_module", lambda _: [sys.executable, "-c", "import sys; sys.stdin.read(2); 1 / 0"]
    )
    with pytest.raises(TemplateError, match="exit status 1") as caught, trial(write_campaign()) as renderer:
        list(renderer.render(recipients("Ann")))
    assert "ZeroDivisionError" in caught.value.detail
    assert "report" in (caught.value.hint or "")


def test_the_child_has_no_secret_and_is_gone_at_the_end(
    write_campaign: WriteCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILTUI_PASSWORD_ACME", "hunter2")
    with trial(write_campaign()) as renderer:
        list(renderer.render(recipients("Ann")))
        child = renderer._child
        assert child is not None
        if Path("/proc").is_dir():
            assert b"hunter2" not in Path(f"/proc/{child.pid}/environ").read_bytes()
    assert child.poll() is not None
