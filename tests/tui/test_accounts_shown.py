"""C9: the accounts of a campaign on the review and the board, and a pause that ends by itself."""

from __future__ import annotations

import os
import time
from pathlib import Path

from mailtui.kit.paths import Home
from mailtui.outbox.records import AccountRest
from mailtui.outbox.states import CampaignState, RestKind
from mailtui.service.facade import Service
from mailtui.tui.app import MailtuiApp
from tests.tui.conftest import change, grid, launch, shows, until

SETTINGS = """accounts:
  acme: {host: 127.0.0.1, port: 9, security: plain, from: "Acme News <news@acme.test>", weight: 3}
  backup: {host: mx.backup.test, from: '"[b]Team[/b]" <team@backup.test>', limits: {per_day: 500}}
"""


async def test_c9_review_and_board_show_each_account_and_when_a_pause_ends(home: Home, sample: Path) -> None:
    home.settings_file.parent.mkdir(parents=True, exist_ok=True)
    home.settings_file.touch(mode=0o600)
    home.settings_file.write_text(SETTINGS)
    change(sample, "smtp: {host: 127.0.0.1, port: 2525, security: plain}", "accounts: [acme, backup]")
    change(sample, 'from: "Acme Garden <news@acme.test>"\n', "")
    service = Service.open(os.environ)
    running = MailtuiApp(service, target=sample)
    async with running.run_test(size=(80, 24)) as pilot:
        await pilot.press("f7")
        await until(lambda: shows(running, "rows tried") and shows(running, "75 %"))
        seen = "\n".join(grid(running))
        assert "mx.backup.test:465" in seen and '25 %  "[b]Team[/b]" <team@backup.test>' in seen
        assert "each recipient always hears from the same one" in seen
    campaign = (await launch(service, sample)).campaign
    ledger, now = service.outbox.ledger(), time.time()
    await ledger.rest_account(AccountRest("backup", now + 2_970, RestKind.QUOTA, "421 4.7.0 Later", now))
    await ledger.set_state(
        campaign.number,
        CampaignState.PAUSED,
        actor="runner",
        now=now,
        reason="acme and backup have to rest",
        held=True,
        resume_at=now + 2_970,
    )
    ledger.close()
    running = MailtuiApp(service, target=sample)
    async with running.run_test(size=(80, 24)) as pilot:
        await pilot.press("f8")
        await until(lambda: shows(running, "r starts one"))
        seen = " ".join(" ".join(grid(running)).split())
        assert "Paused because acme and backup have to rest. It can go on at" in seen and "in 49 min" in seen
        assert "+ acme 75 % 0 sent" in seen and "~ backup 25 % 0 sent, resting until" in seen
        await pilot.press("0")
        await until(lambda: shows(running, "~ backup", "- none needed"))
        await pilot.press("down")
        await until(lambda: shows(running, "state     ~ resting until", "sent      0 of 500 a day"))
    service.close()
