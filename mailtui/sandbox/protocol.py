"""Owns the server side of one SMTP connection (RFC 5321, pipelining of RFC 2920): commands in, replies out.

Strict on purpose, since it is here to find a sender's mistakes: commands in order, no unknown parameter, only what
was offered. What comes is cut into lines and content by `intake`, a mail's own commands are `transaction`'s, what goes
wrong on purpose belongs to `misconduct`, bytes and their timing to `wire`.
"""

from __future__ import annotations

from collections.abc import Callable

from mailtui.sandbox import replies
from mailtui.sandbox.auth import AuthExchange
from mailtui.sandbox.capture import Capture
from mailtui.sandbox.counters import Tally
from mailtui.sandbox.faults import Stage
from mailtui.sandbox.limits import Gate
from mailtui.sandbox.manners import Manners
from mailtui.sandbox.misconduct import Refuse
from mailtui.sandbox.plan import FaultPlan
from mailtui.sandbox.replies import Reply
from mailtui.sandbox.tls import Tls
from mailtui.sandbox.transaction import Transaction
from mailtui.sandbox.wire import Ending


class Connection(Transaction):
    """One client's session: greeted, perhaps authenticated, perhaps inside a transaction or its content."""

    def __init__(
        self,
        number: int,
        *,
        manners: Manners,
        capture: Capture,
        faults: FaultPlan | None,
        gate: Gate | None,
        tls: Tls | None,
        tally: Tally,
        refuse: Refuse,
        closed: Callable[[Connection], None],
    ) -> None:
        super().__init__(number, manners=manners, capture=capture, faults=faults, gate=gate, tally=tally, refuse=refuse)
        self._tls = tls
        self._closed = closed
        self._authenticated = False
        self._exchange: AuthExchange | None = None
        self._needs_login = self._manners.logins is not None

    def shut_down(self) -> None:
        """Say that the server goes away, and close."""
        if self.idle:
            self.say(replies.SHUTTING_DOWN)
        self.cancel_hold()
        self.end(Ending.CLOSE)

    # what the wire asks

    def opened(self) -> None:
        self.unless_struck(Stage.CONNECT, self._begin)

    def in_login(self) -> bool:
        return self._exchange is not None

    def timed_out(self) -> None:
        self.say(replies.TIMED_OUT)

    def lost(self) -> None:
        self.rouse()
        self.give_back()
        self._closed(self)

    def not_yet(self) -> Reply | None:
        if not self.greeted:
            return replies.HELLO_FIRST
        if self._manners.require_tls and not self.secured:
            return replies.TLS_REQUIRED
        return replies.AUTH_REQUIRED if self._needs_login and not self._authenticated else None

    def _begin(self) -> None:
        if self._tls is not None and self._tls.implicit:
            self.secure(self._tls.context, self._greet)
        else:
            self._greet()

    def _greet(self) -> None:
        if self.secured:
            self._tally.handshakes += 1
        if self._gate is not None and self.turned_away(self._gate.connect(self._tally.open)):
            self.ending = Ending.CLOSE
            return
        self.settle(Stage.GREETING, lambda: f"220 {self._manners.hostname} ESMTP mailtui sandbox\r\n".encode())

    # commands

    def no_line(self, reply: Reply) -> None:
        self._exchange = None
        self.say(reply)

    def line(self, line: bytes) -> None:
        self.rouse()
        if self._exchange is not None:
            self._count_clear(line)
            self._continue_auth(self._exchange.answer(line))
            return
        verb, _, argument = line.partition(b" ")
        verb = verb.upper()
        command = _COMMANDS.get(verb)
        if command is None:
            self.say(replies.UNKNOWN_COMMAND)
        elif b"\0" in line or b"\r" in line:
            self.say(replies.CONTROL_CHARACTER)
        else:
            said = self._tally.commands
            said[verb] = said.get(verb, 0) + 1
            if verb != b"BDAT":  # what follows it is its chunk
                self.note_pipelining(allowed=command in _MAY_BE_FOLLOWED)
            if verb == b"AUTH":
                self._count_clear(line)
            command(self, argument)

    def _ehlo(self, argument: bytes) -> None:
        def reply() -> bytes:
            return self._manners.ehlo_reply(secured=self.secured, starttls=self._tls is not None)

        self._hello(argument, Stage.EHLO, reply)

    def _helo(self, argument: bytes) -> None:
        self._hello(argument, Stage.HELO, lambda: f"250 {self._manners.hostname}\r\n".encode())

    def _hello(self, argument: bytes, stage: Stage, reply: Callable[[], bytes]) -> None:
        if not argument.strip():
            self.say(replies.SYNTAX)
            return

        def apply() -> bytes:
            self.greeted = True
            self.forget()
            return reply()

        self.settle(stage, apply)

    def _starttls(self, argument: bytes) -> None:
        context = self._tls.context if self._tls is not None and self._manners.starttls else None
        if context is None and "STARTTLS" not in self._offer.keywords:
            self.say(replies.NOT_IMPLEMENTED)
        elif argument.strip():
            self.say(replies.SYNTAX)
        elif self.secured or self._sender is not None or not self.greeted:
            self.say(replies.TLS_NOT_NOW)
        else:
            ready = replies.TLS_READY if context is not None else replies.TLS_NOT_AVAILABLE

            def begin() -> None:
                if context is not None:
                    self.secure(context, self._begin_anew)

            self.settle(Stage.STARTTLS, lambda: ready.bytes(enhanced=self._enhanced), after=begin)

    def _begin_anew(self) -> None:
        """TLS stands; what was said before is forgotten (RFC 3207 section 4.2)."""
        self._tally.handshakes += 1
        self.greeted = self._authenticated = False

    def _auth(self, argument: bytes) -> None:
        logins = self._manners.logins
        if logins is None:
            self.say(replies.NOT_IMPLEMENTED)
        elif not self.greeted:
            self.say(replies.HELLO_FIRST)
        elif self._manners.require_tls and not self.secured:
            self.say(replies.TLS_REQUIRED)
        elif self._authenticated or self._sender is not None:
            self.say(replies.AUTH_NOT_NOW)
        else:
            self._tally.auth_attempts += 1
            self._exchange = AuthExchange(logins, self._manners.hostname)
            self._continue_auth(self._exchange.begin(argument))

    def _continue_auth(self, step: bytes | Reply) -> None:
        if isinstance(step, bytes):
            self.out += step
            return
        self._exchange = None
        if step is not replies.AUTHENTICATED:
            self._tally.auth_failures += 1

        def apply() -> bytes:
            self._authenticated = step is replies.AUTHENTICATED
            return step.bytes(enhanced=self._enhanced)

        self.settle(Stage.AUTH, apply)

    def _rset(self, argument: bytes) -> None:
        if argument.strip():
            self.say(replies.SYNTAX)
            return

        def apply() -> bytes:
            self.forget()
            return replies.OK.bytes(enhanced=self._enhanced)

        self.settle(Stage.RSET, apply)

    def _noop(self, _argument: bytes) -> None:
        self.say(replies.OK)

    def _vrfy(self, argument: bytes) -> None:
        self.say(replies.CANNOT_VERIFY if argument.strip() else replies.SYNTAX)

    def _help(self, _argument: bytes) -> None:
        self.say(replies.HELP)

    def _not_implemented(self, _argument: bytes) -> None:
        self.say(replies.NOT_IMPLEMENTED)

    def _quit(self, _argument: bytes) -> None:
        def apply() -> bytes:
            self.ending = Ending.CLOSE
            return replies.BYE.bytes(enhanced=self._enhanced)

        self.settle(Stage.QUIT, apply)

    def _count_clear(self, line: bytes) -> None:
        """Count a line of a login that everybody on the way could read."""
        if not self.secured:
            self._tally.auth_clear_bytes += len(line) + 2


_COMMANDS: dict[bytes, Callable[[Connection, bytes], None]] = {
    b"EHLO": Connection._ehlo,
    b"HELO": Connection._helo,
    b"AUTH": Connection._auth,
    b"MAIL": Connection.mail,
    b"RCPT": Connection.rcpt,
    b"DATA": Connection.data,
    b"BDAT": Connection.bdat,
    b"RSET": Connection._rset,
    b"NOOP": Connection._noop,
    b"VRFY": Connection._vrfy,
    b"HELP": Connection._help,
    b"QUIT": Connection._quit,
    b"EXPN": Connection._not_implemented,
    b"STARTTLS": Connection._starttls,
}
_MAY_BE_FOLLOWED = frozenset({Connection.mail, Connection.rcpt, Connection._rset})
