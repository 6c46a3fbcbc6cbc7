"""Owns the pace that a server lets one account, or one recipient domain of it, have: found out from what it says.
A meter of it asks here.

Whoever is told to slow down goes on with a share of what was really accepted, and then faster with each mail that is
taken (`climb.py`). Where nothing is taken any more, and where a reply names a time, nothing goes for a while; then a
single mail goes first, one in each interval, until one is taken. Replies to mails that were under way together are one
reply, for nobody could have heard the others.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace

from mailtui.dispatch.climb import Climb
from mailtui.dispatch.meter import Wait, WaitKind
from mailtui.kit.rates import show_rate
from mailtui.smtp.outcome import SlowDown

_QUIET = 5.0  # seconds without a mail
_NEEDLESS_AFTER = 300.0  # seconds without a refusal, after which a pace that nobody needs is forgotten
_FAR_ABOVE = 2.0  # times what is accepted
_TOGETHER = 0.02  # seconds; of mails that follow so closely, one that is late is made up for
_WORTH_RECORDING = 0.1  # a change of the pace by so much
_AT_ONCE_KEPT = 30 * 60.0  # seconds, where it is not on record how long a number at a time was asked for


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a pace, as it is put on record. `cap` in messages a second, times in epoch seconds."""

    cap: float | None
    reason: str
    at: float
    rests_until: float | None = None
    at_once: int | None = None


class _Lately:
    """How many mails were accepted in the last seconds."""

    _SPAN = 2.0
    _PARTS = 8

    def __init__(self, scale: float) -> None:
        self._part = self._SPAN * scale / self._PARTS
        self._parts: deque[tuple[int, int]] = deque()

    def add(self, now: float) -> None:
        part = int(now / self._part)
        if self._parts and self._parts[-1][0] >= part:
            self._parts[-1] = (self._parts[-1][0], self._parts[-1][1] + 1)
        else:
            self._parts.append((part, 1))
            self._leave(part)

    def rate(self, now: float) -> float:
        """Messages a second."""
        return self._mails(now) / (self._PARTS * self._part)

    def _mails(self, now: float) -> int:
        self._leave(int(now / self._part))
        return sum(mails for _, mails in self._parts)

    def _leave(self, part: int) -> None:
        while self._parts and self._parts[0][0] <= part - self._PARTS:
            self._parts.popleft()

    def moved(self, by: float) -> None:
        parts = round(by / self._part)
        self._parts = deque((part + parts, mails) for part, mails in self._parts)


