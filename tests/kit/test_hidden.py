"""What this process knows and must not show is in no log and no report, in whatever shape it comes."""

from __future__ import annotations

import base64
import html
import json
import subprocess
import sys
import urllib.parse

import pytest

from mailtui.kit import hidden


@pytest.mark.parametrize(
    "secret", ["hunter2-canary", "pä$$ \"wörd\" 'x'", "back\\slash\tand\ttab", "abcd", "ünïcödé😀"]
)
def test_c04_no_shape_of_a_secret_is_left(secret: str) -> None:
    hidden.hide(secret)
    raw = secret.encode()
    shapes = [secret, repr(secret), json.dumps(secret), json.dumps(secret, ensure_ascii=False)]
    shapes += [urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret)]
    shapes += [html.escape(secret), html.escape(secret, quote=False), raw.hex(), raw.hex().upper()]
    shapes += [base64.b64encode(prefix + raw + suffix).decode() for prefix in LOGINS for suffix in (b"", b"\x01\x01")]
    for shape in shapes:
        said = hidden.without_secrets(f"<{shape}> said 535")
        assert said.startswith("<"), shape
        assert said.endswith("> said 535"), shape
        assert "(hidden)" in said, shape
        assert secret not in said, shape


LOGINS = (b"", b"\0me\0", b"\0anna\0", b"\0ab\0", b"user=a\x01auth=Bearer ")


def test_c04_ordinary_words_are_left_alone() -> None:
    hidden.hide("to")
    hidden.hide("")
    assert hidden.without_secrets("to whom it may concern") == "to whom it may concern"


def test_c04_of_what_a_server_says_a_short_one_is_taken_out_where_it_stands_alone() -> None:
    said = "535 5.7.8 abc is no password (YWJj); not abcd, not crabc: abc"
    found = hidden.without("abc", said)
    assert found == "535 5.7.8 (hidden) is no password ((hidden)); not abcd, not crabc: (hidden)"
    assert hidden.without(".*", "to .* and .") == "to (hidden) and ."
    assert hidden.without("", said) == said


def test_c04_one_that_begins_with_another_is_hidden_whole() -> None:
    hidden.hide("hunter")
    hidden.hide("hunter-two")
    assert hidden.without_secrets("hunter-two, hunter") == "(hidden), (hidden)"


def test_c04_last_words_have_no_secret_and_ctrl_c_has_none() -> None:
    begin = "from mailtui.kit import hidden; hidden.hide_in_last_words(); hidden.hide('geheim99');"
    for what, said in (("ValueError('geheim99')", "ValueError: (hidden)"), ("KeyboardInterrupt", "")):
        ended = subprocess.run([sys.executable, "-c", f"{begin} raise {what}"], capture_output=True, text=True)
        assert ended.returncode != 0
        assert ended.stderr.strip().endswith(said)
        assert ("geheim99" in ended.stderr, bool(ended.stderr)) == (False, bool(said))
