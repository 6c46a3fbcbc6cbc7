"""Owns running a private Exim on a loopback port: a real MTA that takes mail into its spool and delivers none.

All of it lives in a temporary folder. Exim cannot be installed beside Postfix, so it is taken from where
`unpack_exim.sh` unpacked Debian's package. That program insists on the user it was built for, whom only the package's
installation makes; the copy that is run here has the name of one that every Debian has in its place.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.programs import (
    children_of,
    die_with_parent,
    free_port,
    kill_program,
    wait_listening,
    wait_until_gone,
)

UNPACKED = Path(__file__).parents[2] / ".cache" / "exim" / "root"
_BUILT_FOR, _RUN_AS = b"Debian-exim", b"mail"

_CONFIGURATION = """\
exim_path = {folder}/exim4
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
pid_file_path = {folder}/pid
primary_hostname = mail.example.org
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
queue_only
keep_environment =
acl_smtp_rcpt = recipient
acl_smtp_data = accept
pipelining_advertise_hosts = *
chunking_advertise_hosts = *
pipelining_connect_advertise_hosts =
tls_advertise_hosts =
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_max = 200
smtp_accept_max_per_connection = 0
smtp_accept_queue_per_connection = 0
received_header_text =
{settings}
begin acl
recipient:
  defer condition = ${{lookup{{$local_part@$domain}}lsearch{{{folder}/defer}}{{yes}}{{no}}}}
        message = ${{lookup{{$local_part@$domain}}lsearch{{{folder}/defer}}}}
  deny condition = ${{lookup{{$local_part@$domain}}lsearch{{{folder}/deny}}{{yes}}{{no}}}}
        message = ${{lookup{{$local_part@$domain}}lsearch{{{folder}/deny}}}}
  accept
"""

_HEADER = re.compile(rb"(\d{3,})(.) ")


@dataclass(frozen=True, slots=True)
class Spooled:
    """One message in the spool: accepted, whatever its client was told. Lines end in LF."""

    recipients: tuple[str, ...]
    content: bytes


@dataclass
class Exim:
    """A running Exim."""

    port: int
    folder: Path
    daemon: subprocess.Popen[bytes]

    def log(self) -> str:
        """The whole log so far."""
        path = self.folder / "mainlog"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def spooled(self) -> list[Spooled]:
        """Every message that was accepted, in the order of their ids."""
        return self._read(keep=True)

    def take_spooled(self) -> list[Spooled]:
        """The same, and they leave the spool, so that none is read twice."""
        return self._read(keep=False)

    def _read(self, *, keep: bool) -> list[Spooled]:
        found = []
        for path in sorted((self.folder / "spool" / "input").glob("*-H")):
            try:
                found.append(read_spooled(path))
            except FileNotFoundError:  # the client left before its 250, and Exim gives the message up
                continue
            if not keep:
                for kind in "DH":
                    path.with_name(path.name[:-1] + kind).unlink(missing_ok=True)
        return found

    def kill_children(self) -> int:
        """kill -9 of every process that talks to a client; how many there were."""
        return sum(kill_program(pid, "exim4") for pid in children_of(self.daemon.pid))

    def kill(self) -> None:
        """kill -9 of all of it at once."""
        os.killpg(self.daemon.pid, signal.SIGKILL)
        self.daemon.wait(timeout=30)
        wait_until_gone(self.port)

    def start(self) -> None:
        """Start it again, on the same port and spool."""
        self.daemon = _start(self.folder)
        wait_listening(self.port)


def find_exim() -> Path | None:
    """The program, unpacked and not installed; None without it."""
    program = UNPACKED / "usr" / "sbin" / "exim4"
    return program if program.exists() else None


@contextmanager
def exim_server(
    *, refuse: Mapping[str, str] | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[Exim]:
    """Run a private Exim; skips without it or without root, which its daemon needs.

    `refuse` maps recipients to replies such as "550 5.1.1 No such user"; `settings` are further main options.
    """
    program = find_exim()
    if program is None:
        pytest.skip("Exim is missing; tests/servers/unpack_exim.sh brings it, without installing it")
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("a private Exim needs root, since its daemon changes its user")
    # Not below pytest's temporary folders: those are closed to everybody else, and user mail must get through.
    folder = Path(tempfile.mkdtemp(prefix="mailtui-exim-"))
    folder.chmod(0o755)
    port = free_port()
    _prepare(folder, program, port, refuse or {}, settings or {})
    server = Exim(port, folder, _start(folder))
    try:
        wait_listening(port)
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder)


@pytest.fixture
def exim() -> Iterator[Exim]:
    """A private Exim that keeps everything in its spool."""
    with exim_server() as server:
        yield server


def read_spooled(path: Path) -> Spooled:
    """A message by its -H file (Exim's specification, chapter "Format of spool files")."""
    envelope, _, headers = path.read_bytes().partition(b"\n\n")
    lines = envelope.decode().splitlines()
    count = int(lines[lines.index("XX") + 1])
    kept, at = b"", 0
    while found := _HEADER.match(headers, at):
        end = found.end() + int(found[1])
        if found[2] != b"*":
            kept += headers[found.end() : end]
        at = end
    body = path.with_name(path.name[:-1] + "D").read_bytes().partition(b"\n")[2]
    return Spooled(tuple(lines[-count:]), kept + b"\n" + body)


def _prepare(folder: Path, program: Path, port: int, refuse: Mapping[str, str], settings: Mapping[str, str]) -> None:
    name = b"\0" + _BUILT_FOR + b"\0"
    code = program.read_bytes()
    assert code.count(name) == 1, f"{program} was not built for {_BUILT_FOR.decode()}"
    (folder / "exim4").write_bytes(code.replace(name, b"\0" + _RUN_AS.ljust(len(_BUILT_FOR), b"\0") + b"\0"))
    (folder / "exim4").chmod(0o755)
    more = "".join(f"{key} = {value}\n" for key, value in settings.items())
    (folder / "configuration").write_text(_CONFIGURATION.format(folder=folder, port=port, settings=more))
    for file, digit in (("defer", "4"), ("deny", "5")):
        replies = {address: reply for address, reply in refuse.items() if reply.startswith(digit)}
        (folder / file).write_text("".join(f"{address}: {reply}\n" for address, reply in replies.items()))
    (folder / "spool").mkdir()
    for path in (folder, folder / "spool"):
        shutil.chown(path, _RUN_AS.decode(), _RUN_AS.decode())


def _start(folder: Path) -> subprocess.Popen[bytes]:
    libraries = os.pathsep.join(str(path.parent) for path in sorted(UNPACKED.rglob("lib*.so.*")))
    with (folder / "said").open("ab") as said:
        return subprocess.Popen(
            [str(folder / "exim4"), "-C", str(folder / "configuration"), "-bdf"],
            env={"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": libraries},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
