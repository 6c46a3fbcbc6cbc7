"""Owns an account's workers in a campaign as a group: how many there are, who leaves, and that a defect is heard."""

from __future__ import annotations

import asyncio

from mailtui.dispatch.employer import Employer
from mailtui.dispatch.worker import Worker
from mailtui.outbox.records import WorkerSnapshot


class Crew:
    """The workers of one account in one campaign, who work for `employer`."""

    def __init__(self, employer: Employer, *, name: str) -> None:
        self._employer = employer
        self._name = name
        self._workers: list[Worker] = []
        self._leaving: list[Worker] = []  # dismissed, perhaps with a message still under way
        self._tasks: dict[Worker, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._workers)

    def size(self, wanted: int) -> None:
        """Have so many from now on; who is too many finishes what is under way."""
        while len(self._workers) > wanted:
            worker = self._workers.pop()
            worker.dismiss()
            self._leaving.append(worker)
        while len(self._workers) < wanted:
            worker = Worker(len(self._workers) + 1, self._employer)
            self._workers.append(worker)
            task = asyncio.create_task(worker.run(), name=f"{self._name} worker {worker.number}")
            task.add_done_callback(lambda _: self._employer.stir())
            self._tasks[worker] = task

    def pump(self) -> None:
        """There is something to send."""
        for worker in self._workers:
            worker.pump()

    def regear(self) -> None:
        """Another window is wanted."""
        for worker in self._workers:
            worker.regear()

    def finish(self) -> None:
        """Send nothing more for now, and keep no connection."""
        for worker in self._workers:
            worker.finish()

    def dismiss(self) -> None:
        """Everybody finishes for good."""
        for worker in self._workers:
            worker.dismiss()

    def abort(self, reason: str) -> None:
        """Drop every connection; what is unanswered becomes unknown."""
        for worker in (*self._workers, *self._leaving):
            worker.abort(reason)

    @property
    def busy(self) -> bool:
        """Whether a message is under way."""
        self._leaving = [worker for worker in self._leaving if worker.busy]
        return bool(self._leaving) or any(worker.busy for worker in self._workers)

    def reap(self) -> None:
        """A worker that ended by an exception is a defect: let it be heard."""
        for worker in [worker for worker, task in self._tasks.items() if task.done()]:
            self._tasks.pop(worker).result()

    async def part(self, patience: float) -> None:
        """Let the dismissed take leave of the server for so many seconds, then end them all."""
        leaving = [task for worker, task in self._tasks.items() if worker.leaving]
        if leaving:
            await asyncio.wait(leaving, timeout=patience)
        # A cancelled connect may return its connection all the same (asyncio.wait_for before Python 3.12); a worker
        # that is dismissed as well takes leave with it then, and does not wait for work that never comes.
        self.dismiss()
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def snapshots(self, now: float) -> tuple[WorkerSnapshot, ...]:
        """What each one is doing."""
        return tuple(worker.snapshot(now) for worker in self._workers)
