"""Owns what a check says about one mail: a remark, before the rows it holds for are counted."""

from __future__ import annotations

from typing import Literal, NamedTuple

from mailtui.errors import Place

Severity = Literal["error", "warning", "note"]
NOWHERE = Place()


class Remark(NamedTuple):
    """`which` tells remarks of one code apart; those with the same code and `which` are one finding. `hint` is a
    sentence that says what to do.
    """

    severity: Severity
    code: str
    message: str
    hint: str = ""
    which: str = ""
    place: Place = NOWHERE
