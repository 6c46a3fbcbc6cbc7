"""Replies in the style of real servers, judged against what a postmaster would say of them (R-02, R-03, R-04)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mailtui.smtp.replies import Reply
from mailtui.smtp.reply_text import fingerprint, words_of
from mailtui.smtp.verdict import Category, Kind, Outcome, Scope, Stage, Verdict, judge
from mailtui.smtp.verdict_rules import RULES
from tests.smtp.verdict_table import BEGIN, END, PAGE, table

FILE = Path(__file__).with_name("replies.yaml")


@dataclass(frozen=True)
class Labelled:
    verdict: Verdict
    category: Category
    kind: Kind
    about: str | None
    missed: bool

    @property
    def outcome(self) -> Outcome:
        return judge(self.verdict)

    @property
    def policy(self) -> bool:
        return self.category not in (Category.ADDRESS_GONE, Category.MAILBOX_DISABLED)


def _labelled(raw: dict[str, Any]) -> Labelled:
    code, _, text = raw["say"].partition(" ")
    verdict = Verdict.of(Stage(raw["at"]), Reply(int(code), text))
    return Labelled(verdict, Category(raw["it is"]), Kind(raw["so"]), raw.get("about"), raw.get("missed", False))


REPLIES = [_labelled(raw) for raw in yaml.safe_load(FILE.read_text("utf-8"))]


@pytest.mark.parametrize(
    "known",
    [known for known in REPLIES if not known.missed],
    ids=lambda known: f"{known.verdict.stage} {known.verdict}",
)
def test_r02_each_reply_is_what_it_is(known: Labelled) -> None:
    outcome = known.outcome
    assert (outcome.kind, outcome.category) == (known.kind, known.category)
    assert known.about in (None, outcome.scope)
    assert (outcome.kind is Kind.HELD) == bool(outcome.advice), "who has to act is told what to do"


def test_r02_r03_who_could_come_onto_a_suppression_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(REPLIES) >= 150
    condemned = [known for known in REPLIES if known.outcome.address_is_gone]
    gone = [known for known in REPLIES if known.category is Category.ADDRESS_GONE]
    wrong = [known for known in condemned if known.category is not Category.ADDRESS_GONE]
    found = [known for known in gone if known.outcome.address_is_gone]
    policy = [known for known in condemned if known.policy]
    naive = [known for known in REPLIES if known.verdict.code is not None and known.verdict.code >= 500]
    naively_wrong = [known for known in naive if known.category is not Category.ADDRESS_GONE]
    with capsys.disabled():
        print(
            f"\n{len(REPLIES)} replies: {len(wrong)} of {len(condemned)} addresses condemned wrongly, "
            f"{len(found)} of {len(gone)} hard bounces found ({len(found) / len(gone):.1%}), "
            f"{len(policy)} policy replies among them "
            f"(every 5yz condemned: {len(naively_wrong)} of {len(naive)} wrongly)"
        )
    assert len(wrong) <= 0.005 * len(condemned)
    assert len(found) >= 0.95 * len(gone)
    assert not policy


@given(
    st.sampled_from(list(Stage)),
    st.integers(200, 599),
    st.one_of(st.text(max_size=40), st.sampled_from([str(known.verdict.text) for known in REPLIES])),
)
def test_r02_any_reply_whatever_has_an_outcome(stage: Stage, code: int, text: str) -> None:
    outcome = judge(Verdict.of(stage, Reply(code, text)))
    assert (outcome.kind is Kind.SENT) == (stage is Stage.DOT and code // 100 == 2)
    assert not (outcome.address_is_gone and code // 100 != 5)
    assert not (outcome.address_is_gone and stage not in (Stage.RCPT, Stage.DATA, Stage.BODY, Stage.DOT))
    assert outcome.retry_after is None or outcome.retry_after >= 60


@given(st.sampled_from(list(Stage)), st.integers(200, 599), st.text(max_size=30), st.text(max_size=20))
def test_r04_a_contradictory_code_says_nothing(stage: Stage, code: int, words: str, enhanced: str) -> None:
    """Also in a verdict that was stored, and is judged again."""
    if enhanced[:1] != str(code)[0]:
        assert judge(Verdict(stage, code, enhanced, words)) == judge(Verdict(stage, code, None, words))


# the words


def test_words_are_not_found_in_addresses_links_and_codes() -> None:
    said = (
        "5.1.1 <no-such-user@example.com>: to anti.spam@example.org 5.1.1 see https://policy.example/x?p=1 or 10.5.3.2"
    )
    assert words_of(said) == ": to see or 10.5.3.2"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "5.7.1 <anna@example.com>: message 4Fz1yX2q refused, see https://x.example/?id=9",
            "5.7.1 <bob@mail.example.org>: message 9Kq7ab refused, see https://x.example/?id=10",
        ),
        ("Blocked [AbCdEf.uk42] at 12:01:59", "Blocked [GhIjKl.uk7] at 13:11:00"),
        ("Mail to example.com refused (S3140)", "Mail to gone.example refused (S99)"),
    ],
)
def test_r06_the_same_refusal_is_seen_through_its_ids(one: str, other: str) -> None:
    assert fingerprint(one) == fingerprint(other)


def test_r06_different_refusals_stay_different() -> None:
    assert fingerprint("5.7.1 Message refused as spam") != fingerprint("5.7.1 Attachment not allowed")


def test_r02_what_is_kept_of_a_reply_is_judged_alike() -> None:
    """The record keeps 500 characters of a reply; what follows changes nothing, and costs nothing."""
    long = "5.0.0 " + "x" * 30_000 + " user unknown"
    assert not judge(Verdict.of(Stage.RCPT, Reply(550, long))).address_is_gone
    for known in REPLIES:
        text = known.verdict.text.ljust(500) + "x" * 30_000 + " spam <user unknown>"
        assert judge(Verdict.of(known.verdict.stage, Reply(known.verdict.code or 550, text))) == known.outcome


# the rules themselves


def test_the_page_has_the_rules_as_they_are() -> None:
    """`python -m tests.smtp.verdict_table` writes the table anew."""
    text = PAGE.read_text("utf-8")
    assert text.partition(BEGIN)[2].partition(END)[0] == table()
    explained = text.partition("## What can")[2].partition("## Which")[0]
    assert all(f"| {kind} |" in explained for kind in Kind)
    assert all(f"**{scope}**" in explained for scope in Scope)


def test_the_rules_can_all_be_met() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert all(word == word.lower() for word in rule.words), "they are looked for in small letters"
        assert all(len(word) > 2 for word in rule.words)
    met = {id(known.outcome) for known in REPLIES}
    unmet = {rule.name for rule in RULES if id(rule.outcome) not in met}
    assert len(unmet) <= 0.3 * len(RULES), unmet
