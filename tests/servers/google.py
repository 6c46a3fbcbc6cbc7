"""Owns a server on loopback that speaks as Google Sheets does: exports, redirects, the API's JSON, tokens, refusals.

What it says is what Google documents: https://developers.google.com/workspace/sheets/api/reference/rest for the
API, google.rpc.Status for its errors, RFC 7523 and RFC 6749 section 5.2 for tokens. Two names of this machine stand
for two hosts: `127.0.0.1` is docs.google.com and the API, `localhost` is where exports are redirected to.
"""

from __future__ import annotations

import csv
import io
import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

READER = "reader@project-1.iam.gserviceaccount.com"
_RANGE = re.compile(r"'(?P<tab>(?:[^']|'')*)'!(?P<first>[A-Z]+)(?P<top>\d+):(?P<last>[A-Z]+)(?P<bottom>\d+)")
_AUDIENCE = "https://oauth2.googleapis.com/token"  # of every assertion, wherever it is sent


@dataclass(slots=True)
class Grid:
    """One tab. `size` is its grid, empty cells and all; as large as its rows when left out."""

    gid: int
    title: str
    rows: list[list[str]]
    size: tuple[int, int] | None = None

    def shape(self) -> tuple[int, int]:
        return self.size or (len(self.rows), max((len(row) for row in self.rows), default=0))


@dataclass(slots=True)
class Spreadsheet:
    """A spreadsheet: who may read it, and under which id it is published."""

    title: str
    tabs: list[Grid]
    public: bool = False
    readers: set[str] = field(default_factory=set)
    published: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer in place of the right one. `cut` sends a part of the body only, `drip` pauses between its bytes."""

    status: int = 200
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = ()
    cut: int | None = None
    drip: float = 0.0
    silence: float = 0.0


@cache
def _key() -> rsa.RSAPrivateKey:
    """One for all servers, and a short one, since it takes long to make and to read."""
    return rsa.generate_private_key(65537, 1024)


@dataclass(slots=True)
class GoogleServer:
    """The state of the server; a test changes it as it likes, also while it is asked."""

    port: int = 0
    books: dict[str, Spreadsheet] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Path with query, and headers with names in small letters, of every request."""
    faults: deque[tuple[str, Fault]] = field(default_factory=deque)
    """The next request whose path holds the text gets the fault."""
    on_page: Callable[[int], None] | None = None
    """Called after each page of values that was given out, with its number from 1."""
    pages: int = 0
    api_disabled: bool = False
    grant: str = ""
    """What the token endpoint refuses with, such as `Invalid JWT Signature.`; empty when it does not."""
    tokens: int = 0
    revoked_tokens: set[str] = field(default_factory=set)
    whose: Callable[[str], str | None] | None = None
    """Whose an access token is, asked where it was given out; None lets those of this server count, for `READER`."""
    key: rsa.RSAPrivateKey = field(default_factory=_key)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def content_url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def paths(self) -> list[str]:
        return [urlsplit(path).path for path, _ in self.asked]

    def fail(self, where: str, *faults: Fault) -> None:
        """Give these answers to the next requests whose path holds `where`."""
        self.faults.extend((where, fault) for fault in faults)

    def write_key(self, path: Path, **changed: Any) -> Path:
        """A key file as the console of Google Cloud hands it out."""
        private = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        info = {
            "type": "service_account",
            "project_id": "project-1",
            "private_key_id": "0123456789abcdef",
            "private_key": private.decode("ascii"),
            "client_email": READER,
            "client_id": "1",
            "token_uri": "https://oauth2.googleapis.com/token",
        }
        path.write_text(json.dumps({**info, **changed}), encoding="utf-8")
        return path


