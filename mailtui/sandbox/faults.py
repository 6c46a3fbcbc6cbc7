"""Owns what a fault is: one rule as data, where it may strike and what it may do, and the rules of one sandbox.

Rules are read from a file by `spec`; `plan` counts a server's events against them and draws the odds; `misconduct`
does to the wire what a rule says.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from itertools import pairwise

from mailtui.sandbox.limits import Limits
from mailtui.sandbox.manners import Manners

PAUSE = 0.01  # seconds between the pieces of a reply, enough for each to be read by itself


class Stage(StrEnum):
    """The moments at which a fault can strike.

    `CONNECT` is right after a connection was accepted, before TLS and greeting; `BODY` while the content comes, by DATA
    or in chunks; `BDAT` the reply to a chunk; `DOT` the reply to the end of the message, which the last chunk is too;
    `IDLE` after the reply to a message that was accepted.
    """

    CONNECT = "connect"
    GREETING = "greeting"
    EHLO = "ehlo"
    HELO = "helo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BDAT = "bdat"
    BODY = "body"
    DOT = "dot"
    IDLE = "idle"
    RSET = "rset"
    QUIT = "quit"


RECIPIENT_STAGES = frozenset({Stage.RCPT, Stage.DATA, Stage.BDAT, Stage.BODY, Stage.DOT, Stage.IDLE})
MESSAGE_STAGES = RECIPIENT_STAGES | {Stage.MAIL}
_WITHOUT_EFFECT = frozenset({Stage.CONNECT, Stage.GREETING, Stage.BODY, Stage.IDLE})


class Action(StrEnum):
    """What happens instead of the usual reply; a delay happens before it."""

    REPLY = "reply"
    DELAY = "delay"
    DROP = "drop"
    RESET = "reset"
    CUT = "cut"
    SILENCE = "silence"
    TRICKLE = "trickle"
    STALL = "stall"
    SLOW = "slow"
    REFUSE = "refuse"
    ACCEPT_THEN_DROP = "accept_then_drop"
    ACCEPT_THEN_RESET = "accept_then_reset"
    ACCEPT_THEN_CUT = "accept_then_cut"
    ACCEPT_THEN_SILENCE = "accept_then_silence"


ACCEPTING = frozenset(
    {Action.ACCEPT_THEN_DROP, Action.ACCEPT_THEN_RESET, Action.ACCEPT_THEN_CUT, Action.ACCEPT_THEN_SILENCE}
)
READING = frozenset({Action.STALL, Action.SLOW})
_TIMED = frozenset({Action.DELAY, Action.STALL, Action.REFUSE})


class Then(StrEnum):
    """What follows a reply: FIN, RST, FIN without the close_notify of TLS, or never a word again."""

    CLOSE = "close"
    RESET = "reset"
    CUT = "cut"
    SILENCE = "silence"


def reply_line(text: str) -> bytes:
    """A reply such as "550 5.1.1 No such user" as wire bytes."""
    return text.encode("utf-8") + b"\r\n"


@dataclass(frozen=True, slots=True)
class FaultRule:
    """One fault and when it strikes. All the conditions that are given must hold.

    `recipient` is a glob over addresses, for the stages from rcpt on; `connection` a connection's number from 1;
    `message` the number of the transaction on its connection, from 1. Events that pass these are counted: `nth`
    strikes at that one, `every` at each k-th, `odds` with that probability, `times` at most so often.

    `reply` is exact bytes, written in pieces of the sizes `chunks` (what is left over follows in one) or of `split`
    bytes each, `pause` seconds apart; `then` says what follows. A reply that begins with 2 (3 at the stage data)
    lets the command succeed, unless `accept` says so or otherwise; one with 421 closes the connection. The action
    trickle writes `reply` again and again, `pause` seconds apart.

    `seconds` is the length of a delay, of a stall (0: for ever) or of a refusal (0: for ever); at the stage idle how
    long after the reply the fault strikes, if the client says nothing before. `after` counts bytes of content as they
    come over the wire; `rate` is bytes a second.
    """

    stage: Stage
    action: Action
    reply: bytes = b""
    seconds: float = 0.0
    recipient: str | None = None
    connection: int | None = None
    nth: int | None = None
    every: int | None = None
    odds: float | None = None
    times: int | None = None
    message: int | None = None
    chunks: tuple[int, ...] = ()
    split: int | None = None
    pause: float = PAUSE
    then: Then | None = None
    accept: bool | None = None
    after: int = 0
    rate: float = 0.0

    def __post_init__(self) -> None:
        wrong = self._wrong_action() or self._wrong_reply() or self._wrong_condition()
        if wrong:
            raise ValueError(wrong)

    def _wrong_action(self) -> str:
        action, stage = self.action, self.stage
        if action in ACCEPTING and stage not in (Stage.DOT, Stage.BDAT):
            return f"{action} is only possible at the stages dot and bdat, where a message is accepted"
        if action in READING and stage is not Stage.BODY:
            return f"{action} is only possible at the stage body, where content is read"
        if action is Action.REFUSE and stage is not Stage.CONNECT:
            return "refuse is only possible at the stage connect"
        if action is Action.DELAY and stage is Stage.BODY:
            return "at the stage body there is no reply to delay; use stall"
        if action is Action.DELAY and stage is Stage.IDLE:
            return "at the stage idle there is no reply to delay; give seconds with another action"
        if action is Action.DELAY and not self.seconds:
            return "the action delay needs seconds above 0"
        if self.seconds and action not in _TIMED and stage is not Stage.IDLE:
            return f"the action {action} takes no seconds; a delay is a rule of its own"
        if (action is Action.SLOW) != (self.rate > 0):
            return "the action slow needs a rate above 0, and no other action takes one"
        if self.after and stage is not Stage.BODY:
            return "after counts bytes of content; it goes with the stage body only"
        return ""

    def _wrong_reply(self) -> str:
        replying = self.action is Action.REPLY
        if replying != bool(self.reply) and self.action is not Action.TRICKLE:
            return "the action reply needs the text of a reply, and no action but trickle takes one too"
        if self.action is Action.TRICKLE and not self.reply:
            return "the action trickle needs a reply that it can repeat"
        if (self.chunks or self.split or self.then) and not replying:
            return "chunks, split and then go with a reply"
        if self.chunks and self.split:
            return "chunks and split exclude each other"
        if self.accept is None:
            return ""
        if not replying and self.action is not Action.TRICKLE:
            return "accept goes with a reply or a trickle; there are accept_then_drop and the like for the others"
        if self.stage in _WITHOUT_EFFECT:
            return f"at the stage {self.stage} there is nothing to accept"
        return ""

    def _wrong_condition(self) -> str:
        if self.recipient is not None and self.stage not in RECIPIENT_STAGES:
            return f"at the stage {self.stage} no recipient is known; use rcpt, data, bdat, body, dot or idle"
        if self.message is not None and self.stage not in MESSAGE_STAGES:
            return f"at the stage {self.stage} there is no message; use mail, rcpt, data, bdat, body, dot or idle"
        if self.nth is not None and self.every is not None:
            return "nth and every exclude each other"
        return ""

    @property
    def succeeds(self) -> bool:
        """Whether the command takes effect in spite of the fault."""
        if self.action in ACCEPTING:
            return True
        if self.stage in _WITHOUT_EFFECT or self.action not in (Action.REPLY, Action.TRICKLE):
            return False
        if self.accept is not None:
            return self.accept
        return self.action is Action.REPLY and self.reply.startswith(b"3" if self.stage is Stage.DATA else b"2")

    def pieces(self) -> tuple[bytes, ...]:
        """The reply as it is to be written, piece by piece."""
        reply = self.reply
        sizes = self.chunks or ((self.split,) * (len(reply) // self.split) if self.split else ())
        cuts = [0]
        for size in sizes:
            cuts.append(min(cuts[-1] + size, len(reply)))
        cuts.append(len(reply))
        return tuple(reply[start:end] for start, end in pairwise(cuts) if end > start)

    def scaled(self, factor: float) -> FaultRule:
        """The same with its seconds multiplied, and bytes coming so much faster."""
        if factor == 1:
            return self
        return dataclasses.replace(
            self, seconds=self.seconds * factor, pause=self.pause * factor, rate=self.rate / factor
        )

    def concerns(self, connection: int, recipients: Sequence[str], message: int) -> bool:
        """Whether an event is one that this rule counts."""
        if self.connection is not None and self.connection != connection:
            return False
        if self.message is not None and self.message != message:
            return False
        glob = self.recipient
        return glob is None or any(fnmatchcase(address.lower(), glob.lower()) for address in recipients)


@dataclass(frozen=True, slots=True)
class Faults:
    """How one sandbox misbehaves: rules in order, the seed that `odds` are drawn with, limits, and manners.

    `time_scale` multiplies every length of time: 0.01 makes ten minutes six seconds. `manners` None: the usual ones.
    """

    rules: tuple[FaultRule, ...] = ()
    seed: int = 0
    time_scale: float = 1.0
    limits: Limits | None = None
    manners: Manners | None = None
