"""Owns a mail server on OpenSSL's own sockets, in a thread: what it says when a handshake fails gets to the client.

asyncio drops the alert with which OpenSSL tells why it gives up, so a server on it just hangs up. This one also still
speaks the versions of TLS that nobody should.
"""

from __future__ import annotations

import socket
import ssl
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_EHLO = b"250-tls.example\r\n%b250 AUTH PLAIN LOGIN\r\n"


@dataclass(slots=True)
class TlsPeer:
    """What a client said: `clear` before TLS or without it, `secured` inside; each a list of lines. `shown` are its own
    certificates in DER, of those that have one.
    """

    port: int = 0
    clear: list[bytes] = field(default_factory=list)
    secured: list[bytes] = field(default_factory=list)
    shown: list[bytes] = field(default_factory=list)

    @property
    def logins(self) -> int:
        """How often AUTH was said, protected or not."""
        return sum(line.upper().startswith(b"AUTH") for line in (*self.clear, *self.secured))


@contextmanager
def tls_peer(context: ssl.SSLContext, *, implicit: bool) -> Iterator[TlsPeer]:
    """Listen on 127.0.0.1 with TLS from the first byte, or after STARTTLS; every login is taken, no mail is."""
    peer = TlsPeer()
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(10)
    peer.port = listening.getsockname()[1]
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            try:
                client, _ = listening.accept()
            except OSError:
                return
            client.settimeout(10)
            with client.dup() as still_open:
                try:
                    with client:
                        _converse(client, context, peer, implicit=implicit)
                except OSError:  # the client is free to go, and OpenSSL to refuse it
                    _linger(still_open)

    thread = threading.Thread(target=serve, name="tls peer", daemon=True)
    thread.start()
    try:
        yield peer
    finally:
        over.set()
        with socket.create_connection(("127.0.0.1", peer.port)):
            pass  # wakes the thread that waits for a client
        thread.join(10)
        listening.close()


def _linger(client: socket.socket) -> None:
    """Take in what still comes: closed with something unread, the system would reset the connection, and the alert
    that was sent would be lost on the client's side.
    """
    try:
        client.shutdown(socket.SHUT_WR)
        while client.recv(4096):
            pass
    except OSError:
        pass


def _converse(client: socket.socket, context: ssl.SSLContext, peer: TlsPeer, *, implicit: bool) -> None:
    secured = implicit
    stream: socket.socket = _secured(client, context, peer) if implicit else client
    stream.sendall(b"220 tls.example\r\n")
    while True:
        with stream.makefile("rb") as lines:
            for line in lines:
                (peer.secured if secured else peer.clear).append(line)
                verb = line[:4].upper()
                if verb == b"STAR":
                    break
                offer = _EHLO % (b"" if secured else b"250-STARTTLS\r\n")
                stream.sendall({b"EHLO": offer, b"AUTH": b"235 ok\r\n"}.get(verb, b"550 no\r\n"))
            else:
                return
        stream.sendall(b"220 ready\r\n")
        stream, secured = _secured(client, context, peer), True


def _secured(client: socket.socket, context: ssl.SSLContext, peer: TlsPeer) -> ssl.SSLSocket:
    stream = context.wrap_socket(client, server_side=True)
    if (shown := stream.getpeercert(binary_form=True)) is not None:
        peer.shown.append(shown)
    return stream


def only(context: ssl.SSLContext, version: ssl.TLSVersion) -> ssl.SSLContext:
    """The same context, speaking this version of TLS and no other."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that they are old is the reason to ask for them
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = version
        context.minimum_version = version
    if version < ssl.TLSVersion.TLSv1_2:
        context.set_ciphers("DEFAULT:@SECLEVEL=0")  # OpenSSL 3 else refuses their SHA-1 signatures
    return context


def self_signed(folder: Path, *, begins_in: timedelta = timedelta(0)) -> tuple[ssl.SSLContext, bytes]:
    """A server's context with a certificate for localhost that nobody else signed, and that certificate in DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    begins = datetime.now(UTC) - timedelta(hours=1) + begins_in
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / f"self-signed-{begins_in.days}.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context, certificate.public_bytes(serialization.Encoding.DER)
