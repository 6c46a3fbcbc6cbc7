"""Owns the TLS side of the sandbox: whose certificate it shows, from the first byte on or after STARTTLS, how old."""

from __future__ import annotations

import ssl
import warnings
from dataclasses import dataclass
from pathlib import Path

from mailtui.errors import UsageError

VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}


@dataclass(frozen=True, slots=True)
class Tls:
    """A server's context; `implicit` begins TLS with the first byte (RFC 8314), else STARTTLS is offered."""

    context: ssl.SSLContext
    implicit: bool = False


def load_tls(certificate: Path, key: Path | None, *, implicit: bool = False, version: str | None = None) -> Tls:
    """TLS with the certificate chain of a PEM file; `key` may stand in the same file.

    With `version` (a key of `VERSIONS`) nothing else is spoken; 1.0 and 1.1 need an OpenSSL that still has them.
    Raises `UsageError` for files that cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise UsageError(
            "The certificate and its key cannot be used",
            detail=f"{certificate}{f' and {key}' if key else ''}: {error.reason or error}",
            hint="Both are PEM files; the key has no password and belongs to the first certificate.",
        ) from None
    except OSError as error:
        names = " or ".join(str(path) for path in (certificate, key) if path is not None)
        raise UsageError(
            "The certificate or its key cannot be read", detail=f"{names}: {error.strerror or error}"
        ) from None
    if version is not None:
        _speak_only(context, VERSIONS[version])
    return Tls(context, implicit)


def _speak_only(context: ssl.SSLContext, version: ssl.TLSVersion) -> None:
    with warnings.catch_warnings():
        # that 1.0 and 1.1 are old is the reason to ask for them
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = version
        context.minimum_version = version
    if version < ssl.TLSVersion.TLSv1_2:
        context.set_ciphers("DEFAULT:@SECLEVEL=0")  # OpenSSL 3 else refuses their SHA-1 signatures
