"""Owns the render processes of one campaign: starting and ending them, what each has been given, what came back.

Rendering is most of what a mail costs, and the only part that needs neither the outbox nor a connection. The runner
stays the only writer: a process gets rows and gives bytes, and a row is here from the moment it is given away until its
mail is taken. Whatever becomes of a process, its rows are handed back, and nobody is lost or gets a mail twice.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mailtui.dispatch import rendering
from mailtui.dispatch.encoding import SentEncoding
from mailtui.dispatch.rendering import Answers, Kind, Mail, Nonsense, Order, Outcome, Overran, Row, own_bytes
from mailtui.kit.children import bare_environment, own_environment, own_module
from mailtui.kit.journal import note, warn
from mailtui.message.compose import CompiledMessage
from mailtui.message.dkim import Signer
from mailtui.outbox.records import Claim

_MEMORY = 1024 * 1024 * 1024  # of address space; a fresh Python maps a good part of it before it does anything
_READY_SECONDS = 30.0
_SILENT = 15  # times what a row may take; a process ends a long render by itself, unless it hangs below Python
_LEAST_SILENCE = 5.0  # seconds
_DEATHS = 3  # then rendering stays in the runner
_GIVEN = 16  # rows at once at most
_GIVEN_BYTES = 256 * 1024  # that they are expected to come to
_KEPT_BYTES = 16 * 1024 * 1024  # of mails that are rendered, or expected
_FIRST_GUESS = 2 * 1024 * 1024  # bytes of a mail, before there is one


@dataclass(frozen=True, slots=True)
class Batch:
    """Claims on their way to a process, as rows, and the messages that they need by number."""

    claims: Sequence[Claim]
    rows: list[Row]
    messages: Mapping[int, CompiledMessage]
    encoding: SentEncoding


class Renderers:
    """The processes of one campaign; without any, there is never room and never a mail."""

    def __init__(
        self,
        columns: tuple[str, ...],
        secret: bytes,
        campaign: str,
        *,
        seconds: float,
        signer: Signer | None = None,
        arrived: Callable[[], None],
        returned: Callable[[Sequence[Claim]], None],
    ) -> None:
        """`campaign` is its id; `seconds` a row may take; `signer` signs the mails; `arrived` hears of new ones,
        `returned` gets claims that nobody renders now.
        """
        signing = rendering.signing_of(signer)
        self._begin = rendering.order(Order.BEGIN, columns, secret, campaign, _MEMORY, seconds, signing)
        self._silence = max(_LEAST_SILENCE, _SILENT * seconds)
        self._arrived = arrived
        self._returned = returned
        self._children: list[_Child] = []
        self._ended: list[_Child] = []
        self._done: deque[tuple[Claim, Outcome]] = deque()
        self._done_bytes = 0
        self._out = 0
        self._own_bytes = 0  # that the own files of rows with processes add
        self._mail_bytes: float = _FIRST_GUESS
        self._measured = False
        self._suspects: deque[Batch] = deque()  # one row each, of processes that fell silent
        self._deaths = 0
        self.most = 64
        """How many rows may be with processes or rendered and waiting."""

    def __len__(self) -> int:
        """Rows that are here."""
        return self._out + len(self._done) + len(self._suspects)

    @property
    def processes(self) -> int:
        return len(self._children)

    @property
    def given_up(self) -> bool:
        """Whether processes died too often to start another."""
        return self._deaths >= _DEATHS

    @property
    def wanting(self) -> bool:
        """Whether rows are here that wait to be tried by a process alone, and there is none."""
        return bool(self._suspects) and not self._children

    # processes

    async def start(self) -> None:
        """Have one more process."""
        child = _Child(self._heard, self._lost)
        self._children.append(child)
        try:
            await child.start()
        except OSError as error:
            self._children.remove(child)
            self._deaths = _DEATHS
            warn("no render process could be started; the runner renders by itself", error=str(error))
            if not self._children:
                self._returned(self._drop_suspects())
            return
        child.write(self._begin)
        note("a render process begins", process=child.pid)

    def look(self) -> None:
        """End a process that says nothing any more."""
        now = asyncio.get_running_loop().time()
        for child in list(self._children):
            patience = self._silence if child.ready else _READY_SECONDS
            if (child.given or not child.ready) and now - child.heard_at > patience:
                self._silent(child)
        self._give_suspects()

    def _silent(self, child: _Child) -> None:
        given, messages, encoding = list(child.given), dict(child.messages), child.encoding
        warn("a render process said nothing for long and was ended", process=child.pid, rows=len(given))
        child.kill()
        self._forget(child)
        self._deaths += 1
        if child.alone:
            self._done.append((given[0][0], Overran()))
            self._arrived()
        elif given and encoding is not None and not self.given_up:
            # One of them hangs it, and nobody knows which: each goes to a process alone.
            self._suspects.extend(Batch([claim], [row], messages, encoding) for claim, row in given)
        else:
            self._returned([claim for claim, _ in given])
        if self.given_up and not self._children:
            self._returned(self._drop_suspects())

    def _lost(self, child: _Child) -> None:
        """A process ended, or talks nonsense: its rows go back."""
        if child not in self._children:
            return
        claims = [claim for claim, _ in child.given]
        self._forget(child)
        self._deaths += 1
        warn("a render process was lost; its rows are rendered anew", process=child.pid, rows=len(claims))
        if self.given_up and not self._children:
            claims += self._drop_suspects()
        self._returned(claims)

    def _forget(self, child: _Child) -> None:
        self._children.remove(child)
        self._out -= len(child.given)
        self._own_bytes -= sum(own_bytes(claim.files) for claim, _ in child.given)
        child.given.clear()
        child.end()
        self._ended.append(child)

    def _drop_suspects(self) -> list[Claim]:
        claims = [claim for batch in self._suspects for claim in batch.claims]
        self._suspects.clear()
        return claims

    def stop(self) -> None:
        """End all processes; what they had been given goes back, what is rendered stays."""
        claims = self._end_all()
        if claims:
            self._returned(claims)

    def _end_all(self) -> list[Claim]:
        claims = []
        for child in list(self._children):
            claims += [claim for claim, _ in child.given]
            child.kill()
            self._forget(child)
        return claims + self._drop_suspects()

    async def close(self) -> None:
        """Stop, and wait until they are gone."""
        self.stop()
        ended, self._ended = self._ended, []
        for child in ended:
            await child.wait()

    # rows

    @property
    def room(self) -> int:
        """How many rows a process should be given now."""
        if self._suspects or not any(child.free for child in self._children):
            return 0
        batch = max(1, min(_GIVEN, int(_GIVEN_BYTES / self._mail_bytes)))
        here = len(self)
        expected = self._expected_bytes
        if here and (here + batch > self.most or expected + batch * self._mail_bytes > _KEPT_BYTES):
            return 0
        return batch

    def has_room_for(self, size: int, *, beside: int) -> bool:
        """Whether rows whose own files add so many bytes should be given now. One always may, where there is no other,
        and `beside` says how many it would go with.
        """
        if beside and size > _GIVEN_BYTES:
            return False
        return not len(self) or self._expected_bytes + size <= _KEPT_BYTES

    @property
    def _expected_bytes(self) -> float:
        """Of mails that are rendered or will be."""
        return self._done_bytes + self._out * self._mail_bytes + self._own_bytes

    def give(self, batch: Batch) -> None:
        """Have rows rendered, by the process that has the fewest; only where there is room."""
        child = min((child for child in self._children if child.free), key=lambda child: len(child.given))
        child.give(batch)
        self._out += len(batch.claims)
        self._own_bytes += sum(own_bytes(claim.files) for claim in batch.claims)

    def _give_suspects(self) -> None:
        for child in self._children:
            if self._suspects and child.free and not child.given:
                batch = self._suspects.popleft()
                child.give(batch)
                child.alone = True
                self._out += 1
                self._own_bytes += sum(own_bytes(claim.files) for claim in batch.claims)

    def take(self) -> tuple[Claim, Outcome] | None:
        """The next row that is done."""
        if not self._done:
            return None
        done = self._done.popleft()
        if isinstance(done[1], Mail):
            self._done_bytes -= len(done[1].data)
        return done

    def drop(self) -> list[Claim]:
        """Stop, and forget everything; whose claims were here."""
        claims = [claim for claim, _ in self._done] + self._end_all()
        self._done.clear()
        self._done_bytes = 0
        return claims

    def change(self, changed: Callable[[Claim], Claim]) -> None:
        """Put another claim in the place of each."""
        self._done = deque((changed(claim), outcome) for claim, outcome in self._done)
        for child in self._children:
            child.given = deque((changed(claim), row) for claim, row in child.given)
        self._suspects = deque(
            replace(batch, claims=[changed(claim) for claim in batch.claims]) for batch in self._suspects
        )

    def _heard(self, child: _Child, answers: Iterable[Mail | Overran | str | Kind]) -> None:
        """Pair a process's answers with the rows that it was given. Raises `Nonsense`."""
        if child not in self._children:
            return
        for answer in answers:
            if isinstance(answer, Kind):  # it is ready
                child.ready = True
                continue
            if not child.given:
                raise Nonsense
            claim, _ = child.given[0]
            outcome = self._outcome(claim, answer)
            child.given.popleft()
            child.alone = False
            child.answered += 1
            self._out -= 1
            self._own_bytes -= own_bytes(claim.files)
            self._done.append((claim, outcome))
        self._give_suspects()
        self._arrived()

    def _outcome(self, claim: Claim, answer: Mail | Overran | str) -> Outcome:
        if isinstance(answer, Mail):
            self._done_bytes += len(answer.data)
            size = max(0, len(answer.data) - own_bytes(claim.files))
            known = self._mail_bytes if self._measured else size
            self._mail_bytes = max(
                size, known + (size - known) / 8
            )  # a large one counts at once, and is forgotten slowly
            self._measured = True
            return answer
        return answer if isinstance(answer, Overran) else rendering.problem_of(claim.row, answer)


