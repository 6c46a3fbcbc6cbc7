"""Owns the connections that an account may have at once: how campaigns that are sent at the same time share them.

A connection needs a place, of which an account has as many as its `connections`. Campaigns have the same number of
them. Where there are more campaigns than places they take turns: who has held one for a while, and is waited for, gives
it back at the border of a mail.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from itertools import islice
from typing import NamedTuple, Protocol

_SLICE = 30.0
"""Seconds that a place is kept for while others wait: a connection that is worth its opening and its login."""


class Tenant(Protocol):
    """Who opens a connection, and has it while it stands."""

    @property
    def wants_connection(self) -> bool:
        """Whether there is still use for one."""
        ...

    def finish(self) -> None:
        """Begin nothing more on this connection, and take leave of the server."""
        ...


class _Held(NamedTuple):
    campaign: str
    since: float


class Places:
    """Those of one account; as many as anybody wants where no campaign brings a number."""

    def __init__(self, account: str, *, scale: float, changed: Callable[[str], None]) -> None:
        self._account = account
        self._changed = changed
        self._slice = _SLICE * scale
        self._loop = asyncio.get_running_loop()
        self._at_work: dict[str, int | None] = {}
        self._held: dict[Tenant, _Held] = {}  # the oldest first
        self._told: dict[Tenant, float] = {}  # since when those of them are to give theirs back who were told so
        self._waiting: dict[str, dict[Tenant, asyncio.Future[bool]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._telling: asyncio.Handle | None = None

    @property
    def most(self) -> int | None:
        """How many there are: campaigns keep the number of their launch, and the least holds; None for any number."""
        return _least(self._at_work.values())

    @property
    def campaigns(self) -> int:
        """How many campaigns have something to send through the account."""
        return len(self._at_work)

    def join(self, campaign: str, connections: int | None) -> None:
        """A campaign has something to send through the account, with no more than so many."""
        if campaign in self._at_work:
            return
        before = self._turns
        self._at_work[campaign] = connections
        self._shared_anew(before)

    def leave(self, campaign: str) -> None:
        """A campaign has nothing to send for now; what it still holds, it gives back."""
        if campaign not in self._at_work:
            return
        before = self._turns
        del self._at_work[campaign]
        self._shared_anew(before)

    @property
    def _turns(self) -> int | None:
        """The number of places where each campaign has one at the most, 0 where parts are larger, None: no number."""
        most = self.most
        return most if most is None or len(self._at_work) >= most else 0

    def _shared_anew(self, before: int | None) -> None:
        now = self._turns
        if now is None and before is None:
            return
        self._give_on()
        if (now != before or not now) and self._telling is None:
            # Soon, and once: whoever hears of it may begin, or have nothing to send any more.
            self._telling = self._loop.call_soon(self._tell)

    def _tell(self) -> None:
        self._telling = None
        self._changed(self._account)

    def part(self, campaign: str, connections: int | None) -> int | None:
        """How many a campaign, which brings a number, may have: the same as the others, the first ones one more where
        that does not come out even, and one each where they take turns; None for any number.
        """
        among = self._at_work if campaign in self._at_work else {**self._at_work, campaign: connections}
        most = _least(among.values())
        if most is None:
            return None
        each, over = divmod(most, len(among))
        return each + (list(among).index(campaign) < over) if each else 1

    def holds(self, campaign: str) -> bool:
        """Whether a campaign has a place."""
        return any(held.campaign == campaign for held in self._held.values())

    def is_waiting(self, campaign: str) -> bool:
        """Whether a campaign wants a place and has been given none yet."""
        return any(tenant.wants_connection for tenant in self._waiting.get(campaign, ()))

    async def take(self, tenant: Tenant, campaign: str) -> bool:
        """Wait for a place, in turn: campaigns one after the other. False when it is not wanted any more."""
        if not self._has_room() or self._waiting:
            turn = self._loop.create_future()
            self._waiting.setdefault(campaign, {})[tenant] = turn
            self._give_on()
            try:
                if not await turn:
                    return False
            except asyncio.CancelledError:
                self._forget(tenant, campaign)
                raise
        else:
            self._held[tenant] = _Held(campaign, self._loop.time())
        return True

    def give_back(self, tenant: Tenant) -> None:
        """Its connection has ended, or there was none."""
        self._told.pop(tenant, None)
        if self._held.pop(tenant, None) is not None:
            self._give_on()

    def _has_room(self) -> bool:
        most = self.most
        return most is None or len(self._held) < most

    def _forget(self, tenant: Tenant, campaign: str) -> None:
        """Whoever waited is gone, perhaps in the moment in which a place was given."""
        waiting = self._waiting.get(campaign, {})
        waiting.pop(tenant, None)
        if not waiting:
            self._waiting.pop(campaign, None)
        self.give_back(tenant)

    def _give_on(self) -> None:
        """Give what is free to those who wait, and see whose time is over for the others."""
        while self._waiting and self._has_room():
            campaign, tenant, turn = self._next()
            wanted = tenant.wants_connection and not turn.done()
            if wanted:
                self._held[tenant] = _Held(campaign, self._loop.time())
            if not turn.done():
                turn.set_result(wanted)
        self._look()

    def _next(self) -> tuple[str, Tenant, asyncio.Future[bool]]:
        """Whose turn it is; its campaign goes to the end of the line."""
        campaign = next(iter(self._waiting))
        waiting = self._waiting.pop(campaign)
        tenant = next(iter(waiting))
        turn = waiting.pop(tenant)
        if waiting:
            self._waiting[campaign] = waiting
        return campaign, tenant, turn

    def _look(self) -> None:
        """As many as are waited for, and have had their time, give back what they hold; the others when they have.
        Where one does not within that time, for its server says nothing, the next one does instead.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        most = self.most
        if most is None or len(self._at_work) <= most:
            return  # everybody has some, as soon as those have left who are too many
        now = self._loop.time()
        missing = sum(1 for _ in islice(filter(self.is_waiting, self._waiting), len(self._held)))
        if not missing:
            self._told.clear()
            return
        again = now + self._slice  # who was still on the way to the server did not hear of it
        for tenant, held in list(self._held.items()):
            left = held.since + self._slice - now
            if left > 0:
                again = now + left
                break
            missing -= now - self._told.setdefault(tenant, now) <= self._slice
            tenant.finish()
            if not missing:
                break
        self._timer = self._loop.call_at(again, self._look)


