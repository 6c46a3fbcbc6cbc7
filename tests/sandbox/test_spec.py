"""The file of faults: what may stand in it, and what is said about what may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailtui.errors import ConfigError
from mailtui.sandbox.faults import Action, FaultRule, Stage
from mailtui.sandbox.spec import load_faults

GOOD = r"""
seed: 7
rules:
  - {stage: rcpt, recipient: "*@gone.test", reply: 550 5.1.1 No such user}
  - {stage: rcpt, raw: "250 a\r\n\xff\r\n", nth: 2, connection: 3}
  - {stage: mail, seconds: 0.5, odds: 0.1}
  - {stage: dot, action: accept_then_drop, every: 10, times: 3}
"""


def load(folder: Path, text: str) -> tuple[FaultRule, ...]:
    path = folder / "faults.yaml"
    path.write_text(text)
    return load_faults(path).rules


def test_reads_rules(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD) == (
        FaultRule(Stage.RCPT, Action.REPLY, reply=b"550 5.1.1 No such user\r\n", recipient="*@gone.test"),
        FaultRule(Stage.RCPT, Action.REPLY, reply=b"250 a\r\n\xff\r\n", nth=2, connection=3),
        FaultRule(Stage.MAIL, Action.DELAY, seconds=0.5, odds=0.1),
        FaultRule(Stage.DOT, Action.ACCEPT_THEN_DROP, every=10, times=3),
    )
    assert load_faults(tmp_path / "faults.yaml").seed == 7


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("{stage: rctp, action: drop}", "'rctp'"),
        ("{stage: rcpt, action: drop, recipent: x}", "Did you mean recipient?"),
        ("{stage: rcpt}", "say what happens"),
        ("{action: drop}", "this key is missing"),
        ("{stage: rcpt, reply: No such user}", "a reply is one line"),
        ("{stage: rcpt, reply: 550 no, raw: x}", "exclude each other"),
        ("{stage: rcpt, raw: ☃}", "raw stands for bytes"),
        ("{stage: mail, action: accept_then_drop}", "only possible at the stages dot and bdat"),
        ("{stage: mail, action: drop, recipient: x}", "no recipient is known"),
        ("{stage: mail, action: drop, nth: 0}", "should be 1 or more"),
        ("{stage: mail, action: drop, odds: 2}", "should be 1 or less"),
        ("{stage: mail, action: drop, nth: 1, every: 2}", "nth and every"),
    ],
)
def test_names_the_mistake_and_its_line(tmp_path: Path, rule: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, f"rules:\n  - {{stage: quit, action: drop}}\n  - {rule}\n")
    assert said in str(caught.value)
    assert "faults.yaml:3" in str(caught.value)


def test_who_may_log_in_and_how(tmp_path: Path) -> None:
    load(tmp_path, "server: {users: {anna: secret}, tokens: {otto@x.test: a-token}}\n")
    manners = load_faults(tmp_path / "faults.yaml").manners
    assert manners is not None
    assert b"AUTH PLAIN LOGIN CRAM-MD5 XOAUTH2 OAUTHBEARER\r\n" in manners.ehlo_reply(secured=False, starttls=False)
    load(tmp_path, "server: {tokens: {otto@x.test: a-token}, auth: [OAUTHBEARER]}\n")
    manners = load_faults(tmp_path / "faults.yaml").manners
    assert manners is not None
    assert b"AUTH OAUTHBEARER\r\n" in manners.ehlo_reply(secured=False, starttls=False)
    for server, said in (("auth: [PLAIN]", "users or tokens"), ("users: {a: b}, auth: [NTLM]", "'NTLM'")):
        with pytest.raises(ConfigError) as caught:
            load(tmp_path, f"server: {{{server}}}\n")
        assert said in str(caught.value)
