"""A check says which account may not send as the campaign's From, and which logs in as somebody else."""

from __future__ import annotations

import pytest

from mailtui.campaign.senders import sender_findings
from mailtui.dispatch.members import Member
from mailtui.errors import Place
from mailtui.smtp.endpoint import Endpoint, Security


def member(user: str, *senders: str) -> Member:
    return Member(Endpoint("acme", "smtp.acme.test", 587, Security.STARTTLS, user), senders=senders)


@pytest.mark.parametrize(
    ("one", "sender", "found"),
    [
        (member("news", "@acme.test"), "News <news@acme.test>", []),
        (member("news", "news@acme.test"), "News <NEWS@acme.test>", []),
        (member("news", "help@acme.test"), "News <news@acme.test>", ["error account-from"]),
        (member("news", "@acme.test"), "news@other.test", ["error account-from"]),
        (member("news", "@acme.test"), None, ["warning account-from"]),
        (member("news"), None, []),
        (member("me@gmail.test"), "news@acme.test", ["warning login-from"]),
        (member("me@gmail.test", "@acme.test"), "news@acme.test", []),
        (member("me@acme.test"), "news@acme.test", []),
        (member("postmaster@mg.acme.test"), "news@acme.test", []),
        (member("me@acme.test"), "news@mail.acme.test", []),
        (member("me@notacme.test"), "news@acme.test", ["warning login-from"]),
        (member("apikey"), "news@acme.test", []),
        (member("me@gmail.test"), "{{ sender }}", []),
    ],
)
def test_from_and_account_are_held_against_each_other(one: Member, sender: str | None, found: list[str]) -> None:
    told = list(sender_findings([one], sender, Place("campaign.yaml", 3, 1, "from")))
    assert [f"{item.severity} {item.code}" for item in told] == found
    assert all("acme" in item.message and item.hint and item.place.line == 3 for item in told)
