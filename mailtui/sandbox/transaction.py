"""Owns one mail transaction on a connection: MAIL, RCPT, and the content by DATA or by BDAT (RFC 3030).

Strict about their order. What was taken goes to `capture`; its 250 waits until it is stored. Commands that belong to
no transaction are `protocol`'s.
"""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Sequence

from mailtui.sandbox import replies
from mailtui.sandbox.capture import Arrival, Capture
from mailtui.sandbox.chunks import Chunk, parse_bdat
from mailtui.sandbox.counters import Tally
from mailtui.sandbox.envelope import Sender, parse_mail, parse_rcpt
from mailtui.sandbox.faults import Stage
from mailtui.sandbox.intake import Intake
from mailtui.sandbox.limits import Gate
from mailtui.sandbox.manners import Manners
from mailtui.sandbox.misconduct import Refuse
from mailtui.sandbox.plan import FaultPlan
from mailtui.sandbox.replies import Reply
from mailtui.sandbox.wire import Ending


class Transaction(Intake):
    """The base of a session: perhaps a sender, perhaps recipients, perhaps chunks of a content."""

    def __init__(
        self,
        number: int,
        *,
        manners: Manners,
        capture: Capture,
        faults: FaultPlan | None,
        gate: Gate | None,
        tally: Tally,
        refuse: Refuse,
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
        self._capture = capture
        self._offer = manners.offer()
        self._enhanced = "ENHANCEDSTATUSCODES" in self._offer.keywords
        self._pipelining = "PIPELINING" in self._offer.keywords
        self.greeted = False
        self._sender: Sender | None = None
        self._recipients: list[str] = []
        self._chunk = Chunk(0, last=False)
        self._spoilt = False  # a chunk was refused, or DATA came among chunks: only RSET helps
        self._accepted = 0
        self._reserved = False  # whether this transaction counts against a quota although nothing was accepted yet
        self._rollback = 0  # how much of `out` stands before the reply to the first message not stored yet

    # what a subclass says

    @abstractmethod
    def not_yet(self) -> Reply | None:
        """Why this client may not send mail, or not yet."""

    # what a subclass uses

    def say(self, reply: Reply) -> None:
        """Put a reply into what is written next."""
        self.out += reply.bytes(enhanced=self._enhanced)

    def forget(self) -> None:
        """There is no transaction any more."""
        self._sender = None
        self._recipients = []
        self._spoilt = False
        self.drop_chunks()
        self.give_back()

    def give_back(self) -> None:
        """What was reserved for this transaction and not used is free again."""
        if self._reserved and self._gate is not None:
            self._reserved = False
            self._gate.give_back()

    def turned_away(self, reply: bytes | None) -> bool:
        """Say no where a limit does, and close after 421 or where there is nothing to say."""
        if reply is None:
            return False
        self._tally.refused += 1
        self.out += reply
        if not reply or reply.startswith(b"421"):
            self.ending = Ending.CLOSE
        return True

    def note_pipelining(self, *, allowed: bool) -> None:
        """Count a client that sends on where RFC 2920 section 3.1 makes it wait for the reply."""
        if self.at < len(self.buffer) and not (allowed and self._pipelining):
            self._tally.improper_pipelining += 1

    # commands; Intake calls for the content

    def mail(self, argument: bytes) -> None:
        refusal = self.not_yet()
        if refusal is None and self._sender is not None:
            refusal = replies.NESTED_MAIL
        sender = refusal or parse_mail(argument, self._offer)
        if isinstance(sender, Reply):
            self._refuse(sender)
            return
        if self._gate is not None:
            if self.turned_away(self._gate.mail(self._accepted)):
                return
            self._reserved = True

        def apply() -> bytes:
            self._sender = sender
            return replies.SENDER_OK.bytes(enhanced=self._enhanced)

        self.transaction += 1
        self.settle(Stage.MAIL, apply)
        if self._sender is None:
            self.give_back()

    def rcpt(self, argument: bytes) -> None:
        if self._sender is None:
            self._refuse(self._no_mail())
            return
        if self.in_chunks or self._spoilt:
            self._refuse(replies.CHUNKS_BEGUN)
            return
        recipient = parse_rcpt(argument, self._offer, utf8=self._sender.utf8)
        if isinstance(recipient, Reply):
            self._refuse(recipient)
        elif len(self._recipients) >= self._manners.recipient_limit:
            self._refuse(replies.TOO_MANY_RECIPIENTS)
        elif self._gate is None or not self.turned_away(self._gate.rcpt(self._sender.address, recipient)):
            address = recipient

            def apply() -> bytes:
                self._recipients.append(address)
                return replies.RECIPIENT_OK.bytes(enhanced=self._enhanced)

            self.settle(Stage.RCPT, apply, (address,))

    def data(self, argument: bytes) -> None:
        if argument.strip():
            self._refuse(replies.SYNTAX)
        elif self._sender is None:
            self._refuse(self._no_mail())
        elif self.in_chunks or self._spoilt:
            self._spoilt = True  # RFC 3030 section 2: RSET must come before anything else
            self._refuse(replies.CHUNKS_BEGUN)
        elif not self._recipients:
            self._refuse(replies.NO_VALID_RECIPIENTS)
        else:
            self.settle(Stage.DATA, self._begin_content, self._recipients)

    def _begin_content(self) -> bytes:
        self.begin_content(self._recipients)
        return replies.GO_AHEAD

    def content(self, content: bytes | None) -> None:
        self.note_pipelining(allowed=True)
        self._tally.commands[b"DOT"] = self._tally.commands.get(b"DOT", 0) + 1
        if content is None:
            self._refuse(replies.TOO_LARGE)
            self.forget()
        else:
            self._end_content(content, (Stage.DOT,))

    def bdat(self, argument: bytes) -> None:
        chunk = parse_bdat(argument)
        if "CHUNKING" not in self._offer.keywords:
            self._refuse(replies.NOT_IMPLEMENTED)
        elif chunk is None:  # where it ends nobody knows, and what is content must not be taken for commands
            self._refuse(replies.SYNTAX)
            self.ending = Ending.LINGER
        else:
            refusal = self._why_no_chunk(chunk)
            self._chunk = dataclasses.replace(chunk, refusal=refusal)
            self.begin_chunk(chunk.octets, () if refusal else self._recipients, kept=refusal is None)

    def _why_no_chunk(self, chunk: Chunk) -> Reply | None:
        if self._sender is None:
            return self._no_mail()
        if self._spoilt:
            return replies.CHUNKS_SPOILT
        if not self._recipients:
            return replies.NO_VALID_RECIPIENTS
        return replies.TOO_LARGE if self.chunked + chunk.octets > self._manners.size_limit else None

    def chunk(self) -> None:
        self.note_pipelining(allowed=True)
        chunk = self._chunk
        if chunk.refusal is not None:
            self._spoilt = self._sender is not None
            self.drop_chunks()
            self._refuse(chunk.refusal)
        elif chunk.last:
            self._end_content(self.drop_chunks(), (Stage.BDAT, Stage.DOT))
        else:
            self._spoilt = True  # unless the chunk is taken

            def apply() -> bytes:
                self._spoilt = False
                return b"250 %b%d octets\r\n" % (b"2.0.0 " if self._enhanced else b"", chunk.octets)

            self.settle(Stage.BDAT, apply, self._recipients)

    def _end_content(self, content: bytes, stages: Sequence[Stage]) -> None:
        """The message is whole, and its transaction over."""
        sender, recipients = self._sender, self._recipients
        assert sender is not None, "content is only taken inside a transaction"
        self._sender = None
        self._recipients = []

        def apply() -> bytes:
            arrival = Arrival(self.number, sender.address, sender.options, tuple(recipients), content)
            if not self.uncommitted:
                self._rollback = len(self.out)
            self.uncommitted += 1
            self._accepted += 1
            self._reserved = False
            number = self._capture.add(arrival, self._stored)
            return b"250 %bOk: kept as %d\r\n" % (b"2.0.0 " if self._enhanced else b"", number)

        self.settle(stages, apply, recipients, after=lambda: self._end_message(recipients))
        self.give_back()

    def _end_message(self, recipients: Sequence[str]) -> None:
        """A message was accepted and answered."""
        if self._gate is not None and self._gate.closes_after(self._accepted):
            self.ending = Ending.CLOSE
        else:
            self.rest(recipients)

    # replies

    def _no_mail(self) -> Reply:
        return replies.MAIL_FIRST if self.greeted else replies.HELLO_FIRST

    def _refuse(self, reply: Reply) -> None:
        self._tally.refused += 1
        self.say(reply)

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
