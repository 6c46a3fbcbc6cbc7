"""Owns writing a report to a file: asking for which one, and saying what came of it; screens only begin it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from textual.app import App

from mailtui.kit.words import counted
from mailtui.service.archive import Archive
from mailtui.service.views import CampaignView
from mailtui.tui.dialogs.export import ExportDialog
from mailtui.tui.states import DELIVERIES
from mailtui.tui.text import from_home, tell


async def export(
    app: App[Any], archive: Archive, view: CampaignView, state: str, total: int, *, original: bool
) -> None:
    """Write the recipients in a state, or all when it is empty: `total` of them, as report or as the list's rows.

    Raises what `Archive.export` raises.
    """
    what = DELIVERIES[state].word if state else "rows" if original else "report"
    name = re.sub(r"[^a-z0-9]+", "-", view.name.lower()).strip("-") or "campaign"
    proposed = Path.cwd() / f"{name}-{view.id}-{what.replace(' ', '-')}.csv"
    everybody = counted(total, "recipient")
    title = f"the list's rows of {everybody}" if original else f"{everybody} of {view.name}"
    path = await app.push_screen_wait(ExportDialog(title, proposed, rows=original))
    if path is None:
        return
    tell(app, f"Writing {path.name} …")
    written = await archive.export(view, path, [state] if state else [], original=original)
    tell(app, f"{counted(written, 'recipient')} written to {from_home(str(path))}")
