"""M-12, B6: what is wrong with files is told where it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailtui.campaign.campaign import Campaign, load_campaign
from mailtui.campaign.file_checks import row_findings
from mailtui.errors import TemplateError
from mailtui.message.preflight import Finding
from tests.message.test_images import PNG

TEXT = """\
name: x
smtp: {host: 127.0.0.1, port: 2525, security: plain}
from: A <a@acme.test>
subject: hi
text: b.txt
attachments:
  - b.txt
  - "FIRST"
  - path: "{{ n }}.pdf"
    name: "SECOND"
audience: {source: l.csv, columns: {attachment: f}}
"""


def _write(folder: Path, first: str, second: str) -> Path:
    (folder / "b.txt").write_text("Hello\n")
    (folder / "1.pdf").write_text("%PDF")
    rows = ["email,n,f", "a@example.com,1,in\\1.pdf", 'b@example.com,1,"1.pdf, b.txt"', "c@example.com,1,B.txt"]
    (folder / "l.csv").write_text("\n".join(rows))
    path = folder / "campaign.yaml"
    path.write_text(TEXT.replace("FIRST", first).replace("SECOND", second))
    return path


def test_m12_a_mistake_in_the_template_of_a_path_is_told_where_it_stands_in_the_campaign_file(tmp_path: Path) -> None:
    campaign = load_campaign(_write(tmp_path, "{{ n|nosuch }}.pdf", "{{ zz }}.pdf"))
    with pytest.raises(TemplateError) as caught:
        campaign.compile(campaign.read_message(), ("email", "n", "f"), secret=b"s")
    assert [(item.place.line, item.place.key) for item in caught.value.problems] == [
        (8, "attachments.1, character 6"),
        (10, "attachments.2.name, character 4"),
    ]


def test_b3_columns_are_those_of_the_template_as_it_was_written_whatever_images_stand_before(tmp_path: Path) -> None:
    path = _write(tmp_path, "1.pdf", "{{ n }}")
    path.write_text(path.read_text() + "html: p.html\n")
    (tmp_path / "a long name of an image, longer than what it becomes.png").write_bytes(PNG)
    (tmp_path / "x.png").write_bytes(PNG)
    named = '<img src="x.png"><img src="a long name of an image, longer than what it becomes.png">'
    page = f"<p>{named}\n{named}{{{{ nosuch }}}}{named}{{{{ zz }}}}"
    campaign = load_campaign(path)
    for unsaved in ({}, {tmp_path / "p.html": page}):
        (tmp_path / "p.html").write_text("<p>not saved" if unsaved else page)
        source = campaign.read_message(unsaved)
        with pytest.raises(TemplateError) as caught:
            campaign.compile(source, ("email", "n", "f"), secret=b"s", unsaved=unsaved)
        second = page.splitlines()[1]
        assert [(item.place.line, item.place.column) for item in caught.value.problems] == [
            (2, second.index("nosuch") + 1),
            (2, second.index("zz") + 1),
        ]


def _findings(folder: Path, campaign: Campaign) -> list[Finding]:
    with campaign.open_audience(folder / "cache") as audience:
        source = campaign.read_message()
        return list(row_findings(campaign, source, audience.columns, audience.recipients(), lambda _: None))


def test_m12_b6_what_a_row_does_to_the_template_of_a_path_is_told_there_too(tmp_path: Path) -> None:
    campaign = load_campaign(_write(tmp_path, "{{ 1 // 0 }}", "{{ n }}"))
    [found] = _findings(tmp_path, campaign)
    assert (found.place.line, found.place.key, found.hint) == (8, "attachments.1", "")
    assert found.message.startswith("the template cannot be filled in")
    campaign = load_campaign(_write(tmp_path, "{% if n == 2 %}x{% endif %}", "{{ n }}"))
    [found] = _findings(tmp_path, campaign)
    assert (found.message, found.rows) == ("the attachment in\\1.pdf is not there, and 2 others", (1, 2, 3))
    assert "between semicolons, and capitals count" in found.hint
