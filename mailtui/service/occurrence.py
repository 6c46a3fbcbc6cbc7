"""Owns `mailtui occurrence`, which a runner starts: make the campaign of one time of a recurring one.

The campaign file, its list and its templates are read as they are now. What stands in the way is said as one line of
JSON, and is on record with the recurrence; its next time comes all the same.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from mailtui.errors import ExitCode, MailtuiError, UsageError
from mailtui.kit.hidden import without_secrets
from mailtui.kit.words import counted
from mailtui.outbox.states import CampaignState
from mailtui.outbox.timed_records import Recurrence
from mailtui.service.facade import Service
from mailtui.service.handover import require_handed
from mailtui.service.launching import LaunchPlan
from mailtui.service.lists import Again


def main(arguments: Sequence[str]) -> int:
    """Make it, unless it is there; prints `{"campaign": id}`, or `{"problem": sentence}`."""
    parser = argparse.ArgumentParser(prog="mailtui occurrence", description=__doc__)
    parser.add_argument("recurrence")
    parser.add_argument("at", type=float)
    parser.add_argument("--outbox", required=True)
    parser.add_argument("--secrets-fd", type=int, required=True)
    options = parser.parse_args(arguments)
    try:
        with os.fdopen(options.secrets_fd) as pipe:
            handed = require_handed(pipe.read())
        with Service.open({**os.environ, **handed.variables}, outbox=options.outbox) as service:
            for entry, secret in handed.secrets.items():
                service.secrets.tell(entry, secret)
            return _say({"campaign": make(service, options.recurrence, options.at)}, ExitCode.DONE)
    except MailtuiError as error:
        return _say({"problem": _in_a_line(error)}, error.exit_code)
    except OSError as error:
        return _say({"problem": f"{error.filename or 'a file'}: {error.strerror or error}"}, ExitCode.UNEXPECTED)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)


def make(service: Service, recurrence_id: str, at: float) -> str:
    """The id of the campaign of this time, which is there once, however often this is called.

    Raises `MailtuiError` for whatever would stop a launch by hand: mistakes in the campaign, a list that cannot be
    read, an account that is gone.
    """
    recurrence, there = asyncio.run(_found(service, recurrence_id, at))
    if there:
        return there
    given = json.loads(recurrence.arguments)
    campaign = service.campaigns.load(Path(recurrence.path), filter=given.get("filter"))
    plan = service.prepare(campaign, plan=given.get("plan", {}))
    found = service.campaigns.check(campaign, every_row=False, progress=lambda _done, _all: None)
    if found.errors:
        mistakes = [finding for finding in found.findings if finding.severity == "error"]
        more = f", and {counted(found.errors - 1, 'other mistake')}" if found.errors > 1 else ""
        raise UsageError(f"{campaign.path} has mistakes: {mistakes[0].message}{more}")
    return asyncio.run(_launched(service, plan, recurrence, at))


async def _found(service: Service, recurrence_id: str, at: float) -> tuple[Recurrence, str]:
    """The recurrence, and the id of the campaign that it has for this time, '' where there is none."""
    recurrence = await service.reader.recurrence(recurrence_id)
    if recurrence is None:
        raise UsageError(f"There is no recurrence {recurrence_id}", detail=service.outbox.url)
    there = await service.reader.occurrence(recurrence_id, at)
    return recurrence, there.id if there is not None and there.state is not CampaignState.DRAFT else ""


async def _launched(service: Service, plan: LaunchPlan, recurrence: Recurrence, at: float) -> str:
    of_this_time = dataclasses.replace(
        plan, start_at=at, schedule=recurrence.schedule, recurrence=recurrence.id, occurrence_at=at
    )
    launch = await service.launch(of_this_time, again=Again.NEW, progress=lambda _done: None)
    return launch.campaign.id


def _in_a_line(error: MailtuiError) -> str:
    said = [" ".join(text.split()).rstrip(".") for text in (error.title, error.detail)]
    return without_secrets(": ".join(filter(None, said)))


def _say(what: dict[str, str], code: ExitCode) -> int:
    """One line to the runner; one that has gone meanwhile needs no word."""
    try:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return int(code)
