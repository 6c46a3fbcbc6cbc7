"""A message whose lines are known not to begin with a dot is not searched for one (RFC 5321 section 4.5.2)."""

from __future__ import annotations

import pytest

from mailtui.smtp.capabilities import Capabilities
from mailtui.smtp.job import Job


@pytest.mark.parametrize("dotless", [False, True])
def test_m03_leading_dots_are_doubled_unless_there_are_none(dotless: bool) -> None:
    data = b"Subject: x\r\n\r\nno dots\r\n" if dotless else b"Subject: x\r\n\r\n.\r\n..a\r\n"
    job = Job("a@x.test", "b@x.test", data, Capabilities(), None, dotless=dotless)
    assert job.take_stuffed() == (data if dotless else b"Subject: x\r\n\r\n..\r\n...a\r\n")
    assert job.data == b""


def test_a_dotless_message_is_handed_on_without_a_copy() -> None:
    data = b"Subject: x\r\n\r\nx\r\n"
    assert Job("a@x.test", "b@x.test", data, Capabilities(), None, dotless=True).take_stuffed() is data
