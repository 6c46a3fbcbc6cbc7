"""A campaign in a folder, and what a launch of it needs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mailtui.audience.recipient import Recipient
from mailtui.campaign.campaign import Campaign
from mailtui.message.conventions import with_types
from mailtui.message.rendered import RenderedMessage
from mailtui.service.campaigns import CampaignDesk, trial_of
from mailtui.service.facade import Service
from tests.cli.program import people

WriteCampaign = Callable[..., Path]


@pytest.fixture
def write_campaign(tmp_path: Path) -> WriteCampaign:
    """Write campaign.yaml, its template and its list; keys given as None are left out."""

    def write(rows: int | list[str] = 5, body: str = "Dear {{ first_name }} of {{ city }}\n", **keys: Any) -> Path:
        lines = people(rows) if isinstance(rows, int) else rows
        (tmp_path / "contacts.csv").write_text("\n".join(lines) + "\n")
        (tmp_path / "body.txt.j2").write_text(body)
        values = {
            "name": "News",
            "smtp": {"host": "127.0.0.1", "port": 9, "security": "plain"},
            "from": "Acme <news@acme.test>",
            "subject": "News",
            "text": "body.txt.j2",
            "audience": {"source": "contacts.csv"},
            **keys,
        }
        path = tmp_path / "campaign.yaml"
        path.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in values.items() if value is not None))
        return path

    return write


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service.open({"MAILTUI_HOME": str(tmp_path / "home")})


def rendered(desk: CampaignDesk, campaign: Campaign) -> list[tuple[Recipient, RenderedMessage]]:
    """Everybody's mail, of those who have one."""
    with desk.open_audience(campaign) as audience:
        source = with_types(campaign.read_message(), audience.understanding)
        with trial_of(campaign, source, audience.columns, signed=False) as trial:
            found = trial.render(audience.recipients())
            return [(who, mail) for who, mail in found if isinstance(mail, RenderedMessage)]
