"""A campaign folder made of what somebody has for mailmerge."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailtui.errors import ConfigError, UsageError
from mailtui.kit.paths import Home
from mailtui.message.mailmerge import is_mailmerge, read_mailmerge
from mailtui.service.facade import Service
from mailtui.service.importing import Imported, find_mailmerge, import_mailmerge

TEMPLATE = """TO: "{{name}}" <{{email}}>
SUBJECT: Testing mailmerge, {{name}}
FROM: My Self <myself@acme.test>
REPLY-TO: answers@acme.test
BCC: archive@acme.test

Hi, {{name}},
{% include "foot.txt" %}
"""
LIST = "email,name,number\nmyself@acme.test,Myself,17\nbob@list.test,Bob,42\n"
SERVER = (
    "[smtp_server]\nhost = smtp.gmail.com\nport = 465\nsecurity = SSL/TLS\nusername = me@acme.test\nratelimit = 50\n"
)


@pytest.fixture
def service(home: Home) -> Iterator[Service]:
    with Service.open(os.environ) as opened:
        yield opened


def mailmerge(folder: Path, template: str = TEMPLATE, server: str | None = None) -> Path:
    """A folder as `mailmerge --sample` makes one, and its template in it."""
    folder.mkdir()
    (folder / "mailmerge_template.txt").write_text(template)
    (folder / "mailmerge_database.csv").write_text(LIST)
    (folder / "foot.txt").write_text("Your number is {{number}}.\n")
    if server is not None:
        (folder / "mailmerge_server.conf").write_text(server)
    return folder / "mailmerge_template.txt"


def made(service: Service, source: Path, folder: Path) -> Imported:
    return import_mailmerge(source, folder, cache=service.settings.home.audiences)


def test_b1_a_template_becomes_a_campaign(service: Service, tmp_path: Path) -> None:
    result = made(service, mailmerge(tmp_path / "old"), tmp_path / "new")
    assert {path.name for path in result.files} == {
        *("campaign.yaml", "body.txt.j2", "foot.txt", "mailmerge_database.csv"),
    }
    assert result.mistakes == () and "no server was found" in str(result.remarks[0])
    campaign = service.campaigns.load(tmp_path / "new")
    mail = service.previews.of(campaign, row=2).message
    assert mail.text == "Hi, Bob,\nYour number is 42.\n\n" and mail.subject == "Testing mailmerge, Bob"
    assert b"To: Bob <bob@list.test>\r\n" in mail.data and b"Reply-To: answers@acme.test\r\n" in mail.data
    assert campaign.spec.bcc == ("archive@acme.test",)


def test_the_server_is_taken_over_and_its_password_is_not(service: Service, tmp_path: Path) -> None:
    source = mailmerge(tmp_path / "old", server=SERVER + "password = canary-hunter2\n")
    result = made(service, source.parent, tmp_path / "new")
    settings = (tmp_path / "new" / "mailtui.yaml").read_text()
    assert "  gmail:\n" in settings and 'host: "smtp.gmail.com"\n    port: 465\n    security: tls\n' in settings
    campaign = service.campaigns.load(tmp_path / "new")
    assert campaign.spec.dispatch.rate == "50/m"
    with pytest.raises(ConfigError) as told:
        service.campaigns.endpoint(campaign)
    assert told.value.problems[0].message == "There is no account gmail in the settings."
    assert f"mailtui.yaml has it, which counts where mailtui is started in that folder: cd {tmp_path / 'new'}" in str(
        told.value.problems[0].hint
    )
    with contextlib.chdir(tmp_path / "new"), Service.open(os.environ) as started_there:
        assert started_there.campaigns.endpoint(campaign).user == "me@acme.test"
    assert not [path for path in result.files if "canary" in path.read_text()]
    assert any("password, which is not taken over" in str(remark) for remark in result.remarks)


@pytest.mark.parametrize(
    ("server", "said"),
    [
        ("[smtp_server]\nhost = 127.0.0.1\nport = 25\n", 'smtp: {host: "127.0.0.1", port: 25, security: plain}'),
        ("[smtp_server]\nhost = mx.acme.test\nport = 25\nsecurity = Never\n", "port: 25, security: starttls}"),
        ("[smtp_server]\nhost = mx.acme.test\nport = 587\nsecurity = STARTTLS\n", "port: 587, security: starttls}"),
    ],
)
def test_how_the_server_is_reached(service: Service, tmp_path: Path, server: str, said: str) -> None:
    made(service, mailmerge(tmp_path / "old", server=server), tmp_path / "new")
    assert said in (tmp_path / "new" / "campaign.yaml").read_text()


def test_files_that_all_and_that_single_rows_get_come_along(service: Service, tmp_path: Path) -> None:
    head = "ATTACHMENT: all.pdf\nATTACHMENT: own/{{number}}.txt\nATTACHMENT: ../outside.txt\nATTACHMENT: /etc/passwd\n"
    source = mailmerge(tmp_path / "old", head + TEMPLATE)
    (source.parent / "own").mkdir()
    for name in ("all.pdf", "own/17.txt", "own/42.txt", "own/not-of-a-row.txt", "../outside.txt"):
        (source.parent / name).write_text(name)
    result = made(service, source, tmp_path / "new")
    assert sorted(path.name for path in (tmp_path / "new" / "own").iterdir()) == ["17.txt", "42.txt"]
    campaign = service.campaigns.load(tmp_path / "new")
    assert [item.path for item in campaign.spec.attachments] == ["all.pdf", "own/{{number}}.txt"]
    outside = [remark.place.line for remark in result.remarks if "outside of the template's folder" in remark.message]
    assert outside == [3, 4] and service.campaigns.check(campaign, every_row=True, progress=lambda *_: None).errors == 0


def test_mistakes_of_the_template_are_told_with_their_line(service: Service, tmp_path: Path) -> None:
    result = made(service, mailmerge(tmp_path / "old", TEMPLATE + "{{ nmae }}\n"), tmp_path / "new")
    (mistake,) = result.mistakes
    assert "nmae" in str(mistake) and "name" in mistake.hint and mistake.place.line == 3


def test_nothing_is_overwritten_and_nothing_half_written(service: Service, tmp_path: Path) -> None:
    source = mailmerge(tmp_path / "old")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine.txt").write_text("mine")
    bad_server = tmp_path / "old" / "mailmerge_server.conf"
    for where, said in ((tmp_path / "new", "is not empty"), (tmp_path / "other", "cannot be read as the server")):
        if where.name == "other":
            bad_server.write_text("[smtp_server]\nport = x\n")
        with pytest.raises(UsageError, match=said):
            made(service, source, where)
    (source.parent / "mailmerge_database.csv").unlink()
    with pytest.raises(UsageError, match="Which list"):
        made(service, source, tmp_path / "other")
    with pytest.raises(UsageError, match="is no template of mailmerge"):
        made(service, tmp_path / "new" / "mine.txt", tmp_path / "other")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name not in ("home", "data")) == ["new", "old"]


def test_what_is_not_carried_over_is_told_with_its_line() -> None:
    found = read_mailmerge(
        "TO: {{email}}, {{boss}}\nDATE: today\n{% if x %}\nX-One: 1\nX-One: 2\nFROM: a@acme.test\nFROM: b@acme.test\n"
        'CC:\n  Team <team@acme.test>,\n "Last, First" <x@acme.test>\nCONTENT-TYPE: text/markdown\nnonsense\n\n'
        "# Hi <b>{{name}}</b>\nsecond\nline\n",
        "t.txt",
    )
    assert (found.address, found.sender, found.headers) == ("email", "a@acme.test", (("X-One", "1"),))
    assert found.cc == ("{{boss}}", "Team <team@acme.test>", '"Last, First" <x@acme.test>')
    assert found.bodies == (("markdown", "# Hi <b>{{name}}</b>\nsecond\nline\n"),)
    told = {remark.place.line: remark.message for remark in found.remarks if remark.place.line != 14}
    assert [*told] == [1, 2, 3, 5, 7, 12]
    assert "becomes a Cc" in told[1] and "Date is left out" in told[2] and "Jinja around" in told[3]
    at_body = [remark.message for remark in found.remarks if remark.place.line == 14]
    assert len(at_body) == 3 and any("tags" in message for message in at_body)


def test_bodies_of_each_type() -> None:
    html = read_mailmerge("TO: {{e}}\nSUBJECT: x\nContent-Type: text/html\n\n<p>{{a}}</p>\n", "t")
    assert [key for key, _ in html.bodies] == ["html"]
    both = read_mailmerge(
        'TO: {{e}}\nSUBJECT: x\nContent-Type: multipart/alternative; boundary="b"\n\n--b\nContent-Type: text/plain\n\n'
        "plain {{a}}\n--b\nContent-Type: text/html\n\n<p>{{a}}</p>\n--b\nContent-Type: image/png\n\nx\n--b--\n",
        "t",
    )
    assert both.bodies == (("text", "plain {{a}}\n"), ("html", "<p>{{a}}</p>\n"))
    assert any("image/png is not carried over" in remark.message for remark in both.remarks)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (TEMPLATE, True),
        ("\ufeffto: {{email}}\r\nfrom: a@b.test\r\n\r\nHi", True),
        ("name: Spring\nfrom: a@b.test\nsubject: x\n", False),
        ("email,name\nto@b.test,from\n", False),
        ("To: all\n\nHi", False),
        ("", False),
    ],
)
def test_what_is_a_template_of_mailmerge(text: str, is_one: bool, tmp_path: Path) -> None:
    assert is_mailmerge(text) == is_one
    (tmp_path / "x.txt").write_text(text)
    assert (find_mailmerge(tmp_path / "x.txt") is not None) == is_one
    assert find_mailmerge(tmp_path) is None and find_mailmerge(tmp_path / "nowhere") is None
