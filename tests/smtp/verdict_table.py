"""The table of docs/verdicts.md, made from the rules. `python -m tests.smtp.verdict_table` writes it into the page."""

from __future__ import annotations

from pathlib import Path

from mailtui.smtp.outcome import Kind, Outcome, Scope, SlowDown
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
    (*OPENING, *SENDER): "connect, greeting, ehlo, rset, mail",
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
    if outcome.slow is not None:
        return f"{outcome.kind}; {_pace(outcome.slow, outcome.scope)}"
    if outcome.retry_after is None:
        return str(outcome.kind)
    if outcome.kind is Kind.HELD:
        return f"{outcome.kind}; the account rests for {_time(outcome.retry_after)}"
    return f"{outcome.kind}, for {_time(outcome.retry_after)} at least"


def _pace(slow: SlowDown, scope: Scope) -> str:
    who, time = f"the {scope}", _time(slow.seconds)
    if slow.at_once:
        return f"{who} rests for {time}"
    if slow.rate is not None:
        return f"{who} gets {slow.rate * 60:.0f} a minute for {time}"
    if slow.connections is not None:
        return f"{who} gets {slow.connections} at a time for {time}"
    return f"{who} is slowed, and rests for up to {time}"


def _time(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.0f} hours"


if __name__ == "__main__":
    text = PAGE.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    PAGE.write_text(before + BEGIN + table() + END + rest.partition(END)[2], "utf-8")
