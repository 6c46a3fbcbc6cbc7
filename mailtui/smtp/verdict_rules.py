"""Owns the order of the rules by which replies are judged; docs/verdicts.md shows them as a table.

They are read from the first that fits. A rule that is too eager burns recipients: a full quota or a wrong password
says nothing about the person addressed, and a policy that calls itself "user unknown" must not be believed. So what is
about us comes first, what names the recipient's own address comes late, and words alone condemn an address only where
no code says anything and the words were looked at one by one.

Sources: RFC 5321 section 4.2, RFC 3463 with its registry (RFC 5248), RFC 7372, RFC 7505, RFC 6647 section 5, and what
large providers document of their own replies.
"""

from __future__ import annotations

from mailtui.smtp.rule import Rule
from mailtui.smtp.rules_about_recipients import ABOUT_THE_RECIPIENT, FOR_GOOD, FOR_NOW
from mailtui.smtp.rules_about_us import ABOUT_THE_ACCOUNT, ABOUT_THE_MESSAGE, BEFORE_LOGIN

RULES: tuple[Rule, ...] = (
    *BEFORE_LOGIN,
    *ABOUT_THE_ACCOUNT,
    *ABOUT_THE_MESSAGE,
    *ABOUT_THE_RECIPIENT,
    *FOR_NOW,
    *FOR_GOOD,
)
