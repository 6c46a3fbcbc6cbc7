"""The private Postfix: it takes, delivers, refuses, and leaves nothing behind."""

from __future__ import annotations

import smtplib

import pytest

from tests.servers.postfix import Postfix, postfix_server
from tests.servers.programs import is_listening

MESSAGE = b"Message-ID: <%d@sender.example>\r\nSubject: one\r\n\r\n..two dots\r\nend\r\n"


def test_delivers_to_every_recipient_and_says_so_in_its_log(postfix: Postfix) -> None:
    with smtplib.SMTP("127.0.0.1", postfix.port) as client:
        for number in range(3):
            client.sendmail("a@sender.example", [f"r{number}@x.test", "every@y.test"], MESSAGE % number)
    sent = postfix.wait_sent(6)
    assert sorted(delivery.recipient for delivery in sent) == ["every@y.test"] * 3 + [f"r{n}@x.test" for n in range(3)]
    assert {delivery.message_id for delivery in sent} == {f"<{n}@sender.example>" for n in range(3)}
    mails = postfix.mails()
    assert len(mails) == 6
    assert all(mail.endswith(b"\n\n..two dots\nend\n") for mail in mails)


def test_refuses_whom_it_is_told_to_and_stops_at_the_end() -> None:
    with postfix_server(discard=True, refuse={"gone@x.test": "550 5.1.1 No such user"}) as server:
        with smtplib.SMTP("127.0.0.1", server.port) as client:
            client.ehlo("sender.example")
            assert client.has_extn("pipelining")
            refused = client.sendmail("a@sender.example", ["gone@x.test", "b@x.test"], MESSAGE % 1)
            assert refused["gone@x.test"][0] == 550
            assert b"5.1.1" in refused["gone@x.test"][1]
        assert [delivery.recipient for delivery in server.wait_sent(1)] == ["b@x.test"]
        assert server.mails() == []
        folder = server.folder
    assert not is_listening(server.port)
    assert not folder.exists()


def test_stops_also_when_the_test_fails() -> None:
    with pytest.raises(ZeroDivisionError), postfix_server(discard=True) as server:
        raise ZeroDivisionError
    assert not is_listening(server.port)
