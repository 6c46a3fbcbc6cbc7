"""What dkimpy says of a signed mail. Its curve is PyNaCl's, which is not here: of Ed25519 it works out what was signed,
and `cryptography` verifies that.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, cast

import dkim
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from dkim.canonicalization import Relaxed

relaxed_headers = cast("Callable[[list[tuple[bytes, bytes]]], list[tuple[bytes, bytes]]]", Relaxed.canonicalize_headers)
relaxed_body = cast("Callable[[bytes], bytes]", Relaxed.canonicalize_body)


class _Curve:
    """The part of PyNaCl's key that dkimpy uses."""

    def __init__(self, public: str) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public))
        self.good = False

    def verify(self, digest: bytes, signature: bytes) -> None:
        try:
            self._key.verify(signature, digest)
        except InvalidSignature:
            return
        self.good = True


def verifies(mail: bytes, record: str, *, asked: list[bytes] | None = None) -> bool:
    """Whether the first signature of a mail is good by the key in this record; `asked` gets where it was looked for."""

    def dns(name: bytes, timeout: int = 5) -> bytes:
        if asked is not None:
            asked.append(name)
        return record.encode()

    verifier = cast("Any", dkim).DKIM(mail)
    tags = dict(part.strip().split("=", 1) for part in record.split(";"))
    if tags["k"] == "rsa":
        return _said(lambda: verifier.verify(dnsfunc=dns))
    curve = _Curve(tags["p"])

    def by_the_curve(sig: dict[bytes, bytes], include: list[bytes], header: tuple[bytes, bytes], _: object) -> Any:
        dns(b"%b._domainkey.%b." % (sig[b"s"], sig[b"d"]))
        verifier.pk, verifier.keysize, verifier.ktag, verifier.seqtlsrpt = curve, 256, b"ed25519", False
        return verifier.verify_sig_process(sig, include, header, None)

    verifier.verify_sig = by_the_curve
    return _said(verifier.verify) and curve.good


def _said(verify: Callable[[], Any]) -> bool:
    try:
        return bool(verify())
    except dkim.DKIMException:
        return False
