"""`mailtui demo`: a campaign goes out in a minute, to a server on this machine that delivers nothing."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable

import click

from mailtui.cli import output, sending, watching
from mailtui.cli.check import finding_lines
from mailtui.cli.options import Whole
from mailtui.cli.signals import signals_heard
from mailtui.errors import ExitCode
from mailtui.kit.safe_text import safe_text
from mailtui.service.demo import Demo, prepare_demo
from mailtui.service.facade import Service
from mailtui.service.lists import Again


@click.command()
@click.option("--headless", is_flag=True, help="Without the terminal app.")
@click.option("--rows", type=Whole(1, 1_000_000), metavar="N", help="Send to a list of so many people.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON object.")
@click.option("--outbox", hidden=True)
@click.pass_obj
def demo(
    demo_app: Callable[[int | None], int | None] | None,
    headless: bool,
    rows: int | None,
    as_json: bool,
    outbox: str | None,  # noqa: ARG001
) -> int:
    """Send the sample campaign through the built-in sandbox. Nothing leaves this machine.

    On a terminal the app opens with the campaign loaded, ready to be started.
    """
    if demo_app is not None and not headless and not as_json:
        code = demo_app(rows)
        if code is not None:
            return code
    return asyncio.run(_demo(rows, as_json=as_json))


async def _demo(rows: int | None, *, as_json: bool) -> ExitCode:
    ready = await prepare_demo(os.environ, rows=rows)
    with Service.open(ready.environ) as service:
        campaign = service.campaigns.load(ready.campaign)
        with output.progress("Checking") as advance:
            found = await asyncio.to_thread(service.campaigns.check, campaign, every_row=False, progress=advance)
        if not as_json:
            _introduce(service, ready, finding_lines(found, stream=sys.stdout))
        plan = service.prepare(campaign, plan={})
        launch = await service.launch(plan, again=Again.ASK, progress=lambda _: None)
        with signals_heard() as signals:
            view = await sending.send(service, launch, signals)
        await watching.print_outcome(service, view, as_json=as_json)
    if not as_json:
        output.data(f"\nThe mails are in {ready.sandbox.folder / 'messages.mbox'}")
        output.data("Send your own: mailtui init my-campaign")
    return view.exit_code


def _introduce(service: Service, ready: Demo, findings: list[str]) -> None:
    shown = service.previews.of(service.campaigns.load(ready.campaign))
    output.data(output.bold("The sample campaign, to a sandbox on this machine; nothing leaves it.\n"))
    output.data("The first recipient's mail:\n")
    for name, value in shown.view.headers:
        if name in ("From", "To", "Subject"):
            output.data(f"    {name}: {safe_text(value)}")
    for line in (shown.view.text or "").splitlines()[:8]:
        output.data(f"    {safe_text(line)}".rstrip())
    output.data("    …\n")
    for line in findings:
        output.data(line)
    output.data("")
