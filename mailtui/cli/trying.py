"""Owns trying a server out at the terminal: each step as soon as it is over, and what came of it."""

from __future__ import annotations

import asyncio
import sys

from mailtui.cli import output
from mailtui.cli.dkim import about_key, tell_key
from mailtui.cli.transcript import show_transcript, transcript_to_json
from mailtui.errors import ExitCode
from mailtui.kit.durations import show_wait
from mailtui.kit.safe_text import safe_text
from mailtui.service.accounts import Server, Step, server_of, try_out
from mailtui.service.dkim_keys import DkimKeys, Finding
from mailtui.service.facade import Service

_NAME = 10
_INDENT = 26


def try_server(
    service: Service,
    name: str,
    *,
    to: str | None = None,
    transcript: bool = False,
    dns: bool = False,
    as_json: bool = False,
) -> ExitCode:
    """Try an account's server out, or a campaign's. Nothing is sent unless `to` names an address, and the DNS is not
    asked for the key that mails are signed with unless `dns` says so.
    """
    server = server_of(service, name)
    if not as_json:
        output.data(output.bold(safe_text(_heading(server))))
    tell = _mute if as_json else _show
    trial = asyncio.run(try_out(service, server, to=to, tell=tell, up_to_login=not as_json))
    signing = asyncio.run(DkimKeys(service).published(server.endpoint.account)) if dns else None
    exit_code = _with_key(trial.exit_code, signing)
    if as_json:
        lines = {"transcript": transcript_to_json(trial.transcript)} if transcript else {}
        key = {"dkim": about_key(signing)} if dns else {}
        output.json_line({**trial.to_json(), **lines, **key})
        return exit_code
    if transcript:
        show_transcript(trial.transcript)
    if not trial.probe.ok:
        output.say(trial.failure)
    elif trial.sent_to:
        output.note(f"It works; a mail to {trial.sent_to} is on its way.")
    else:
        output.note("It works. Nothing was sent; to send a mail to yourself: --to ADDRESS")
    if dns:
        tell_key(signing)
    return exit_code


def _with_key(exit_code: ExitCode, signing: Finding | None) -> ExitCode:
    """A key that nobody can verify by is a finding, where the server is well."""
    wrong = signing is not None and signing.severity == "error"
    return ExitCode.FINDINGS if wrong and exit_code == ExitCode.DONE else exit_code


def _heading(server: Server) -> str:
    endpoint = server.endpoint
    login = f", as {endpoint.user}" if endpoint.user else ""
    where = "" if server.name == str(endpoint) else f"{server.name}: "
    protection = "not encrypted" if endpoint.security == "plain" else endpoint.security.upper()
    return f"{where}{endpoint}, {protection}{login}"


def _mute(step: Step) -> None:
    """Everything is told in one object at the end."""


def _show(step: Step) -> None:
    state = "ok" if step.ok else "FAILED"
    took = "" if step.seconds is None else show_wait(step.seconds)
    _say(f"{state:<7}{step.name:<{_NAME}}{took:>7}  {safe_text(step.text, limit=300)}", indent=_INDENT)
    width = max((len(name) for name, _ in step.facts), default=0)
    for name, value in step.facts:
        _say(f"{'':<7}{safe_text(name, limit=60):<{width}}  {safe_text(value, limit=200)}", indent=9 + width)
    if step.advice:
        _say(f"{'':<7}{safe_text(step.advice)}", indent=7)


def _say(line: str, *, indent: int) -> None:
    output.data(output.wrapped(line.rstrip(), indent=" " * indent, stream=sys.stdout))
