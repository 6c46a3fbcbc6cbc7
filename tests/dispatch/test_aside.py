"""C9: a mail that some accounts cannot carry is passed on to each of the others once, and to nobody again."""

from __future__ import annotations

from mailtui.dispatch.aside import Aside
from mailtui.outbox.records import Claim

_ALL = frozenset({0, 1, 2})


def test_c9_a_mail_that_no_server_takes_is_offered_to_each_account_once() -> None:
    aside = Aside(lambda _bound: _ALL, lambda: _ALL, lambda those: 99.0 if those else None, lambda: None)
    claims = [Claim(1, number, 1, f"u{number}@example.com", number, "", (), 0, 0.0, 1) for number in (1, 2)]
    for claim in claims:
        assert aside.passes_on(claim, 0) == 0.0
    assert aside.take(0) is None
    for claim in claims:
        assert aside.take(1) == (claim, None)
        assert aside.passes_on(claim, 1) == 0.0
    assert aside.take(1) is None
    assert aside.take(2) == (claims[0], None)
    assert aside.passes_on(claims[0], 2) is None, "it fails"
    assert aside.size == 1
