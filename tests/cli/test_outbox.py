"""`mailtui outbox`, and the file behind it as a person meets it (S-06, S-07, S-09, S-10, S-12)."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import apsw
import pytest

from mailtui.outbox.health import examine
from tests.cli.program import Mailtui, Oracle, wait_until


def _finished(mailtui: Mailtui, sandbox: Oracle, rows: int = 12) -> Path:
    """A campaign that went out, and the outbox it is in."""
    done = mailtui.call("run", mailtui.campaign(rows, port=sandbox.port), "--yes")
    assert done.code == 0, done.err
    return mailtui.home.outbox_file


def test_the_outbox_at_a_glance(mailtui: Mailtui, sandbox: Oracle) -> None:
    for command in ("info", "check", "backup", "accept"):
        none = mailtui.call("outbox", command)
        assert (none.code, none.out) == (2, "") and "no outbox yet" in none.err
    assert not mailtui.home.outbox_file.exists(), "looking makes nothing"
    path = _finished(mailtui, sandbox)
    text = mailtui.call("outbox", "info")
    assert text.code == 0 and "1 campaign, 12 deliveries" in text.out and text.err == ""
    told = mailtui.call("outbox", "info", "--json").json
    assert (told["path"], told["campaigns"], told["deliveries"], told["runner"]) == (str(path), 1, 12, None)
    assert told["refused"] is None and len(told["generation"]) == 16
    assert "is whole" in mailtui.call("outbox", "check").out
    assert mailtui.call("outbox", "check", "--json").json["ok"] is True
    before = path.read_bytes()
    taken = mailtui.call("outbox", "backup", path)
    assert taken.code == 2 and "exists already" in taken.err
    assert path.read_bytes() == before, "a backup overwrites nothing"
    written = mailtui.call("outbox", "backup")
    assert written.code == 0 and Path(written.out.strip()).parent == path.parent
    assert not list(path.parent.glob(".*")), "nothing half-made is left"
    assert told["before_upgrade"] is None
    Path(written.out.strip()).rename(path.with_name("outbox-schema-3.db"))
    assert "outbox-schema-3.db (" in mailtui.call("outbox", "info").out


def test_s06_damage_is_told_in_a_sentence_and_nothing_is_sent(mailtui: Mailtui, sandbox: Oracle) -> None:
    path = _finished(mailtui, sandbox)
    copy = mailtui.call("outbox", "backup", "copy.db")
    assert copy.code == 0, copy.err
    content = bytearray(path.read_bytes())
    at = len(content) // 4096 // 2 * 4096
    content[at : at + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    for command in (["outbox", "check"], ["run", mailtui.campaign(13, port=sandbox.port), "--yes"]):
        ended = mailtui.run(*command)
        assert ended.code == 1, ended.err
        assert "Traceback" not in ended.err and "damaged" in ended.err and str(path) in ended.err
    assert path.read_bytes() == bytes(content), "left as it is"
    assert mailtui.call("outbox", "check", "--json").json["error"]
    assert sandbox.accepted.total() == 12
    assert mailtui.call("outbox", "check", "--outbox", f"sqlite:///{mailtui.folder}/copy.db").code == 0


def test_s07_an_older_copy_is_refused_until_accepted(mailtui: Mailtui, sandbox: Oracle) -> None:
    path = _finished(mailtui, sandbox)
    assert mailtui.call("outbox", "accept").code == 0, "there is nothing to accept"
    assert mailtui.call("outbox", "backup", "copy.db").code == 0
    more = mailtui.campaign(20, port=sandbox.port)
    assert mailtui.call("run", more, "--yes").code == 0
    assert sandbox.accepted.total() == 20
    for old in path.parent.glob(f"{path.name}*"):
        old.unlink()  # with its log, which is of no other file
    (mailtui.folder / "copy.db").rename(path)
    [known] = mailtui.call("list", "--json").lines
    short = known["campaign"]
    for command in (
        ["run", more, "--yes"],
        ["run", more, "--new", "--yes", "--detach"],
        ["set", short, "--rate", "5/s"],
        ["resume", short],
        ["retry", short],
        ["cancel", short],
    ):
        refused = mailtui.call(*command)
        assert refused.code == 1 and "older copy" in refused.err and "mailtui outbox accept" in refused.err
        assert mailtui.call("list", "--json").lines == [known], "nothing is written into the copy"
    runner = mailtui.run("runner", "--until-idle")
    assert runner.code == 1 and "older copy" in runner.err
    assert sandbox.accepted.total() == 20, "nobody got it again"
    assert "older copy" in mailtui.call("doctor").out
    for look in ("info", "check"):
        looked = mailtui.call("outbox", look)
        assert looked.code == 0 and "older copy" in looked.err and "Put the newer file back" in looked.err
        assert "older copy" in mailtui.call("outbox", look, "--json").json["refused"]
    assert mailtui.call("outbox", "accept").code == 2, "nobody is there to be asked"
    accepted = mailtui.call("outbox", "accept", "--yes", "--json")
    assert accepted.json["accepted"] is True and "Nobody waits in it." in accepted.err
    assert "after the copy was made is not known in it, and may get it again" in accepted.err
    assert mailtui.call("run", more, "--yes").code == 0
    assert sandbox.accepted.total() == 28, "those who were sent to after the copy was made; the person was told"


def test_s07_whoever_accepts_a_copy_is_told_what_goes_on(mailtui: Mailtui, sandbox: Oracle) -> None:
    slow = mailtui.campaign(300, port=sandbox.port, dispatch={"rate": "20/s", "workers": 1})
    shown = mailtui.call("run", slow, "--yes", "--detach").out.strip()
    wait_until(lambda: sandbox.accepted.total() > 2)
    assert mailtui.call("outbox", "backup", "copy.db").code == 0
    assert mailtui.call("pause", shown).code == 0
    wait_until(lambda: mailtui.runner() is None)
    path = mailtui.home.outbox_file
    for old in path.parent.glob("outbox.db*"):
        old.unlink()
    (mailtui.folder / "copy.db").rename(path)
    told = mailtui.call("outbox", "accept")
    assert told.code == 2 and f"  {shown}  " in told.err and "mails to go: News c" in told.err
    assert "may get it again" in told.err
    assert f"  {shown}  " in mailtui.call("outbox", "accept", "--yes").err


def test_s09_doctor_tells_a_bad_place(mailtui: Mailtui) -> None:
    seen = mailtui.call("doctor", "--outbox", f"sqlite:///{mailtui.folder}/Dropbox/outbox.db")
    assert seen.code == 3 and "cloud service" in seen.out


def test_s10_nobody_else_can_read_anything(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(40, port=sandbox.port)
    folder = mailtui.folder / "made"
    folder.mkdir(mode=0o700)
    before = os.umask(0)
    try:
        assert mailtui.call("run", campaign, "--yes", "--detach").code == 0
        wait_until(lambda: mailtui.call("status", "--json").json["state"] == "finished")
        for made in (
            ["report", "--format", "csv", "--out", folder / "report.csv"],
            ["render", campaign, "--out", folder / "mails"],
            ["render", campaign, "--out", folder / "mails.mbox"],
            ["outbox", "backup"],
            ["outbox", "backup", folder / "copy/of/it.db"],
        ):
            done = mailtui.call(*made)
            assert done.code == 0, done.err
    finally:
        os.umask(before)
    found = [*folder.rglob("*"), *mailtui.home.data.parent.rglob("*")]
    kinds = {path.suffix for path in found}
    assert {".db", ".log", ".csv", ".eml", ".mbox", ".lock", ".json"} <= kinds, kinds
    open_to_others = [
        f"{stat.filemode(path.lstat().st_mode)} {path}"
        for path in found
        if not path.is_symlink() and stat.S_IMODE(path.lstat().st_mode) & 0o077
    ]
    assert not open_to_others, "\n".join(open_to_others)


def _backups_while_sending(mailtui: Mailtui, port: int, *, rows: int, copies: int, rate: int) -> None:
    campaign = mailtui.campaign(rows, port=port, dispatch={"rate": f"{rate}/s", "burst": 10, "workers": 4})
    started = mailtui.call("run", campaign, "--yes", "--detach")
    assert started.code == 0, started.err
    sizes = []
    for number in range(copies):
        done = mailtui.call("outbox", "backup", f"copy{number}.db", "--json")
        assert done.code == 0, done.err
        copy = mailtui.folder / f"copy{number}.db"
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        assert examine(copy).ok
        reader = apsw.Connection(str(copy), flags=apsw.SQLITE_OPEN_READONLY)
        assert reader.pragma("integrity_check") == "ok"
        sizes.append(reader.execute("SELECT count(*) FROM delivery WHERE state = 'sent'").get)
        assert reader.execute("SELECT count(*) FROM delivery").get == rows
        reader.close()
        for rest in mailtui.folder.glob(f"copy{number}.db*"):
            rest.unlink()
    assert mailtui.call("status", "--json").json["state"] == "running", "the copies were made while it was sent"
    print(f"\n{copies} of {copies} copies are whole; they hold {sizes[0]} to {sizes[-1]} sent")
    assert sizes == sorted(sizes) and sizes[-1] > sizes[0]
    mailtui.call("cancel", "--yes")


def test_s12_a_backup_while_sending(mailtui: Mailtui, sandbox: Oracle) -> None:
    _backups_while_sending(mailtui, sandbox.port, rows=5_000, copies=5, rate=60)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_s12_fifty_backups_while_sending(mailtui: Mailtui, sandbox: Oracle) -> None:
    _backups_while_sending(mailtui, sandbox.port, rows=20_000, copies=50, rate=60)
