"""The private Exim: it takes, refuses, speaks CHUNKING, dies and comes back, and leaves nothing behind."""

from __future__ import annotations

import smtplib

import pytest

from tests.servers.exim import Exim, exim_server
from tests.servers.programs import is_listening

MESSAGE = b"Message-ID: <%d@sender.example>\r\nSubject: one\r\n\r\n..two dots\r\nend\r\n"


def test_takes_every_message_as_it_is_and_delivers_none(exim: Exim) -> None:
    with smtplib.SMTP("127.0.0.1", exim.port) as client:
        client.ehlo("sender.example")
        assert client.has_extn("chunking") and client.has_extn("pipelining")
        for number in range(3):
            client.sendmail("a@sender.example", [f"r{number}@x.test", "every@y.test"], MESSAGE % number)
        client.docmd("MAIL FROM:<a@sender.example>")
        client.docmd("RCPT TO:<chunk@x.test>")
        client.send(b"BDAT %d LAST\r\n" % len(MESSAGE % 3) + MESSAGE % 3)
        assert client.getreply()[0] == 250
    spooled = exim.spooled()
    assert [item.recipients for item in spooled[:3]] == [(f"r{number}@x.test", "every@y.test") for number in range(3)]
    assert spooled[3].recipients == ("chunk@x.test",)
    assert [item.content for item in spooled] == [(MESSAGE % n).replace(b"\r", b"") for n in range(4)]
    assert exim.take_spooled() == spooled
    assert exim.take_spooled() == []


def test_refuses_whom_it_is_told_to_and_stops_at_the_end() -> None:
    refuse = {"gone@x.test": "550 5.1.1 No such user", "full@x.test": "452 4.2.2 Mailbox full"}
    with exim_server(refuse=refuse) as server:
        with smtplib.SMTP("127.0.0.1", server.port) as client:
            refused = client.sendmail("a@sender.example", ["gone@x.test", "b@x.test", "full@x.test"], MESSAGE % 1)
        assert refused == {"gone@x.test": (550, b"5.1.1 No such user"), "full@x.test": (452, b"4.2.2 Mailbox full")}
        assert [item.recipients for item in server.spooled()] == [("b@x.test",)]
        folder = server.folder
    assert not is_listening(server.port)
    assert not folder.exists()


def test_dies_and_comes_back_with_what_it_had(exim: Exim) -> None:
    with smtplib.SMTP("127.0.0.1", exim.port) as client:
        client.sendmail("a@sender.example", ["b@x.test"], MESSAGE % 1)
        assert exim.kill_children() == 1
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.sendmail("a@sender.example", ["b@x.test"], MESSAGE % 2)
    exim.kill()
    assert not is_listening(exim.port)
    exim.start()
    with smtplib.SMTP("127.0.0.1", exim.port) as client:
        client.sendmail("a@sender.example", ["c@x.test"], MESSAGE % 3)
    assert [item.recipients for item in exim.spooled()] == [("b@x.test",), ("c@x.test",)]
