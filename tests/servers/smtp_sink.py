"""Owns running Postfix's smtp-sink, a C server that takes everything: a foreign peer, not written by us.

Its dumps hold also bodies of messages it rejected or dropped at the dot, so a dump is no proof of acceptance.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.programs import die_with_parent, free_port, need_program, wait_listening


@dataclass(frozen=True, slots=True)
class SmtpSink:
    """A running smtp-sink; `dumps` is the folder with one file a message, or None when nothing is kept; `tally` the
    file with its counts, or None when it keeps none.
    """

    port: int
    dumps: Path | None
    process: subprocess.Popen[bytes]
    tally: Path | None = None

    def dumped(self) -> list[bytes]:
        """Every message dumped so far: pseudo headers `X-...` for the envelope, then the message with LF line ends."""
        if self.dumps is None:
            raise ValueError("this sink keeps nothing; start it with keep=True")
        return [path.read_bytes() for path in sorted(self.dumps.iterdir())]

    def messages(self) -> int:
        """How many messages it has taken so far."""
        if self.tally is None:
            raise ValueError("this sink keeps no counts; start it with tally=True")
        with self.tally.open("rb") as stream:
            stream.seek(max(0, self.tally.stat().st_size - 200))
            said = re.findall(rb"mesg=(\d+)", stream.read())
        return int(said[-1]) if said else 0


@contextmanager
def smtp_sink(
    *flags: str, keep: bool = False, tally: bool = False, port: int | None = None, backlog: int = 256
) -> Iterator[SmtpSink]:
    """Run smtp-sink with flags of its manual page, such as `"-r", "RCPT"`; skips where it is not installed."""
    program = need_program("smtp-sink", package="postfix")
    port = port or free_port()
    # The folder must be reachable by the user the sink changes to, which those of pytest are not.
    folder = Path(tempfile.mkdtemp(prefix="mailtui-sink-")) if keep or tally else None
    account = _unprivileged()
    command: list[str] = [str(program), *flags]
    counts = folder / "counts" if folder is not None and tally else None
    if folder is not None and keep:
        folder.chmod(0o755)
        dumps = folder / "dumps"
        dumps.mkdir()
        if account is not None:
            shutil.chown(dumps, account)
        command += ["-d", f"{dumps}/%s."]
    if counts is not None:
        command.append("-c")
    process = _start([*command, f"inet:127.0.0.1:{port}", str(backlog)], account, counts)
    try:
        wait_listening(port)
        yield SmtpSink(port, folder / "dumps" if folder is not None and keep else None, process, counts)
    finally:
        process.kill()  # it has nothing to put in order
        process.wait(timeout=10)
        if folder is not None:
            shutil.rmtree(folder)


def _start(command: Sequence[str], account: str | None, counts: Path | None) -> subprocess.Popen[bytes]:
    # Started as the account, and not with -u: a program that changes its user outlives a test run that was killed,
    # since the kernel forgets then whom it should die with. In /, which every account may enter.
    group = None if account is None else pwd.getpwnam(account).pw_gid
    with Path(counts or os.devnull).open("wb") as output:
        return subprocess.Popen(
            command,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            user=account,
            group=group,
            extra_groups=None if account is None else (),
            preexec_fn=die_with_parent,
        )


def _unprivileged() -> str | None:
    """The account to change to when root, which smtp-sink insists on."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postfix", "nobody") if name in names)
