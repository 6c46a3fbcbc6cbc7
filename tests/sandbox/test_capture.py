"""What was caught stays caught: exact bytes, the log before the 250, crashes, modes."""

from __future__ import annotations

import hashlib
import json
import mailbox
import os
import stat
from pathlib import Path

import pytest

import mailtui.sandbox.capture as capture_module
from mailtui.errors import MailtuiError
from mailtui.sandbox.capture import LOG, MBOX, captured_message, message_of, read_captured
from mailtui.sandbox.server import SandboxServer
from tests.sandbox.client import ENVELOPE, connected

FIRST = b"Message-ID:\r\n <first@sender.example>\r\nSubject: one\r\n\r\nFrom here\r\n>From there\r\n"
SECOND = b"Subject: two\r\n\r\nMessage-ID: <not-a-header@sender.example>\r\n"


async def test_the_log_says_what_was_accepted(tmp_path: Path) -> None:
    async with SandboxServer(tmp_path) as server, connected(server.port) as client:
        await client.send(FIRST)
        await client.say(b"MAIL FROM:<> SIZE=10\r\n")
        client.writer.write(b"RCPT TO:<c@x.test>\r\nRCPT TO:<d@x.test>\r\nDATA\r\n")
        await client.replies(3)
        await client.say(SECOND + b".\r\n")
    one, two = read_captured(tmp_path)
    assert (one.mail_from, one.rcpt_to, one.message_id) == (
        "a@sender.example",
        ("b@x.test",),
        "<first@sender.example>",
    )
    assert (two.mail_from, two.rcpt_to, two.message_id) == ("", ("c@x.test", "d@x.test"), "")
    assert two.mail_options == ("SIZE=10",)
    for captured, content in ((one, FIRST), (two, SECOND)):
        assert message_of(tmp_path, captured) == content
        assert captured.size == len(content)
        assert captured.sha256 == hashlib.sha256(content).hexdigest()
        assert captured.at.tzinfo is not None
    with pytest.raises(MailtuiError, match="no message 3"):
        captured_message(tmp_path, 3)


async def test_other_programs_can_read_the_mbox(tmp_path: Path) -> None:
    async with SandboxServer(tmp_path) as server, connected(server.port) as client:
        await client.send(FIRST)
        await client.send(SECOND)
    subjects = [message["Subject"] for message in mailbox.mbox(tmp_path / MBOX, create=False)]
    assert subjects == ["one", "two"]


async def test_folder_and_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    before = os.umask(0)
    try:
        async with SandboxServer(folder) as server, connected(server.port) as client:
            await client.send(FIRST)
    finally:
        os.umask(before)
    for path in (folder, *folder.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


async def test_nothing_caught_reads_as_nothing(tmp_path: Path) -> None:
    assert list(read_captured(tmp_path)) == []


async def test_what_a_crash_left_half_written_is_cut_off(tmp_path: Path) -> None:
    async with SandboxServer(tmp_path) as server, connected(server.port) as client:
        await client.send(FIRST)
    with (tmp_path / LOG).open("ab") as log, (tmp_path / MBOX).open("ab") as mbox:
        log.write(b'{"number": 2, "at": "20')
        mbox.write(b"From someone\nhalf a mess")
    assert [captured.number for captured in read_captured(tmp_path)] == [1]
    async with SandboxServer(tmp_path) as server, connected(server.port) as client:
        assert b"kept as 2" in await client.send(SECOND)
    assert [message_of(tmp_path, captured) for captured in read_captured(tmp_path)] == [FIRST, SECOND]


@pytest.mark.parametrize("sync", [False, True])
async def test_logged_before_the_250_and_synced_first_if_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, sync: bool
) -> None:
    synced: list[int] = []

    def fsync(handle: int) -> None:
        synced.append(os.fstat(handle).st_size)
        os.fsync(handle)

    monkeypatch.setattr(capture_module, "_fsync", fsync)
    async with SandboxServer(tmp_path, sync=sync) as server, connected(server.port) as client:
        client.writer.write(ENVELOPE)
        await client.replies(3)
        client.writer.write(b"one\r\n.\r\n" + ENVELOPE)
        assert (await client.reply()).startswith(b"250 ")
        entries = [json.loads(line) for line in (tmp_path / LOG).read_bytes().splitlines()]
        assert [entry["number"] for entry in entries] == [1]
        sizes = [(tmp_path / MBOX).stat().st_size, (tmp_path / LOG).stat().st_size]
        assert synced == (sizes if sync else [])


async def test_one_fsync_for_all_that_came_in_one_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(capture_module, "_fsync", synced.append)
    async with (
        SandboxServer(tmp_path, sync=True) as server,
        connected(server.port) as one,
        connected(server.port) as two,
    ):
        for client in (one, two):
            client.writer.write(ENVELOPE)
            await client.replies(3)
        for client in (one, two):
            client.writer.write(b"hello\r\n.\r\n")
        assert [(await client.reply())[:3] for client in (one, two)] == [b"250", b"250"]
    assert len(synced) == 2  # the mbox and the log, once each
    assert len(list(read_captured(tmp_path))) == 2
