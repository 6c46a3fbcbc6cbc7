"""Owns how the accounts stand, by name, for all campaigns of a runner: which are well, which rest and until when, and
which need a person.

What a server says of an account holds for every campaign that sends through it. So a refused password is said to the
server once and not once a campaign, and a quota that is spent is spent for all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace

from mailtui.outbox.records import AccountRest
from mailtui.outbox.states import RestKind

_FRESH = 5.0  # seconds; so soon after a login others may be tried at the same time
_AT_ONCE = 2  # a password that has become wrong is said by no more than these
_LOGINS = 2  # put off so often in a row: RFC 4954 has 454 for a trouble that passes, and some answer so for ever
LOGIN_REST = 15 * 60.0
"""Seconds that an account rests whose login is put off again and again."""


class Standing:
    """Shared by all campaigns of a runner. `changed` hears of an account that begins to rest, or is well again."""

    def __init__(
        self,
        *,
        wall: Callable[[], float],
        scale: float,
        rests: Iterable[AccountRest] = (),
        changed: Callable[[str], None] = lambda _account: None,
    ) -> None:
        """`rests` are what is on record; `scale` shortens them in tests."""
        self._wall = wall
        self._scale = scale
        self._rests = {rest.account: rest for rest in rests}
        self._changed = changed
        self._unrecorded: dict[str, AccountRest | None] = {}
        self._doors: dict[str, asyncio.Lock] = {}
        self._sayings: dict[str, asyncio.Semaphore] = {}
        self._logged_in: dict[str, float] = {}
        self._put_off: dict[str, int] = {}

    def of(self, account: str) -> AccountRest | None:
        """Why an account is not to be used now; None when it may be."""
        rest = self._rests.get(account)
        if rest is not None and rest.until is not None and rest.until <= self._wall():
            self._forget(account)
            return None
        return rest

    def rest(self, account: str, seconds: float | None, kind: RestKind, reason: str) -> None:
        """Use an account no more for so many seconds; None: until a person has seen to it."""
        now = self._wall()
        until = None if seconds is None else now + seconds * self._scale
        known = self.of(account)
        if known is not None and (known.until is None or (until is not None and until <= known.until)):
            return  # replies that were under way say less than what is known by now
        self._rests[account] = self._unrecorded[account] = AccountRest(account, until, kind, reason, now)
        self._changed(account)

    def forgive(self, accounts: Iterable[str], *, before: float | None = None) -> None:
        """A person wants these to be tried again; `before`: those alone that have rested since an earlier time."""
        for account in accounts:
            rest = self._rests.get(account)
            if rest is not None and (before is None or rest.since < before):
                self._forget(account)

    def _forget(self, account: str) -> None:
        self._rests.pop(account, None)
        self._put_off.pop(account, None)
        self._unrecorded[account] = None
        self._changed(account)

    def take_unrecorded(self) -> dict[str, AccountRest | None]:
        """How accounts rest, by name, that is to be put on record; None for one that is well again."""
        taken, self._unrecorded = self._unrecorded, {}
        return taken

    def clock_moved(self, by: float) -> None:
        """The clock was put forward by so many seconds, and what is on record with it."""
        for account, rest in self._rests.items():
            until = None if rest.until is None else rest.until + by
            self._rests[account] = replace(rest, until=until, since=rest.since + by)

    # logins

    @asynccontextmanager
    async def login_turn(self, account: str) -> AsyncIterator[None]:
        """Wait until this account may be logged in to; inside, it is tried.

        One at a time, over all campaigns, until one has succeeded just now: what is refused is then said once. Whoever
        waited asks anew how the account stands.
        """
        if not self._is_fresh(account):
            async with self._doors.setdefault(account, asyncio.Lock()):
                if not self._is_fresh(account):
                    yield
                    return
        yield

    def saying(self, account: str) -> asyncio.Semaphore:
        """Held by whoever tells the server this account's password or token, until it is known what comes of it.

        Few at a time, however many connect: a server locks an account out, or tells its owner of an attack, when many
        logins are refused at once. Whoever waited asks anew how the account stands.
        """
        return self._sayings.setdefault(account, asyncio.Semaphore(_AT_ONCE))

    def _is_fresh(self, account: str) -> bool:
        at = self._logged_in.get(account)
        return at is not None and asyncio.get_running_loop().time() - at < _FRESH * self._scale

    def logged_in(self, account: str) -> None:
        """The server let this account in."""
        self._logged_in[account] = asyncio.get_running_loop().time()
        self._put_off.pop(account, None)

    def login_put_off(self, account: str) -> bool:
        """The server did not let it in for now; True when that has come too often in a row."""
        self._logged_in.pop(account, None)
        self._put_off[account] = self._put_off.get(account, 0) + 1
        return self._put_off[account] >= _LOGINS
