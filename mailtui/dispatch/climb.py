"""Owns how fast mails may go while a server asks for less: a pace that climbs from one refusal to the next.

What a server takes between two refusals is what it allows, for both times it had nothing left to give: so many a second
or an hour, saved up or not, all come to the same. A cut leaves nearly that much. From there the pace rises quickly at
first, slowly near the pace of the last refusal, and beyond that faster and faster, by the curve that CUBIC has for a
window (RFC 9438 section 4.2); counted in mails where these are few, in seconds where they are many.
"""

from __future__ import annotations

import math

SHARE = 0.85
"""So much of a pace that was only guessed, or measured before there was one, is kept after a cut."""
_KEPT = 0.95  # of what was taken since the refusal before
_HALF_A_MAIL = 0.5  # a server that takes n mails would take a part of the next, too
_FEW = 8  # mails, from which so little can be said that a cut leaves half of the pace at the least
_LEAST_LEARNED = 0.25  # of the pace before
_AT_FIRST = 1.0  # messages a second, where nothing is known of the pace before
_SLOWEST = 1 / 60
_GUESSED_RISE = math.log(2), 0.7  # twice as fast every second, and no more than so much faster with each mail
_WAY_IN_MAILS = 30  # up to the pace of the last refusal
_WAY_IN_SECONDS = 10.0
_BEYOND = 0.1  # of the pace of the last refusal, when as far beyond it as it is from the foot
_FASTER = 1.25  # times the pace from which mails were counted: what was taken then says nothing about this one


class Climb:
    """Of one account, or of one recipient domain of it. `now` is epoch seconds.

    `cap` is in messages a second, None without a limit. `is_guessed`: it was not measured, and rises quickly.
    """

    def __init__(self, *, scale: float, cap: float | None = None) -> None:
        """`scale` shortens all times in tests; `cap` is what is on record."""
        self._scale = scale
        self.cap = cap
        self.is_guessed = False
        self._foot = self._ceiling = cap or 0.0  # where the climb begins, and the pace of the last refusal
        self._is_measured = False  # the ceiling, by as many mails as say something
        self._way = 1.0  # from the foot, 0, to the ceiling, 1, and beyond
        self._slower = 0.0  # the pace that the last mail was taken at
        self._rose_at = -math.inf
        self._taken = 0  # mails
        self._since = -math.inf  # from when on they are counted: the first refusal of the last ones, as a rule
        self._counted_at = cap or 0.0  # the pace at that time
        self._former = 0, -math.inf  # the same two, while these are few

    def begin_at(self, before: float, now: float) -> None:
        """The first refusal, at so many messages a second; 0 where that is not known."""
        self.is_guessed = not before
        self._is_measured = False
        self._ceiling = before or _AT_FIRST / self._scale
        self._start(SHARE * before or self._ceiling, now)
        self.count_anew(now)

    def keep_to(self, cap: float, now: float) -> None:
        """A server has named a pace."""
        self.is_guessed = False
        self._ceiling = cap
        self._start(cap, now)
        self._way = 1.0
        self.count_anew(now)

    def _start(self, foot: float, now: float) -> None:
        self.cap = self._foot = self._slower = max(foot, _SLOWEST / self._scale)
        self._way = 0.0
        self._rose_at = now

    @property
    def counts(self) -> bool:
        """Whether mails are counted: of those before a restart nothing is on record."""
        return self._since > -math.inf

    def count_anew(self, now: float) -> None:
        """What was taken before says nothing about what is allowed."""
        self._former = 0, now
        self._taken, self._since, self._counted_at = 0, now, self.cap or 0.0

    def cut(self, now: float) -> None:
        """A mail was refused, and some were taken since the last refusal."""
        assert self.cap is not None
        if self.is_guessed:
            self.is_guessed = False
            self._ceiling = self.cap
            self._start(min(SHARE * self.cap, self._slower), now)
        else:
            if self._taken < _FEW:
                self._taken, self._since = self._taken + self._former[0], self._former[1]
            self._is_measured = self._taken >= _FEW
            least = 0.0 if self._is_measured else self.cap / 2
            measured = min(self.cap, max(self._measured(now - self._since), least))
            self._ceiling = (self.cap + measured) / 2
            self._start(_KEPT * measured, now)
        self.count_anew(now)

    def learn(self, now: float) -> None:
        """A mail was taken, the first after rests that nobody had named the length of."""
        assert self.cap is not None
        measured = self._measured(now - self._since + self._scale)
        self._start(min(self.cap, max(measured, _LEAST_LEARNED * self.cap)), now)
        if not self._is_measured:
            self._ceiling = min(self._ceiling, 2 * self.cap)

    def _measured(self, seconds: float) -> float:
        return (self._taken + _HALF_A_MAIL) / max(seconds, 1e-3 * self._scale)

    def taken(self) -> None:
        """A mail was taken, whenever it began."""
        self._taken += 1

    def rise(self, now: float) -> None:
        """A mail was taken that began after the last refusal."""
        assert self.cap is not None
        self._slower = self.cap
        if self.is_guessed:
            a_second, a_mail = _GUESSED_RISE
            self.cap += min(a_second / self._scale, a_mail * self.cap)
            return
        seconds = max(0.0, now - self._rose_at)
        self._rose_at = now
        self._way += min(1 / _WAY_IN_MAILS, seconds / (_WAY_IN_SECONDS * self._scale))
        reach = self._ceiling - self._foot if self._way < 1 else _BEYOND * self._ceiling
        self.cap = self._ceiling + reach * (self._way - 1) ** 3
        if self._way > 1 and self.cap > _FASTER * self._counted_at:
            former = self._taken, self._since
            self.count_anew(now)
            self._former = former

    def clock_moved(self, by: float) -> None:
        """The clock was put forward by so many seconds."""
        self._since += by
        self._former = self._former[0], self._former[1] + by
        self._rose_at += by
