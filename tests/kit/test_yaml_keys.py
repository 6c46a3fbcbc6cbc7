"""Keys of a settings file are added, replaced, removed and renamed, and nothing beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailtui.errors import ConfigError
from mailtui.kit.yaml_edit import NotInPlace
from mailtui.kit.yaml_file import Loc, parse_yaml
from mailtui.kit.yaml_keys import put, rename, take_out

FILE = """# Our servers 🌱
outbox:
  url: 'sqlite:///a b.db'   # quoted

checks: {sample: 20}  # a number

accounts:
  # the first
  acme:
    host: smtp.acme.test  # where
    limits:
      per_hour: 500   # an hour
      per_day: 2000
    # password_command: pass show acme

  inline: {host: a.test, port: 587,
           user: "x@a.test"}  # behind
# the end
"""
NEW = {"host": "mail.new.test", "port": 465, "limits": {"per_day": 7}, "from": ["A: b <a@new.test>", "@new.test"]}


def said(text: str) -> Any:
    return parse_yaml(text, Path("x")).data


def comments(text: str) -> list[str]:
    return [line[line.index("#") :] for line in text.splitlines() if "#" in line]


def test_a_new_entry_comes_behind_the_others_as_lines_of_its_own() -> None:
    text = put(FILE, ("accounts", "new"), NEW)
    assert text == FILE.replace(
        '"x@a.test"}  # behind\n',
        '"x@a.test"}  # behind\n\n  new:\n    host: mail.new.test\n    port: 465\n    limits: {per_day: 7}\n'
        '    from: ["A: b <a@new.test>", "@new.test"]\n',
    )
    again = take_out(text, ("accounts", "new"))
    assert again == FILE.replace("# the end", "\n# the end")  # the blank line before it stays


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("", "accounts:\n  new:\n    port: 1\n"),
        ("# nothing yet", "# nothing yet\naccounts:\n  new:\n    port: 1\n"),
        ("accounts:\n", "accounts:\n  new:\n    port: 1\n"),
        ("accounts:  # none\nchecks: {}", "accounts:  # none\n  new:\n    port: 1\nchecks: {}"),
        ("accounts: {}  # none\n", "accounts:  # none\n  new:\n    port: 1\n"),
        ("accounts: null\n", "accounts:\n  new:\n    port: 1\n"),
        ("accounts:\r\n  a: {b: 1}\r\n", "accounts:\r\n  a: {b: 1}\r\n  new:\r\n    port: 1\r\n"),
        ("a: 1\n# last", "a: 1\n# last\n\naccounts:\n  new:\n    port: 1\n".replace("\n\n", "\n")),
        ("---\na: 1\n...\n", "---\na: 1\naccounts:\n  new:\n    port: 1\n...\n"),
        ('{"accounts": {"a": {"b": 1}}}', '{"accounts": {"a": {"b": 1}, new: {port: 1}}}'),
        ('{"a": 1}', '{"a": 1, accounts: {new: {port: 1}}}'),
        ("{}", "{accounts: {new: {port: 1}}}"),
        ("accounts:\n    a:\n        b: 1\n", "accounts:\n    a:\n        b: 1\n    new:\n      port: 1\n"),
    ],
)
def test_a_new_entry_goes_into_any_file(text: str, out: str) -> None:
    assert put(text, ("accounts", "new"), {"port": 1}) == out


@pytest.mark.parametrize(
    ("loc", "value", "old", "new"),
    [
        (("accounts", "acme", "host"), "b.test", "host: smtp.acme.test  #", "host: b.test  #"),
        (("accounts", "acme", "host"), "yes: no", "host: smtp.acme.test  #", 'host: "yes: no"  #'),
        (("accounts", "acme", "port"), 25, "per_day: 2000\n", "per_day: 2000\n    port: 25\n"),
        (("accounts", "acme", "limits", "per_day"), 9, "per_day: 2000", "per_day: 9"),
        (("accounts", "acme", "limits", "x"), 9, "per_day: 2000\n", "per_day: 2000\n      x: 9\n"),
        (
            ("accounts", "acme", "limits"),
            {},
            "limits:\n      per_hour: 500   # an hour\n      per_day: 2000",
            "limits: {}",
        ),
        (("accounts", "inline", "port"), 25, "port: 587", "port: 25"),
        (("accounts", "inline", "auth"), "login", '"x@a.test"}', '"x@a.test", auth: login}'),
        (("checks", "sample"), 5, "sample: 20", "sample: 5"),
        (("outbox", "url"), "b", "'sqlite:///a b.db'", "b"),
    ],
)
def test_a_value_is_put_in_its_place(loc: Loc, value: Any, old: str, new: str) -> None:
    assert put(FILE, loc, value) == FILE.replace(old, new)


@pytest.mark.parametrize(
    ("loc", "old", "new"),
    [
        (("accounts", "acme", "host"), "    host: smtp.acme.test  # where\n", ""),
        (("accounts", "acme", "limits", "per_day"), "      per_day: 2000\n", ""),
        (("accounts", "inline", "host"), "host: a.test, port", "port"),
        (("accounts", "inline", "user"), ',\n           user: "x@a.test"}', "}"),
        (("checks", "sample"), "{sample: 20}", "{}"),
        (("accounts", "inline"), '  inline: {host: a.test, port: 587,\n           user: "x@a.test"}  # behind\n', ""),
        (("outbox",), "outbox:\n  url: 'sqlite:///a b.db'   # quoted\n", ""),
        (("outbox", "url"), "outbox:\n  url: 'sqlite:///a b.db'   # quoted\n", "outbox: {}\n"),
    ],
)
def test_a_key_is_taken_out_with_what_is_below_it(loc: Loc, old: str, new: str) -> None:
    assert take_out(FILE, loc) == FILE.replace(old, new)


def test_an_entry_is_taken_out_with_its_comments_and_those_above_it_stay() -> None:
    text = take_out(FILE, ("accounts", "acme"))
    assert said(text)["accounts"] == {"inline": said(FILE)["accounts"]["inline"]}
    assert comments(text) == ["# Our servers 🌱", "# quoted", "# a number", "# the first", "# behind", "# the end"]
    empty = take_out(text, ("accounts", "inline"))
    assert "accounts: {}\n" in empty and "# the end" in empty
    assert said(put(empty, ("accounts", "new"), NEW))["accounts"] == {"new": NEW}


def test_a_key_gets_another_name() -> None:
    assert rename(FILE, ("accounts", "acme"), "other-2") == FILE.replace("acme:\n", "other-2:\n")


@pytest.mark.parametrize("text", ["a: [1]\n", "a: text\n", "? a\n: {b: 1}\n"])
def test_what_cannot_be_changed_in_place_is_refused(text: str) -> None:
    with pytest.raises(NotInPlace, match=r"a\.b\.c cannot be changed in place"):
        put(text, ("a", "b", "c"), 1)
    with pytest.raises(NotInPlace):
        take_out(text, ("a", "x"))
    with pytest.raises(ConfigError):
        put("a: [", ("a",), 1)


def test_what_would_say_something_else_besides_is_refused() -> None:
    text = "a: |\n  words"  # which end without a line feed, and would have one with a line behind them
    with pytest.raises(NotInPlace):
        put(text, ("b",), 1)
    assert put(f"{text}\n", ("b",), 1) == f"{text}\nb: 1\n"


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.booleans() | st.integers(-(10**9), 10**9) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)


@example(value=False, name="limits")
@given(value=VALUES, name=TEXTS)
@settings(max_examples=60, deadline=None)
def test_whatever_is_put_in_is_read_again_or_refused(value: Any, name: str) -> None:
    for loc in ((name,), ("accounts", name), ("accounts", "acme", name), ("accounts", "inline", name)):
        try:
            text = put(FILE, loc, value)
        except NotInPlace:
            continue
        held = said(text)
        for step in loc:
            held = held[step]
        assert held == value
        out = take_out(text, loc)
        wanted = said(FILE)
        held = wanted
        for step in loc[:-1]:
            held = held[step]
        held.pop(name, None)  # where the file had one of this name
        assert said(out) == wanted
        assert {line.strip() for line in comments(out)} <= set(comments(FILE))
