"""Owns making a campaign folder of what somebody has for mailmerge: its template, its list and its server.

The files are read and copied, never changed, and nothing is written over. What is not carried over as it was is told
with its line. A password is neither read nor written.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mailtui.campaign.campaign import load_campaign
from mailtui.campaign.trial import TrialRenderer
from mailtui.errors import ConfigError, MailtuiError, Place, Problem, UsageError
from mailtui.message.extras import Extras
from mailtui.message.files import FileProblem, find_file
from mailtui.message.mailmerge import DATABASE, SERVER, TEMPLATE, MailmergeTemplate, is_mailmerge, read_mailmerge
from mailtui.message.source import FILE_LIMIT
from mailtui.message.templates import TemplateSet, TemplateText, is_constant, parse, references
from mailtui.smtp.endpoint import Endpoint, Security

_BODY_FILES = {"text": "body.txt.j2", "html": "body.html.j2", "markdown": "body.md.j2"}
_CAMPAIGN, _SETTINGS = "campaign.yaml", "mailtui.yaml"
_FILES_LIMIT = 10_000  # attachments that are copied
_SECURITY = {"SSL/TLS": Security.TLS, "STARTTLS": Security.STARTTLS}


@dataclass(frozen=True, slots=True)
class Imported:
    """A campaign folder that was made. `remarks` are what is not as it was; `mistakes` what has to be mended before
    anything can be sent.
    """

    campaign: Path
    files: tuple[Path, ...]
    remarks: tuple[Problem, ...]
    mistakes: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Sources:
    """What there is to import: the template, and beside it the list and the server's settings, if they are there."""

    template: Path
    list: Path | None
    server: Path | None


def find_mailmerge(source: Path) -> Sources | None:
    """What a path stands for, a template of mailmerge or a folder with its files; None for anything else."""
    if (source / _CAMPAIGN).is_file():
        return None
    template = source / TEMPLATE if source.is_dir() else source
    if not template.is_file():
        return None
    try:
        with template.open("rb") as stream:
            text = stream.read(64 * 1024).decode("utf-8", "replace")
    except OSError:
        return None
    if not is_mailmerge(text):
        return None
    beside = [path if path.is_file() else None for path in (template.parent / DATABASE, template.parent / SERVER)]
    return Sources(template, *beside)


def import_mailmerge(source: Path, folder: Path, *, cache: Path, list_file: Path | None = None) -> Imported:
    """Make a campaign folder of a template of mailmerge. Raises `UsageError`; then nothing was written."""
    sources = find_mailmerge(source)
    if sources is None:
        if not source.exists():
            raise UsageError(f"There is no {source}")
        hint = "Such a file begins with header lines: TO: {{email}}, SUBJECT: ..., FROM: ..., and a blank line."
        raise UsageError(f"{source} is no template of mailmerge", hint=hint)
    chosen = list_file or sources.list
    if chosen is None:
        raise UsageError(f"Which list goes with {source}?", hint="Name it: --list contacts.csv")
    if not chosen.is_file():
        raise UsageError(f"There is no list {chosen}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty", hint="Name a new folder; nothing is ever overwritten.")
    template = read_mailmerge(_text(sources.template), sources.template.name)
    server = _Server.read(sources.server)
    try:
        _write(folder, sources.template, chosen, template, server)
        mistakes = _finish(folder, sources.template.parent, cache)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written", detail=str(error.strerror or error)) from None
    files = tuple(sorted(path for path in folder.rglob("*") if path.is_file()))
    return Imported(folder / _CAMPAIGN, files, (*template.remarks, *server.remarks, *_login(server, folder)), mistakes)


def _login(server: _Server, folder: Path) -> Iterator[Problem]:
    if server.user:
        message = (
            f"the server and its login are in {folder / _SETTINGS}, which counts where mailtui is started in there."
        )
        yield Problem(
            Place(),
            message,
            f"Or put the account into your settings. Its password, once: mailtui accounts password {server.account}",
        )


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read", detail=str(error.strerror or error)) from None
    if len(raw) > FILE_LIMIT:
        raise UsageError(f"{path} is larger than {FILE_LIMIT // 1024 // 1024} MB")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}: line {line} has a byte that is not UTF-8", hint="Save the file as UTF-8.") from None


