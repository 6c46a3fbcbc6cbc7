"""Owns claims that only some of a campaign's accounts may carry, until one of those asks.

A mail with a From of its own goes by an account that may send as that, and one that a server does not take by another
account, where there is one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from mailtui.dispatch.rendering import Outcome
from mailtui.outbox.records import Claim


class Kept(NamedTuple):
    """A claim, what became of it where it is rendered, and the outlets by number that may carry it."""

    claim: Claim
    outcome: Outcome | None
    carriers: frozenset[int]
    unfit: frozenset[int] = frozenset()  # outlets whose server cannot take it


class Aside:
    """By who may carry them: there are few such sets, however many the claims."""

    def __init__(
        self,
        carriers: Callable[[str], frozenset[int]],
        usable: Callable[[], frozenset[int]],
        back_at: Callable[[frozenset[int]], float | None],
        need: Callable[[], None],
    ) -> None:
        """`carriers` are the outlets that may carry a mail with a From of its own (any, where that is empty), `usable`
        those that can be used now, both by number; `back_at` is when the first of some that cannot is to be tried
        again, in epoch seconds or None; `need` is called when somebody else than who asked has something to do.
        """
        self._carriers = carriers
        self._usable = usable
        self._back_at = back_at
        self._need = need
        self._by: dict[frozenset[int], deque[Kept]] = {}
        self._taken: Kept | None = None  # the last one; what becomes of it is known before another one is taken
        self._crowded = False  # whether the last look passed somebody over because enough of theirs is here
        self.size = 0
        """How many are here."""
        self.orphans = False
        """Whether there was a From that none of the accounts may send as."""

    def _put(self, kept: Kept) -> None:
        self._by.setdefault(kept.carriers, deque()).append(kept)
        self.size += 1
        self._need()

    def is_for_another(self, claim: Claim, outcome: Outcome | None, outlet: int) -> bool:
        """Whether this outlet may not carry a mail with a From of its own; then it waits here."""
        carriers = self._carriers(claim.bound)
        if outlet in carriers:
            return False
        self.orphans |= not carriers
        self._put(Kept(claim, outcome, carriers))
        return True

    def passes_on(self, claim: Claim, outlet: int) -> float | None:
        """Whether another account's server may take what this outlet's cannot: 0.0 where it waits here for that one,
        when that one can be used again (epoch seconds), or None where there is no other.
        """
        taken = self._taken
        unfit = (taken.unfit if taken is not None and taken.claim.id == claim.id else frozenset()) | {outlet}
        others = self._carriers(claim.bound) - unfit
        able = others & self._usable()
        if not able:
            return self._back_at(others)
        self._put(Kept(claim, None, able, unfit))
        return 0.0

    def take(self, outlet: int) -> tuple[Claim, Outcome | None] | None:
        """The next one that an outlet may carry."""
        for carriers, waiting in self._by.items():
            if waiting and outlet in carriers:
                kept = self._taken = waiting.popleft()
                self.size -= 1
                return kept.claim, kept.outcome
        return None

    def not_crowded(self, bounds: Sequence[str], most: int) -> list[str]:
        """Those of these From of whom fewer than so many wait here."""
        found = [bound for bound in bounds if len(self._by.get(self._carriers(bound), ())) < most]
        self._crowded = len(found) < len(bounds)
        return found

    def has_thinned(self, few: int) -> bool:
        """Whether somebody was passed over and no more than so many are here now; said once."""
        if not self._crowded or self.size > few:
            return False
        self._crowded = False
        return True

    def take_stranded(self) -> list[Claim]:
        """Those that no outlet may carry that can be used now."""
        usable = self._usable()
        stranded = [carriers for carriers in self._by if carriers.isdisjoint(usable)]
        claims = [kept.claim for carriers in stranded for kept in self._by.pop(carriers)]
        self.size -= len(claims)
        return claims

    def change(self, changed: Callable[[Claim], Claim]) -> None:
        """Put another claim in the place of each."""
        for carriers, waiting in self._by.items():
            self._by[carriers] = deque(kept._replace(claim=changed(kept.claim)) for kept in waiting)

    def drop(self) -> list[Claim]:
        """Forget them all; whose they were."""
        claims = [kept.claim for waiting in self._by.values() for kept in waiting]
        self._by.clear()
        self.size = 0
        return claims
