"""Owns the error tree: what a person reads when something goes wrong, and the exit code that goes with it.

Every error has a title (what happened), a detail (where, and with what) and a hint (what to do next).
Faces print these three and never a traceback; anything that is not a `MailtuiError` is a defect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """What a finished command tells the shell. Users' scripts rely on these numbers."""

    DONE = 0
    UNEXPECTED = 1
    USAGE = 2
    FINDINGS = 3
    SOME_FAILED = 4
    SOME_UNKNOWN = 5
    PAUSED = 6
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a person's files something stands; lines and columns count from 1."""

    file: str = ""
    line: int | None = None
    column: int | None = None
    key: str = ""

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line, self.column) if part not in ("", None))
        if where and self.key:
            return f"{where}: {self.key}"
        return where or self.key


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a person's files: where it stands, what is wrong, what to write instead."""

    place: Place
    message: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.place}: {self.message}" if str(self.place) else self.message
        return f"{text} {self.hint}".rstrip()


class MailtuiError(Exception):
    """The root of everything mailtui says on purpose.

    `title` is one sentence without a full stop, `detail` says where, `hint` what to do next.
    """

    exit_code: ExitCode = ExitCode.UNEXPECTED

    def __init__(self, title: str, *, detail: str = "", hint: str = "") -> None:
        super().__init__(title)
        self.title = title
        self.detail = detail
        self.hint = hint

    def __str__(self) -> str:
        return "\n".join(part for part in (self.title, self.detail, self.hint) if part)


class UsageError(MailtuiError):
    """The command cannot be carried out as it was given."""

    exit_code = ExitCode.USAGE


class UnknownCampaign(UsageError):
    """No campaign, or more than one, answers to the id a person gave."""

    def __init__(self, given: str, *, matches: Sequence[str] = ()) -> None:
        if matches:
            super().__init__(
                f"{given} could be any of {len(matches)} campaigns",
                detail=", ".join(matches),
                hint="Give one more character of the id.",
            )
        else:
            super().__init__(
                f"There is no campaign {given}",
                hint="See the ids with: mailtui list",
            )


class ConfigError(MailtuiError):
    """Files a person wrote hold mistakes; nothing was sent."""

    exit_code = ExitCode.FINDINGS

    def __init__(self, title: str, problems: Sequence[Problem] = (), *, detail: str = "", hint: str = "") -> None:
        lines = "\n".join(str(problem) for problem in problems)
        super().__init__(title, detail="\n".join(part for part in (detail, lines) if part), hint=hint)
        self.problems = tuple(problems)


class NoAccount(ConfigError):
    """A campaign names no server to send through, or an account that cannot be used as it is."""


class AudienceError(ConfigError):
    """The list cannot be used: missing, empty, unreadable, or without an address column."""

    place: Place = Place()
    """Where a campaign file names what cannot be used; its detail begins with it. Empty where no such file does."""


class RuleError(ConfigError):
    """A filter does not parse, or names a column the list does not have."""


class TemplateError(ConfigError):
    """A template does not parse, or names a field that no row has."""


class AccountError(MailtuiError):
    """The account cannot be used: unknown, or its secret is missing."""

    exit_code = ExitCode.FINDINGS


class SecretMissing(AccountError):
    """No secret was found for an account that needs one: its password, or with `login` that of an OAuth login."""

    def __init__(self, account: str, *, variable: str = "", tried: Sequence[str] = (), login: bool = False) -> None:
        store = f"Store it in the keyring: mailtui accounts password {account}"
        super().__init__(
            self.title_for(account, login=login),
            detail="Looked in: " + ", ".join(tried) if tried else "",
            hint=f"Log in: mailtui accounts login {account}" if login else f"{store}. Or set {variable}.",
        )
        self.account = account
        self.login = login

    @staticmethod
    def title_for(account: str, *, login: bool = False) -> str:
        """The sentence by which a campaign that waits for this password or login is known."""
        if login:
            return f"Nobody has logged in for the account {account}"
        return f"The account {account} needs its password, and none was found"


class WebhookSecretMissing(MailtuiError):
    """No secret was found to sign the posts of a webhook with."""

    exit_code = ExitCode.FINDINGS

    def __init__(self, name: str, *, variable: str, tried: Sequence[str]) -> None:
        super().__init__(
            f"The webhook {name} needs its secret, and none was found",
            detail="Looked in: " + ", ".join(tried),
            hint=f"Store it in the keyring: mailtui webhooks secret {name}. Or set {variable}.",
        )


