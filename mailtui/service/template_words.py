"""Owns a word on what templates have beside the list's columns: the names mailtui provides, and its filters."""

from __future__ import annotations

from collections.abc import Mapping

PROVIDED: Mapping[str, str] = {
    "recipient": "the address the mail goes to",
    "campaign": "the campaign's name",
    "now": "when the mail is sent",
    "postal_address": "the sender's postal address",
    "rows": "all rows of the address",
    "unsubscribe_url": "the link to leave the list",
    "unsubscribe_mailto": "the same as a mail to send",
}
"""By name; some of them are there only where the campaign says so."""

FILTERS: Mapping[str, tuple[str, str]] = {
    "default": ('|default("...")', "what stands in for a blank cell"),
    "date": ('|date("long")', "a date as people write it"),
    "number": ("|number(2)", "a number with so many decimals"),
    "money": ('|money("EUR")', "an amount in a currency"),
    "percent": ("|percent", "a share as a percentage"),
    "plural": ('|plural("box", "boxes")', "the word for that many"),
    "titlecase": ("|titlecase", "a name in small letters as a name"),
    "upper": ("|upper", "in capital letters"),
    "lower": ("|lower", "in small letters"),
    "capitalize": ("|capitalize", "its first letter as a capital"),
    "trim": ("|trim", "without blanks around it"),
    "replace": ('|replace("a", "b")', "with a text replaced"),
    "truncate": ("|truncate(40)", "cut to so many characters"),
    "urlencode": ("|urlencode", "as a part of a link"),
    "int": ("|int", "as a whole number"),
    "round": ("|round(1)", "rounded"),
    "length": ("|length", "how many there are"),
    "join": ('|join(", ")', "a list as one text"),
    "first": ("|first", "the first of a list"),
    "last": ("|last", "the last of a list"),
    "sum": ('|sum(attribute="...")', "the sum of a column over rows"),
    "sort": ('|sort(attribute="...")', "rows in the order of a column"),
    "escape": ("|escape", "safe within HTML"),
}
"""By name: how it is written behind a field, and what it gives."""
