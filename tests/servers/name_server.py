"""Owns a name server on loopback, over UDP and TCP, with the zones that a test gives it and the faults it asks for."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

_SOA = "ns.example. host.example. 1 3600 600 86400 {minimum}"


@dataclass(slots=True)
class NameServer:
    """`records` maps names to types to texts of records; a name that is not there does not exist.

    A `public` one knows com as well, which is no question to speak of.

    Of `faults`, by name: `servfail`, `silent`, `truncated` (over UDP only).
    """

    port: int = 0
    records: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    ttl: int = 7_200
    minimum: int = 900
    delay: float = 0.0
    public: bool = True
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """Name, type and transport of every question."""

    @property
    def setting(self) -> str:
        return f"127.0.0.1:{self.port}"

    def names(self) -> list[str]:
        return [name for name, _, _ in self.asked]


@contextmanager
def name_server() -> Iterator[NameServer]:
    """A server for as long as the `with` lasts."""
    state = NameServer()
    udp, tcp = _bound()
    state.port = udp.getsockname()[1]
    threads = [threading.Thread(target=serve, args=(state, place), daemon=True) for serve, place in _ways(udp, tcp)]
    for thread in threads:
        thread.start()
    try:
        yield state
    finally:
        for place in (udp, tcp):
            place.close()


def _bound() -> tuple[socket.socket, socket.socket]:
    """One port for both transports."""
    for _ in range(50):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            tcp.bind(udp.getsockname())
        except OSError:
            udp.close()
            tcp.close()
            continue
        tcp.listen(50)
        return udp, tcp
    raise OSError("no port is free for both transports")


def _ways(
    udp: socket.socket, tcp: socket.socket
) -> list[tuple[Callable[[NameServer, socket.socket], None], socket.socket]]:
    return [(_serve_udp, udp), (_serve_tcp, tcp)]


def _serve_udp(state: NameServer, place: socket.socket) -> None:
    while True:
        try:
            data, client = place.recvfrom(4_096)
        except OSError:
            return

        def answer(data: bytes = data, client: tuple[str, int] = client) -> None:
            reply = _reply(state, data, "udp")
            if reply is not None:
                try:
                    place.sendto(reply, client)
                except OSError:
                    return  # the server has been closed

        if state.delay:
            threading.Timer(state.delay, answer).start()
        else:
            answer()


def _serve_tcp(state: NameServer, place: socket.socket) -> None:
    while True:
        try:
            stream, _ = place.accept()
        except OSError:
            return
        with stream:
            size = struct.unpack("!H", stream.recv(2))[0]
            time.sleep(state.delay)
            reply = _reply(state, stream.recv(size), "tcp")
            if reply is not None:
                stream.sendall(struct.pack("!H", len(reply)) + reply)


def _reply(state: NameServer, data: bytes, transport: str) -> bytes | None:
    query = dns.message.from_wire(data)
    question = query.question[0]
    name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
    records = state.records
    if name == "com":
        records = {"com": {"SOA": [_SOA.format(minimum=900)]}} if state.public else {}
    else:
        state.asked.append((name, kind, transport))
    fault = state.faults.get(name, "")
    if fault == "silent":
        return None
    response = dns.message.make_response(query)
    response.flags |= dns.flags.RA
    if fault == "servfail":
        response.set_rcode(dns.rcode.SERVFAIL)
        return response.to_wire()
    if fault == "truncated" and transport == "udp":
        response.flags |= dns.flags.TC
        return response.to_wire()
    known = records.get(name)
    texts = [] if known is None else known.get(kind, [])
    if texts:
        response.answer.append(dns.rrset.from_text_list(question.name, state.ttl, "IN", kind, texts))
    else:
        if known is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        soa = _SOA.format(minimum=state.minimum)
        response.authority.append(dns.rrset.from_text("example.", state.ttl, "IN", "SOA", soa))
    return response.to_wire()
