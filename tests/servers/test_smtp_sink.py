"""smtp-sink as a peer: flags work, dumps are kept, and it is gone afterwards."""

from __future__ import annotations

import smtplib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.programs import is_listening, need_program, wait_until_gone
from tests.servers.smtp_sink import smtp_sink


def test_keeps_what_it_is_given() -> None:
    with smtp_sink(keep=True) as sink:
        with smtplib.SMTP("127.0.0.1", sink.port) as client:
            client.sendmail("a@sender.example", ["b@x.test"], b"Subject: one\r\n\r\nhello\r\n")
            client.sendmail("a@sender.example", ["c@x.test"], b"Subject: two\r\n\r\nhello\r\n")
        dumped = sink.dumped()
        assert len(dumped) == 2
        assert sorted(b"Subject: two\n" in dump for dump in dumped) == [False, True]
        assert any(b"X-Rcpt-Args: <b@x.test>" in dump for dump in dumped)
    assert sink.port < 32_768
    assert not is_listening(sink.port)


def test_rejects_as_its_flags_say() -> None:
    with (
        smtp_sink("-f", "RCPT", "-B", "550 5.1.1 No such user") as sink,
        smtplib.SMTP("127.0.0.1", sink.port) as client,
    ):
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            client.sendmail("a@sender.example", ["b@x.test"], b"Subject: one\r\n\r\nhello\r\n")
        assert refused.value.recipients["b@x.test"][0] == 550
        assert not client.has_extn("pipelining")
        with pytest.raises(ValueError, match="keep=True"):
            sink.dumped()


def test_ends_with_a_test_run_that_is_killed() -> None:
    code = (
        "import os, signal, time\n"
        "from tests.servers.smtp_sink import smtp_sink\n"
        "with smtp_sink() as sink:\n"
        "    print(sink.port, flush=True)\n"
        "    time.sleep(60)\n"
    )
    need_program("smtp-sink", package="postfix")
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
    assert child.stdout is not None
    with child.stdout:
        port = int(child.stdout.readline())
    assert is_listening(port)
    child.kill()
    child.wait(timeout=10)
    wait_until_gone(port)
