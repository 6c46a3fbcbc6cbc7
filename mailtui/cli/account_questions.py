"""Owns asking for what an account still needs, one question each, at a terminal."""

from __future__ import annotations

import dataclasses

import click

from mailtui.cli import output
from mailtui.service.account_book import AccountBook, AccountDraft, Preset


class Questions:
    """Asks for what a draft lacks; an answer that cannot be taken is told, and asked for again."""

    def __init__(self, book: AccountBook) -> None:
        self._book = book
        self._presets = {preset.name: preset for preset in book.presets()}

    def complete(self, draft: AccountDraft) -> AccountDraft:
        """The draft with the answers. Nothing is written."""
        if not draft.name:
            draft = self._ask(draft, "name", "A name for the account, which campaign files say")
        if not draft.preset and not draft.host:
            draft = self._provider(draft)
        preset = self._presets.get(draft.preset)
        if preset is not None:
            self._tell(preset)
        if preset is not None and preset.regional and "{region}" in draft.host:
            draft = self._region(draft, preset)
        if not draft.host:
            draft = self._server(draft, "Its server, HOST or HOST:PORT")
        if not draft.security:
            draft = self._security(draft)
        if not draft.user and (preset is None or preset.login):
            draft = self._user(draft, preset)
        if draft.oauth_provider and not draft.oauth_client_id:
            output.say(self._book.problems(draft).get("oauth_client_id", ""))
            draft = self._ask(draft, "oauth_client_id", "The client id")
        return draft

    def _provider(self, draft: AccountDraft) -> AccountDraft:
        names = list(self._presets)
        width = max(map(len, names))
        for number, preset in enumerate(self._presets.values(), 1):
            output.say(f"{number:>3}  {preset.name:<{width}}  {preset.title}")
        answer = self._typed("Provider, by its number or name; or your own server, HOST or HOST:PORT")
        if answer.isdecimal() and 0 < int(answer) <= len(names):
            answer = names[int(answer) - 1]
        if answer not in self._presets:
            return self._server(draft, "HOST or HOST:PORT", answer)
        known = self._book.draft(preset=answer)
        said = {field.name: getattr(draft, field.name) for field in dataclasses.fields(draft)}
        return dataclasses.replace(known, **{name: text for name, text in said.items() if text})

    def _server(self, draft: AccountDraft, question: str, answer: str = "") -> AccountDraft:
        """With the server and perhaps its port, asked for unless there is an `answer` already."""
        while True:
            answer = answer or self._typed(question)
            host, colon, port = answer.rpartition(":")
            alone = not colon or not port.isdecimal() or (":" in host and not host.endswith("]"))
            answered = dataclasses.replace(draft, **({"host": answer} if alone else {"host": host, "port": port}))
            problems = self._book.problems(answered)
            problem = problems.get("host") or (problems.get("port") if not alone else None)
            if problem is None:
                return answered
            output.say(problem)
            answer = ""

    def _tell(self, preset: Preset) -> None:
        output.say(f"{preset.title}:")
        for line in preset.notes:
            output.say(f"  {line}")
        output.say(f"  {preset.page}")

    def _region(self, draft: AccountDraft, preset: Preset) -> AccountDraft:
        while True:
            region = self._typed("Its region, such as eu-west-1")
            answered = dataclasses.replace(draft, host=preset.host.replace("{region}", region))
            problem = self._book.problems(answered).get("host")
            if problem is None:
                return answered
            output.say(problem)

    def _security(self, draft: AccountDraft) -> AccountDraft:
        here = draft.host in ("localhost", "127.0.0.1", "::1")
        usual = {"465": "tls", "587": "starttls", "25": "plain" if here else "starttls"}
        suggested = usual.get(draft.port, "plain" if here else "tls")
        return self._ask(draft, "security", "Encryption: tls (port 465) or starttls (587)", default=suggested)

    def _user(self, draft: AccountDraft, preset: Preset | None) -> AccountDraft:
        hint = f" ({preset.user_hint})" if preset is not None and preset.user_hint else ""
        if preset is not None and preset.host:
            return self._ask(draft, "user", f"User{hint}")
        return self._ask(draft, "user", f"User{hint}; empty for no login", default="")

    def _ask(self, draft: AccountDraft, field: str, question: str, *, default: str | None = None) -> AccountDraft:
        while True:
            answered = dataclasses.replace(draft, **{field: self._typed(question, default=default)})
            problem = self._book.problems(answered).get(field)
            if problem is None:
                return answered
            output.say(problem)

    def _typed(self, question: str, *, default: str | None = None) -> str:
        answer: str = click.prompt(question, default=default, show_default=bool(default), err=True)
        return answer.strip()
