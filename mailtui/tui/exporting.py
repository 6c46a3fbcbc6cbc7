"""Owns writing a report or a suppression list to a file: asking for which one, and saying what came of it; screens only
begin it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from textual.app import App

from mailtui.kit.words import counted
from mailtui.service.archive import Archive, new_file
from mailtui.service.facade import Service
from mailtui.service.views import CampaignView
from mailtui.tui.dialogs.export import ExportDialog
from mailtui.tui.states import DELIVERIES
from mailtui.tui.text import from_home, tell

_ENTRIES = "One line each: address, list, reason, source, added_by, added_at. End it with .csv."


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


async def export_suppressed(app: App[Any], archive: Archive, name: str | None, total: int) -> None:
    """Write one suppression list (`""` for everybody's, None for all): `total` entries.

    Raises what `Archive.within` raises.
    """
    what = counted(total, "entry", "entries")
    proposed = Path.cwd() / f"suppressed{f'-{name}' if name else ''}.csv"
    path = await app.push_screen_wait(ExportDialog(what, proposed, note=_ENTRIES))
    if path is None:
        return

    async def write(service: Service) -> None:
        with new_file(path) as stream:
            async for line in service.suppression.export(name):
                stream.write(line)

    await archive.within(lambda service, _: write(service))
    tell(app, f"{what} written to {from_home(str(path))}")