class Adaptive:
    """Of one account, or of one recipient domain of it. `now` is epoch seconds, `who` a mail's number.

    `cap` is in messages a second, None without a limit. Nothing begins before `rests_until`, and no more than
    `at_once` are under way. `reason` is what a person reads, `told_at` when the server last said so.
    """

    def __init__(self, *, scale: float, first_rest: float, known: Known | None = None) -> None:
        """`first_rest`: seconds of the first rest that no reply gave a time, each further one is twice as long; and
        between two mails that try first. `scale` shortens all times in tests; `known` is what is on record.
        """
        self._scale = scale
        self._first_rest = first_rest
        self._climb = Climb(scale=scale, cap=None if known is None else known.cap)
        self.reason = ""
        self.told_at = -math.inf
        self.rests_until: float | None = None
        """Stays when it is over, until a mail was taken."""
        self._at_once: int | None = None
        self._fixed_until = -math.inf  # until when cap and number are as they were asked for
        self._since: float | None = None  # the first refusal since a mail was taken
        self._rested = 0.0  # seconds of the last rest that no reply gave a time, since a mail was taken
        self._taken = 0  # mails that began after the last refusal
        self._well_since = math.inf  # the first mail that was taken after the last refusal
        self._steady_since = -math.inf  # since when mails have had answers without a pause
        self._heard_at = -math.inf
        self._began: dict[int, float] = {}
        self._next = -math.inf  # when the next may begin, by the cap
        self._probe_until = -math.inf  # when another may try, after a rest
        self._lately = _Lately(scale)
        self._recorded = known
        if known is not None:
            self._at_once, self.rests_until = known.at_once, known.rests_until
            self.reason, self.told_at = known.reason, known.at
            self._fixed_until = known.at + _AT_ONCE_KEPT * scale if known.at_once else -math.inf

    # mails

    def wait(self, now: float) -> Wait | None:
        """Why no mail may begin now; None when one may."""
        rests = self.rests_until
        if rests is not None and now < rests:
            return Wait(rests, self.reason, WaitKind.ASKED)
        if rests is not None and now < self._probe_until:
            return Wait(self._probe_until, self.reason, WaitKind.ASKED)
        if self.at_once is not None and len(self._began) >= self.at_once:
            return Wait(None, self.reason, WaitKind.UNDER_WAY)
        if self.cap is not None and now < self._next:
            return Wait(self._next, self.reason, WaitKind.ASKED)
        return None

    def begin(self, now: float, who: int) -> None:
        """A mail begins; `over` is to be said of it, whatever becomes of it."""
        self._began[who] = now
        if self.rests_until is not None:
            self._probe_until = now + self._first_rest * self._scale
        if self.cap is not None:
            quiet = now - max(self._next, self.rests_until or 0.0)
            if quiet > _QUIET * self._scale or not self._climb.counts:
                self._climb.count_anew(now)
            gap = 1 / self.cap
            self._next = max(self._next, now - _TOGETHER if gap < _TOGETHER else now) + gap

    def over(self, who: int) -> None:
        """A mail is under way no more."""
        self._began.pop(who, None)

    # what was heard

    def refused(self, slow: SlowDown, reason: str, now: float, who: int | None = None, *, before: float = 0.0) -> bool:
        """A reply asks to slow down, for a `reason` that a person reads; whether that changed anything. `who`: the mail
        that was refused, None on connecting; `before`: messages a second that were accepted lately, while there was no
        cap, 0 where that is not known.
        """
        # A mail that is not known began before anything was said. Connections are refused together within a second.
        began = now - self._scale if who is None else self._began.get(who, 0.0)
        ends = now + slow.seconds * self._scale
        if began <= self.told_at and not (slow.at_once and ends > (self.rests_until or now) + self._scale):
            return False
        if self._since is None:
            self._since = now
        self.reason = reason
        if slow.at_once:
            self._rest(slow.seconds, now)
        elif not self._ask_less(slow, now, ends):
            self._cut(slow, now, before)
        self.told_at = now
        self._taken = 0
        return True

    def _ask_less(self, slow: SlowDown, now: float, until: float) -> bool:
        """Do what a reply says that may go all the same; False where it says nothing new."""
        asked = False
        if slow.rate is not None and (self.cap is None or self.cap > slow.rate / self._scale):
            self._climb.keep_to(slow.rate / self._scale, now)
            asked = True
        if slow.connections is not None and (self._at_once is None or self._at_once > slow.connections):
            self._at_once = slow.connections
            asked = True
        if asked:
            self._fixed_until = until
        return asked

    def _cut(self, slow: SlowDown, now: float, before: float) -> None:
        climb = self._climb
        if climb.cap is None:
            climb.begin_at(before, now)
        elif self._taken:
            climb.cut(now)
        else:  # not even one since it was last told
            least = max(self._first_rest, self.gap / self._scale)
            self._rested = min(slow.seconds, max(least, 2 * self._rested))
            self._rest(self._rested, now)
            return
        self._next = max(self._next, now + self.gap)

    def _rest(self, seconds: float, now: float) -> None:
        self.rests_until = max(self.rests_until or now, now + seconds * self._scale)
        if self._climb.cap is None:
            self._climb.begin_at(0.0, now)

    def answered(self, now: float, who: int, *, taken: bool) -> bool:
        """A mail got its final word; `taken`: it was accepted, and not refused for good. Whether anything changed."""
        if taken:
            self._lately.add(now)
            self._climb.taken()
        if now - self._heard_at > _QUIET * self._scale:
            self._steady_since = now
        self._heard_at = now
        began = self._began.get(who)
        if began is None or began <= self.told_at:
            return False  # it was under way before, and says nothing about what is allowed now
        rested = self.rests_until is not None
        if self._rested and taken:
            self._climb.learn(now)
            self._next = now + self.gap
        self._since, self._rested, self.rests_until = None, 0.0, None
        if not self._taken:
            self._well_since = now
        self._taken += taken
        return (taken and now >= self._fixed_until and self._rise(now)) or rested

    def _rise(self, now: float) -> bool:
        """More may go than before; False where no more is asked for."""
        if self._at_once is not None:
            self._at_once = None  # whoever was told so is told again where it still holds
        elif self.cap is None:
            return False
        if self.cap is not None:
            self._climb.rise(now)
            if self._is_needless(now):
                self._climb = Climb(scale=self._scale)
        return True

    def _is_needless(self, now: float) -> bool:
        quiet = now - self._well_since > _NEEDLESS_AFTER * self._scale
        steady = now - self._steady_since > _QUIET * self._scale
        return quiet and steady and self.cap is not None and self.cap > _FAR_ABOVE * self._lately.rate(now)

    def try_now(self, now: float) -> None:
        """A rest is over, whatever was asked for: one mail may try."""
        if self.rests_until is not None:
            self.rests_until = min(self.rests_until, now)

    # what is known

    @property
    def cap(self) -> float | None:
        """Messages a second, None without a limit."""
        return self._climb.cap

    @property
    def at_once(self) -> int | None:
        """How many mails may be under way, None for any number; one, where the first after a rest is to try."""
        return self._at_once if self.rests_until is None else 1

    @property
    def is_open(self) -> bool:
        """Whether everything may go, and nobody has to know more."""
        return self.cap is None and self._at_once is None and self.rests_until is None

    def was_heard_of(self, since: float) -> bool:
        """Whether anything was said since a time, or it rests longer than that."""
        return max(self.told_at, self._heard_at, self.rests_until or -math.inf) >= since

    @property
    def refuses_for(self) -> float:
        """Seconds from the first to the last refusal since a mail was taken, before `scale`."""
        return 0.0 if self._since is None else (self.told_at - self._since) / self._scale

    @property
    def gap(self) -> float:
        """Seconds between two mails, on the whole."""
        return 0.0 if self.cap is None else 1 / self.cap

    def said(self, now: float) -> tuple[str, float | None]:
        """What a person is told, in half a sentence, and until when nothing goes."""
        if self.rests_until is not None:
            return self.reason, max(self.rests_until, self._probe_until, now)
        parts = [] if self.cap is None else [f"{show_rate(float(f'{self.cap:.2g}'))} at the most"]
        parts += [] if self._at_once is None else [f"{self._at_once} at a time"]
        return "; ".join([*parts, self.reason]), None

    def take_unrecorded(self) -> Known | None:
        """What is to be put on record; None where that says it already, or nearly."""
        known = Known(self.cap, self.reason, self.told_at, self.rests_until, self._at_once)
        before = self._recorded
        if before is not None and known == replace(before, cap=known.cap) and _nearly(before.cap, known.cap):
            return None
        self._recorded = known
        return known

    def clock_moved(self, by: float) -> None:
        """The clock was put forward by so many seconds, and what is on record with it."""
        self.told_at += by
        self._fixed_until += by
        self._next += by
        self._probe_until += by
        self._well_since += by
        self._steady_since += by
        self._heard_at += by
        self._since = None if self._since is None else self._since + by
        self.rests_until = None if self.rests_until is None else self.rests_until + by
        self._began = {who: began + by for who, began in self._began.items()}
        self._lately.moved(by)
        self._climb.clock_moved(by)
        self._recorded = Known(self.cap, self.reason, self.told_at, self.rests_until, self._at_once)


def _nearly(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= _WORTH_RECORDING * one
