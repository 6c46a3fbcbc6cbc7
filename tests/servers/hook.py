"""A receiver of webhooks on this machine, over HTTP or TLS: it keeps what it was told, and misbehaves as asked.

Signatures are verified by openssl, which shares no code with what made them.
"""

from __future__ import annotations

import base64
import json
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.servers.certificates import Authority
from tests.servers.programs import need_program

HANG = "hang"
DRIP = "drip"
FLOOD = "flood"
GARBAGE = "garbage"
MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Post:
    """What came in. `answered` is what was done about it."""

    at: float
    headers: dict[str, str]
    body: str
    answered: int | str

    @property
    def said(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass(slots=True)
class Receiver:
    """`answers` are given one after the other, the last of them from then on: a status, or one of the words above."""

    url: str = ""
    answers: list[int | str] = field(default_factory=lambda: [200])
    posts: list[Post] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, headers: dict[str, str], body: str) -> int | str:
        with self._lock:
            answer = self.answers[min(len(self.posts), len(self.answers) - 1)]
            self.posts.append(Post(time.time(), headers, body, answer))
        return answer

    @property
    def taken(self) -> list[Post]:
        """What was answered with a 2xx."""
        return [post for post in self.posts if isinstance(post.answered, int) and 200 <= post.answered < 300]


@contextmanager
def receiver(answers: Sequence[int | str] = (200,), *, authority: Authority | None = None) -> Iterator[Receiver]:
    """A receiver that lives as long as the block; with an `authority`, over TLS."""
    found = Receiver(answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode("ascii")
            _answer(self, found, found.take({key.lower(): value for key, value in self.headers.items()}, body))

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    scheme = "http"
    if authority is not None:
        scheme, context = "https", authority.server().context
        server.socket = context.wrap_socket(server.socket, server_side=True)
    found.url = f"{scheme}://127.0.0.1:{server.server_address[1]}/told?by=mailtui"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(handler: BaseHTTPRequestHandler, found: Receiver, answer: int | str) -> None:
    try:
        if answer == HANG:
            found.closing.wait(60)
        elif answer == DRIP:
            while not found.closing.wait(0.05):
                handler.wfile.write(b"X")  # a status line without an end
        elif answer == GARBAGE:
            handler.wfile.write(b"\x00\xff no HTTP at all\r\n\r\n")
        elif answer == MOVED:
            handler.send_response(302)
            handler.send_header("Location", found.url)
            handler.end_headers()
        elif answer == FLOOD:
            handler.send_response(200)
            handler.end_headers()
            while not found.closing.is_set():
                handler.wfile.write(bytes(1 << 16))
        else:
            handler.send_response(int(answer))
            if answer == 503:
                handler.send_header("Retry-After", "7")
            handler.end_headers()
    except OSError:
        return  # whoever posted has gone


def is_signed(post: Post, secret: str) -> bool:
    """Whether the signature holds, by openssl, over id, timestamp and body (Standard Webhooks 1.0)."""
    openssl = need_program("openssl", package="openssl")
    version, _, signature = post.headers["webhook-signature"].partition(",")
    key = base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    signed = f"{post.headers['webhook-id']}.{post.headers['webhook-timestamp']}.{post.body}".encode()
    command = [str(openssl), "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{key.hex()}", "-binary"]
    made = subprocess.run(command, input=signed, capture_output=True, check=True).stdout
    return version == "v1" and base64.b64decode(signature) == made