@contextmanager
def google_server() -> Iterator[GoogleServer]:
    """A server for as long as the `with` lasts."""
    state = GoogleServer()

    class Handler(_Handler):
        google = state

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        state.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    google: GoogleServer

    def log_message(self, *_: object) -> None:
        """Tests look at `asked`."""

    def do_GET(self) -> None:
        google = self.google
        google.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        self.close_connection = True
        for number, (where, fault) in enumerate(google.faults):
            if where in self.path:
                del google.faults[number]
                self._fail(fault)
                return
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path.startswith("/spreadsheets/d/"):
            self._export(parts.path, asked)
        elif parts.path.startswith("/content/"):
            self._content(parts.path, asked)
        elif parts.path.startswith("/v4/spreadsheets/"):
            self._api(parts.path, parse_qs(parts.query))
        else:
            self._html(404, b"<html><title>Error 404 (Not Found)!!1</title></html>")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.google.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        self.close_connection = True
        for number, (where, fault) in enumerate(self.google.faults):
            if where in self.path:
                del self.google.faults[number]
                self._fail(fault)
                return
        self._token(parse_qs(body.decode("ascii")))

    # the ways out

    def _reply(self, status: int, kind: str, body: bytes, *headers: tuple[str, str], chunked: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in headers:
            self.send_header(name, value)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for start in range(0, len(body), 4_096):
                block = body[start : start + 4_096]
                self.wfile.write(f"{len(block):x}\r\n".encode() + block + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _html(self, status: int, body: bytes) -> None:
        self._reply(status, "text/html; charset=utf-8", body, ("Set-Cookie", "NID=1; path=/"))

    def _json(self, status: int, value: object) -> None:
        self._reply(status, "application/json; charset=UTF-8", json.dumps(value, indent=2).encode())

    def _error(self, code: int, status: str, message: str, *details: object) -> None:
        self._json(code, {"error": {"code": code, "message": message, "status": status, "details": list(details)}})

    def _redirect(self, url: str) -> None:
        page = b"<HTML><HEAD><TITLE>Temporary Redirect</TITLE></HEAD></HTML>"
        self._reply(307, "text/html; charset=UTF-8", page, ("Location", url), ("Set-Cookie", "NID=1; path=/"))

    def _fail(self, fault: Fault) -> None:
        time.sleep(fault.silence)
        self.send_response(fault.status)
        for name, value in fault.headers:
            self.send_header(name, value)
        if not any(name.lower() in ("content-length", "transfer-encoding") for name, _ in fault.headers):
            self.send_header("Content-Length", str(len(fault.body)))
        self.end_headers()
        sent = fault.body if fault.cut is None else fault.body[: fault.cut]
        try:
            for start in range(0, len(sent), 1 if fault.drip else len(sent) or 1):
                self.wfile.write(sent[start : start + (1 if fault.drip else len(sent))])
                time.sleep(fault.drip)
        except OSError:
            return  # whoever asked has gone

    # exports

    def _export(self, path: str, asked: dict[str, str]) -> None:
        found = re.match(r"/spreadsheets/d/(e/)?([^/]+)/(export|pub)$", path)
        book = None
        if found and found[1]:
            book = next((book for book in self.google.books.values() if book.published == found[2]), None)
        elif found:
            book = self.google.books.get(found[2])
        if book is None:
            self._html(404, b"<html><title>Page Not Found</title>Sorry, the file does not exist.</html>")
            return
        if not book.public and not (found and found[1]):
            here = quote(f"{self.google.url}{self.path}", safe="")
            self._redirect(f"{self.google.content_url}/ServiceLogin?service=wise&continue={here}")
            return
        gid = int(asked.get("gid", book.tabs[0].gid))
        if not any(tab.gid == gid for tab in book.tabs):
            self._html(400, b"<html><title>Error 400 (Bad Request)!!1</title></html>")
            return
        id = next(name for name, other in self.google.books.items() if other is book)
        self._redirect(f"{self.google.content_url}/content/{id}/{gid}?format={asked.get('format', 'csv')}")

    def _content(self, path: str, asked: dict[str, str]) -> None:
        _, _, id, gid = path.split("/")
        book = self.google.books[id]
        tab = next(tab for tab in book.tabs if tab.gid == int(gid))
        text = io.StringIO()
        width = max(len(row) for row in tab.rows)
        csv.writer(text).writerows([*row, *[""] * (width - len(row))] for row in tab.rows)
        name = quote(f"{book.title} - {tab.title}.csv")
        there = f"attachment; filename=\"list.csv\"; filename*=UTF-8''{name}"
        self._reply(200, "text/csv", text.getvalue().encode(), ("Content-Disposition", there), chunked=True)

    # the API

    def _api(self, path: str, asked: dict[str, list[str]]) -> None:
        google = self.google
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if google.whose is not None:
            reader = google.whose(token)
        else:
            reader = READER if token.startswith("token-") and token not in google.revoked_tokens else None
        if reader is None:
            message = "Request had invalid authentication credentials. Expected OAuth 2 access token."
            self._error(401, "UNAUTHENTICATED", message)
            return
        if google.api_disabled:
            message = "Google Sheets API has not been used in project 1 before or it is disabled."
            reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED"}
            self._error(403, "PERMISSION_DENIED", message, reason)
            return
        id, _, rest = unquote(path).removeprefix("/v4/spreadsheets/").partition("/")
        book = google.books.get(id)
        if book is None:
            self._error(404, "NOT_FOUND", "Requested entity was not found.")
        elif reader not in book.readers and not book.public:
            self._error(403, "PERMISSION_DENIED", "The caller does not have permission")
        elif rest == "values:batchGet":
            self._values(id, book, asked)
        else:
            self._json(
                200, {"properties": {"title": book.title}, "sheets": list(map(_properties, enumerate(book.tabs)))}
            )

    def _values(self, id: str, book: Spreadsheet, asked: dict[str, list[str]]) -> None:
        found = []
        for text in asked["ranges"]:
            match = _RANGE.fullmatch(text)
            tab = next((tab for tab in book.tabs if match and tab.title == match["tab"].replace("''", "'")), None)
            if match is None or tab is None:
                self._error(400, "INVALID_ARGUMENT", f"Unable to parse range: {text}")
                return
            rows = tab.rows[int(match["top"]) - 1 : int(match["bottom"])]
            cut = [_without_empty_end(row[_number(match["first"]) - 1 : _number(match["last"])]) for row in rows]
            while cut and not cut[-1]:
                cut.pop()
            values = {"values": cut} if cut else {}
            found.append({"range": text, "majorDimension": "ROWS", **values})
        self._json(200, {"spreadsheetId": id, "valueRanges": found})
        self.google.pages += 1
        if self.google.on_page is not None:
            self.google.on_page(self.google.pages)

    def _token(self, form: dict[str, list[str]]) -> None:
        google = self.google
        refused = google.grant
        if form.get("grant_type") != ["urn:ietf:params:oauth:grant-type:jwt-bearer"] or "assertion" not in form:
            refused = "Bad Request"
        elif not refused:
            from google.auth import jwt

            public = google.key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            decode: Callable[..., Any] = jwt.decode
            try:
                claims = decode(form["assertion"][0], certs=public, audience=_AUDIENCE)
            except ValueError:
                claims = {}
            if claims.get("iss") != READER:
                refused = "Invalid JWT Signature."
            elif claims.get("scope") != "https://www.googleapis.com/auth/spreadsheets.readonly":
                refused = "Invalid OAuth scope or ID token audience provided."
        if refused:
            self._json(400, {"error": "invalid_grant", "error_description": refused})
            return
        google.tokens += 1
        self._json(200, {"access_token": f"token-{google.tokens}", "expires_in": 3599, "token_type": "Bearer"})


def _properties(numbered: tuple[int, Grid]) -> dict[str, Any]:
    index, tab = numbered
    rows, columns = tab.shape()
    grid = {"rowCount": rows, "columnCount": columns}
    return {
        "properties": {
            "sheetId": tab.gid,
            "title": tab.title,
            "index": index,
            "sheetType": "GRID",
            "gridProperties": grid,
        }
    }


def _without_empty_end(row: list[str]) -> list[str]:
    kept = list(row)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _number(text: str) -> int:
    number = 0
    for letter in text:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
