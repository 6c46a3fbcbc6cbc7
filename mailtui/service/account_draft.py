"""Owns an account as a person types it: every field a text, what each means in the settings file, what is wrong."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mailtui.accounts.presets import REGION, presets
from mailtui.accounts.secrets import variable_for
from mailtui.accounts.spec import AccountSpec
from mailtui.errors import ConfigError
from mailtui.kit.settings import Layer, Layers
from mailtui.kit.validation import validate
from mailtui.kit.words import sentence
from mailtui.kit.yaml_file import Loc
from mailtui.kit.yaml_keys import put, take_out
from mailtui.smtp.limits_text import IN_THE_FILE, as_typed, typed


@dataclass(frozen=True, slots=True)
class AccountDraft:
    """An account as a person types it: every field a text, empty for what is left out.

    Those that a preset fills in hold its values; on saving, what the preset says as well is not written. `seen` is
    what stood in the file when the draft was made of an account: one that was changed since is not written over.
    """

    name: str = ""
    preset: str = ""
    host: str = ""
    port: str = ""
    security: str = ""
    user: str = ""
    auth: str = ""
    senders: str = ""  # parted by commas
    rate: str = ""
    burst: str = ""
    per_minute: str = ""
    per_hour: str = ""
    per_day: str = ""
    min_gap: str = ""
    jitter: str = ""
    batch: str = ""  # 100, 10m
    per_connection: str = ""
    per_domain: str = ""  # gmail.com 5/s, example.org 100/h
    warm_up: str = ""  # 50, 1.5, 5000, and perhaps a date
    connections: str = ""
    weight: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""
    fingerprint: str = ""
    helo: str = ""
    allow_plain: str = ""  # yes, or nothing
    password_command: str = ""  # as one types it in a shell
    oauth_provider: str = ""  # google, microsoft or custom
    oauth_client_id: str = ""
    oauth_tenant: str = ""
    dkim_selector: str = ""
    sign_selector: str = ""
    sign_domain: str = ""
    sign_key: str = ""
    seen: str = field(default="", repr=False)


LIMITS = (
    "rate",
    "burst",
    "per_minute",
    "per_hour",
    "per_day",
    "min_gap",
    "jitter",
    "batch",
    "per_connection",
    "per_domain",
    "warm_up",
)
"""The fields of an account's limits, which stand below `limits:`."""
KEYS: Mapping[str, Loc] = {
    "preset": ("preset",),
    "host": ("host",),
    "port": ("port",),
    "security": ("security",),
    "user": ("user",),
    "auth": ("auth",),
    "senders": ("from",),
    **{name: ("limits", name) for name in LIMITS},
    "connections": ("connections",),
    "weight": ("weight",),
    "ca": ("ca",),
    "certificate": ("certificate",),
    "key": ("key",),
    "fingerprint": ("fingerprint",),
    "helo": ("helo",),
    "allow_plain": ("allow_plain",),
    "password_command": ("password_command",),
    "oauth_provider": ("oauth", "provider"),
    "oauth_client_id": ("oauth", "client_id"),
    "oauth_tenant": ("oauth", "tenant"),
    "dkim_selector": ("dkim_selector",),
    "sign_selector": ("dkim", "selector"),
    "sign_domain": ("dkim", "domain"),
    "sign_key": ("dkim", "key"),
}
"""Where each field of a draft stands below an account of the settings file."""
_NUMBERS = ("port", "connections", "weight")
_WITH_TOKEN = ("xoauth2", "oauthbearer")
_QUOTAS = (*LIMITS, "connections")
_MAPS = ("limits", "oauth", "dkim")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?")
_PARTS = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_SHAPES = {
    "host": "That is no name and no address of a server.",
    "helo": "That is no name for EHLO; write one such as sender.acme.test.",
    "dkim_selector": "That is no selector; write one such as s1 or mail2026, without the domain.",
    "oauth_tenant": "That is no id and no domain of an organisation.",
    "batch": "Write how many mails, and how long nothing is sent after them: 100, 10m.",
    "warm_up": "Write the first day's mails, the factor, the most a day, and perhaps the first day: 50, 1.5, 5000.",
    "per_domain": "Write domains and how fast: gmail.com 5/s, example.org 100/h.",
}
"""What is wrong with a text that does not have the shape it should."""
_OF_FIELD = {"oauth": "oauth_provider", "dkim": "sign_selector", "from": "senders"}


