"""Owns guessing the code page of text that is not UTF-8: by its script, and in Latin script by its languages' letters.

A guess stays one: code pages have no mark, and every byte is a letter in most of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

USUAL = "cp1252"
# Code pages whose letters are not Latin, or not only: a right guess shows in the script of what comes out.
_OTHER_SCRIPTS = ("cp932", "euc_jp", "gb18030", "big5", "cp949", "cp1251", "koi8_r", "cp1253", "cp1256")
ONE_BYTE = frozenset(
    (USUAL, "cp1251", "koi8_r", "cp1253", "cp1256", "cp1250", "cp1254", "cp1257", "cp850", "mac_roman")
)
"""Those of one byte a letter, in which hardly any text is UTF-8 by chance."""

# Letters beyond ASCII, in small letters. Those of Western Europe first: of equals the first one wins.
_WESTERN = {
    "German": "äöüß",
    "French": "àâæçéèêëîïôœùûü",
    "Spanish": "áéíñóúüçàèòï",
    "Portuguese": "ãáàâçéêíóôõúü",
    "Italian": "àèéìòùî",
    "Swedish": "åäöéüõ",
    "Danish": "æøåéöäü",
    "Icelandic": "áæéíðóúýþö",
    "Dutch": "éëïóöüáíèêçä",
}
_CENTRAL = {
    "Polish": "ąćęłńóśźż",
    "Czech": "áčďéěíňóřšťúůýž",
    "Slovak": "áäčďéíĺľňóôŕšťúýž",
    "Hungarian": "áéíóöőúüű",
    "Croatian": "čćđšž",
    "Romanian": "ăâîşţ",
}
_TURKISH = {"Turkish": "çğıi\u0307öşüâîû"}
_BALTIC = {"Lithuanian": "ąčęėįšųūž", "Latvian": "āčēģīķļņšūž"}
_CODE_PAGES = (
    ("cp1250", _CENTRAL),
    ("cp1254", _TURKISH),
    ("cp1257", _BALTIC),
    ("iso8859_2", _CENTRAL),
    ("cp850", _WESTERN),
    ("mac_roman", _WESTERN),
    ("cp852", _CENTRAL),
)
ONE_BYTE = frozenset((USUAL, "cp1251", "koi8_r", "cp1253", "cp1256", *(codec for codec, _ in _CODE_PAGES)))
"""Those of one byte a letter, in which hardly any text is UTF-8 by chance."""
_NO_LETTERS = frozenset("’‘“”„‚–—…•€®™©°«»·§¡¿ªº²³½¼´\xa0\xad")
_NEARLY_ALL = 0.9
_CLEARLY = 0.1
_TOGETHER = 0.8  # what it counts when many languages have all the letters: those of others look like some of them


def guess_code_page(samples: bytes) -> tuple[str, str]:
    """The code page of lines with bytes beyond ASCII, and why."""
    other = _other_script(samples)
    if other is not None:
        return other, "not UTF-8; its letters make sense in this code page"
    reason = "not UTF-8; the usual code page of Western Europe"
    usual, _ = _best(samples, USUAL, _WESTERN)
    together, _ = _best(samples, USUAL, {"": "".join(set().union(*_WESTERN.values()))})
    if usual is None or together is None:
        return USUAL, reason
    usual = max(usual, _TOGETHER * together)
    samples = samples.translate(None, "".join(_NO_LETTERS).encode(USUAL))  # else O’Neil was OíNeil to a Macintosh
    for codec, alphabets in _CODE_PAGES:
        share, language = _best(samples, codec, alphabets)
        if share is not None and share >= _NEARLY_ALL and share > usual + _CLEARLY:
            if samples.decode(codec, "replace") == samples.decode(USUAL, "replace"):
                break  # Š is Š in both
            return codec, f"not UTF-8; its letters are {language} in this code page"
    return USUAL, reason


def _best(samples: bytes, codec: str, alphabets: dict[str, str]) -> tuple[float | None, str]:
    """The language that has most of the letters, and how many of them; None where there is no letter at all."""
    text = samples.decode(codec, "replace").lower()
    found = Counter(mark for mark in text if not mark.isascii() and mark not in _NO_LETTERS)
    count = found.total()
    if not count:
        return None, ""
    shares = {language: sum(found[letter] for letter in letters) / count for language, letters in alphabets.items()}
    language = max(shares, key=lambda name: shares[name])
    return shares[language], language


def _other_script(samples: bytes) -> str | None:
    """A code page in which the samples are plainly written in another script than Latin, else None."""
    import charset_normalizer  # here, since few lists need it

    best = charset_normalizer.from_bytes(samples, cp_isolation=[USUAL, *_OTHER_SCRIPTS], threshold=0.3).best()
    if best is None or best.encoding == USUAL:
        return None
    try:
        text = samples.decode(best.encoding)
    except UnicodeDecodeError:
        return None
    beyond = [character for character in text if not character.isascii() and character.isalpha()]
    latin = sum(1 for character in beyond if unicodedata.name(character, "").startswith("LATIN"))
    # A name or two in Western Europe comes out as rare ideographs or as lone Cyrillic letters inside Latin words.
    mixed = len(re.findall(r"[A-Za-z][^\x00-\x7f]|[^\x00-\x7f][A-Za-z]", text))
    if len(beyond) < 4 or latin * 5 > len(beyond) or mixed * 3 > len(beyond):
        return None
    return str(best.encoding)
