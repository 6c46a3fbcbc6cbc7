"""Owns the server side of one SMTP connection (RFC 5321, pipelining of RFC 2920): commands in, replies out.

Strict on purpose, since it is here to find a sender's mistakes: commands in order, lines end in CR LF, no unknown
parameter, only what was offered. Content is kept to the byte; only CR LF . CR LF ends it. What is kept goes to
`capture`, what goes wrong on purpose comes from `faults`, bytes and their timing belong to `wire`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mailtui.sandbox import replies
from mailtui.sandbox.auth import AuthExchange
from mailtui.sandbox.capture import Arrival, Capture
from mailtui.sandbox.envelope import Sender, parse_mail, parse_rcpt
from mailtui.sandbox.faults import Action, FaultPlan, FaultRule, Stage
from mailtui.sandbox.manners import Manners, Tally
from mailtui.sandbox.replies import Reply
from mailtui.sandbox.wire import Ending, Wire

COMMAND_LIMIT = 2_048  # bytes; RFC 5321 asks for 512 and the parameters of extensions come on top
AUTH_LIMIT = 12_288  # bytes, RFC 4954 section 4
_END = b"\r\n.\r\n"


class Connection(Wire):
    """One client's session: greeted, perhaps authenticated, perhaps inside a transaction or its content."""

    def __init__(
        self,
        number: int,
        *,
        manners: Manners,
        capture: Capture,
        faults: FaultPlan,
        tally: Tally,
        closed: Callable[[Connection], None],
    ) -> None:
        super().__init__(quiet_seconds=manners.command_seconds)
        self.number = number
        self._manners = manners
        self._offer = manners.offer()
        self._enhanced = "ENHANCEDSTATUSCODES" in self._offer.keywords
        self._pipelining = "PIPELINING" in self._offer.keywords
        self._capture = capture
        self._faults = faults
        self._tally = tally
        self._closed = closed
        self._greeted = False
        self._authenticated = False
        self._exchange: AuthExchange | None = None
        self._sender: Sender | None = None
        self._recipients: list[str] = []
        self._in_content = False
        self._scan = 0  # up to where in the buffer the content is known to hold no end
        self._oversized = False
        self._overlong = False
        self._rollback = 0  # how much of `out` stands before the reply to the first message not stored yet

    def shut_down(self) -> None:
        """Say that the server goes away, and close."""
        if self.idle:
            self._say(replies.SHUTTING_DOWN)
        self.cancel_hold()
        self.end(Ending.CLOSE)

    # what the wire asks

    def opened(self) -> None:
        self._settle(Stage.CONNECT, lambda: f"220 {self._manners.hostname} ESMTP mailtui sandbox\r\n".encode())

    def take(self) -> bool:
        return self._take_content() if self._in_content else self._take_line()

    def dropped(self, count: int) -> None:
        self._scan = max(0, self._scan - count)

    def timed_out(self) -> None:
        self._say(replies.TIMED_OUT)

    def lost(self) -> None:
        self._closed(self)

    def _take_line(self) -> bool:
        end = self.buffer.find(b"\n", self.at)
        if end < 0:
            if len(self.buffer) - self.at > AUTH_LIMIT:
                self._overlong = True
                self.at = len(self.buffer)
            return False
        line = bytes(self.buffer[self.at : end])
        self.at = end + 1
        if self._overlong or (len(line) > COMMAND_LIMIT and not self._may_be_long(line)):
            self._overlong = False
            self._exchange = None
            self._say(replies.LINE_TOO_LONG)
        elif not line.endswith(b"\r"):
            self._say(replies.BARE_LINE_FEED)
        else:
            self._obey(line[:-1])
        return True

    def _may_be_long(self, line: bytes) -> bool:
        login = self._exchange is not None or line[:4].upper() == b"AUTH"
        return login and len(line) <= AUTH_LIMIT

    def _take_content(self) -> bool:
        end = self.buffer.find(_END, self._scan)
        if end < 0:
            if len(self.buffer) - self.at > self._manners.size_limit:
                self._oversized = True
                self.at = len(self.buffer) - len(_END) + 1
            self._scan = max(self.at, len(self.buffer) - len(_END) + 1)
            return False
        # The CR LF before the content is kept in the buffer: with it an empty message is found, and its first
        # line is unstuffed, like any other.
        content = bytes(self.buffer[self.at : end + 2])
        if b"\r\n." in content:
            content = content.replace(b"\r\n.", b"\r\n")
        self.at = end + len(_END)
        self._in_content = False
        self._note_pipelining(allowed=True)
        self._finish_content(content[2:])
        return True

    # commands

    def _obey(self, line: bytes) -> None:
        if self._exchange is not None:
            self._continue_auth(self._exchange.answer(line))
            return
        verb, _, argument = line.partition(b" ")
        command = _COMMANDS.get(verb.upper())
        if command is None:
            self._say(replies.UNKNOWN_COMMAND)
        elif b"\0" in line or b"\r" in line:
            self._say(replies.CONTROL_CHARACTER)
        else:
            self._note_pipelining(allowed=command in _MAY_BE_FOLLOWED)
            command(self, argument)

    def _ehlo(self, argument: bytes) -> None:
        if not argument.strip():
            self._say(replies.SYNTAX)
            return

        def apply() -> bytes:
            self._greeted = True
            self._forget()
            return self._manners.ehlo_reply()

        self._settle(Stage.EHLO, apply)

    def _helo(self, argument: bytes) -> None:
        if not argument.strip():
            self._say(replies.SYNTAX)
            return
        self._greeted = True
        self._forget()
        self.out += f"250 {self._manners.hostname}\r\n".encode()

    def _auth(self, argument: bytes) -> None:
        users = self._manners.users
        if not users:
            self._say(replies.NOT_IMPLEMENTED)
        elif not self._greeted:
            self._say(replies.HELLO_FIRST)
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

        self._settle(Stage.AUTH, apply)

    def _mail(self, argument: bytes) -> None:
        if not self._greeted:
            self._refuse(replies.HELLO_FIRST)
        elif self._manners.users and not self._authenticated:
            self._refuse(replies.AUTH_REQUIRED)
        elif self._sender is not None:
            self._refuse(replies.NESTED_MAIL)
        else:
            sender = parse_mail(argument, self._offer)
            if isinstance(sender, Reply):
                self._refuse(sender)
                return

            def apply() -> bytes:
                self._sender = sender
                return replies.SENDER_OK.bytes(enhanced=self._enhanced)

            self._settle(Stage.MAIL, apply)

    def _rcpt(self, argument: bytes) -> None:
        if self._sender is None:
            self._refuse(replies.MAIL_FIRST if self._greeted else replies.HELLO_FIRST)
            return
        recipient = parse_rcpt(argument, self._offer, utf8=self._sender.utf8)
        if isinstance(recipient, Reply):
            self._refuse(recipient)
        elif len(self._recipients) >= self._manners.recipient_limit:
            self._refuse(replies.TOO_MANY_RECIPIENTS)
        else:
            address = recipient

            def apply() -> bytes:
                self._recipients.append(address)
                return replies.RECIPIENT_OK.bytes(enhanced=self._enhanced)

            self._settle(Stage.RCPT, apply, (address,))

    def _data(self, argument: bytes) -> None:
        if argument.strip():
            self._refuse(replies.SYNTAX)
        elif self._sender is None:
            self._refuse(replies.MAIL_FIRST if self._greeted else replies.HELLO_FIRST)
        elif not self._recipients:
            self._refuse(replies.NO_VALID_RECIPIENTS)
        else:
            self._settle(Stage.DATA, self._begin_content, self._recipients)

    def _begin_content(self) -> bytes:
        self._in_content = True
        self._oversized = False
        self.at -= 2
        self._scan = self.at
        return replies.GO_AHEAD

    def _finish_content(self, content: bytes) -> None:
        sender, recipients = self._sender, self._recipients
        assert sender is not None, "content is only taken inside a transaction"
        self._forget()
        if self._oversized or len(content) > self._manners.size_limit:
            self._refuse(replies.TOO_LARGE)
            return

        def apply() -> bytes:
            arrival = Arrival(self.number, sender.address, sender.options, tuple(recipients), content)
            if not self.uncommitted:
                self._rollback = len(self.out)
            self.uncommitted += 1
            number = self._capture.add(arrival, self._stored)
            return b"250 %bOk: kept as %d\r\n" % (b"2.0.0 " if self._enhanced else b"", number)

        self._settle(Stage.DOT, apply, recipients)

    def _rset(self, argument: bytes) -> None:
        self._forget()
        self._say(replies.OK if not argument.strip() else replies.SYNTAX)

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

        self._settle(Stage.QUIT, apply)

    # replies and faults

    def _say(self, reply: Reply) -> None:
        self.out += reply.bytes(enhanced=self._enhanced)

    def _refuse(self, reply: Reply) -> None:
        self._tally.refused += 1
        self._say(reply)

    def _settle(self, stage: Stage, apply: Callable[[], bytes], recipients: Sequence[str] = ()) -> None:
        """Carry a command out and answer it, unless a fault strikes; `apply` takes effect and gives the reply.

        It takes effect before a delay, so that a message is in the log although its client may give up waiting.
        """
        strike = self._faults.strike(stage, self.number, recipients)
        if strike is None:
            self.out += apply()
            return
        rule = strike.rule
        reply = b""
        if rule is None or rule.succeeds:
            reply = apply()
        elif stage in _REFUSABLE:
            self._tally.refused += 1
        if strike.delay:
            self.hold(strike.delay, lambda: self._act(rule, reply))
        else:
            self._act(rule, reply)

    def _act(self, rule: FaultRule | None, reply: bytes) -> None:
        if rule is None:
            self.out += reply
        elif rule.action is Action.REPLY:
            self.out += rule.reply
            if rule.reply.startswith(b"421"):
                self.ending = Ending.CLOSE
        elif rule.action in (Action.DROP, Action.ACCEPT_THEN_DROP):
            self.ending = Ending.CLOSE
        elif rule.action in (Action.RESET, Action.ACCEPT_THEN_RESET):
            self.ending = Ending.RESET
        else:
            self.fall_silent()

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

    def _note_pipelining(self, *, allowed: bool) -> None:
        """Count a client that sends on where RFC 2920 section 3.1 makes it wait for the reply."""
        if self.at < len(self.buffer) and not (allowed and self._pipelining):
            self._tally.improper_pipelining += 1


_REFUSABLE = frozenset({Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.DOT})

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
    b"STARTTLS": Connection._not_implemented,
}
_MAY_BE_FOLLOWED = frozenset({Connection._mail, Connection._rcpt, Connection._rset})
