"""Owns the accounts of one campaign as a group: which can be used, who gets how many workers, and what is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from mailtui.dispatch.members import mailbox_address, members_from_json
from mailtui.dispatch.meter import WaitKind
from mailtui.dispatch.outlet import Head, Outlet
from mailtui.dispatch.split import Part, split
from mailtui.dispatch.tools import Tools
from mailtui.outbox.records import Campaign, WorkerSnapshot
from mailtui.outbox.timed_records import MeterSnapshot

_TRIED_AGAIN = 10 * 60.0  # seconds


class Pool:
    """`wall` is epoch seconds."""

    def __init__(self, outlets: Sequence[Outlet], *, wall: Callable[[], float]) -> None:
        self._outlets = tuple(outlets)
        self._wall = wall
        self._workers = 1
        self._usable: frozenset[int] = frozenset()
        self._carriers: dict[str, frozenset[int]] = {}

    def __iter__(self) -> Iterator[Outlet]:
        return iter(self._outlets)

    def __len__(self) -> int:
        return len(self._outlets)

    @property
    def names(self) -> list[str]:
        """The accounts'."""
        return [outlet.name for outlet in self._outlets]

    # who can be used

    @property
    def usable(self) -> frozenset[int]:
        """The numbers of the outlets that messages may be given to, when it was last looked."""
        return self._usable

    def carriers(self, bound: str) -> frozenset[int]:
        """The numbers of the outlets that may carry a mail with this From; all of them where it is empty."""
        found = self._carriers.get(bound)
        if found is None:
            address = mailbox_address(bound)
            found = frozenset(one.number for one in self._outlets if not bound or one.member.may_send_as(address))
            self._carriers[bound] = found
        return found

    def size(self, workers: int) -> None:
        """Have so many workers from now on, over all accounts."""
        self._workers = workers
        self.look()

    def look(self) -> bool:
        """See who can be used, and split the workers among them; whether anybody can."""
        now = self._wall()
        usable = [outlet for outlet in self._outlets if outlet.usable(now)]
        self._usable = frozenset(outlet.number for outlet in usable)
        for outlet in self._outlets:
            if outlet.number not in self._usable and not outlet.is_tried:
                outlet.stop()
        self._share(usable)
        return bool(usable)

    def _share(self, usable: list[Outlet]) -> None:
        """A server that is late, or cannot be reached at all, keeps one worker, who goes on trying."""
        prompt = [outlet for outlet in usable if not outlet.is_late] or usable
        if not prompt:
            return
        shares = split(self._workers, [Part(outlet.member.weight, outlet.most_workers) for outlet in prompt])
        wanted = {outlet.number: share for outlet, share in zip(prompt, shares, strict=True)}
        for outlet in self._outlets:
            outlet.crew.size(wanted.get(outlet.number, 1 if outlet in usable or outlet.is_tried else 0))

    def back_at(self) -> float | None:
        """When the first of those that cannot be used can be again, in epoch seconds; None when that is not known.

        Whoever waits for one that has a time looks meanwhile whether another one's server can be reached again.
        """
        now = self._wall()
        out = [outlet for outlet in self._outlets if outlet.number not in self._usable]
        times = [at for outlet in out if (at := outlet.back_at(now)) is not None]
        if times and any(outlet.is_tried for outlet in out):
            times.append(now + _TRIED_AGAIN * out[0].scale)
        return min(times, default=None)

    @property
    def waits_until(self) -> float | None:
        """When the first account goes on, in epoch seconds, while none of them begins a mail; None where one does, or
        nobody knows.
        """
        usable = [outlet for outlet in self._outlets if outlet.number in self._usable]
        if not usable:
            return self.back_at()
        pauses = [outlet.pause() for outlet in usable]
        times = [wait.until for wait in pauses if wait is not None and wait.until is not None]
        return min(times) if len(times) == len(usable) else None

    def tried_at(self, numbers: frozenset[int]) -> float | None:
        """When a mail that none but these can carry is worth another look, in epoch seconds; None: not by itself."""
        now = self._wall()
        return min((at for one in self._outlets if one.number in numbers and (at := _tried_at(one, now))), default=None)

    def why(self) -> str:
        """Why those that cannot be used cannot."""
        now = self._wall()
        waits = {outlet: wait for outlet in self._outlets if (wait := outlet.limited(now)) is not None}
        said = [
            outlet.why(now) if len(self) == 1 else f"{outlet.name}: {outlet.why(now)}"
            for outlet in self._outlets
            if outlet not in waits and not outlet.usable(now)
        ]
        said += dict.fromkeys(wait.reason for wait in waits.values())  # of a campaign's own limit once
        return "; ".join(said)

    @property
    def is_paced(self) -> bool:
        """Whether whoever can be used first waits for nothing but the pace that somebody asked for."""
        now = self._wall()
        waits = [wait for outlet in self._outlets if (wait := outlet.limited(now)) is not None]
        first = min(waits, key=lambda wait: wait.until or 0.0, default=None)
        return first is not None and first.until == self.back_at() and first.kind in (WaitKind.PACE, WaitKind.BATCH)

    @property
    def trouble(self) -> str:
        """What keeps accounts from being used now; empty when nothing does."""
        return self._said((outlet, outlet.trouble) for outlet in self._outlets)

    @property
    def note(self) -> str:
        """What keeps accounts from being used as well as they could be."""
        return self._said((outlet, outlet.note) for outlet in self._outlets)

    def _said(self, said: Iterable[tuple[Outlet, str]]) -> str:
        return "; ".join(text if len(self) == 1 else f"{outlet.name}: {text}" for outlet, text in said if text)

    @property
    def gear_note(self) -> str:
        """Why connections are spoken to as they are; empty while that is not known."""
        return next((outlet.gears.why for outlet in self._outlets if outlet.gears.why), "")

    @property
    def meters(self) -> tuple[MeterSnapshot, ...]:
        """How far limits are used, of the campaign once."""
        now = self._wall()
        return tuple(dict.fromkeys(meter for outlet in self._outlets for meter in outlet.meters(now)))

    # the workers of all

    def begin(self) -> None:
        """There is something to send."""
        for outlet in self._outlets:
            if outlet.number in self._usable or outlet.is_tried:
                outlet.begin()

    def pump(self) -> None:
        """There is something to send again, for those who were at it."""
        for outlet in self._outlets:
            outlet.crew.pump()

    def idle(self) -> None:
        """Nothing is to be sent for now, and no connection is kept."""
        for outlet in self._outlets:
            outlet.idle()

    def halt(self) -> None:
        """What can still be kept back is not to be sent."""
        for outlet in self._outlets:
            outlet.halt()

    def ask_window(self, window: int) -> None:
        """A person wants another window."""
        for outlet in self._outlets:
            outlet.gears.ask(window)
            outlet.crew.regear()

    def dismiss(self) -> None:
        """Everybody finishes for good."""
        for outlet in self._outlets:
            outlet.crew.dismiss()

    def abort(self, reason: str) -> None:
        """Drop every connection; what is unanswered becomes unknown."""
        for outlet in self._outlets:
            outlet.crew.abort(reason)

    @property
    def busy(self) -> bool:
        """Whether a message is under way."""
        return any(outlet.crew.busy for outlet in self._outlets)

    @property
    def working(self) -> bool:
        """Whether anybody has something to send."""
        return any(outlet.work.is_set() for outlet in self._outlets)

    def reap(self) -> None:
        """A worker that ended by an exception is a defect: let it be heard."""
        for outlet in self._outlets:
            outlet.crew.reap()

    async def part(self) -> None:
        """Take leave of the servers, and leave the accounts to others."""
        for outlet in self._outlets:
            outlet.slots.close()
        try:
            await asyncio.gather(*(outlet.crew.part(outlet.timeouts.quit) for outlet in self._outlets))
        finally:
            for outlet in self._outlets:
                outlet.share.leave()

    def snapshots(self, now: float) -> tuple[WorkerSnapshot, ...]:
        """What each worker is doing, numbered through."""
        for outlet in self._outlets:
            outlet.sample()
        found = [snapshot for outlet in self._outlets for snapshot in outlet.crew.snapshots(now)]
        if len(self) == 1:
            return tuple(found)
        return tuple(_numbered(number, snapshot) for number, snapshot in enumerate(found, 1))


def open_pool(head: Head, campaign: Campaign, tools: Tools) -> Pool:
    """The accounts of a campaign. Whoever launches it wants them to be tried, whatever was found out before."""
    members = members_from_json(campaign.endpoint)
    names = [member.name for member in members]
    tools.standing.forgive(names, before=campaign.launched_at or 0.0)
    tools.paces.forgive(names, before=campaign.launched_at or 0.0)
    alone = len(members) == 1
    outlets = [
        Outlet(number, member, head, tools, campaign=campaign.id, alone=alone) for number, member in enumerate(members)
    ]
    return Pool(outlets, wall=tools.wall)


def _tried_at(outlet: Outlet, now: float) -> float | None:
    """When an outlet is tried next; at once where its rest has just ended, which nobody may have looked at yet."""
    if outlet.is_tried:
        return now + _TRIED_AGAIN * outlet.scale
    return now if outlet.usable(now) else outlet.back_at(now)


def _numbered(number: int, snapshot: WorkerSnapshot) -> WorkerSnapshot:
    return snapshot if snapshot.number == number else replace(snapshot, number=number)
