"""Owns signing a finished mail with DKIM: which of its headers, in which form, and how the signature's header looks.

Both canonicalisations are relaxed. A signature says the same of the same mail on every attempt and every machine: it
has no time in it (t=, x=), and no length of the body (l=), behind which anybody could add to it.

What is signed is what a mail of ours has, and what must not be added to it on the way: such a name stands in h= once
more than the mail has it. Headers that relays take out, put in or write anew are left alone: Return-Path, Received and
those of a campaign's own, which may be meant for a relay.

Sources: RFC 6376 sections 3.4 (canonicalisation), 3.5 (the header), 3.7 (what is hashed), 5.4 (which headers) and 8.15
(headers that are added); RFC 8058 section 4 (one click counts where both of its headers are signed); RFC 8301 (SHA-256
alone); RFC 8463 (Ed25519).
"""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mailtui.errors import AccountError
from mailtui.kit.hidden import hide

KINDS = ("rsa", "ed25519")
"""Of keys. Ed25519 is quicker by far, and many who verify do not know it yet."""

_GUARDED = (
    "from",
    "to",
    "cc",
    "reply-to",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
)
"""Signed, and signed as not there once more: nobody may add one, whether the mail has one or not."""
_GUARDED_WHERE_THERE = (
    "content-transfer-encoding",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "list-id",
)
"""The same, where the mail has them: relays add their own to mails that have none."""
_SIGNED = (
    "in-reply-to",
    "references",
    "list-help",
    "list-subscribe",
    "list-post",
    "list-owner",
    "list-archive",
    "feedback-id",
    "auto-submitted",
)
"""Signed where the mail has them."""
_TOLD_BY = 16  # hex digits
_LINE = 76  # characters of the signature's own lines, about
_PIECE = 64 * 1024  # bytes of a body that are looked at together
_KEPT_LAYOUTS = 64  # mails of a campaign differ in few headers


class DkimKeyProblem(AccountError):
    """Mails cannot be signed by this key. Nothing of the key is ever in it."""


@dataclass(frozen=True, slots=True)
class DkimSpec:
    """How an account signs: `selector` and `domain` are s= and d=, in A-labels; a blank domain is that of From.

    `key` is what tells the key of a launched campaign from any other, blank for whichever there is: a mail that is
    signed by another one than the DNS has under that name proves nothing.
    """

    selector: str
    domain: str = ""
    key: str = ""

    def record_name(self, author: str) -> str:
        """Where the DNS has the public key for mails from a domain."""
        return f"{self.selector}._domainkey.{self.domain or author}"


@dataclass(frozen=True, slots=True)
class _Layout:
    """What signatures of mails with the same headers have in common."""

    chosen: tuple[int, ...]
    """Which headers are hashed, by their place in the mail, in this order."""
    written: bytes
    """The header up to the body's hash, as it stands in the mail."""
    hashed: bytes
    """The same as it is hashed."""


