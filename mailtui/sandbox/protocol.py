"""Owns the server side of one SMTP connection (RFC 5321, pipelining of RFC 2920): commands in, replies out.

Strict on purpose, since it is here to find a sender's mistakes: commands in order, no unknown parameter, only what
was offered. What comes is cut into lines and content by `intake`, what is kept goes to `capture`, what goes wrong on
purpose belongs to `misconduct`, bytes and their timing to `wire`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mailtui.sandbox import replies
from mailtui.sandbox.auth import AuthExchange
from mailtui.sandbox.capture import Arrival, Capture
from mailtui.sandbox.counters import Tally
from mailtui.sandbox.envelope import Sender, parse_mail, parse_rcpt
from mailtui.sandbox.faults import Stage
from mailtui.sandbox.intake import Intake
from mailtui.sandbox.limits import Gate
from mailtui.sandbox.manners import Manners
from mailtui.sandbox.misconduct import Refuse
from mailtui.sandbox.plan import FaultPlan
from mailtui.sandbox.replies import Reply
from mailtui.sandbox.tls import Tls
from mailtui.sandbox.wire import Ending


class Connection(Intake):
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
        super().__init__(
            number,
            faults=faults,
            tally=tally,
            refuse=refuse,
            quiet_seconds=manners.command_seconds,
            size_limit=manners.size_limit,
        )
        self._manners = manners
        self._gate = gate
        self._tls = tls
        self._offer = manners.offer()
        self._enhanced = "ENHANCEDSTATUSCODES" in self._offer.keywords
        self._pipelining = "PIPELINING" in self._offer.keywords
        self._capture = capture
        self._closed = closed
        self._greeted = False
        self._authenticated = False
        self._exchange: AuthExchange | None = None
        self._sender: Sender | None = None
        self._recipients: list[str] = []
        self._accepted = 0
        self._reserved = False  # whether this transaction counts against a quota although nothing was accepted yet
        self._rollback = 0  # how much of `out` stands before the reply to the first message not stored yet

    def shut_down(self) -> None:
        """Say that the server goes away, and close."""
        if self.idle:
            self._say(replies.SHUTTING_DOWN)
        self.cancel_hold()
        self.end(Ending.CLOSE)

    # what the wire asks

    def opened(self) -> None:
        self.unless_struck(Stage.CONNECT, self._begin)

    def in_login(self) -> bool:
        return self._exchange is not None

    def timed_out(self) -> None:
        self._say(replies.TIMED_OUT)

    def lost(self) -> None:
        self.rouse()
        self._give_back()
        self._closed(self)

    def _begin(self) -> None:
        if self._tls is not None and self._tls.implicit:
            self.secure(self._tls.context, self._greet)
        else:
            self._greet()

    def _greet(self) -> None:
        if self.secured:
            self._tally.handshakes += 1
        if self._gate is not None and self._turned_away(self._gate.connect(self._tally.open)):
            self.ending = Ending.CLOSE
            return
        self.settle(Stage.GREETING, lambda: f"220 {self._manners.hostname} ESMTP mailtui sandbox\r\n".encode())

    # commands

    def no_line(self, reply: Reply) -> None:
        self._exchange = None
        self._say(reply)

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
            self._say(replies.UNKNOWN_COMMAND)
        elif b"\0" in line or b"\r" in line:
            self._say(replies.CONTROL_CHARACTER)
        else:
            said = self._tally.commands
            said[verb] = said.get(verb, 0) + 1
            self._note_pipelining(allowed=command in _MAY_BE_FOLLOWED)
            if verb == b"AUTH":
                self._count_clear(line)
            command(self, argument)

    def _ehlo(self, argument: bytes) -> None:
        if not argument.strip():
            self._say(replies.SYNTAX)
            return

        def apply() -> bytes:
            self._greeted = True
            self._forget()
            return self._manners.ehlo_reply(secured=self.secured, starttls=self._tls is not None)

        self.settle(Stage.EHLO, apply)

    def _helo(self, argument: bytes) -> None:
        if not argument.strip():
            self._say(replies.SYNTAX)
            return

        def apply() -> bytes:
            self._greeted = True
            self._forget()
            return f"250 {self._manners.hostname}\r\n".encode()

        self.settle(Stage.HELO, apply)

    def _starttls(self, argument: bytes) -> None:
        context = self._tls.context if self._tls is not None and self._manners.starttls else None
        if context is None and "STARTTLS" not in self._offer.keywords:
            self._say(replies.NOT_IMPLEMENTED)
        elif argument.strip():
            self._say(replies.SYNTAX)
        elif self.secured or self._sender is not None or not self._greeted:
            self._say(replies.TLS_NOT_NOW)
        else:
            ready = replies.TLS_READY if context is not None else replies.TLS_NOT_AVAILABLE

            def begin() -> None:
                if context is not None:
                    self.secure(context, self._begin_anew)

            self.settle(Stage.STARTTLS, lambda: ready.bytes(enhanced=self._enhanced), after=begin)

    def _begin_anew(self) -> None:
        """TLS stands; what was said before is forgotten (RFC 3207 section 4.2)."""
        self._tally.handshakes += 1
        self._greeted = self._authenticated = False

    def _auth(self, argument: bytes) -> None:
        users = self._manners.users
        if not users:
            self._say(replies.NOT_IMPLEMENTED)
        elif not self._greeted:
            self._say(replies.HELLO_FIRST)
        elif self._manners.require_tls and not self.secured:
            self._say(replies.TLS_REQUIRED)
        elif self._authenticated or self._sender is not None:
            self._say(replies.AUTH_NOT_NOW)
        else:
            self._tally.auth_attempts += 1
            self._exchange = AuthExchange(users)
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

    def _mail(self, argument: bytes) -> None:
        if not self._greeted:
            self._refuse(replies.HELLO_FIRST)
        elif self._manners.require_tls and not self.secured:
            self._refuse(replies.TLS_REQUIRED)
        elif self._manners.users and not self._authenticated:
            self._refuse(replies.AUTH_REQUIRED)
        elif self._sender is not None:
            self._refuse(replies.NESTED_MAIL)
        else:
            sender = parse_mail(argument, self._offer)
            if isinstance(sender, Reply):
                self._refuse(sender)
                return
            if self._gate is not None:
                if self._turned_away(self._gate.mail(self._accepted)):
                    return
                self._reserved = True

            def apply() -> bytes:
                self._sender = sender
                return replies.SENDER_OK.bytes(enhanced=self._enhanced)

            self.transaction += 1
            self.settle(Stage.MAIL, apply)
            if self._sender is None:
                self._give_back()

    def _rcpt(self, argument: bytes) -> None:
        if self._sender is None:
            self._refuse(replies.MAIL_FIRST if self._greeted else replies.HELLO_FIRST)
            return
        recipient = parse_rcpt(argument, self._offer, utf8=self._sender.utf8)
        if isinstance(recipient, Reply):
            self._refuse(recipient)
        elif len(self._recipients) >= self._manners.recipient_limit:
            self._refuse(replies.TOO_MANY_RECIPIENTS)
        elif self._gate is None or not self._turned_away(self._gate.rcpt(self._sender.address, recipient)):
            address = recipient

            def apply() -> bytes:
                self._recipients.append(address)
                return replies.RECIPIENT_OK.bytes(enhanced=self._enhanced)

            self.settle(Stage.RCPT, apply, (address,))

    def _data(self, argument: bytes) -> None:
        if argument.strip():
            self._refuse(replies.SYNTAX)
        elif self._sender is None:
            self._refuse(replies.MAIL_FIRST if self._greeted else replies.HELLO_FIRST)
        elif not self._recipients:
            self._refuse(replies.NO_VALID_RECIPIENTS)
        else:
            self.settle(Stage.DATA, self._begin_content, self._recipients)

    def _begin_content(self) -> bytes:
        self.begin_content(self._recipients)
        return replies.GO_AHEAD

    def content(self, content: bytes | None) -> None:
        self._note_pipelining(allowed=True)
        sender, recipients = self._sender, self._recipients
        assert sender is not None, "content is only taken inside a transaction"
        self._sender = None
        self._recipients = []
        self._tally.commands[b"DOT"] = self._tally.commands.get(b"DOT", 0) + 1
        if content is None:
            self._refuse(replies.TOO_LARGE)
            self._give_back()
            return

        def apply() -> bytes:
            arrival = Arrival(self.number, sender.address, sender.options, tuple(recipients), content)
            if not self.uncommitted:
                self._rollback = len(self.out)
            self.uncommitted += 1
            self._accepted += 1
            self._reserved = False
            number = self._capture.add(arrival, self._stored)
            return b"250 %bOk: kept as %d\r\n" % (b"2.0.0 " if self._enhanced else b"", number)

        self.settle(Stage.DOT, apply, recipients, after=lambda: self._end_message(recipients))
        self._give_back()

    def _end_message(self, recipients: Sequence[str]) -> None:
        """A message was accepted and answered."""
        if self._gate is not None and self._gate.closes_after(self._accepted):
            self.ending = Ending.CLOSE
        else:
            self.rest(recipients)

    def _rset(self, argument: bytes) -> None:
        if argument.strip():
            self._say(replies.SYNTAX)
            return

        def apply() -> bytes:
            self._forget()
            return replies.OK.bytes(enhanced=self._enhanced)

        self.settle(Stage.RSET, apply)

    def _noop(self, _argument: bytes) -> None:
        self._say(replies.OK)

    def _vrfy(self, argument: bytes) -> None:
        self._say(replies.CANNOT_VERIFY if argument.strip() else replies.SYNTAX)

    def _help(self, _argument: bytes) -> None:
        self._say(replies.HELP)

    def _not_implemented(self, _argument: bytes) -> None:
        self._say(replies.NOT_IMPLEMENTED)

    def _quit(self, _argument: bytes) -> None:
        def apply() -> bytes:
            self.ending = Ending.CLOSE
            return replies.BYE.bytes(enhanced=self._enhanced)

        self.settle(Stage.QUIT, apply)

    # replies

    def _say(self, reply: Reply) -> None:
        self.out += reply.bytes(enhanced=self._enhanced)

    def _refuse(self, reply: Reply) -> None:
        self._tally.refused += 1
        self._say(reply)

    def _stored(self, problem: OSError | None) -> None:
        self.uncommitted -= 1
        if problem is None:
            self._tally.accepted += 1
        elif self.ending is not Ending.RESET:
            del self.out[self._rollback :]
            self.out += replies.NOT_STORED.bytes(enhanced=self._enhanced)
            self.ending = Ending.CLOSE
            self.cancel_hold()
        if not self.uncommitted:
            self.flush()

    def _forget(self) -> None:
        self._sender = None
        self._recipients = []
        self._give_back()

    def _give_back(self) -> None:
        if self._reserved and self._gate is not None:
            self._reserved = False
            self._gate.give_back()

    def _turned_away(self, reply: bytes | None) -> bool:
        """Say no where a limit does, and close after 421 or where there is nothing to say."""
        if reply is None:
            return False
        self._tally.refused += 1
        self.out += reply
        if not reply or reply.startswith(b"421"):
            self.ending = Ending.CLOSE
        return True

    def _count_clear(self, line: bytes) -> None:
        """Count a line of a login that everybody on the way could read."""
        if not self.secured:
            self._tally.auth_clear_bytes += len(line) + 2

    def _note_pipelining(self, *, allowed: bool) -> None:
        """Count a client that sends on where RFC 2920 section 3.1 makes it wait for the reply."""
        if self.at < len(self.buffer) and not (allowed and self._pipelining):
            self._tally.improper_pipelining += 1


_COMMANDS: dict[bytes, Callable[[Connection, bytes], None]] = {
    b"EHLO": Connection._ehlo,
    b"HELO": Connection._helo,
    b"AUTH": Connection._auth,
    b"MAIL": Connection._mail,
    b"RCPT": Connection._rcpt,
    b"DATA": Connection._data,
    b"RSET": Connection._rset,
    b"NOOP": Connection._noop,
    b"VRFY": Connection._vrfy,
    b"HELP": Connection._help,
    b"QUIT": Connection._quit,
    b"EXPN": Connection._not_implemented,
    b"STARTTLS": Connection._starttls,
}
_MAY_BE_FOLLOWED = frozenset({Connection._mail, Connection._rcpt, Connection._rset})
