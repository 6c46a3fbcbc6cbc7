"""The campaign in a folder, as the tests of campaigns have it, and the service over a home of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from mailtui.kit.paths import Home
from mailtui.service.facade import Service
from tests.campaign.conftest import write_campaign
from tests.service.account_file import book, file, shelf

__all__ = ["book", "file", "service", "shelf", "write_campaign"]


@pytest.fixture
def service(home: Home) -> Iterator[Service]:
    """The service over the test's home."""
    with Service.open(os.environ) as opened:
        assert opened.settings.home == home
        yield opened
