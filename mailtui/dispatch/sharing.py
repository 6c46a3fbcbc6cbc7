"""Owns how campaigns that are sent at the same time share the connections that an account may have at once."""

from __future__ import annotations

from collections.abc import Callable


class Sharing:
    """Of all accounts of a runner. `changed` hears of an account whose connections are shared by more, or fewer."""

    def __init__(self, changed: Callable[[str], None] = lambda _account: None) -> None:
        self._changed = changed
        self._at_work: dict[str, list[str]] = {}

    def join(self, account: str, campaign: str) -> None:
        """A campaign begins to send through an account."""
        self._at_work.setdefault(account, []).append(campaign)
        self._changed(account)

    def leave(self, account: str, campaign: str) -> None:
        """A campaign sends no more."""
        self._at_work[account].remove(campaign)
        self._changed(account)

    def is_shared(self, account: str) -> bool:
        """Whether several campaigns are sent through an account."""
        return len(self._at_work.get(account, ())) > 1

    def part(self, account: str, campaign: str, connections: int | None) -> int | None:
        """How many of so many connections a campaign may have: the same as the others, the first ones one more where
        that does not come out even, and at least one each; None for any number.
        """
        at_work = self._at_work.get(account, [])
        if connections is None or campaign not in at_work:
            return connections
        each, over = divmod(connections, len(at_work))
        return max(1, each + (at_work.index(campaign) < over))
