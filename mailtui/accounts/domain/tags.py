"""Owns reading text records, and those of tags, `v=DMARC1; p=none`, as DKIM (RFC 6376 section 3.2) and DMARC have."""

from __future__ import annotations

from mailtui.audience.mx.lookup import Records


def texts(found: Records) -> list[str]:
    """TXT records as text, several strings of one as one; in an order of their own, since the DNS has none."""
    return sorted(b"".join(record.strings).decode("utf-8", "replace") for record in found.values)


def tags(text: str) -> dict[str, str]:
    """The tags of a record, names in small letters. Raises `ValueError`, a sentence, for what is written otherwise."""
    found: dict[str, str] = {}
    for part in text.split(";"):
        if not part.strip():
            continue
        name, mark, value = part.partition("=")
        name = name.strip().lower()
        if not mark or not name:
            raise ValueError(f"{part.strip()} has no = in it")
        if name in found:
            raise ValueError(f"{name}= stands there twice")
        found[name] = value.strip()
    return found
