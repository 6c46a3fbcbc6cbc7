"""Owns the canary: a known password through crashes at distinct points, with all logs on, and a search for it.

Every crash is that of a real command, given the password in a way that people use, whose server wants it. After that
no file below its home or its folder for temporary files, no byte that it printed and no process that ran meanwhile may
have it, plain or encoded. What it was given by is left out: a pipe, a file outside, an environment of its own.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pty
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from mailtui.dispatch.lock import runner_pid
from mailtui.kit.paths import Home
from proof.searched import Watch, found_in, shapes
from tests.servers.secret_service import UNLOCKED, session

_ROOT = Path(__file__).parents[1]
_ENOUGH = 60.0  # seconds for a command; one that hangs is ended
_RUNNER_ENDS = 20.0
_LIST = "email,name\n" + "".join(f"p{number}@example.com,Zoë {number}\n" for number in range(5))


@dataclass(frozen=True, slots=True)
class Crash:
    """Where, how and in whose hands. `command`: run, detach, handed, test, accounts, app. `by`: how the password comes:
    variable, command, fd, keyring. `who`: a word of the command line of those processes that crash.
    """

    command: str
    by: str
    module: str
    name: str
    how: str = "error"
    when: str = "before"
    who: str = ""

    def __str__(self) -> str:
        return f"{self.command} by {self.by}: {self.how} {self.when} {self.module.removeprefix('mailtui.')}.{self.name}"


CRASHES = (
    # A campaign in the foreground: finding the password, logging in with it, sending.
    Crash("run", "variable", "mailtui.accounts.secrets", "SecretSource.password", "error", "after"),
    Crash("run", "command", "mailtui.accounts.secrets", "SecretSource._look", "kill", "after"),
    Crash("run", "fd", "mailtui.accounts.secrets", "SecretSource.tell", "segv"),
    Crash("run", "variable", "mailtui.accounts.secrets", "SecretSource._find", "forced", "after"),
    Crash("run", "command", "mailtui.accounts.password_command", "_password", "error", "after"),
    Crash("run", "command", "mailtui.accounts.password_command", "_end", "kill"),
    Crash("run", "fd", "mailtui.service.password_fd", "_read", "error", "after"),
    Crash("run", "fd", "mailtui.service.password_fd", "read_passwords", "segv", "after"),
    Crash("run", "fd", "mailtui.service.facade", "Service.tell_password", "error"),
    Crash("run", "variable", "mailtui.service.facade", "Service.launch", "kill"),
    Crash("run", "variable", "mailtui.service.facade", "Service.engine", "error"),
    Crash("run", "fd", "mailtui.accounts.credentials", "Credentials.login", "error", "after"),
    Crash("run", "variable", "mailtui.smtp.connect", "connect", "error"),
    Crash("run", "command", "mailtui.smtp.login", "log_in", "segv"),
    Crash("run", "fd", "mailtui.smtp.login", "_said", "error", "after"),
    Crash("run", "variable", "mailtui.smtp.login", "_converse", "forced"),
    Crash("run", "fd", "mailtui.smtp.login", "_fitting", "abort"),
    Crash("run", "variable", "mailtui.dispatch.worker", "Worker._converse", "error"),
    Crash("run", "command", "mailtui.dispatch.worker", "Worker.ask_mark", "kill"),
    Crash("run", "variable", "mailtui.dispatch.runner", "Runner._take_up", "error"),
    Crash("run", "keyring", "mailtui.accounts.keyring_store", "KeyringStore._read", "error", "after"),
    Crash("run", "keyring", "mailtui.accounts.keyring_store", "KeyringStore.get", "kill", "after"),
    Crash("run", "keyring", "mailtui.dispatch.worker", "Worker.next_job", "error"),
    # In the background: the face that starts a runner, and the runner.
    Crash("detach", "variable", "mailtui.service.runners", "Launcher._start", "error"),
    Crash("detach", "command", "mailtui.service.runners", "_read_line", "kill"),
    Crash("detach", "fd", "mailtui.service.engine", "_secrets", "error", "after", who="mailtui runner"),
    Crash("detach", "variable", "mailtui.service.engine", "runner_for", "segv", who="mailtui runner"),
    Crash("detach", "variable", "mailtui.dispatch.runner", "Runner.run", "forced", who="mailtui runner"),
    Crash("detach", "command", "mailtui.smtp.login", "log_in", "error", who="mailtui runner"),
    Crash("detach", "fd", "mailtui.smtp.login", "_said", "abort", who="mailtui runner"),
    # A runner that lives already is handed the password.
    Crash("handed", "variable", "mailtui.service.handover", "hand_over", "error"),
    Crash("handed", "fd", "mailtui.service.handover", "Door._hear", "error", "after", who="mailtui runner"),
    Crash("handed", "command", "mailtui.service.handover", "_handed", "error", "after", who="mailtui runner"),
    Crash("handed", "fd", "mailtui.service.engine", "_take", "segv", who="mailtui runner"),
    Crash("handed", "variable", "mailtui.service.engine", "wake", "error", who="mailtui runner"),
    # Trying things out, and the app.
    Crash("test", "fd", "mailtui.service.testmail", "connect", "error"),
    Crash("test", "command", "mailtui.smtp.transcript", "Transcript.said", "segv"),
    Crash("accounts", "variable", "mailtui.smtp.probe", "Prober.run", "error"),
    Crash("accounts", "command", "mailtui.smtp.transcript", "Transcript.hide", "error"),
    Crash("app", "variable", "mailtui.tui.app", "MailtuiApp.on_mount", "error"),
    Crash("app", "variable", "mailtui.tui.app", "MailtuiApp.on_mount", "segv"),
)


@dataclass(slots=True)
class Found:
    """What came of it: crashes that happened, where the password was found, what was looked at."""

    crashes: int = 0
    hits: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    """Crashes that did not come about: a point that is no more."""
    logins: int = 0
    files: int = 0
    printed: int = 0
    processes: int = 0

    @property
    def kept(self) -> bool:
        return not self.hits and not self.missed and self.logins > 0


def canary(folder: Path, crashes: Sequence[Crash] = CRASHES) -> Found:
    """Have each crash happen in a home of its own, and search."""
    password, found = f"canary-{secrets.token_hex(6)}-pä$$ \\wörd", Found()
    outside = folder / "outside"
    outside.mkdir(parents=True)
    (outside / "password").write_text(f"{password}\n")
    with _server(password, found) as port, Watch(password) as watch, _keyring(crashes, password) as bus:
        _require_eyes(outside, password, watch)
        for number, crash in enumerate(crashes):
            _force(folder / f"{number:02}", outside, crash, port, password, bus, watch, found)
    found.hits += sorted(watch.hits)
    found.processes = sum(watch.seen.values())
    shutil.rmtree(outside)
    return found


def _require_eyes(outside: Path, password: str, watch: Watch) -> None:
    """See that what is looked for would be found, in a file as servers are told it and in a process."""
    (outside / "control").write_bytes(b"AUTH PLAIN " + base64.b64encode(f"\0anna\0{password}".encode()))
    with subprocess.Popen(["sleep", "10"], env={"P": password}) as child:
        seen = watch.sees(child)
        child.kill()
    if not seen or not found_in(outside, password)[0]:
        raise AssertionError("a password that is there is not found")
    watch.hits.clear()


def _force(
    folder: Path,
    outside: Path,
    crash: Crash,
    port: int,
    password: str,
    bus: Mapping[str, str],
    watch: Watch,
    found: Found,
) -> None:
    campaign = _write(folder, outside, crash, port)
    environ = _environment(folder)
    ways = {"variable": {"MAILTUI_PASSWORD_ACME": password}, "keyring": bus}
    given = {**environ, **ways.get(crash.by, {})}
    words = _arguments(crash, campaign)
    printed = b""
    with contextlib.ExitStack() as stack:
        if crash.command == "handed":
            runner = subprocess.Popen([*_MAILTUI, "runner", "--json"], env=environ, stdout=-1, stderr=-1)
            stack.callback(runner.kill)
            assert runner.stdout is not None
            printed += runner.stdout.readline()
        if crash.by == "fd" and crash.command != "app":
            words += ["--password-fd", "acme=0"]
        start = _in_terminal if crash.command == "app" else _started
        printed += start([*_MAILTUI, *words], given, password if crash.by == "fd" else "", watch)
        _let_end(folder / "home")
        if crash.command == "handed":
            runner.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                runner.wait(_RUNNER_ENDS)
            runner.kill()
            printed += b"".join(runner.communicate())
    fired = (folder / "site" / "fired").exists()
    found.crashes += fired
    if not fired:
        found.missed.append(str(crash))
    hits, files = found_in(folder, password)
    found.hits += [f"{hit} ({crash})" for hit in hits]
    found.files += files
    found.printed += len(printed)
    found.hits += [f"what was printed ({crash})"] * any(shape in printed for shape in shapes(password))


_MAILTUI = (sys.executable, "-X", "faulthandler", "-m", "mailtui")


def _arguments(crash: Crash, campaign: Path) -> list[str]:
    return {
        "run": ["run", str(campaign), "--yes"],
        "detach": ["run", str(campaign), "--yes", "--detach"],
        "handed": ["run", str(campaign), "--yes", "--detach"],
        "test": ["test", str(campaign), "--to", "me@example.com", "--transcript"],
        "accounts": ["accounts", "test", "acme"],
        "app": [],
    }[crash.command]


def _started(command: Sequence[str], environ: Mapping[str, str], typed: str, watch: Watch) -> bytes:
    """What a command printed until it ended, however it did."""
    process = watch.start(command, env=environ, stdin=-1, stdout=-1, stderr=subprocess.STDOUT)
    try:
        return process.communicate(typed.encode(), timeout=_ENOUGH)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[0]


def _in_terminal(command: Sequence[str], environ: Mapping[str, str], _typed: str, watch: Watch) -> bytes:
    """What a command wrote to its terminal."""
    ours, its = pty.openpty()
    process = watch.start(command, env={**environ, "TERM": "xterm-256color"}, stdin=its, stdout=its, stderr=its)
    os.close(its)
    written, deadline = b"", time.monotonic() + _ENOUGH
    with contextlib.suppress(OSError):  # the terminal's other end is closed: it has ended
        while time.monotonic() < deadline:
            if select.select([ours], [], [], 0.1)[0]:
                written += os.read(ours, 65_536)
            elif process.poll() is not None:
                break
    os.close(ours)
    process.kill()
    process.wait()
    return written


def _let_end(home: Path) -> None:
    """Wait for a runner in the background; one that goes on with no end in sight is ended."""
    lock = home / "data" / "outbox.db.runner.lock"
    deadline = time.monotonic() + _RUNNER_ENDS / 4
    while (pid := runner_pid(lock)) is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("MAILTUI_", "DBUS_"))}
    return kept | {
        "MAILTUI_HOME": str(folder / "home"),
        "MAILTUI_TIME_SCALE": "0.02",
        "PYTHONPATH": os.pathsep.join((str(folder / "site"), str(_ROOT))),
        "PYTHONASYNCIODEBUG": "1",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "TMPDIR": str(folder / "tmp"),
    }


def _write(folder: Path, outside: Path, crash: Crash, port: int) -> Path:
    """A home with an account, a campaign through it, and the point at which it crashes."""
    home = Home.under(folder / "home")
    for each in (home.config, folder / "campaign", folder / "site", folder / "tmp"):
        each.mkdir(parents=True)
    command = f", password_command: [cat, {outside / 'password'}]" if crash.by == "command" else ""
    server = f"host: 127.0.0.1, port: {port}, security: plain, user: anna, auth: plain"
    home.settings_file.write_text(f"accounts:\n  acme: {{{server}{command}}}\n")
    home.settings_file.chmod(0o600)
    campaign = folder / "campaign" / "campaign.yaml"
    campaign.write_text(
        "name: Canary\naccount: acme\nfrom: Acme <news@acme.test>\nsubject: Spring\ntext: body.txt.j2\n"
        "audience: {source: list.csv}\n"
    )
    (campaign.parent / "body.txt.j2").write_text("Dear {{ name }},\n\nspring is here.\n")
    (campaign.parent / "list.csv").write_text(_LIST)
    shutil.copy(Path(__file__).with_name("forced.py"), folder / "site" / "sitecustomize.py")
    point = {name: getattr(crash, name) for name in ("module", "name", "how", "when", "who")}
    (folder / "site" / "point").write_text(json.dumps(point))
    return campaign


@contextlib.contextmanager
def _keyring(crashes: Sequence[Crash], password: str) -> Iterator[dict[str, str]]:
    """What leads a command to a real keyring that has the password, where one of these crashes wants it."""
    if not any(crash.by == "keyring" for crash in crashes):
        yield {}
        return
    with session(UNLOCKED) as environ:
        real = {"PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring"}
        real["DBUS_SESSION_BUS_ADDRESS"] = environ["DBUS_SESSION_BUS_ADDRESS"]
        store = "import keyring; keyring.set_password('mailtui', 'acme', input())"
        subprocess.run([sys.executable, "-c", store], env={**os.environ, **real}, input=password.encode(), check=True)
        yield real


@contextlib.contextmanager
def _server(password: str, found: Found) -> Iterator[int]:
    """A server that wants this password, and counts who had it."""

    def authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _way: str, said: Any) -> AuthResult:
        right = isinstance(said, LoginPassword) and said.password == password.encode()
        found.logins += right
        return AuthResult(success=right)

    class Taken:
        async def handle_DATA(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
            return "250 taken"

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    controller = Controller(
        Taken(), "127.0.0.1", port, authenticator=authenticate, auth_required=True, auth_require_tls=False
    )
    controller.start()
    try:
        yield port
    finally:
        controller.stop()
