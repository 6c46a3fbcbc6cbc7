"""C3: the limits of accounts are put on record for runners: at a launch, and when an account is changed."""

from __future__ import annotations

import asyncio
import dataclasses

from mailtui.service.account_book import AccountBook
from mailtui.service.facade import Service
from mailtui.smtp.limits import Batch, Limits
from tests.campaign.conftest import WriteCampaign
from tests.campaign.test_freeze import launch
from tests.service.test_accounts_shown import service  # noqa: F401 - a fixture


async def test_c3_a_launch_and_a_change_of_an_account_put_its_limits_on_record(
    service: Service,  # noqa: F811 - the fixture
    write_campaign: WriteCampaign,
) -> None:
    async def on_record() -> dict[str, Limits]:
        return {row.meter: Limits.from_json(row.limits) for row in await service.reader.meters()}

    path = write_campaign(3, **{"smtp": None, "accounts": ["acme", "backup"], "from": None})
    await asyncio.to_thread(launch, service, path)
    assert await on_record() == {"acme": Limits(per_hour=12), "backup": Limits()}
    book = AccountBook(service)
    draft = dataclasses.replace(book.draft(name="acme"), per_hour="", rate="2/s", batch="10, 5m")
    assert book.problems(draft, replaces="acme") == {}
    await book.save(draft, replaces="acme")
    assert (await on_record())["acme"] == Limits(rate=2.0, batch=Batch(10, 300.0))
    [acme] = [row for row in book.rows() if row.name == "acme"]
    assert acme.at_most == "2/s, 5 min 00 s of rest after 10"
    taken_out = dataclasses.replace(book.draft(name="acme"), rate="", batch="")
    await book.save(taken_out, replaces="acme")
    assert (await on_record())["acme"] == Limits()
