"""Owns running a private Postfix on a loopback port: a real MTA with a queue, pipelining limits and a log.

All of it lives in a temporary folder. Every domain is its own, so every message ends in its mailbox (or is
discarded), and what would still want to leave meets `default_transport = error:`.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.programs import children_of, free_port, kill_program, need_program, wait_listening

_MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example.org
myorigin = example.org
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = check_recipient_access texthash:{folder}/etc/refuse, {fate}
default_transport = error:5.1.2 no route (test host)
relay_transport = error:5.1.2 no route (test host)
virtual_transport = {transport}
virtual_mailbox_domains = static:all
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = static:all/
virtual_mailbox_limit = 0
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
maximal_queue_lifetime = 1h
bounce_queue_lifetime = 0
minimal_backoff_time = 2s
maximal_backoff_time = 4s
queue_run_delay = 2s
biff = no
"""

# service type private unpriv chroot wakeup maxproc command: the daemons that take, queue and deliver, no chroot
_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

_DELIVERY = re.compile(r": ([0-9A-Za-z]+): to=<([^>]*)>,.* dsn=([0-9.]+), status=(\w+)")
_MESSAGE_ID = re.compile(r"postfix/cleanup\[\d+\]: ([0-9A-Za-z]+): message-id=(\S+)")
_QUEUES = ("maildrop", "incoming", "active", "deferred")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One line of the log about one recipient of one message."""

    recipient: str
    message_id: str
    status: str
    dsn: str


@dataclass(frozen=True, slots=True)
class Postfix:
    """A running Postfix."""

    port: int
    folder: Path

    def log(self) -> str:
        """The whole log so far."""
        path = self.folder / "log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def deliveries(self) -> list[Delivery]:
        """What became of every recipient, in the order of the log."""
        text = self.log()
        ids = dict(_MESSAGE_ID.findall(text))
        return [
            Delivery(recipient, ids.get(queue_id, ""), status, dsn)
            for queue_id, recipient, dsn, status in _DELIVERY.findall(text)
        ]

    def sent(self) -> list[Delivery]:
        """The deliveries that the log calls `status=sent`."""
        return [delivery for delivery in self.deliveries() if delivery.status == "sent"]

    def mails(self) -> list[bytes]:
        """The delivered messages with LF line ends, below Return-Path, X-Original-To and Delivered-To."""
        return [path.read_bytes() for path in sorted((self.folder / "mail" / "all" / "new").glob("*"))]

    def queued(self) -> int:
        """How many messages are in the queue."""
        return sum(1 for queue in _QUEUES for path in (self.folder / "spool" / queue).rglob("*") if path.is_file())

    def wait_drained(self, *, seconds: float = 30.0) -> None:
        """Wait until the queue is empty. Raises `TimeoutError` with the end of the log."""
        self._wait(lambda: self.queued() == 0, seconds, "the queue is not empty")

    def wait_sent(self, count: int, *, seconds: float = 30.0) -> list[Delivery]:
        """Wait until the log has `count` sent recipients and the queue is empty; all that were sent."""
        self._wait(lambda: len(self.sent()) >= count, seconds, f"fewer than {count} recipients were sent")
        self.wait_drained(seconds=seconds)
        return self.sent()

    def kill_children(self, name: str) -> int:
        """kill -9 of the daemons of this name, such as smtpd, of which master starts others; how many there were."""
        master = int((self.folder / "spool" / "pid" / "master.pid").read_text())
        return sum(kill_program(pid, name) for pid in children_of(master))

    def _wait(self, ready: Callable[[], bool], seconds: float, problem: str) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{problem} after {seconds} s; the log ends:\n{self.log()[-2_000:]}")
            time.sleep(0.05)


@contextmanager
def postfix_server(
    *,
    discard: bool = False,
    hold: bool = False,
    refuse: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Postfix]:
    """Run a private Postfix; skips without it or without root, which its daemons need.

    `discard` throws messages away instead of keeping them (they count as sent); `hold` leaves them in the queue `hold`,
    as they were accepted; `refuse` maps recipients to replies
    such as "550 5.1.1 No such user"; `settings` are further lines of main.cf. Limits such as
    `smtpd_hard_error_limit` stay at Postfix's defaults.
    """
    postfix = need_program("postfix", package="postfix")
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("a private Postfix needs root, since its daemons change their user")
    # Not below pytest's temporary folders: those are closed to everybody else, and user postfix must get through.
    folder = Path(tempfile.mkdtemp(prefix="mailtui-postfix-"))
    folder.chmod(0o755)
    port = free_port()
    _write_configuration(folder, port, discard=discard, hold=hold, refuse=refuse or {}, settings=settings or {})
    command = [str(postfix), "-c", str(folder / "etc")]
    try:
        started = subprocess.run([*command, "start"], capture_output=True, text=True, timeout=60, check=False)
        server = Postfix(port, folder)
        if started.returncode:
            raise RuntimeError(f"postfix did not start:\n{started.stdout}{started.stderr}{server.log()[-2_000:]}")
        wait_listening(port)
        yield server
    finally:
        if (folder / "spool" / "pid" / "master.pid").exists():
            subprocess.run([*command, "stop"], capture_output=True, timeout=60, check=False)
        shutil.rmtree(folder)


@pytest.fixture
def postfix() -> Iterator[Postfix]:
    """A private Postfix that delivers everything into its own mailbox."""
    with postfix_server() as server:
        yield server


def _write_configuration(
    folder: Path, port: int, *, discard: bool, hold: bool, refuse: Mapping[str, str], settings: Mapping[str, str]
) -> None:
    nobody = pwd.getpwnam("nobody")
    for name in ("etc", "spool", "data", "mail"):
        (folder / name).mkdir(mode=0o755)
    shutil.chown(folder / "data", "postfix")
    shutil.chown(folder / "mail", nobody.pw_uid, nobody.pw_gid)
    main = _MAIN.format(
        folder=folder,
        transport="discard:" if discard else "virtual",
        fate="check_client_access static:HOLD" if hold else "permit",
        uid=nobody.pw_uid,
        gid=nobody.pw_gid,
    )
    main += "".join(f"{key} = {value}\n" for key, value in settings.items())
    (folder / "etc" / "main.cf").write_text(main)
    (folder / "etc" / "master.cf").write_text(_MASTER.format(port=port))
    (folder / "etc" / "refuse").write_text("".join(f"{address} {reply}\n" for address, reply in refuse.items()))