class Share:
    """One campaign's side of an account's places."""

    def __init__(self, places: Places, campaign: str, connections: int | None) -> None:
        self._places = places
        self._campaign = campaign
        self._connections = connections

    def join(self) -> None:
        """The campaign has something to send."""
        self._places.join(self._campaign, self._connections)

    def leave(self) -> None:
        """The campaign has nothing to send for now."""
        self._places.leave(self._campaign)

    @property
    def part(self) -> int | None:
        """How many connections are the campaign's; None for any number."""
        return self._places.part(self._campaign, self._connections)

    @property
    def is_shared(self) -> bool:
        """Whether other campaigns have something to send through the account."""
        return self._places.campaigns > 1

    async def take(self, tenant: Tenant) -> bool:
        """Wait for a place; False when it is not wanted any more."""
        return await self._places.take(tenant, self._campaign)

    def give_back(self, tenant: Tenant) -> None:
        """Its connection has ended, or there was none."""
        self._places.give_back(tenant)

    @property
    def note(self) -> str:
        """What is waited for, in a few words; empty while nothing is."""
        most = self._places.most
        if most is None or self._places.holds(self._campaign) or not self._places.is_waiting(self._campaign):
            return ""
        all_of_them = "the only connection" if most == 1 else f"all {most} connections"
        return f"waits for its turn: other campaigns have {all_of_them} of the account"


class Sharing:
    """Of all accounts of a runner. `changed` hears of an account whose connections are shared by more, or fewer;
    `scale` shortens turns in tests.
    """

    def __init__(self, changed: Callable[[str], None] = lambda _account: None, *, scale: float = 1.0) -> None:
        self._changed = changed
        self._scale = scale
        self._places: dict[str, Places] = {}

    def share(self, account: str, campaign: str, connections: int | None) -> Share:
        """A campaign's side of an account, which it has launched with so many connections."""
        places = self._places.get(account)
        if places is None:
            places = self._places[account] = Places(account, scale=self._scale, changed=self._changed)
        return Share(places, campaign, connections)


def _least(numbers: Iterable[int | None]) -> int | None:
    return min((number for number in numbers if number is not None), default=None)
