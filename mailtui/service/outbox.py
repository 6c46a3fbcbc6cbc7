"""Owns what a person may do with the outbox's file: look at it, check it, copy it, and accept an older copy of it."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mailtui import __version__
from mailtui.dispatch.lock import RunnerLock, runner_pid
from mailtui.errors import OutboxDamaged, OutboxOutdated, UsageError
from mailtui.kit.mounts import filesystem, risk
from mailtui.kit.sqlite import sqlite_version
from mailtui.outbox.facts import FileFacts, facts
from mailtui.outbox.health import Health, back_up, examine
from mailtui.outbox.migrating import kept_copy
from mailtui.outbox.opening import Outbox
from mailtui.outbox.states import CampaignState
from mailtui.outbox.witness import Witness, require_newest
from mailtui.service.facade import Service
from mailtui.service.views import CampaignView


@dataclass(frozen=True, slots=True)
class OutboxInfo:
    """What `outbox info` tells. `runner`: the process that works on it; `risk`: why its place is a bad one;
    `refused`: why nothing would be sent from it; `before_upgrade`: the copy from before its schema was last changed.
    """

    url: str
    path: Path
    facts: FileFacts
    sqlite: str
    filesystem: str | None
    risk: str | None
    runner: int | None
    refused: str | None
    before_upgrade: Path | None

    def to_json(self) -> dict[str, Any]:
        told = asdict(self)
        copy = None if self.before_upgrade is None else str(self.before_upgrade)
        return {**told, **told.pop("facts"), "path": str(self.path), "before_upgrade": copy}


def info(service: Service) -> OutboxInfo:
    """Look at the outbox's file at a glance. Raises `UsageError` when there is none yet."""
    outbox = _existing(service)
    found = outdated(service)
    return OutboxInfo(
        outbox.url,
        outbox.path,
        facts(outbox.path),
        ".".join(map(str, sqlite_version())),
        filesystem(outbox.path.parent),
        risk(outbox.path.parent),
        runner_pid(outbox.lock_file),
        None if found is None else found.title,
        kept_copy(outbox.path),
    )


def check(service: Service) -> Health:
    """Read the whole file. Raises `OutboxDamaged` with what is wrong, `UsageError` when there is none yet."""
    outbox = _existing(service)
    health = examine(outbox.path)
    if not health.ok:
        raise OutboxDamaged(str(outbox.path), faults=health.faults)
    return health


def backup(service: Service, target: Path | None) -> Path:
    """Copy the outbox, also while it is sent from; by default beside it, with the time in its name."""
    outbox = _existing(service)
    if target is None:
        moment = time.strftime("%Y%m%d-%H%M%S")
        target = outbox.path.with_name(f"{outbox.path.stem}-{moment}{outbox.path.suffix}")
    return back_up(outbox.path, target)


def outdated(service: Service) -> OutboxOutdated | None:
    """Why the outbox is refused as an older copy; None when it is not."""
    try:
        require_newest(_existing(service).path, service.settings.home.sightings)
    except OutboxOutdated as error:
        return error
    return None


def accept(service: Service) -> None:
    """Take an older copy for an outbox of its own from now on. Raises `RunnerBusy` while somebody works on it."""
    outbox = _existing(service)
    lock = RunnerLock.acquire(outbox.lock_file, version=__version__)
    try:
        Witness(outbox.path, service.settings.home.sightings).accept()
    finally:
        lock.release()


async def would_go_on(service: Service) -> list[CampaignView]:
    """The campaigns in which somebody waits, by what the outbox knows: a runner, or a resume, sends to them."""
    return [view for view in await service.views() if view.counts.open and view.state != CampaignState.DRAFT]


def _existing(service: Service) -> Outbox:
    """The outbox, unless there is none: nothing here makes one."""
    if not service.outbox.path.exists():
        raise UsageError(
            "There is no outbox yet", detail=str(service.outbox.path), hint="The first launch makes it: mailtui run"
        )
    return service.outbox
