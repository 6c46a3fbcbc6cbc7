"""Owns guessing which column holds the addresses, from its name in several languages and from its cells."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from mailtui.audience.address import is_address
from mailtui.audience.findings import Finding

# Without case, diacritics, blanks, hyphens, underscores and dots.
_NAMES = """
    email emails emailaddress emailadress emailaddr emailid mail mails mailaddress mailid emailadresse mailadresse
    emailadres mailadres epost epostadresse epostadress epostaddress correo correoelectronico direccioncorreo
    direcciondecorreo courriel adresseemail adressemail adressecourriel adresseelectronique posta indirizzoemail
    indirizzomail indirizzodiposta postaelettronica eposta epostaadresi epostaadres sahkoposti sahkopostiosoite
    adresemail adresemailowy adrespoczty emailcim emailova emailovaadresa adresaemail enderecoemail enderecodeemail
    primaryemail workemail contactemail useremail customeremail recipientemail toemail toaddress emailto mailto
    почта элпочта электроннаяпочта емейл имейл 邮箱 电子邮件 电子邮箱 邮件 電子郵件 メール メールアドレス
    電子メール 이메일 אימייל דואל البريدالالكتروني ηλεκτρονικοταχυδρομειο
"""
_WEAK_NAMES = "to recipient recipients rcpt address addr contact an empfanger destinataire destinatario adresse adresa"
_OTHER_PEOPLE = ("from", "sender", "replyto", "cc", "bcc", "absender", "von", "expediteur", "remitente", "mittente")
_MANY = 3  # addresses tell whether they are of few people
_OF_FEW = -1


def is_address_name(name: str) -> bool:
    """Whether a column of this name is one of addresses, as far as a name can tell."""
    return _plain(name) in _strong_names()


def guess_address_column(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Finding:
    """The column with the recipients' addresses; its value is '' when there is none.

    `rows` are the first data records. A `from`, `reply_to`, `cc` or `bcc` column is never it, and one that has the
    same few addresses again and again, as of those who look after the others, only when there is no other.
    """
    candidates = sorted(_candidates(columns, rows), reverse=True)
    if not candidates:
        return Finding("", "guess", "no column has a name or cells like mail addresses")
    best = candidates[0]
    name = best.name
    cells = f"{best.share:.0%} of its first cells are addresses"
    rivals = _rivals(best, candidates)
    if rivals:
        return Finding(name, "guess", f"{cells}; so might be {', '.join(rivals)}")
    if best.by_cells and best.rank > 0:
        return Finding(name, "certain" if best.rank == 2 else "likely", f"it is called {name}, and {cells}")
    if best.by_cells:
        return Finding(name, "likely", cells)
    return Finding(name, "likely", f"it is called {name}")


def address_notes(columns: Sequence[str], rows: Sequence[Sequence[str]], found: Finding) -> tuple[str, ...]:
    """A note on columns that might as well be the one with the addresses, when it was guessed which is."""
    if found.confidence != "guess":
        return ()
    candidates = list(_candidates(columns, rows))
    rivals = [name for best in candidates if best.name == found.value for name in _rivals(best, candidates)]
    if not rivals:
        return ()
    hold = f"{rivals[0]} holds" if len(rivals) == 1 else f"{', '.join(rivals)} hold"
    return (f"{hold} addresses too, which get no mail: it goes to those in {found.value}. --address names another.",)


@dataclass(frozen=True, order=True, slots=True)
class _Candidate:
    """A column that may have the addresses; the greater, the better. `rank` is what its name says."""

    by_cells: bool
    rank: int
    addresses: int
    place: int
    share: float
    name: str


def _candidates(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[_Candidate]:
    strong, weak = _strong_names(), frozenset(_WEAK_NAMES.split())
    for position, name in enumerate(columns):
        plain = _plain(name)
        if plain.startswith(_OTHER_PEOPLE) and plain not in strong:
            continue
        filled = [cell for row in rows if (cell := row[position].strip())]
        addresses = list(filter(is_address, filled))
        share = len(addresses) / len(filled) if filled else 0.0
        rank = 2 if plain in strong else 1 if plain in weak or "mail" in plain else 0
        if rank < 2 and len(set(addresses)) * 2 <= len(addresses) >= _MANY:
            rank = _OF_FEW
        if share >= 0.5 or rank == 2:
            yield _Candidate(share >= 0.5, rank, len(addresses), -position, share, name)


def _rivals(best: _Candidate, candidates: Sequence[_Candidate]) -> list[str]:
    """Columns that have addresses too, where no name tells which of them is meant."""
    least = best.rank if best.rank in (2, _OF_FEW) else 0
    others = sorted(candidates, reverse=True)
    return [other.name for other in others if other.name != best.name and other.by_cells and other.rank >= least]


@cache
def _strong_names() -> frozenset[str]:
    return frozenset(map(_plain, _NAMES.split()))


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name).casefold()
    return "".join(character for character in decomposed if character.isalnum())
