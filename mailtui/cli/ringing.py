"""Owns ringing at the terminal where somebody waited for a campaign that has come to rest."""

from __future__ import annotations

import sys
import time

from mailtui.errors import ExitCode
from mailtui.kit.ringing import ringing
from mailtui.service.facade import Service
from mailtui.service.herald import in_short, is_worth_a_ring
from mailtui.service.views import CampaignView


class Ring:
    """Made when the waiting begins."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._began = time.monotonic()

    def at_rest(self, view: CampaignView) -> None:
        """It rests. Nothing rings for what the person at the terminal did just now, nor where there is no terminal."""
        wanted = self._service.settings.spec.notify.terminal
        waited = time.monotonic() - self._began
        if view.exit_code is ExitCode.INTERRUPTED or not sys.stderr.isatty():
            return
        if is_worth_a_ring(wanted, waited, looks=True):
            text = f"{view.name}: {in_short(view.state, view.counts, view.reason)}"
            sys.stderr.write(ringing(text, self._service.environ))
            sys.stderr.flush()