class LoginEnded(AccountError):
    """An account's login is good for nothing any more: it was given back, changed or too old, or is somebody else's. A
    person logs in anew.
    """

    exit_code = ExitCode.PAUSED

    def __init__(self, account: str, what: str, *, said: str, hint: str = "") -> None:
        """`what` became of it completes the sentence."""
        super().__init__(
            f"{self.title_for(account)} {what}",
            detail=said,
            hint=hint or f"Log in again: mailtui accounts login {account}",
        )
        self.account = account

    @staticmethod
    def title_for(account: str) -> str:
        """How the sentence begins by which a campaign that waits for another login is known."""
        return f"The login of {account}"


class TokenUnavailable(AccountError):
    """The provider gives no access token at the moment; the login is all right, and may be used again later.

    `wanted` are the seconds that the provider wants to be left alone for, 0 where it says nothing.
    """

    exit_code = ExitCode.PAUSED

    def __init__(self, account: str, *, where: str, why: str, wanted: float = 0.0) -> None:
        super().__init__(
            f"{where} gives {account} no access at the moment",
            detail=why,
            hint="It is asked again by itself. If that goes on, look at the network and at the provider's status page.",
        )
        self.account = account
        self.wanted = wanted


class OutboxError(MailtuiError):
    """The outbox cannot be opened, read or written."""


class OutboxBusy(OutboxError):
    """Another connection is writing; nothing was changed, and the same call may be tried again."""

    def __init__(self, path: str) -> None:
        super().__init__(
            "The outbox is busy: another program is writing to it",
            detail=path,
            hint="Try again in a moment. If that goes on, another program holds the file, perhaps an open mailtui app: "
            "close it.",
        )


class OccurrenceTaken(OutboxError):
    """A recurrence has launched another campaign for the same time."""

    def __init__(self, campaign: str, name: str) -> None:
        super().__init__(
            f"This time of the recurrence has been launched already: campaign {campaign}",
            detail=name,
            hint=f"See what became of it: mailtui status {campaign}",
        )
        self.campaign = campaign


class RecurrenceChanged(OutboxError):
    """A recurrence was paused, ended or put to another time while the campaign of one of its times was made."""

    def __init__(self, recurrence: str, name: str) -> None:
        super().__init__(
            f"{name} ({recurrence}) was paused, ended or put to another time meanwhile",
            hint="See what is to come: mailtui scheduled",
        )


class OutboxDamaged(OutboxError):
    """The outbox's file is not what was written into it. It is left as it is."""

    def __init__(self, path: str, *, faults: Sequence[str]) -> None:
        super().__init__(
            "The outbox is damaged, and nothing is sent from it",
            detail="\n".join([path, *faults]),
            hint="It was left as it is. Put a backup in its place, or save what can be read:\n"
            f"sqlite3 {path} .recover | sqlite3 recovered.db",
        )


class OutboxOutdated(OutboxError):
    """The outbox's file has forgotten something that this machine saw it know: an older copy was put in its place."""

    def __init__(self, path: str, *, ends: str, went_on: str) -> None:
        super().__init__(
            "This outbox is an older copy, and nothing is sent from it",
            detail=f"{path}\nIt ends at {ends}. The one that was used here last went on until {went_on}: "
            "whoever was sent to after the copy was made would get it again.",
            hint="Put the newer file back. If that one is gone, and you accept it: mailtui outbox accept",
        )


class OutboxUnwritable(OutboxError):
    """The outbox takes no writes at the moment; the same call may be tried again."""


class DiskFailure(OutboxUnwritable):
    """The disk refused to read, write or sync for another reason than room."""

    def __init__(self, path: str, *, reason: str) -> None:
        super().__init__(
            "The outbox cannot be written: the disk reports an error",
            detail=f"{path}: {reason}",
            hint="Look at the disk, and at the system's log. Everything sent so far is on record.",
        )


class OutboxFull(OutboxUnwritable):
    """The outbox cannot grow: the disk is full or a limit is reached."""

    def __init__(self, path: str, *, reason: str) -> None:
        super().__init__(
            "The outbox cannot be written: there is no room left",
            detail=f"{path}: {reason}",
            hint="Free some space and run the same command again. Everything sent so far is on record.",
        )


class RunnerError(MailtuiError):
    """The runner cannot be started, or is not there any more."""


class RunnerBusy(RunnerError):
    """Another runner already holds this outbox."""

    exit_code = ExitCode.USAGE

    def __init__(self, outbox: str, *, pid: int | None) -> None:
        super().__init__(
            "Another runner already works on this outbox" + (f" (process {pid})" if pid else ""),
            detail=outbox,
            hint="Watch it with: mailtui status --follow. Or use another outbox: --outbox sqlite:///PATH",
        )
        self.pid = pid
