"""Owns the campaign that the benchmarks send: a mail of about 10 KB, text and HTML, with a loop of eight items."""

from __future__ import annotations

from collections.abc import Mapping
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

_ELABORATE = (
    """<!doctype html><html><body>
{% macro line(number, name) %}<tr><td>{{ number }}</td><td>{{ name|upper }}</td>
<td>{{ (number * 1.19)|round(2) }}</td><td>{{ "yes" if number is divisibleby 3 else "no" }}</td></tr>{% endmacro %}
<h1>Dear {{ first_name }} {{ last_name }},</h1>
<table>
{% for number in range(1, 13) %}{{ line(number + code|int, city) }}
{% endfor %}</table>
<p>"""
    + (_FILLER + "\n") * 46
    + """</p>
</body></html>
"""
)

_SMALL = "Dear {{ first_name }} {{ last_name }},\n\nyour garden in {{ city }} is waiting, {{ code }}.\n\n" + _FILLER * 4
_RULE = 'city = "Springfield" and code matches "^[0-9]+$"'  # everybody gets mail, and everybody is looked at
_FROM = "Acme News <news@acme.test>"
_BOUNDARY = "=_a-line-that-stands-between-parts"


def write_campaign(
    folder: Path,
    *,
    port: int,
    rows: int,
    workers: int,
    small: bool = False,
    elaborate: bool = False,
    dispatch: Mapping[str, int | str] | None = None,
) -> Path:
    """Write a campaign of `rows` recipients into `folder`; its file. `small`: a text of about 1 KB; `elaborate`:
    HTML whose table is worked out for each recipient; `dispatch` are further keys of that section.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "body.txt.j2").write_text(_SMALL if small else _TEXT)
    if small:
        (folder / "body.html.j2").unlink(missing_ok=True)
    else:
        (folder / "body.html.j2").write_text(_ELABORATE if elaborate else _HTML)
    _write_contacts(folder / "contacts.csv", rows)
    keys = {"workers": workers, **(dispatch or {})}
    campaign = folder / "campaign.yaml"
    campaign.write_text(
        f"""name: Benchmark
smtp: {{host: 127.0.0.1, port: {port}, security: plain}}
from: "{_FROM}"
subject: "{{{{ first_name }}}}, spring is here"
text: body.txt.j2
{"" if small else "html: body.html.j2"}
audience: {{source: contacts.csv, filter: '{_RULE}'}}
dispatch: {{{", ".join(f"{key}: {value}" for key, value in keys.items())}}}
"""
    )
    return campaign


def write_mailmerge(folder: Path, *, port: int, rows: int) -> Path:
    """Write the same for mailmerge: template.txt, contacts.csv and server.conf; the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = "".join(
        f"--{_BOUNDARY}\nContent-Type: text/{kind}; charset=utf-8\n\n{body}\n"
        for kind, body in (("plain", _TEXT), ("html", _HTML))
    )
    head = f"TO: {{{{ email }}}}\nSUBJECT: {{{{ first_name }}}}, spring is here\nFROM: {_FROM}\nMIME-Version: 1.0\n"
    kind = f'Content-Type: multipart/alternative; boundary="{_BOUNDARY}"\n\n'
    (folder / "template.txt").write_text(f"{head}{kind}{parts}--{_BOUNDARY}--\n")
    (folder / "server.conf").write_text(f"[smtp_server]\nhost = 127.0.0.1\nport = {port}\n")
    _write_contacts(folder / "contacts.csv", rows)
    return folder


def _write_contacts(path: Path, rows: int) -> None:
    with path.open("w") as stream:
        stream.write("email,first_name,last_name,city,code\n")
        for number in range(rows):
            stream.write(f"p{number}@example.com,Zoë{number},O'Hara & Söhne,Springfield,{number:06}\n")
