"""`mailtui doctor`: the set-up at a glance."""

from __future__ import annotations

from dataclasses import asdict

import click

from mailtui.cli import output
from mailtui.cli.options import common
from mailtui.errors import ExitCode
from mailtui.kit.safe_text import safe_text
from mailtui.service.doctor import run
from mailtui.service.facade import Service

_MARKS = {"ok": "ok", "note": "note", "wrong": "WRONG"}


@click.command()
@common
def doctor(*, service: Service, as_json: bool) -> ExitCode:
    """Look at the set-up: versions, outbox, runner, keyring, folders, and where every setting comes from."""
    findings = run(service)
    origins = service.settings.provenance()
    if as_json:
        output.json_line(
            {"findings": [asdict(item) for item in findings], "settings": [asdict(item) for item in origins]}
        )
    else:
        for item in findings:
            output.data(f"{_MARKS[item.health]:<7}{item.name:<10}{safe_text(item.text)}")
            if item.hint:
                output.data(f"{'':<17}{safe_text(item.hint)}")
        output.data("")
        output.table(["setting", "value", "from"], [[item.key, item.value, item.origin] for item in origins])
    wrong = any(item.health == "wrong" for item in findings)
    return ExitCode.FINDINGS if wrong else ExitCode.DONE