@dataclass(frozen=True, slots=True)
class _Server:
    """Where the mail goes; `user` is '' where there is no login. `rate` is of mails a minute, 0 for no limit."""

    host: str
    port: int
    security: Security
    user: str = ""
    rate: int = 0
    remarks: tuple[Problem, ...] = ()

    @property
    def account(self) -> str:
        """A name for it: of smtp.gmail.com, gmail."""
        labels = [label for label in self.host.split(".") if label]
        name = labels[-2] if len(labels) > 1 and not labels[-1].isdigit() else "server"
        return re.sub(r"[^A-Za-z0-9_-]", "", name) or "server"

    @classmethod
    def read(cls, path: Path | None) -> _Server:
        if path is None:
            hint = "For yours, write smtp: into the campaign file, or account: for one of your settings."
            remark = Problem(
                Place(), "no server was found beside the template; the mail goes to `mailtui sandbox`.", hint
            )
            return cls("127.0.0.1", 2525, Security.PLAIN, remarks=(remark,))
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(_text(path))
            section = parser["smtp_server"]
            host, port = section["host"].strip(), int(section.get("port", "0"))
            rate = int(section.get("ratelimit", "0"))
        except (configparser.Error, KeyError, ValueError) as error:
            reason = f"{error}" if isinstance(error, ValueError) else "it needs [smtp_server] with host and port"
            raise UsageError(f"{path} cannot be read as the server of mailmerge", detail=reason) from None
        said = (section.get("security") or "Never").strip()
        security, remarks = _security(said, host, port, path.name)
        user = "" if said == "Never" else section.get("username", "").strip()
        if any("password" in key or "secret" in key for key in section):
            hint = "It stays where it is; mailtui keeps passwords in the keyring."
            remarks.append(Problem(Place(path.name), "there is a password, which is not taken over.", hint))
        return cls(host, port, security, user, max(rate, 0), tuple(remarks))


def _security(said: str, host: str, port: int, file: str) -> tuple[Security, list[Problem]]:
    place = Place(file, key="security")
    if said in _SECURITY:
        return _SECURITY[said], []
    if said == "XOAUTH":
        message = "a login by OAuth needs a client id of your own; it becomes one with a password."
        security = Security.TLS if port == 465 else Security.STARTTLS
        return security, [Problem(place, message, "To log in so: mailtui accounts change NAME --oauth PROVIDER.")]
    if Endpoint("", host, port, Security.PLAIN, "", "", "").is_loopback:
        return Security.PLAIN, []
    message = f"mail to {host} went unprotected; it becomes starttls, which the server may not have."
    return Security.STARTTLS, [Problem(place, message, "security: plain with allow_plain: true is as it was.")]


def _write(folder: Path, source: Path, list_file: Path, template: MailmergeTemplate, server: _Server) -> None:
    """Write everything beside its place first, so that the folder is there whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        staged.chmod(0o755)
        names = {_CAMPAIGN, _SETTINGS, *_BODY_FILES.values()}
        listed = list_file.name if list_file.name not in names else f"list-{list_file.name}"
        shutil.copyfile(list_file, staged / listed)
        for key, text in template.bodies:
            (staged / _BODY_FILES[key]).write_text(text, "utf-8")
        shared = [path for path in template.attachments if is_constant(path)]
        _copy([*_included(template, source.parent), *shared], source.parent, staged)
        if server.user:
            (staged / _SETTINGS).write_text(_settings_text(server), "utf-8")
        text = "\n".join(_campaign_lines(folder.name, source.name, listed, template, server))
        (staged / _CAMPAIGN).write_text(text + "\n", "utf-8")
        staged.replace(folder)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise


def _copy(names: Iterable[str], origin: Path, folder: Path) -> None:
    """Copy files of the template's folder; those that cannot be had are told when the campaign is looked at."""
    for name in names:
        target = folder / name
        try:
            found = find_file(origin, name)
        except FileProblem:
            continue
        if not target.exists() and Path(os.path.realpath(target)).is_relative_to(os.path.realpath(folder)):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(found, target)


