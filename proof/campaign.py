"""Owns the campaign that a proof sends: small, personalised, with lines that need dot-stuffing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def addresses(rows: int) -> Iterator[str]:
    """Whom the campaign is for."""
    return (f"p{number}@example.com" for number in range(rows))


def write_campaign(
    folder: Path, port: int, rows: int, *, workers: int = 8, rate: float | None = None, window: int = 1
) -> Path:
    """Write a campaign of `rows` recipients into a new folder; its file. `rate` in messages a second."""
    folder.mkdir(parents=True)
    (folder / "body.txt.j2").write_text("Dear {{ name }},\n\nspring is here.\n.\n..dots stay.\n")
    (folder / "body.html.j2").write_text("<p>Dear {{ name }},</p>\n<p>spring is here.</p>\n")
    with (folder / "list.csv").open("w") as stream:
        stream.write("email,name\n")
        stream.writelines(f"{address},Zoë {number}\n" for number, address in enumerate(addresses(rows)))
    pace = "" if rate is None else f", rate: {rate:.3f}/s, burst: {workers}"
    campaign = folder / "campaign.yaml"
    campaign.write_text(
        f"""name: Proof
smtp: {{host: 127.0.0.1, port: {port}, security: plain}}
from: "Acme News <news@acme.test>"
subject: "{{{{ name }}}}, spring is here"
text: body.txt.j2
html: body.html.j2
audience: {{source: list.csv}}
dispatch: {{workers: {workers}, window: {window}{pace}}}
"""
    )
    return campaign


def environment(home: Path, *, scale: float = 1.0) -> dict[str, str]:
    """The environment of a mailtui with a home of its own; `scale` shortens what it waits for."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAILTUI_")}
    return {**kept, "MAILTUI_HOME": str(home), "MAILTUI_TIME_SCALE": f"{scale:g}"}
