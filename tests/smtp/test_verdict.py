"""What a reply means: one table over stage, code and enhanced code (reliability: reply to action, fault matrix)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtui.smtp.outcome import SlowDown
from mailtui.smtp.replies import Reply
from mailtui.smtp.verdict import Kind, Scope, Stage, Verdict, judge

M, R, D, P, B = Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.DOT, Stage.BODY
G, E, T, A = Stage.GREETING, Stage.EHLO, Stage.TLS, Stage.AUTH

TABLE: list[tuple[Stage, str, Kind, Scope]] = [
    # accepted: any 2xx after the dot (F-49)
    (P, "250 2.0.0 queued", Kind.SENT, Scope.RECIPIENT),
    (P, "251 forwarded", Kind.SENT, Scope.RECIPIENT),
    (P, "252 perhaps", Kind.SENT, Scope.RECIPIENT),
    (P, "299 odd", Kind.SENT, Scope.RECIPIENT),
    (P, "250 5.1.1 a class that does not fit", Kind.SENT, Scope.RECIPIENT),
    # before anybody is logged in no recipient is to blame (F-04, F-09, F-10, F-51)
    (G, "554 5.7.1 go away", Kind.HELD, Scope.SERVER),
    (G, "421 4.3.2 busy", Kind.REQUEUED, Scope.SERVER),
    (E, "550 no", Kind.HELD, Scope.SERVER),
    (E, "421 later", Kind.REQUEUED, Scope.SERVER),
    (T, "502 no TLS", Kind.HELD, Scope.SERVER),
    (A, "535 5.7.8 wrong", Kind.HELD, Scope.ACCOUNT),
    (A, "534 5.7.9 other method", Kind.HELD, Scope.ACCOUNT),
    (A, "530 5.7.0 first", Kind.HELD, Scope.ACCOUNT),
    (A, "504 none offered", Kind.HELD, Scope.ACCOUNT),
    (A, "454 4.7.0 temporary", Kind.REQUEUED, Scope.ACCOUNT),
    (T, "454 4.7.0 not available", Kind.HELD, Scope.SERVER),
    (T, "421 4.3.2 closing", Kind.REQUEUED, Scope.SERVER),
    # 421 blames nobody, and at the dot it still says "not accepted" (F-05, F-46)
    (R, "421 4.3.2 later", Kind.REQUEUED, Scope.SERVER),
    (D, "421 4.3.2 later", Kind.REQUEUED, Scope.SERVER),
    (P, "421 4.3.2 later", Kind.DEFERRED, Scope.SERVER),
    # a recipient's domain that asks for a pause
    (R, "421 4.7.0 later", Kind.DEFERRED, Scope.DOMAIN),
    (D, "421 4.7.0 later", Kind.DEFERRED, Scope.DOMAIN),
    (P, "421 4.7.0 later", Kind.DEFERRED, Scope.DOMAIN),
    (P, "451 4.7.500 Server busy", Kind.DEFERRED, Scope.DOMAIN),
    (R, "451 4.2.1 receiving mail too quickly", Kind.DEFERRED, Scope.RECIPIENT),
    # and an account that is asked for one
    (G, "421 4.7.0 later", Kind.REQUEUED, Scope.ACCOUNT),
    (G, "421 Too many messages from you, slow down", Kind.REQUEUED, Scope.ACCOUNT),
    (M, "421 4.7.0 later", Kind.REQUEUED, Scope.ACCOUNT),
    (M, "451 4.7.0 later", Kind.REQUEUED, Scope.ACCOUNT),
    (M, "450 4.7.1 Error: too much mail from 192.0.2.1", Kind.REQUEUED, Scope.ACCOUNT),
    (M, "451 4.7.500 Server busy", Kind.REQUEUED, Scope.ACCOUNT),
    (P, "454 Throttling failure: Maximum sending rate exceeded", Kind.REQUEUED, Scope.ACCOUNT),
    (R, "454 4.7.0 You send too fast", Kind.REQUEUED, Scope.ACCOUNT),
    (R, "452 4.3.2 Too many connections for example.com", Kind.DEFERRED, Scope.DOMAIN),
    # the account: quota, suspended, sender refused (F-13, R-05)
    (M, "550 5.4.5 Daily user sending limit exceeded", Kind.HELD, Scope.ACCOUNT),
    (R, "550 5.4.5 Daily user sending limit exceeded", Kind.HELD, Scope.ACCOUNT),
    (P, "550 5.4.5 Daily user sending limit exceeded", Kind.HELD, Scope.ACCOUNT),
    (P, "554 5.2.0 STOREDRV; SubmissionQuotaExceededException; x", Kind.HELD, Scope.ACCOUNT),
    (R, "550 5.7.708 Service unavailable", Kind.HELD, Scope.ACCOUNT),
    (R, "550 5.7.750 unregistered domain", Kind.HELD, Scope.ACCOUNT),
    (M, "530 5.7.0 Authentication required", Kind.HELD, Scope.ACCOUNT),
    (R, "530 5.7.0 Authentication required", Kind.HELD, Scope.ACCOUNT),
    (M, "550 5.7.1 sender refused", Kind.HELD, Scope.CAMPAIGN),
    (M, "553 5.1.8 sender domain", Kind.HELD, Scope.CAMPAIGN),
    (M, "550 no", Kind.HELD, Scope.CAMPAIGN),
    # the domain's own set-up refuses every message alike
    (P, "550 5.7.26 unauthenticated", Kind.HELD, Scope.CAMPAIGN),
    (P, "550 5.7.25 no PTR", Kind.HELD, Scope.CAMPAIGN),
    (P, "550 5.7.515 Access denied", Kind.HELD, Scope.CAMPAIGN),
    (R, "550 5.7.20 no DKIM", Kind.HELD, Scope.CAMPAIGN),
    # size (F-12)
    (M, "552 5.3.4 too big", Kind.HELD, Scope.MESSAGE),
    (M, "552 too big", Kind.HELD, Scope.MESSAGE),
    (P, "552 5.3.4 too big", Kind.HELD, Scope.MESSAGE),
    (P, "554 5.2.3 too big", Kind.HELD, Scope.MESSAGE),
    # the address (F-14)
    (R, "550 5.1.1 No such user", Kind.FAILED, Scope.RECIPIENT),
    (R, "551 5.1.6 moved", Kind.FAILED, Scope.RECIPIENT),
    (R, "556 5.1.10 null MX", Kind.FAILED, Scope.RECIPIENT),
    (R, "550 No such user", Kind.FAILED, Scope.RECIPIENT),
    (R, "550 5.2.1 disabled", Kind.FAILED, Scope.RECIPIENT),
    # policy and content (F-16, F-48)
    (R, "550 5.7.1 policy", Kind.FAILED, Scope.RECIPIENT),
    (P, "554 5.7.1 spam", Kind.FAILED, Scope.MESSAGE),
    (P, "550 5.6.0 bad", Kind.FAILED, Scope.MESSAGE),
    # a dialogue that went wrong (500 to 504, 5.5.x)
    (D, "554 5.5.1 no valid recipients", Kind.REQUEUED, Scope.SERVER),
    (M, "500 what", Kind.REQUEUED, Scope.SERVER),
    (R, "503 5.5.1 MAIL first", Kind.REQUEUED, Scope.SERVER),
    (R, "501 5.5.4 syntax", Kind.REQUEUED, Scope.SERVER),
    (R, "501 5.1.3 Bad recipient address syntax", Kind.FAILED, Scope.RECIPIENT),
    (R, "554 5.7.1 Relay access denied", Kind.HELD, Scope.CAMPAIGN),
    (P, "552 5.7.0 a file that may not be sent", Kind.FAILED, Scope.MESSAGE),
    (B, "550 5.7.1 content", Kind.FAILED, Scope.MESSAGE),
    # full mailboxes empty again (F-48)
    (R, "452 4.2.2 over quota", Kind.DEFERRED, Scope.RECIPIENT),
    (R, "552 5.2.2 over quota", Kind.DEFERRED, Scope.RECIPIENT),
    (P, "552 5.2.2 over quota", Kind.DEFERRED, Scope.RECIPIENT),
    # greylisting and other 4xx (F-11, F-15, F-19, F-47)
    (R, "450 4.7.1 greylisted", Kind.DEFERRED, Scope.RECIPIENT),
    (M, "451 4.7.1 greylisted", Kind.DEFERRED, Scope.RECIPIENT),
    (M, "452 4.3.1 no space", Kind.DEFERRED, Scope.SERVER),
    (D, "451 4.3.0 trouble", Kind.DEFERRED, Scope.SERVER),
    (P, "451 4.3.0 trouble", Kind.DEFERRED, Scope.RECIPIENT),
    (R, "454 4.7.0 hm", Kind.DEFERRED, Scope.RECIPIENT),
    # a class that does not fit the basic code's says nothing
    (R, "550 4.2.2 over quota", Kind.FAILED, Scope.RECIPIENT),
    (R, "450 5.1.1 no such user", Kind.DEFERRED, Scope.RECIPIENT),
    # a longer code that only begins like a known one is another code
    (P, "550 5.7.80 something", Kind.FAILED, Scope.MESSAGE),
    (R, "550 5.4.50 something", Kind.FAILED, Scope.RECIPIENT),
]


def _verdict(stage: Stage, line: str) -> Verdict:
    code, _, text = line.partition(" ")
    return Verdict.of(stage, Reply(int(code), text))


@pytest.mark.parametrize(("stage", "line", "kind", "scope"), TABLE)
def test_r02_the_table(stage: Stage, line: str, kind: Kind, scope: Scope) -> None:
    outcome = judge(_verdict(stage, line))
    assert (outcome.kind, outcome.scope) == (kind, scope)


@pytest.mark.parametrize(
    ("line", "least"),
    [("452 4.2.2 full", 7200.0), ("552 5.2.2 full", 7200.0), ("451 4.7.1 greylisted", 300.0), ("451 hm", None)],
)
def test_r01_the_least_pause(line: str, least: float | None) -> None:
    assert judge(_verdict(R, line)).retry_after == least


_MINUTE, _HOUR = 60.0, 3600.0


@pytest.mark.parametrize(
    ("stage", "line", "slow"),
    [
        (R, "421 4.7.0 [TSS04] deferred", SlowDown(2 * _HOUR, at_once=True)),
        (R, "421 4.7.0 [TSS05] deferred", SlowDown(4 * _HOUR, at_once=True)),
        (G, "421 4.7.0 [TSS04] deferred", SlowDown(2 * _HOUR, at_once=True)),
        (R, "451 4.7.500 Server busy", SlowDown(30 * _MINUTE, at_once=True)),
        (M, "451 4.7.500 Server busy", SlowDown(15 * _MINUTE, at_once=True)),
        (R, "421 RP-001 rate limit. (IB007)", SlowDown(30 * _MINUTE, connections=1)),
        (P, "421 4.7.28 an unusual rate of unsolicited mail", SlowDown(30 * _MINUTE, rate=10 / 60)),
        (P, "450 an unusual rate of mail", SlowDown(30 * _MINUTE, rate=10 / 60)),
        (R, "450 4.7.0 later", SlowDown(5 * _MINUTE)),
        (P, "450 slow down", SlowDown(10 * _MINUTE)),
        (M, "421 4.7.0 later", SlowDown(5 * _MINUTE)),
    ],
)
def test_r08_what_is_asked_of_the_pace(stage: Stage, line: str, slow: SlowDown) -> None:
    outcome = judge(_verdict(stage, line))
    assert outcome.slow == slow
    assert not outcome.is_an_attempt


@pytest.mark.parametrize(("line", "counts"), [("451 4.7.1 greylisted", True), ("450 4.7.0 too quickly", False)])
def test_r08_a_mail_that_came_too_early_costs_no_attempt(line: str, counts: bool) -> None:
    assert judge(_verdict(R, line)).is_an_attempt == counts


@pytest.mark.parametrize("stage", list(Stage))
def test_silence_is_unknown_after_the_dot_and_only_there(stage: Stage) -> None:
    kind = judge(Verdict.silence(stage, "gone")).kind
    assert (kind is Kind.UNKNOWN) == (stage is Stage.DOT)
    if stage is Stage.TLS:
        assert kind is Kind.HELD, "trying on without TLS is out of the question"


@given(st.sampled_from(list(Stage)), st.integers(200, 599), st.text(max_size=30))
def test_d06_only_a_2xx_after_the_dot_is_sent(stage: Stage, code: int, text: str) -> None:
    outcome = judge(Verdict.of(stage, Reply(code, text)))
    assert (outcome.kind is Kind.SENT) == (stage is Stage.DOT and code // 100 == 2)
    if outcome.kind is Kind.FAILED:
        assert code // 100 == 5, "only a 5xx fails a row for good"
        assert stage not in (G, E, T, A, Stage.CONNECT)
    if outcome.kind is Kind.UNKNOWN:
        assert stage is Stage.DOT
        assert code // 100 == 3


@given(st.sampled_from([G, E, T, A, M]), st.integers(400, 599), st.sampled_from(["", "5.1.1 no", "4.2.2 x", "5.7.1 x"]))
def test_r05_nothing_before_rcpt_burns_a_row(stage: Stage, code: int, text: str) -> None:
    assert judge(Verdict.of(stage, Reply(code, text))).kind is not Kind.FAILED
