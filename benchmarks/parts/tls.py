"""What TLS costs the client: CPU a message over a server that speaks both."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.contenders import AIOSMTPLIB, ours, peer
from benchmarks.contest import Contender, Result, Size, contest
from benchmarks.figures import Report
from benchmarks.sinks import Counts, cpu_seconds
from mailtui.sandbox.capture import LOG
from mailtui.smtp.gear import Gear
from tests.servers.certificates import Authority
from tests.servers.programs import die_with_parent

_CONNECTIONS = 16
_PLAIN, _TLS = "plain", "TLS"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The sandbox as a process of its own."""

    port: int
    log: Path
    process: int
    name: str = "sandbox"

    def counts(self) -> Counts:
        """A line of its log is a mail, written before the client hears of it."""
        return Counts(self.log.read_bytes().count(b"\n"), None, cpu_seconds(self.process))


def tls(size: Size) -> Report:
    """Prebuilt mail of 10 KB, plain and over TLS from the first byte, in turn."""
    report = Report()
    results: dict[str, dict[str, Result]] = {_PLAIN: {}, _TLS: {}}
    with tempfile.TemporaryDirectory(prefix="mailtui-bench-") as name:
        folder = Path(name)
        certificate, key, authority = Authority().write(folder)
        options = ["--tls-cert", str(certificate), "--tls-key", str(key), "--implicit-tls"]
        with _sandbox(folder / "plain", []) as plain, _sandbox(folder / "tls", options) as protected:
            for _ in range(size.rounds):
                for kind, sandbox, ca in ((_PLAIN, plain, ""), (_TLS, protected, str(authority))):
                    for who, found in contest(sandbox, _contenders(ca), replace(size, rounds=1)).items():
                        every = results[kind].setdefault(who, Result(who))
                        every.takes += found.takes
                        every.served += found.served
    rows: list[Sequence[object]] = []
    for kind, of_kind in results.items():
        for who, result in of_kind.items():
            of_plain = result.cpu.over(results[_PLAIN][who].cpu).show()
            of_usual = result.cpu.over(of_kind[AIOSMTPLIB].cpu).show()
            rows.append((kind, who, of_usual, of_plain, result.cpu.show(0), result.rate.show(0)))
        report.data[kind] = {who: result.as_json() for who, result in of_kind.items()}
    head = ("line", "client", f"CPU, × {AIOSMTPLIB}", "CPU, × plain", "CPU µs a message", "messages/s")
    report.add_table(head, rows)
    report.say("The server is the limit of the rate here, since it keeps every mail; the client's CPU is what counts.")
    return report


def _contenders(ca: str) -> list[Contender]:
    return [
        peer("threads", _CONNECTIONS, ca=ca),
        peer("asyncio", _CONNECTIONS, ca=ca),
        *(ours(gear, _CONNECTIONS, ca=ca) for gear in (Gear.LOCKSTEP, Gear.FLIGHT, Gear.CROSS)),
        ours(Gear.CHUNKED, _CONNECTIONS, window=8, ca=ca),
    ]


@contextlib.contextmanager
def _sandbox(folder: Path, options: Sequence[str]) -> Iterator[Sandbox]:
    folder.mkdir()
    words = [sys.executable, "-m", "mailtui", "sandbox", "--port", "0", "--folder", str(folder / "caught"), "--json"]
    process = subprocess.Popen([*words, *options], stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
    assert process.stdout is not None
    with process.stdout:
        try:
            said = json.loads(process.stdout.readline())
            yield Sandbox(said["port"], folder / "caught" / LOG, process.pid)
        finally:
            process.kill()
            process.wait(timeout=10)