def draft_of_preset(name: str) -> AccountDraft:
    """A draft with what a preset says. Raises `KeyError` for one that there is not."""
    known = presets()[name]
    texts = _texts({**known.settings(), **({"host": known.host} if REGION in known.host else {})})
    return dataclasses.replace(AccountDraft(), **{**texts, "preset": name})


def draft_of_account(name: str, said: Mapping[str, Any]) -> AccountDraft:
    """A draft of what the settings file says of an account."""
    known = presets().get(str(said.get("preset")))
    whole = {**(known.settings() if known is not None else {}), **said}
    return dataclasses.replace(AccountDraft(name=name, seen=seen_of(said)), **_texts(whole))


def moved_to_preset(draft: AccountDraft, name: str) -> AccountDraft:
    """The draft of an account that changes its provider: it gets the server and the login of the new one.

    Its own limits stay, and so does all that neither preset speaks of; a login by OAuth stays only where the new one
    takes it: its tokens are for nobody else. Raises `KeyError` for a preset there is not.
    """
    old = draft_of_preset(draft.preset) if draft.preset in presets() else AccountDraft()
    new = draft_of_preset(name)
    changed = {}
    for key in KEYS:
        here, before, after = (str(getattr(one, key)) for one in (draft, old, new))
        own = bool(here) and here != before  # what its person said of it
        if (after and not (own and key in _QUOTAS)) or (before and not own):
            changed[key] = after
    if draft.oauth_provider != presets()[name].oauth:
        changed |= dict.fromkeys(("oauth_provider", "oauth_client_id", "oauth_tenant"), "")
        if draft.auth in _WITH_TOKEN:
            changed["auth"] = ""
    return dataclasses.replace(draft, **changed)


def seen_of(said: Mapping[str, Any]) -> str:
    """What the file says of an account, to see whether it still says it."""
    return json.dumps(said, sort_keys=True)


def problems_of(draft: AccountDraft, *, taken: tuple[str, ...]) -> dict[str, str]:
    """What is wrong, by field; `taken` are names that other accounts have."""
    found: dict[str, str] = {}
    if not _NAME.fullmatch(draft.name):
        found["name"] = (
            "Give it a name, which campaign files say."
            if not draft.name
            else "Only letters and digits, with - or _ between them: no blanks."
        )
    elif draft.name in taken:
        found["name"] = f"There is an account {draft.name} already."
    elif other := next((one for one in taken if variable_for(one) == variable_for(draft.name)), ""):
        found["name"] = f"Too much like {other}: the variable {variable_for(other)} would be that of both."
    if REGION in draft.host:
        found["host"] = f"Write the region in place of {REGION}, such as eu-west-1."
    known = presets().get(draft.preset)
    if known is not None and known.login and known.host and not draft.user:
        hint = f": {known.user_hint}" if known.user_hint else ""
        found["user"] = f"{known.title} wants a login{hint}."
    for name, message in _mistakes(draft):
        found.setdefault(name, message)
    return found


def edited(text: str, name: str, draft: AccountDraft, said: Mapping[str, Any] | None) -> str:
    """The text of the settings file with an account as the draft has it. `said` is what it says now, None: nothing.

    Raises `NotInPlace` where it is written in a way that cannot be changed, `ConfigError`.
    """
    wanted = values(draft, said or {})
    if said is None:
        return put(text, ("accounts", name), wanted)
    for loc, value in _changes(wanted, said):
        where = ("accounts", name, *loc)
        text = take_out(text, where) if value is _GONE else put(text, where, value)
    return text


_GONE = object()


def _changes(wanted: Mapping[str, Any], said: Mapping[str, Any]) -> Iterator[tuple[Loc, Any]]:
    """What is to be put, and taken out, for a file to say what is wanted; what a draft does not know stays."""
    for key in dict.fromkeys(str(loc[0]) for loc in KEYS.values()):
        if key not in wanted:
            if said.get(key) not in (None, False, {}, []):  # what says nothing was not taken out by anybody
                yield (key,), _GONE
            continue
        new, old = wanted[key], said.get(key)
        if key not in _MAPS or not isinstance(old, Mapping) or not old or not new:
            if key not in said or new != _normal(key, old):
                yield (key,), new
            continue
        for step in (str(loc[1]) for loc in KEYS.values() if loc[0] == key):
            if step not in new and step in old:
                yield (key, step), _GONE
            elif step in new and new[step] != old.get(step):
                yield (key, step), new[step]


