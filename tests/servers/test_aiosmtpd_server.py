"""aiosmtpd with TLS and logins: what the tests of the wire rely on."""

from __future__ import annotations

import smtplib
import ssl

import pytest

from tests.servers.aiosmtpd_server import PASSWORD, USER, Authority, Keeper, Security, aiosmtpd_server

MESSAGE = b"Subject: one\r\n\r\n.dot\r\n"


def _login(client: smtplib.SMTP, password: str) -> None:
    # smtplib's own login insists on ASCII passwords
    client.ehlo("sender.example")
    code, text = client.docmd("AUTH PLAIN", _plain(USER, password))
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, text)


def _plain(user: str, password: str) -> str:
    import base64

    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


def test_plain_keeps_and_refuses(authority: Authority) -> None:
    keeper = Keeper(refuse={"gone@*": "550 5.1.1 No such user"})
    with aiosmtpd_server(authority, keeper=keeper) as server, smtplib.SMTP("127.0.0.1", server.port) as client:
        refused = client.sendmail("a@sender.example", ["gone@x.test", "b@x.test"], MESSAGE)
        assert refused == {"gone@x.test": (550, b"5.1.1 No such user")}
        [taken] = server.taken
        assert (taken.mail_from, taken.rcpt_to) == ("a@sender.example", ("b@x.test",))
        assert taken.content == MESSAGE
        assert not taken.secured


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_tls_with_login(authority: Authority, security: Security) -> None:
    context = authority.client_context()
    with aiosmtpd_server(authority, security=security, auth=True) as server:
        client: smtplib.SMTP
        if security is Security.TLS:
            client = smtplib.SMTP_SSL("localhost", server.port, context=context)
        else:
            client = smtplib.SMTP("localhost", server.port)
            client.starttls(context=context)
        with client:
            with pytest.raises(smtplib.SMTPAuthenticationError):
                _login(client, "wrong")
            _login(client, PASSWORD)
            client.sendmail("a@sender.example", ["b@x.test"], MESSAGE)
        [taken] = server.taken
        assert taken.secured
        assert taken.user == USER


def test_a_certificate_for_another_name_is_not_trusted(authority: Authority) -> None:
    with (
        aiosmtpd_server(authority, security=Security.TLS, certificate_names=("other.test",)) as server,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        smtplib.SMTP_SSL("localhost", server.port, context=authority.client_context())
