"""Templates that never end or eat memory, met by commands (M-09): a sentence, exit code 3, nothing left running."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import pytest

from mailtui.campaign.judging import Judge
from mailtui.campaign.trial import TrialRenderer
from mailtui.errors import ExitCode
from tests.cli.program import Mailtui

ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
GREEDY = (
    "{% set n = namespace(all=[]) %}"
    "{% for i in range(99999) %}{% set n.all = n.all + [('a' ~ i) * 200000] %}{% endfor %}"
)


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Less of what there is for a template, so that this takes no half minute."""

    def set_limits(*, seconds: float = 30.0, memory: int = 200) -> None:
        for module in ("trial", "judging"):
            monkeypatch.setattr(f"mailtui.campaign.{module}.START_SECONDS", seconds)
            monkeypatch.setattr(f"mailtui.campaign.{module}.MEMORY", memory * 1024 * 1024)
        for renderer in (TrialRenderer, Judge):
            assert renderer.__init__.__kwdefaults__ is not None
            monkeypatch.setitem(renderer.__init__.__kwdefaults__, "row_seconds", seconds)

    return set_limits


@pytest.mark.parametrize("command", ["check", "preview", "run"])
def test_m09_commands_end_with_a_sentence(mailtui: Mailtui, command: str, limits: Callable[..., None]) -> None:
    path = mailtui.campaign(1, port=2525)
    for template, seconds, said in (
        (ENDLESS, 0.3, "The message for row 1 (p0@example.com) was not rendered within 0.3 seconds"),
        (GREEDY, 30.0, "the template needs more memory than there is"),
    ):
        limits(seconds=seconds)
        (path.parent / "body.txt.j2").write_text(f"Hello {template}\n")
        ended = mailtui.call(command, path)
        assert ended.code == ExitCode.FINDINGS
        assert said in ended.out + ended.err
        assert "Traceback" not in ended.err
    assert not (mailtui.home.data / "outbox.db").exists()
    listed = subprocess.run(["ps", "--ppid", str(os.getpid()), "-o", "args="], capture_output=True, text=True)
    assert "mailtui.message" not in listed.stdout
