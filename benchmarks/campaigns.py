"""Owns the campaign that the benchmarks send: a mail of about 10 KB, text and HTML, with a loop of eight items."""

from __future__ import annotations

from pathlib import Path

_FILLER = (
    "Spring is the season in which we open the windows, count the jars in the cellar, and write to everybody we have "
    "not heard from since the first frost. "
)
_HTML = (
    """<!doctype html><html><body style="font-family:sans-serif">
<h1>Dear {{ first_name }} {{ last_name }},</h1>
<p>your garden in {{ city }} is waiting. You are customer {{ code }}.</p>
<ul>
{% for number in range(1, 9) %}<li><b>Offer {{ number }}</b> for {{ first_name|upper }}: """
    + _FILLER * 5
    + """</li>
{% endfor %}</ul>
<p>"""
    + _FILLER * 2
    + """</p>
</body></html>
"""
)
_TEXT = "Dear {{ first_name }} {{ last_name }},\n\nyour garden in {{ city }} is waiting.\n\n" + (_FILLER + "\n") * 12


def write_campaign(folder: Path, *, port: int, rows: int, workers: int) -> Path:
    """Write a campaign of `rows` recipients into `folder`; its file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "body.html.j2").write_text(_HTML)
    (folder / "body.txt.j2").write_text(_TEXT)
    with (folder / "contacts.csv").open("w") as stream:
        stream.write("email,first_name,last_name,city,code\n")
        for number in range(rows):
            stream.write(f"p{number}@example.com,Zoë{number},O'Hara & Söhne,Springfield,{number:06}\n")
    campaign = folder / "campaign.yaml"
    campaign.write_text(
        f"""name: Benchmark
smtp: {{host: 127.0.0.1, port: {port}, security: plain}}
from: "Acme News <news@acme.test>"
subject: "{{{{ first_name }}}}, spring is here"
text: body.txt.j2
html: body.html.j2
audience: {{source: contacts.csv}}
dispatch: {{workers: {workers}}}
"""
    )
    return campaign
