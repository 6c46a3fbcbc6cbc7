"""Owns the words and symbols for an account: its row in the list, and what is known of the one under the cursor."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence, Set

from textual.content import Content

from mailtui.kit.words import counted, size_in_words
from mailtui.service.account_book import AccountRow, LastTest, SecretKind, SecretPlace, Waiting
from mailtui.service.account_state import AccountNow
from mailtui.service.webhooks import WebhookRow
from mailtui.tui.states import Look
from mailtui.tui.text import from_home, joined, plain
from mailtui.tui.widgets.account_lines import account_look
from mailtui.tui.widgets.table import Column, Row
from mailtui.tui.widgets.wrapped import Line

COLUMNS = (
    Column("name", "Account"),
    Column("server", "Server", 26, least=60),
    Column("secret", "Secret", 13),
    Column("test", "Tested", 13, least=54),
)
LOOKING = Look("·", "looking …", "$text-muted")
_SECRETS: Mapping[SecretKind, Look] = {
    SecretKind.KEYRING: Look("+", "keyring", "$text-success"),
    SecretKind.VARIABLE: Look("+", "variable", "$text-success"),
    SecretKind.COMMAND: Look("+", "command", "$text-success"),
    SecretKind.SYSTEMD: Look("+", "systemd", "$text-success"),
    SecretKind.OAUTH: Look("+", "logged in", "$text-success"),
    SecretKind.GIVEN: Look("+", "this run", "$text-success"),
    SecretKind.NOT_NEEDED: Look("-", "none needed", "$text-muted"),
    SecretKind.MISSING: Look("×", "missing", "bold $text-error"),
}
_SECURITY: Mapping[str, tuple[str, str]] = {
    "tls": ("+ TLS", "$text-success"),
    "starttls": ("+ STARTTLS", "$text-success"),
    "plain": ("! not encrypted", "$text-warning"),
}
_NAMES = 10


def look_of(place: SecretPlace | None) -> Look:
    """How the state of a secret looks; None while it is being looked for."""
    return LOOKING if place is None else _SECRETS[place.kind]


def secret_words(place: SecretPlace | None) -> Content:
    """Where a secret is, with its symbol; of a missing one only that it is."""
    look = look_of(place)
    known = place is not None and place.kind is not SecretKind.MISSING
    return plain(f"{look.symbol} {place.text if place is not None and known else look.word}", look.style, limit=300)


def waiting_words(waiting: Waiting) -> str:
    """Which campaigns go on with a password or login that was just given, or how they are made to; empty for none."""
    if not waiting.campaigns:
        return ""
    names = ", ".join(name for _, name in waiting.campaigns)
    if waiting.go_on:
        return f"With it {'goes' if len(waiting.campaigns) == 1 else 'go'} on: {names}."
    return f"For it {'waits' if len(waiting.campaigns) == 1 else 'wait'}: {names}. Open it on Home (1); r goes on."


def account_cells(row: AccountRow, place: SecretPlace | None, now: AccountNow | None) -> Row:
    """One row of the list, a cell for each of `COLUMNS`; one that rests says so beside its name."""
    look = None if now is None or now.well else account_look(now)
    rests = "" if look is None else plain(f"{look.symbol} ", look.style)
    return (
        joined(rests, plain(row.name, "bold")),
        plain(str(row.endpoint), "$text-muted"),
        look_of(place).content,
        plain("") if row.last_test is None else _verdict(row.last_test, short=True),
    )


def account_lines(
    row: AccountRow, place: SecretPlace | None, now: AccountNow | None, *, provider: str, signing: str
) -> Iterator[Line]:
    """Everything about one account. `provider` is where it logs in without a password, `signing` how mails are signed;
    both empty for none. `now` is how it stands in the outbox, None where there is none.
    """
    endpoint = row.endpoint
    yield Line(plain(row.name, "bold", limit=80))
    symbol, style = _SECURITY[str(endpoint.security)]
    if endpoint.is_loopback and str(endpoint.security) == "plain":
        symbol, style = "not encrypted, on this machine", "$text-muted"
    yield _line("server", plain(str(endpoint), limit=200))
    yield _line("", plain(symbol, style))
    for told in _tls(row):
        yield _line("", plain(told, "$text-muted", limit=300))
    yield _line("login", plain(_login(row, provider), limit=200))
    yield _line("secret", secret_words(place))
    if place is not None and place.kind is SecretKind.MISSING:
        yield _line("", plain(place.text, "$text-muted", limit=300))
        yield _line("", plain("l logs in" if provider else "p keeps it, or takes it for this run", "$text-accent"))
    yield _line("tested", plain("not yet: t", "$text-muted") if row.last_test is None else _verdict(row.last_test))
    if row.last_test is not None and row.last_test.size:  # 0 is no limit
        yield _line("", plain(f"takes mails up to {size_in_words(row.last_test.size)}", "$text-muted"))
    yield _line("sends as", plain(", ".join(row.senders) or "anybody", limit=400))
    yield _line("at most", plain(_limits(row)))
    if now is not None:
        yield from _standing(now)
    yield _line(
        "DKIM", plain(signing or "not signed here; the server may", "" if signing else "$text-muted", limit=200)
    )
    yield _line("written", plain(from_home(row.origin), "$text-muted", limit=300))
    yield _line(
        "use it by", joined(plain(f"account: {row.name}", limit=100), plain(" in a campaign file", "$text-muted"))
    )


def _standing(now: AccountNow) -> Iterator[Line]:
    """What it has sent lately, and why it rests."""
    if now.hour or now.day or now.quota:
        yield _line("sent", plain(now.quota or f"{now.hour:,} in the last hour, {now.day:,} in the last 24"))
    if not now.well:
        look = account_look(now)
        yield _line("state", plain(f"{look.symbol} {now.state}: {now.reason}", look.style, limit=300))


def _login(row: AccountRow, provider: str) -> str:
    endpoint = row.endpoint
    if not endpoint.user:
        return "none"
    how = f"at {provider}" if provider else "with a password"
    return f"{endpoint.user}, {how}{f', {endpoint.auth}' if endpoint.auth != 'auto' else ''}"


def _tls(row: AccountRow) -> Iterator[str]:
    endpoint = row.endpoint
    if endpoint.fingerprint:
        yield f"only the certificate {endpoint.fingerprint[:16]}…"
    if endpoint.ca:
        yield f"trusts {from_home(endpoint.ca)}"
    if endpoint.certificate:
        yield f"shows {from_home(endpoint.certificate)}"


def _limits(row: AccountRow) -> str:
    said = [row.at_most, "" if row.connections is None else f"{row.connections} at the same time"]
    limits = ", ".join(part for part in said if part) or "no limit"
    return limits if row.weight == 1 else f"{limits}; weight {row.weight}"


def _verdict(test: LastTest, *, short: bool = False) -> Content:
    moment, today = time.localtime(test.at), time.localtime()
    same = moment[:3] == today[:3]
    when = time.strftime("%H:%M" if same else "%d %b" if short else "%d %b %Y %H:%M", moment)
    symbol, style = ("+", "$text-success") if test.ok else ("×", "bold $text-error")
    if short:
        return plain(f"{symbol} {when if test.ok else test.step}", style, limit=20)
    told = "it works" if test.ok else f"{test.step}: {test.text}"
    return joined(
        plain(f"{symbol} ", style), plain(f"{'today ' if same else ''}{when}, "), plain(told, style, limit=300)
    )


def _line(name: str, text: Content) -> Line:
    return Line(text, plain(f"{name:<{_NAMES}}", "$text-muted"))


def webhook_lines(rows: Sequence[WebhookRow], missing: Set[str]) -> list[Line]:
    """Who is told what becomes of campaigns; `missing` are those whose secret was not found."""
    lines = []
    for row in rows:
        waiting = f", {counted(row.waiting, 'notice')} not taken yet" if row.waiting else ""
        what = f"{row.server} is told: {', '.join(row.events)}{waiting}"
        lines.append(Line(plain(what, "$text-muted"), plain(f"webhook {row.name}  ", "$text-muted")))
        if row.name in missing:
            lines.append(Line(plain(f"its secret is missing: mailtui webhooks secret {row.name}", "$text-warning")))
    return lines
