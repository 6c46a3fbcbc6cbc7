"""Owns what a person can do where a campaign paused by itself, or a server was not there."""

from __future__ import annotations

from enum import StrEnum
from shlex import quote
from typing import TYPE_CHECKING

from mailtui.dispatch.members import members_from_json
from mailtui.dispatch.meter_words import is_for_limits
from mailtui.dispatch.watchdog import STOPPED
from mailtui.dispatch.windows import CLOSED
from mailtui.outbox.records import Campaign
from mailtui.service.views import CampaignView
from mailtui.service.waiting import login_refused
from mailtui.smtp.connect import NOBODY_ANSWERS
from mailtui.smtp.endpoint import Endpoint

if TYPE_CHECKING:
    from mailtui.service.facade import Service

_SANDBOX_PORT = 2525


class Sooner(StrEnum):
    """What has a campaign go on before the time at which it goes on by itself."""

    TRY = "try"  # a server may have changed its mind
    HIGHER_LIMIT = "higher limit"  # a limit of our own is used up: to try is of no use before it is raised
    NEVER = "never"  # its sending hours are over


def for_paused(view: CampaignView) -> str:
    """What to do about a campaign that paused since nobody answered, or for its templates; empty for every other."""
    file = view.campaign.series.partition("\n")[0]
    if needs_mending(view.campaign):
        return f"Mend the template, then have who waits get the mended message: mailtui run {quote(file)} --top-up"
    if not view.campaign.held:
        return ""
    advice = (for_nobody(member.endpoint, view.reason, file) for member in members_from_json(view.campaign.endpoint))
    return next(filter(None, advice), "")


def for_nobody(endpoint: Endpoint, said: str, file: str) -> str:
    """What to do where nobody listens at a server; empty when something else was `said`. `file` is the campaign's."""
    if NOBODY_ANSWERS not in said:
        return ""
    inline = endpoint.account.startswith("inline:")
    where = f"smtp: in {file}" if inline else f"host and port of the account {endpoint.account}"
    if not endpoint.is_loopback:
        return f"See that the server runs, or correct {where} and run it again"
    port = "" if endpoint.port == _SANDBOX_PORT else f" --port {endpoint.port}"
    return f"Start a sandbox with: mailtui sandbox{port}, or correct {where} and run it again"


def needs_mending(campaign: Campaign) -> bool:
    """Whether it paused for a row that its templates make too long to render: the copy that it was launched with would
    do so again, so to resume it is of no use before the message is another one.
    """
    return campaign.held and STOPPED in campaign.reason


def how_on(campaign: Campaign) -> str:
    """How one that paused goes on, for the screen."""
    mended = "Mend the template and launch it again: who waits gets the mended message."
    return mended if needs_mending(campaign) else "r goes on."


def sooner(reason: str) -> Sooner:
    """What has a campaign go on before its time, which waits for this reason."""
    if reason.startswith(CLOSED):
        return Sooner.NEVER
    return Sooner.HIGHER_LIMIT if is_for_limits(reason) else Sooner.TRY


def sooner_by_key(reason: str) -> str:
    """The same for the screen, where a runner waits for that time; empty where nothing does."""
    by_key = {Sooner.TRY: "r tries at once.", Sooner.HIGHER_LIMIT: "Sooner only with a higher limit."}
    return by_key.get(sooner(reason), "")


async def doubt_refused(service: Service, campaign: Campaign) -> None:
    """Use no more what was typed for accounts of a campaign before their logins were refused: it may be mistyped."""
    names = {member.name for member in members_from_json(campaign.endpoint)}
    for rest in await service.reader.account_rests():
        if rest.account in names and login_refused(rest.reason):
            service.secrets.doubt(rest.account, rest.since)