class Signer:
    """Signs mails by one key. Not for several threads at once."""

    def __init__(self, spec: DkimSpec, pem: bytes) -> None:
        """`pem` is the private key. Raises `DkimKeyProblem`."""
        from mailtui.message.dkim_key import read_signing_key  # here, since loading it costs those who sign nothing

        hide(pem.decode("ascii", "replace"))
        self.spec = spec
        self.pem = pem
        self._key = read_signing_key(pem)
        self.record = self._key.record
        """What the DNS has to say for others to verify."""
        self.key = hashlib.sha256(self.record.encode()).hexdigest()[:_TOLD_BY]
        """What tells this key from any other. No secret."""
        if spec.key not in ("", self.key):
            raise DkimKeyProblem(
                "The key for DKIM is another one than when the campaign was launched",
                detail=f"The campaign is signed as {spec.selector}, and the DNS has the former key under that name.",
                hint="Put the former key back, or give the command that launched it once more, which takes up the new "
                "key: mailtui run CAMPAIGN",
            )
        self._layouts: dict[tuple[str, tuple[bytes, ...]], _Layout] = {}
        self._body = b"\r\n"
        self._body_hash = _body_hash(self._body)

    def signed(self, data: bytes, sender: str) -> bytes:
        """The mail with its signature; `sender` is the address in From."""
        return self.sign(data, domain=sender[sender.rfind("@") + 1 :]) + data

    def sign(self, data: bytes, *, domain: str) -> bytes:
        """The DKIM-Signature header of a mail, with its line break, to stand before the mail.

        `data` is the mail with its headers, lines ending with CRLF and no CR or LF elsewhere; `domain` that of From.
        """
        end = data.index(b"\r\n\r\n")
        fields = relaxed_fields(data[: end + 2])
        layout = self._layout(self.spec.domain or domain, tuple([field.partition(b":")[0] for field in fields]))
        body_hash = self._hash_of(data[end + 4 :])
        signed = b"\r\n".join((*[fields[at] for at in layout.chosen], b"%b%b; b=" % (layout.hashed, body_hash)))
        signature = binascii.b2a_base64(self._key.sign(signed), newline=False)
        pieces = [signature[at : at + _LINE] for at in range(0, len(signature), _LINE)]
        return b"%b%b;\r\n\tb=%b\r\n" % (layout.written, body_hash, b"\r\n\t ".join(pieces))

    def _hash_of(self, body: bytes) -> bytes:
        if body != self._body:  # which takes far less than hashing it, and everybody's may be the same
            self._body, self._body_hash = body, _body_hash(body)
        return self._body_hash

    def _layout(self, domain: str, names: tuple[bytes, ...]) -> _Layout:
        layout = self._layouts.get((domain, names))
        if layout is None:
            if len(self._layouts) >= _KEPT_LAYOUTS:
                self._layouts.clear()
            layout = self._layouts[domain, names] = self._lay_out(domain, [name.decode("ascii") for name in names])
        return layout

    def _lay_out(self, domain: str, names: Sequence[str]) -> _Layout:
        chosen: list[int] = []
        listed: list[str] = []
        for name in (*_GUARDED, *_GUARDED_WHERE_THERE, *_SIGNED):
            # RFC 6376 section 5.4.2: of several with one name, the last one first.
            there = [at for at in reversed(range(len(names))) if names[at] == name]
            guarded = name in _GUARDED or (bool(there) and name in _GUARDED_WHERE_THERE)
            chosen += there
            listed += [name] * (len(there) + guarded)
        written = (
            f"DKIM-Signature: v=1; a={self._key.algorithm}; c=relaxed/relaxed; d={domain};\r\n"
            f"\ts={self.spec.selector};\r\n"
            f"\th={_folded(listed)};\r\n"
            "\tbh="
        ).encode("ascii")
        return _Layout(tuple(chosen), written, relaxed_fields(written + b"\r\n")[0])


def relaxed_fields(head: bytes) -> list[bytes]:
    """The header fields, whose lines end with CRLF, in relaxed form without it (RFC 6376 section 3.4.2)."""
    unfolded = head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b"\t")
    fields = []
    for line in _squeezed(unfolded).split(b"\r\n")[:-1]:
        name, _, value = line.partition(b":")
        fields.append(b"%b:%b" % (name.rstrip(b" ").lower(), value.strip(b" ")))
    return fields


def relaxed_body(body: bytes) -> Iterator[bytes]:
    """A body, each of whose lines ends with CRLF, in relaxed form (RFC 6376 section 3.4.4), in pieces of whole lines.

    A piece without a blank, as files in base64 are, is left as it is.
    """
    end = len(body.rstrip(b" \t\r\n"))
    start = 0
    while start < end:
        cut = body.find(b"\n", min(start + _PIECE, end)) + 1 if end - start > _PIECE else 0
        piece = body[start : cut if 0 < cut < end else end]
        start += len(piece)
        if b" " in piece or b"\t" in piece:
            piece = _squeezed(piece)
            if b" \r\n" in piece:
                piece = piece.replace(b" \r\n", b"\r\n")
        yield piece
    if end:
        yield b"\r\n"


def _body_hash(body: bytes) -> bytes:
    digest = hashlib.sha256()
    for piece in relaxed_body(body):
        digest.update(piece)
    return binascii.b2a_base64(digest.digest(), newline=False)


def _squeezed(text: bytes) -> bytes:
    """Each run of blanks and tabs as one blank. Half as long a run each time takes the fewest steps."""
    if b"\t" in text:
        text = text.replace(b"\t", b" ")
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    return text


def _folded(names: Sequence[str]) -> str:
    """The names of h=, folded behind a colon."""
    lines = [""]
    for at, name in enumerate(names):
        word = name if at == len(names) - 1 else f"{name}:"
        if len(lines[-1]) + len(word) > _LINE - len("\th="):
            lines.append("")
        lines[-1] += word
    return "\r\n\t ".join(lines)
