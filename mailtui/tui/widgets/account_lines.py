"""Owns how the accounts of a campaign are shown: a line each, with share, what it has sent, and what it rests for."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content

from mailtui.service.account_state import AccountNow, AccountPart
from mailtui.service.launching import LaunchPlan
from mailtui.service.terms import show_shares
from mailtui.service.views import CampaignView
from mailtui.tui.states import Look
from mailtui.tui.text import joined, plain

_WELL = Look("+", "well", "$text-success")
_RESTING = Look("~", "resting", "$text-warning")
_OUT = Look("!", "out", "bold $text-error")
_NAME = 16
_SHARE = 5


def account_look(now: AccountNow) -> Look:
    """How an account stands."""
    if now.well:
        return _WELL
    return _OUT if now.until is None else _RESTING


def account_lines(view: CampaignView) -> Content:
    """The accounts of a campaign at work or at rest; nothing where it has one without limits."""
    shares = show_shares({part.name: part.weight for part in view.accounts})
    width = min(_NAME, max((len(part.name) for part in view.accounts), default=0))
    return joined(*(_line(part, shares[part.name], width, view) for part in view.accounts), separator="\n")


def _line(part: AccountPart, share: str, width: int, view: CampaignView) -> Content:
    look = account_look(part.now)
    several = f"  {share:>{_SHARE}}" if len(view.accounts) > 1 else ""
    return joined(
        plain(f"{look.symbol} ", look.style),
        plain(f"{_cut(part.name, width):<{width}}", "bold"),
        plain(f"{several}  ", "$text-muted"),
        plain(part.facts(at_work=view.at_work), "" if part.now.well else look.style, limit=200),
    )


def planned_accounts(plan: LaunchPlan) -> Iterator[tuple[str, str]]:
    """Each account of a plan, as wide as the others, and its share; empty for the share of a single one."""
    shares = show_shares({member.name: member.weight for member in plan.members})
    width = min(_NAME, max(map(len, shares)))
    for name, share in shares.items():
        yield f"{_cut(name, width):<{width}}", f"{share:>{_SHARE}}"


def _cut(name: str, width: int) -> str:
    return name if len(name) <= width else f"{name[: width - 1]}…"
