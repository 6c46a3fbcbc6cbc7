"""Owns the fields of an account's form: their order, names and sentences, and which of them say something now."""

from __future__ import annotations

from collections.abc import Mapping

from mailtui.service.account_book import AccountDraft, Preset
from mailtui.tui.widgets.form_field import Entry
from mailtui.tui.widgets.setting_field import Choice

PORTS: Mapping[str, str] = {"tls": "465", "starttls": "587", "plain": "25"}
"""The usual port of each way to protect a connection."""

SECTIONS: Mapping[str, tuple[Entry, ...]] = {
    "The server": (
        Entry("name", "name", "What campaign files call it: account: NAME. Letters, digits, - and _.", (), "acme"),
        Entry("host", "host", "The server's name or address, as its provider says.", (), "smtp.example.com"),
        Entry(
            "security",
            "security",
            "The usual port follows. What is to be encrypted is never sent unencrypted.",
            (
                Choice("tls", "TLS from the first byte, port 465"),
                Choice("starttls", "TLS after STARTTLS, port 587"),
                Choice("plain", "not encrypted: only for this machine"),
            ),
            "tls",
        ),
        Entry(
            "port",
            "port",
            "465, 587 or 25 as a rule; the security that goes with it follows.",
            (),
            "as usual",
            digits=True,
        ),
        Entry(
            "allow_plain",
            "insist",
            "Without encryption everybody on the way reads mails and password.",
            (Choice("", "plain only to this machine"), Choice("yes", "plain to another machine, too")),
        ),
    ),
    "The login": (
        Entry("user", "user", "The login name; empty: no login.", (), "news@example.com"),
        Entry(
            "oauth_provider",
            "provider",
            "Log in at a provider in the browser (OAuth) in place of a password.",
            (
                Choice("", "no: a password"),
                Choice("google", "Google"),
                Choice("microsoft", "Microsoft 365 and Outlook"),
                Choice("custom", "another, told in the settings file"),
            ),
        ),
        Entry("oauth_client_id", "client id", "The id of your own app at the provider: docs/oauth.md, step by step."),
        Entry("oauth_tenant", "tenant", "The organisation's id or domain.", (), "common"),
        Entry(
            "auth",
            "method",
            "auto takes the best that the server offers; another one is used or nothing.",
            (
                Choice("auto", "the best that is offered"),
                Choice("plain", "PLAIN"),
                Choice("login", "LOGIN"),
                Choice("cram-md5", "CRAM-MD5: never says the password"),
                Choice("xoauth2", "XOAUTH2, with a provider's login"),
                Choice("oauthbearer", "OAUTHBEARER, with a provider's login"),
            ),
            "auto",
        ),
        Entry(
            "password_command",
            "command",
            "A command that prints the password, in place of the keyring; no shell.",
            (),
            "pass show mail/acme",
        ),
    ),
    "What it sends": (
        Entry(
            "senders",
            "sends as",
            "Addresses or whole domains, parted by commas; empty: anybody.",
            (),
            "Acme News <news@acme.test>, @acme.test",
        ),
        Entry(
            "weight",
            "weight",
            "Its share of the workers in a campaign with several accounts: 1 to 100.",
            (),
            "1",
            digits=True,
        ),
    ),
    "Its limits, all campaigns together": (
        Entry("rate", "rate", "The most mails in a time: 10/s, 600/m, 5000/h.", (), "as fast as the server takes it"),
        Entry("burst", "at once", "How many may go at once after a rest; with a rate.", (), "1", digits=True),
        Entry("per_minute", "a minute", "Mails in any 60 seconds.", (), "no limit", digits=True),
        Entry("per_hour", "an hour", "Mails in any 60 minutes.", (), "no limit", digits=True),
        Entry("per_day", "a day", "Mails in any 24 hours.", (), "no limit", digits=True),
        Entry("min_gap", "gap", "The least time between two mails: 30s, 2m.", (), "none"),
        Entry("jitter", "gap varies", "By what share a gap may be longer, by chance: 0.3 is up to 30 %.", (), "0"),
        Entry("batch", "batch, rest", "So many mails, and then a rest: 100, 10m.", (), "none"),
        Entry(
            "connections",
            "connections",
            "The most at the same time.",
            (),
            "as many as the campaign has workers",
            digits=True,
        ),
        Entry(
            "per_connection",
            "mails on each",
            "Mails before a connection is ended and another begun.",
            (),
            "as many as the server takes",
            digits=True,
        ),
        Entry("per_domain", "by domain", "For recipients' domains: gmail.com 5/s, example.org 100/h.", (), "none"),
        Entry(
            "warm_up",
            "warm-up",
            "More each day. First day, times, at most, since when: 50, 1.5, 5000.",
            (),
            "none",
        ),
    ),
    "Signing (DKIM)": (
        Entry("sign_selector", "selector", "Sign mails here, with this key's name in the DNS; empty: not here."),
        Entry("sign_domain", "domain", "The domain that signs.", (), "the domain of From"),
        Entry("sign_key", "key", "keyring, or a PEM file.", (), "keyring"),
        Entry("dkim_selector", "server's", "The selector that the server itself signs with, for check --dns."),
    ),
    "Certificates": (
        Entry("ca", "authorities", "A PEM file with the authorities to trust in place of the system's."),
        Entry("fingerprint", "fingerprint", "SHA-256 of the server's certificate: this one is let through, no other."),
        Entry("certificate", "certificate", "A PEM file with the certificate to show to the server."),
        Entry("key", "its key", "A PEM file with its key; empty: it is in the same file."),
        Entry("helo", "EHLO name", "The name to give to the server; empty: this machine's."),
    ),
}


def examples(preset: Preset | None) -> dict[str, str]:
    """What stands in empty fields for a preset, by their keys."""
    if preset is None:
        return {}
    hints = {"host": preset.host, "user": preset.user_hint}
    return {key: hint for key, hint in hints.items() if hint}


def says_something(key: str, draft: AccountDraft) -> bool:
    """Whether a field means anything beside what the others hold."""
    if getattr(draft, key):
        return key not in ("auth",) or bool(draft.user)
    needed = {
        "allow_plain": draft.security == "plain",
        "oauth_provider": bool(draft.user),
        "oauth_client_id": bool(draft.oauth_provider),
        "oauth_tenant": draft.oauth_provider == "microsoft",
        "auth": bool(draft.user),
        "password_command": bool(draft.user) and not draft.oauth_provider,
        "sign_domain": bool(draft.sign_selector),
        "sign_key": bool(draft.sign_selector),
        "key": bool(draft.certificate),
        "burst": bool(draft.rate),
        "jitter": bool(draft.min_gap),
    }
    return needed.get(key, True)


def moved_together(key: str, draft: AccountDraft) -> dict[str, str]:
    """What follows from a change of security or port, by the fields' keys: the two go together while they are usual."""
    if key == "security" and draft.security in PORTS and draft.port in ("", *PORTS.values()):
        return {"port": PORTS[draft.security]}
    if key == "port" and draft.security != "plain":
        fitting = {port: security for security, port in PORTS.items() if security != "plain"}
        if draft.port in fitting:
            return {"security": fitting[draft.port]}
    return {}
