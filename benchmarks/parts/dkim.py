"""What signing a mail (DKIM) adds to rendering it, here and by dkimpy, and whether what is signed verifies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import dkim as dkimpy
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from benchmarks.contest import Size
from benchmarks.figures import Report, Spread, Target
from benchmarks.mime import campaign, mean_us, recipient
from mailtui.message.compose import CompiledMessage, compile_message
from mailtui.message.dkim import DkimSpec, Signer
from mailtui.message.dkim_key import make_key, read_signing_key
from mailtui.message.frozen import SharedFile
from mailtui.message.mime import TransferEncoding
from mailtui.message.rendered import RenderedMessage
from mailtui.message.templates import TemplateText

_DATE = 1_800_000_000.0
_DOMAIN = "acme.test"
_SPEC = DkimSpec("s1")
_GOAL = 10.0
_FILE = bytes(range(256)) * 4096  # 1 MB
_HEADERS = (b"from", b"to", b"cc", b"reply-to", b"subject", b"date", b"message-id", b"mime-version", b"content-type")


def dkim(size: Size) -> Report:
    """Medians, in microseconds of processor time, taken in turns: rendered, signed by either kind of key, by dkimpy."""
    report = Report()
    count, of_dkimpy, rounds = (20, 3, 3) if size.short else (100, 10, 9)
    pem, small = make_key("rsa"), make_key("ed25519")
    rsa, ed25519 = Signer(_SPEC, pem), Signer(_SPEC, small)
    record, sign_alone = read_signing_key(pem).record, read_signing_key(pem).sign
    by_dkimpy = partial(_by_dkimpy, key=_as_dkimpy_wants_it(pem))
    rows, found = [], {}
    for kind, message in _messages().items():
        fewer = count if kind[-2:] != "MB" else max(3, count // 10)
        mails = [_rendered(message, number) for number in range(1, fewer + 1)]
        jobs: dict[str, tuple[Callable[[int], object], int]] = {
            "rendered": (partial(_rendered, message), fewer),
            "rsa": (lambda n, m=mails: rsa.signed(m[n - 1].data, m[n - 1].sender), fewer),  # type: ignore[misc]
            "ed25519": (lambda n, m=mails: ed25519.signed(m[n - 1].data, m[n - 1].sender), fewer),  # type: ignore[misc]
            "alone": (lambda n, m=mails: sign_alone(m[n - 1].data[:1_000]), fewer),  # type: ignore[misc]
            "dkimpy": (lambda n, m=mails: by_dkimpy(m[n - 1].data), min(of_dkimpy, fewer)),  # type: ignore[misc]
        }
        taken = _taken(jobs, rounds)
        signed = [rsa.signed(mail.data, mail.sender) for mail in mails[:of_dkimpy]]
        good = sum(bool(dkimpy.verify(mail, dnsfunc=lambda *_, **__: record.encode())) for mail in signed)
        ratio = taken["dkimpy"].over(taken["rsa"])
        shown = [taken[name].show(0) for name in ("rendered", "rsa", "alone", "ed25519", "dkimpy")]
        rows.append((kind, *shown, f"{ratio.show(1)} ×", f"{good} of {len(signed)}"))
        found[kind] = {f"{name}_us": spread.as_json() for name, spread in taken.items()}
        report.targets.append(Target(f"signing {kind}, over dkimpy", _GOAL, ratio.median, digits=1))
        report.targets.append(Target(f"{kind}: signed mails that dkimpy verifies", 1.0, good / len(signed), unit=""))
    head = (
        *("mail", "rendered, µs", "signing it by RSA, µs", "of which the key's part", "by Ed25519, µs"),
        *("dkimpy by RSA, µs", "how many times as fast", "verify"),
    )
    report.add_table(head, rows)
    report.say(
        "Keys of 2,048 bits; relaxed forms of headers and body; the same headers. Signing comes on top of rendering,",
        "in the same process. The key's part is what `cryptography` takes for one RSA signature and nothing else.",
    )
    report.data = {"signing": found}
    return report


def _messages() -> dict[str, CompiledMessage]:
    personal = campaign().source
    constant = replace(personal, text=_plain(personal.text), html=_plain(personal.html))
    file = SharedFile("prices.pdf", "prices.pdf", "application/pdf", "0" * 64, _FILE)
    return {
        "text and HTML, 10 KB": _compiled(personal),
        "the same texts for all, 10 KB": _compiled(constant),
        "with a file for all, 1 MB": _compiled(replace(personal, files=(file,))),
    }


def _compiled(source: object) -> CompiledMessage:
    return compile_message(source, campaign().columns, secret=b"0123456789abcdef")  # type: ignore[arg-type]


def _plain(text: TemplateText | None) -> TemplateText | None:
    """A template with nothing of a row in it."""
    return None if text is None else replace(text, source=text.source.replace("{{", "").replace("}}", ""))


def _rendered(message: CompiledMessage, number: int) -> RenderedMessage:
    mail = message.render(recipient(number), date=_DATE, encoding=TransferEncoding.QUOTED_PRINTABLE)
    assert isinstance(mail, RenderedMessage), mail
    return mail


def _taken(jobs: dict[str, tuple[Callable[[int], object], int]], rounds: int) -> dict[str, Spread]:
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, (job, count) in jobs.items():
            times[name].append(mean_us(job, _numbers(count)))
    return {name: Spread.of(values) for name, values in times.items()}


def _numbers(count: int) -> Sequence[int]:
    return range(1, count + 1)


def _as_dkimpy_wants_it(pem: bytes) -> bytes:
    key = load_pem_private_key(pem, password=None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def _by_dkimpy(data: bytes, *, key: bytes) -> bytes:
    signature: bytes = dkimpy.sign(
        data,
        _SPEC.selector.encode(),
        _DOMAIN.encode(),
        key,
        canonicalize=(b"relaxed", b"relaxed"),
        include_headers=list(_HEADERS),
    )
    return signature + data
