"""What a check of a whole list costs, against a plain loop that renders the same rows and looks at nothing."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from benchmarks import mime
from benchmarks.contest import Size, WrongCount
from benchmarks.figures import Report, Spread, Target
from mailtui.audience.audience import Audience
from mailtui.campaign.campaign import Campaign
from mailtui.message.compose import compile_message
from mailtui.message.mime import TransferEncoding
from mailtui.service.facade import Service

_ROWS, _SHORT = 100_000, 5_000
_CAMPAIGN = """name: Spring news
from: Acme News <news@acme.test>
reply_to: help@acme.test
subject: '{{ first_name }}, spring is here'
text: body.txt.j2
html: body.html.j2
headers: {X-Campaign: spring, List-Unsubscribe: '<https://acme.test/leave/{{ email }}>'}
audience: {source: list.csv}
smtp: {host: 127.0.0.1, port: 25, security: plain}
"""


def preflight(size: Size) -> Report:
    """Both in turn over the same list, whose index is built before."""
    rows = _SHORT if size.short else _ROWS
    report = Report()
    loop, check = measure(rows, size.rounds)
    looped, checked = Spread.of(loop), Spread.of(check)
    ratio = Spread.of(one / other for one, other in zip(loop, check, strict=True))
    report.data = {"loop": looped.as_json(), "check": checked.as_json(), "ratio": ratio.as_json(), "rows": rows}
    table = [
        ("reading and rendering in a loop, one process", looped.show(), "", f"{rows / looped.median:,.0f}"),
        ("`check`: rendered, judged, counted", checked.show(), ratio.show(), f"{rows / checked.median:,.0f}"),
    ]
    report.add_table(("over the same rows", "seconds", "of the loop's rate", "rows/s"), table)
    report.say(
        f"{rows:,} rows of {len(mime.COLUMNS)} columns, a mail of about ten kilobytes with text and HTML,",
        f"{os.cpu_count()} cores: the check renders in processes of its own beside the one that reads.",
    )
    if not size.short:
        says = "Rows a second of a whole check, of those of a loop that only renders"
        report.targets.append(Target(says, 0.7, ratio.median))
    return report


def measure(rows: int, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of the loop and of the check, round by round."""
    loop, check = [], []
    with tempfile.TemporaryDirectory(prefix="mailtui-bench-") as folder:
        service = Service.open({"MAILTUI_HOME": str(Path(folder) / "home")})
        campaign = service.campaigns.load(_write(Path(folder), rows))
        with service.campaigns.open_audience(campaign) as audience:
            audience.counts()  # builds what the first look at a list builds
        for _ in range(rounds):
            with service.campaigns.open_audience(campaign) as audience:
                loop.append(_loop(campaign, audience, rows))
            start = time.perf_counter()
            found = service.campaigns.check(campaign, every_row=True, progress=lambda *_: None)
            check.append(time.perf_counter() - start)
            if found.rendered != rows or found.errors:
                raise WrongCount(f"{found.rendered} rows were rendered, with {found.errors} errors")
    return loop, check


def _loop(campaign: Campaign, audience: Audience, rows: int) -> float:
    compiled = compile_message(campaign.read_message(), audience.columns, secret=b"0123456789abcdef")
    start, done = time.perf_counter(), 0
    for recipient in audience.recipients():
        compiled.render(recipient, date=0.0, encoding=TransferEncoding.EIGHT_BIT, smtputf8=True)
        done += 1
    if done != rows:
        raise WrongCount(f"{done} rows were rendered of {rows}")
    return time.perf_counter() - start


def _write(folder: Path, rows: int) -> Path:
    with (folder / "list.csv").open("w") as file:
        file.write(",".join(mime.COLUMNS) + "\n")
        for row in range(rows):
            items = ",".join(f"item {row % 97} {number}" for number in range(8))
            file.write(f"p{row}@example.com,Name{row % 877},City{row % 977},several,{items}\n")
    (folder / "body.txt.j2").write_text(mime.TEXT)
    (folder / "body.html.j2").write_text(mime.HTML)
    path = folder / "campaign.yaml"
    path.write_text(_CAMPAIGN)
    return path