class _Child(asyncio.SubprocessProtocol):
    """One process and its pipes."""

    def __init__(
        self, heard: Callable[[_Child, Iterable[Mail | Overran | str | Kind]], None], lost: Callable[[_Child], None]
    ) -> None:
        self.given: deque[tuple[Claim, Row]] = deque()
        self.messages: dict[int, CompiledMessage] = {}
        self.encoding: SentEncoding | None = None
        self.ready = False
        self.alone = False  # whether it has one row only, and is to get no other
        self.pid = 0
        self.answered = 0
        self._loop = asyncio.get_running_loop()
        self.heard_at = self._loop.time()
        self._heard = heard
        self._lost = lost
        self._answers = Answers()
        self._gone = asyncio.Event()
        self._transport: asyncio.SubprocessTransport | None = None
        self._input: asyncio.WriteTransport | None = None

    async def start(self) -> None:
        """Raises `OSError` where no process can be had."""
        await self._loop.subprocess_exec(
            lambda: self,
            *own_module("mailtui.dispatch.renderer"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=own_environment(bare_environment(os.environ)),
            # Ctrl-C in a terminal goes to a whole group: the runner wants its rows first.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )

    @property
    def free(self) -> bool:
        """Whether it can be given rows."""
        return self.ready and not self.alone

    def give(self, batch: Batch) -> None:
        if not self.given:
            self.heard_at = self._loop.time()  # it had nothing to say
        orders = [
            rendering.order(Order.MESSAGE, number, message.source.to_json())
            for number, message in batch.messages.items()
            if number not in self.messages
        ]
        self.messages.update(batch.messages)
        self.encoding = batch.encoding
        orders.append(rendering.order(Order.RENDER, batch.encoding.transfer.value, batch.encoding.smtputf8, batch.rows))
        self.given.extend(zip(batch.claims, batch.rows, strict=True))
        self.write(b"".join(orders))

    def write(self, data: bytes) -> None:
        assert self._input is not None
        self._input.write(data)

    def end(self) -> None:
        """Nothing more comes, so it ends by itself."""
        if self._input is not None:
            self._input.close()

    def kill(self) -> None:
        if self._transport is not None and self._transport.get_returncode() is None:
            self._transport.kill()

    async def wait(self) -> None:
        """Until nothing is left of it."""
        if self._transport is not None:
            await self._gone.wait()

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport
        self.pid = transport.get_pid()
        given = transport.get_pipe_transport(0)
        assert isinstance(given, asyncio.WriteTransport)
        self._input = given

    def pipe_data_received(self, fd: int, data: bytes) -> None:  # noqa: ARG002 - asyncio's signature
        self.heard_at = self._loop.time()
        try:
            self._heard(self, self._answers.feed(data))
        except Nonsense:
            self.kill()
            self._lost(self)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if fd == 1:
            self._lost(self)

    def process_exited(self) -> None:
        assert self._transport is not None
        note("a render process ended", process=self.pid, code=self._transport.get_returncode(), answered=self.answered)
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._gone.set()
