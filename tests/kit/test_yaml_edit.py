"""One value of a campaign file is changed, and nothing beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailtui.kit.yaml_edit import NotInPlace, replace_text
from mailtui.kit.yaml_file import parse_yaml

FILE = """# Ein Brief 🌱 für alle
name: Spring   # a name
from: "Acme \\u00e9 <news@acme.test>"  # who: "quoted"
subject: 'It''s {{ first_name }}, 🌱 # not a comment'   # a comment
reply_to: help@acme.test
headers: {X-One: 1, X-Two: "b", X-Three: plain text}
html: body.html
folded: >
  over
  lines
two: one
  and two
audience: {source: a.csv}
"""


@pytest.mark.parametrize(
    "loc", [("name",), ("from",), ("subject",), ("reply_to",), ("headers", "X-Two"), ("headers", "X-Three")]
)
@pytest.mark.parametrize(
    "value",
    ["plain", "it's: {{ x }} # no", '"q" {% if a %}', "", " edge ", "yes, [no] {a}", "🌱\tx", "12", "true", "- a"],
)
def test_a_value_is_changed_and_nothing_else(loc: tuple[str, ...], value: str) -> None:
    changed = replace_text(FILE, loc, value)
    data = parse_yaml(changed, Path("x")).data
    for step in loc:
        data = data[step]
    assert data == value
    old, new = FILE.split("\n"), changed.split("\n")
    assert len(old) == len(new)
    assert sum(a != b for a, b in zip(old, new, strict=True)) <= 1
    assert "# a comment" in changed
    assert "# who:" in changed


def test_the_quotes_stay_where_they_can() -> None:
    assert "subject: 'It''s new'   # a comment" in replace_text(FILE, ("subject",), "It's new")
    assert 'from: "A <a@b.test>"  # who' in replace_text(FILE, ("from",), "A <a@b.test>")
    assert "reply_to: me@acme.test\n" in replace_text(FILE, ("reply_to",), "me@acme.test")


@pytest.mark.parametrize("loc", [("folded",), ("two",), ("missing",), ("headers",)])
def test_what_goes_over_lines_or_is_not_there_is_refused(loc: tuple[str, ...]) -> None:
    with pytest.raises(NotInPlace, match="cannot be changed in place"):
        replace_text(FILE, loc, "new")


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30))
def test_any_value_comes_back_as_it_is_or_is_refused(value: str) -> None:
    try:
        changed = replace_text(FILE, ("subject",), value)
    except NotInPlace:
        return
    assert parse_yaml(changed, Path("x")).data["subject"] == value
