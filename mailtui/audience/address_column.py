"""Owns guessing which column holds the addresses, from its name in several languages and from its cells."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
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


def is_address_name(name: str) -> bool:
    """Whether a column of this name is one of addresses, as far as a name can tell."""
    return _plain(name) in _strong_names()


def guess_address_column(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Finding:
    """The column with the recipients' addresses; its value is '' when there is none.

    `rows` are the first data records. A `from`, `reply_to`, `cc` or `bcc` column is never it.
    """
    strong, weak = _strong_names(), frozenset(_WEAK_NAMES.split())
    scored = []
    for position, name in enumerate(columns):
        plain = _plain(name)
        if plain.startswith(_OTHER_PEOPLE) and plain not in strong:
            continue
        share = _share([row[position] for row in rows])
        rank = 2 if plain in strong else 1 if plain in weak or "mail" in plain else 0
        if share >= 0.5 or rank == 2:
            scored.append((share >= 0.5, rank, share, -position, name))
    if not scored:
        return Finding("", "guess", "no column has a name or cells like mail addresses")
    scored.sort(reverse=True)
    by_cells, rank, share, _, name = scored[0]
    cells = f"{share:.0%} of its first cells are addresses"
    rivals = [other for other in scored[1:] if other[0] and other[1] == rank]
    if rivals:
        names = ", ".join(other[-1] for other in rivals)
        return Finding(name, "guess", f"{cells}; so might be {names}")
    if by_cells and rank:
        return Finding(name, "certain" if rank == 2 else "likely", f"it is called {name}, and {cells}")
    if by_cells:
        return Finding(name, "likely", cells)
    return Finding(name, "likely", f"it is called {name}")


@cache
def _strong_names() -> frozenset[str]:
    return frozenset(map(_plain, _NAMES.split()))


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name).casefold()
    return "".join(character for character in decomposed if character.isalnum())


def _share(cells: Sequence[str]) -> float:
    filled = [cell for cell in cells if cell.strip()]
    return sum(map(is_address, filled)) / len(filled) if filled else 0.0