def _included(template: MailmergeTemplate, origin: Path) -> Iterator[str]:
    """The files that the templates include, and what those do."""
    environment = TemplateSet(()).plain
    waiting = [text for _, text in template.bodies]
    seen: set[str] = set()
    while waiting:
        tree = parse(environment, TemplateText("body", waiting.pop()))
        for _, name in () if isinstance(tree, Problem) else references(tree):
            if name is None or name in seen:
                continue
            seen.add(name)
            try:
                waiting.append(find_file(origin, name).read_text("utf-8"))
            except (FileProblem, OSError, UnicodeDecodeError):
                continue
            yield name


def _campaign_lines(
    name: str, origin: str, list_name: str, template: MailmergeTemplate, server: _Server
) -> Iterator[str]:
    yield f"# Made of {json.dumps(origin)} of mailmerge. Look before you send:"
    yield "#   mailtui check campaign.yaml      every row rendered, every mistake listed"
    yield "#   mailtui preview campaign.yaml    one recipient's mail"
    yield f"name: {_said(name)}"
    yield ""
    if server.user:
        yield f"account: {server.account}    # in mailtui.yaml beside this file, for a mailtui started here"
    else:
        yield f"smtp: {{host: {_said(server.host)}, port: {server.port}, security: {server.security.value}}}"
    yield ""
    for key, value in (("from", template.sender), ("reply_to", template.reply_to), ("subject", template.subject)):
        if value:
            yield f"{key}: {_said(value)}"
    for key, _ in template.bodies:
        yield f"{key}: {_BODY_FILES[key]}"
    for key, values in (("cc", template.cc), ("bcc", template.bcc), ("attachments", template.attachments)):
        if values:
            yield f"{key}: [{', '.join(map(_said, values))}]"
    if template.headers:
        yield "headers:"
        yield from (f"  {header}: {_said(value)}" for header, value in template.headers)
    yield ""
    yield "audience:"
    yield f"  source: {_said(list_name)}"
    if template.address:
        yield f"  address: {_said(template.address)}"
    if template.name:
        yield f"  columns: {{name: {_said(template.name)}}}"
    if server.rate:
        yield ""
        yield f"dispatch: {{rate: {server.rate}/m}}"


def _settings_text(server: _Server) -> str:
    return (
        "# Settings that count where mailtui is started in this folder. The password is not here. Store it once:\n"
        f"#   mailtui accounts password {server.account}\n"
        "accounts:\n"
        f"  {server.account}:\n"
        f"    host: {_said(server.host)}\n"
        f"    port: {server.port}\n"
        f"    security: {server.security.value}\n"
        f"    user: {_said(server.user)}\n"
    )


def _said(value: str) -> str:
    """A text in YAML: what is a string in JSON is one there, too."""
    return json.dumps(value, ensure_ascii=False)


def _finish(folder: Path, origin: Path, cache: Path) -> tuple[Problem, ...]:
    """Copy the files that rows name, and say what has to be mended."""
    try:
        campaign = load_campaign(folder)
        with campaign.open_audience(cache) as audience:
            source = campaign.read_message()
            campaign.compile(source, audience.columns, secret=b"import")
            if source.own_files:
                with TrialRenderer(source, audience.columns, secret=b"import", date=0.0, want="extras") as trial:
                    _copy(_own_files(extras for _, extras in trial.extras(audience.recipients())), origin, folder)
    except ConfigError as error:
        return tuple(error.problems) or (Problem(Place(), error.title, error.hint),)
    except MailtuiError as error:
        return (Problem(Place(), error.title, error.hint),)
    return ()


def _own_files(rows: Iterable[object]) -> Iterator[str]:
    seen: set[str] = set()
    for extras in rows:
        for path, _ in extras.files if isinstance(extras, Extras) else ():
            if path not in seen and len(seen) < _FILES_LIMIT:
                seen.add(path)
                yield path
