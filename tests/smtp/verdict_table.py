"""The table of docs/verdicts.md, made from the rules. `python -m tests.smtp.verdict_table` writes it into the page."""

from __future__ import annotations

from pathlib import Path

from mailtui.smtp.outcome import Kind, Outcome, Scope
from mailtui.smtp.rule import DIALOGUE, LOGIN, NO_CODE, OPENING, SENDER, TO_SOMEBODY, Rule
from mailtui.smtp.verdict_rules import RULES

PAGE = Path(__file__).parents[2] / "docs" / "verdicts.md"
BEGIN, END = "<!-- the table -->\n", "<!-- end of the table -->\n"

_STAGES = {
    (): "any",
    OPENING: "connect, greeting, ehlo",
    LOGIN: "before and at login",
    DIALOGUE: "after login",
    SENDER: "rset, mail",
    TO_SOMEBODY: "from rcpt on",
}


def table() -> str:
    rows = [
        "| rule | at | code | enhanced code | words | then | about | category |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*rows, *(_row(rule) for rule in RULES)]) + "\n"


def _row(rule: Rule) -> str:
    stages = _STAGES.get(rule.stages) or ", ".join(rule.stages)
    cells = (rule.name, stages, _codes(rule), _enhanced(rule), _words(rule), _then(rule.outcome))
    return "| " + " | ".join((*cells, str(rule.outcome.scope), str(rule.outcome.category))) + " |"


def _codes(rule: Rule) -> str:
    return ", ".join(f"{code}yz" if code < 10 else str(code) for code in rule.codes)


def _enhanced(rule: Rule) -> str:
    return ", ".join(
        "none" if code == NO_CODE else f"{code}z" if code.endswith(".") else code for code in rule.enhanced
    )


def _words(rule: Rule) -> str:
    return ", ".join(f"“{word}”" for word in rule.words)


def _then(outcome: Outcome) -> str:
    if outcome.retry_after is None:
        return str(outcome.kind)
    minutes = outcome.retry_after / 60
    time = f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.0f} hours"
    if outcome.scope is Scope.DOMAIN:
        return f"{outcome.kind}; the domain rests for {time}"
    if outcome.kind is Kind.HELD:
        return f"{outcome.kind}; the account rests for {time}"
    return f"{outcome.kind}, for {time} at least"


if __name__ == "__main__":
    text = PAGE.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    PAGE.write_text(before + BEGIN + table() + END + rest.partition(END)[2], "utf-8")