def _after(draft: AccountDraft) -> dict[str, Any]:
    """What the file would say of the account: what a draft does not know stays as it is."""
    said: dict[str, Any] = json.loads(draft.seen) if draft.seen else {}
    for loc, value in _changes(values(draft, said), said):
        above: dict[str, Any] = said
        for step in loc[:-1]:
            above = above[str(step)]
        if value is _GONE:
            del above[str(loc[-1])]
        else:
            above[str(loc[-1])] = value
    return said


def values(draft: AccountDraft, said: Mapping[str, Any]) -> dict[str, Any]:
    """What the settings file is to say of the account. What its preset says as well is left out, unless the file has
    said it so far (`said`).
    """
    known = presets().get(draft.preset)
    given = known.settings() if known is not None else {}
    found: dict[str, Any] = {}
    for name, loc in KEYS.items():
        value = _value(name, getattr(draft, name).strip())
        if value == IN_THE_FILE:
            value = said.get("limits", {}).get(name)
        if value is None:
            continue
        if len(loc) == 1:
            found[str(loc[0])] = value
        else:
            found.setdefault(str(loc[0]), {})[loc[1]] = value
    for key, value in given.items():
        if key in found:
            if found[key] == value and key not in said:
                del found[key]
        elif key == "limits":
            found[key] = {}
        elif key in ("user", "connections"):
            found[key] = None  # a person took it out, and the preset would have it back
    return found


def _value(name: str, text: str) -> Any:
    """What a field's text is in the file; None for nothing."""
    if not text:
        return None
    if name in LIMITS:
        return typed(name, text)
    if name in _NUMBERS:
        plain = text.replace(",", "").replace(" ", "")
        return int(plain) if plain.isdecimal() and len(plain) < 12 else text
    if name == "allow_plain":
        return {"yes": True, "true": True, "no": None, "false": None}.get(text.lower(), text)
    if name == "senders":
        parts = [part.strip() for part in _PARTS.findall(text) if part.strip()]
        return parts[0] if len(parts) == 1 else parts
    return text


def _normal(key: str, value: Any) -> Any:
    """A value of the file in the way that `_value` has it."""
    if key == "password_command" and isinstance(value, list):
        return shlex.join(map(str, value))
    if key == "from" and isinstance(value, list) and len(value) == 1:
        return value[0]
    return value


def _texts(said: Mapping[str, Any]) -> dict[str, str]:
    """The fields of what a file or a preset says."""
    found = {}
    for name, loc in KEYS.items():
        value: Any = said
        for step in loc:
            value = value.get(step) if isinstance(value, Mapping) else None
        found[name] = _text(name, value)
    return found


def _text(name: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    if name in LIMITS:
        return as_typed(name, value)
    if value is True:
        return "yes"
    if isinstance(value, list | tuple):
        return shlex.join(map(str, value)) if name == "password_command" else ", ".join(map(str, value))
    return str(value)


def _mistakes(draft: AccountDraft) -> Iterator[tuple[str, str]]:
    """(field, sentence) of what the model does not take."""
    if draft.password_command:
        try:
            shlex.split(draft.password_command)
        except ValueError as error:
            yield "password_command", f"This is no command: {str(error).lower()}."
            return
    try:
        validate(AccountSpec, Layers([Layer(_after(draft), {}, "")]), title="")
    except ConfigError as error:
        for problem in error.problems:
            name = _field_of(problem.place.key, problem.message)
            yield name, _plainly(name, problem.message) or _sentence(f"{problem.message} {problem.hint}")


def _plainly(name: str, message: str) -> str:
    """What a model says in its own words, as a person would; empty where that is plain enough."""
    if "match pattern" in message or ("map of keys" in message and name in _SHAPES):
        return _SHAPES[name]
    if "whole number" in message:
        return f"A whole number is expected{message[message.rindex(';') :]}."
    return "Name the server." if name == "host" and message.startswith("this key") else ""


def _field_of(key: str, message: str) -> str:
    """The field that a mistake is about: by its place, or by the key that its sentence begins with."""
    by_key = {".".join(map(str, loc)): name for name, loc in KEYS.items()}
    whole = ".".join(key.split(".")[:2])  # a limit's parts are one field
    said = re.match(r"([a-z_]+)(?::| is missing)", message)
    word_said = said.group(1) if said else ""
    for word in (key, whole, key.partition(".")[0], f"limits.{word_said}", word_said):
        if word in by_key:
            return by_key[word]
        if word in _OF_FIELD:
            return _OF_FIELD[word]
    return "preset" if "preset" in message else "host"


def _sentence(text: str) -> str:
    text = text.strip()
    named = text.startswith("mailtui")  # which is no word to begin with a capital
    return sentence(text if named else text[:1].upper() + text[1:])
