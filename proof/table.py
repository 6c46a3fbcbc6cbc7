"""Owns which tables findings become."""

from __future__ import annotations

from collections.abc import Iterable

from mailtui.smtp.gear import Gear
from proof.canary import Found
from proof.foreign import Siege, Target
from proof.launches import Trials
from proof.model import Tally
from proof.nemesis import Blow, Ordeal
from proof.pool import Pooled
from proof.soak import Soak
from proof.suppress import Late
from scripts.page import table

_HEAD = (
    "sender", "connections", "messages", "kill -9", "other blows", "sent", "failed", "unknown", "of these had arrived",
    "**duplicates**", "**false sent**", "**lost**", "**stuck**",
)  # fmt: skip


def kills_table(ordeals: Iterable[Ordeal]) -> list[str]:
    """One row an attack."""
    rows = [
        (
            item.sender, item.terms.connections, item.verdict.audience, item.kills, item.blows.total() - item.kills,
            item.verdict.sent, item.verdict.failed, item.verdict.unknown, item.verdict.unknown_arrived,
            item.verdict.duplicates, item.verdict.false_sent, item.verdict.lost + item.verdict.denied,
            item.verdict.stuck,
        )
        for item in ordeals
    ]  # fmt: skip
    return table(_HEAD, rows)


def kills_notes(ordeals: Iterable[Ordeal]) -> list[str]:
    """What the table has no room for, a line for each attack on mailtui."""
    lines = []
    for item in ordeals:
        if not item.looks or item.sender != "mailtui":
            continue
        blows = ", ".join(f"{item.blows[blow]:,} × {blow}" for blow in Blow if item.blows[blow])
        lines.append(
            f"- {_counted(item.terms.connections, 'connection')}: {blows}. Of the unknown, {item.unknown_by_kill:,} "
            f"had their runner killed: {item.unknown_by_kill / max(1, item.kills):.1f} a kill, never more than "
            f"{item.most_in_flight} at one; the others lost the reply. The books were read {item.looks:,} times, and "
            f"added up to the audience each time. {_gears(item)}"
        )
    return lines


def _gears(item: Ordeal) -> str:
    window = item.terms.window
    came = ", ".join(f"{item.gears[gear]:,} × for the gear {gear}" for gear in Gear if item.gears[gear])
    wide = f"; the window changed between 1 and {window}" if window > 1 else ""
    return f"The server offered enough {came}{wide}."


def foreign_table(sieges: Iterable[Siege]) -> list[str]:
    """One row a server and gear."""
    head = (
        "server", "gear", "window", "connections", *Target, "accepted", "sent",
        "unknown", "of these had arrived", "at most in one kill", "refused", "**duplicates**",
        "**broken promises besides**", "bodies unchanged", "seconds a kill",
    )  # fmt: skip
    rows = [
        (
            item.server, str(item.gear), item.terms.window, item.terms.connections,
            *(item.kills[target] for target in Target), item.verdict.accepted, item.verdict.sent,
            item.verdict.unknown, item.verdict.unknown_arrived, item.most_in_doubt, item.refused,
            item.verdict.duplicates, sum(item.verdict.broken.values()) - item.verdict.duplicates, item.unchanged,
            f"{item.seconds / item.kills.total():.2f}",
        )
        for item in sieges
    ]  # fmt: skip
    return table(head, rows)


def trials_table(kind: str, trials: Trials) -> list[str]:
    """One row: many small campaigns."""
    states = ("sent", "failed", "unknown", "cancelled")
    rows = [
        (
            trials.count,
            trials.messages,
            trials.accepted,
            *(trials.states[state] for state in states),
            trials.broken.total(),
        )
    ]
    return table((kind, "messages", "accepted", *states, "**broken promises**"), rows)


def late_table(late: Late) -> list[str]:
    """One row: people put on the suppression list while their campaign was sent."""
    then = ("queued", "claimed", "deferred", "in_flight", "sent")
    head = (
        "campaigns", "messages", "runners killed", "entries that found their mail " + then[0], *then[1:],
        "suppressed", "**accepted though not in flight by then**", "**not settled**", "**broken promises besides**",
    )  # fmt: skip
    row = (
        late.trials.count, late.trials.messages, late.kills, *(late.found[state] for state in then),
        late.trials.states["suppressed"], late.sent_after, late.not_settled, late.trials.broken.total(),
    )  # fmt: skip
    return table(head, [row])


def pool_table(found: Pooled) -> list[str]:
    """One row: campaigns with two accounts, one of which has a limit."""
    states = ("sent", "failed", "unknown")
    head = (
        "campaigns", "messages", "runners killed", "servers killed", "accepted from the account with a limit",
        "from the other", *states, "**limit exceeded**", "**broken promises besides**",
    )  # fmt: skip
    row = (
        found.trials.count, found.trials.messages, found.runners, found.servers, found.carried["limited"],
        found.carried["other"], *(found.trials.states[state] for state in states), found.exceeded,
        found.trials.broken.total(),
    )  # fmt: skip
    return table(head, [row])


def model_table(tally: Tally) -> list[str]:
    """One row: many runs of the state machine, and what was done in them."""
    states = ("sent", "failed", "unknown", "cancelled", "suppressed")
    steps = dict(sorted(tally.steps.items()))
    rows = [(tally.runs, *steps.values(), tally.states.total(), tally.accepted, *(tally.states[s] for s in states))]
    return table(("runs", *steps, "messages", "accepted", *states), rows)


def canary_table(found: Found) -> list[str]:
    """One row, and below it where the password was found and which crashes did not come about."""
    head = ("crashes", "logins with it", "files searched", "bytes printed", "looks at processes", "**found**")
    row = (found.crashes, found.logins, found.files, found.printed, found.processes, len(found.hits))
    told = [f"- Found in {hit}" for hit in found.hits] + [f"- Did not come about: {crash}" for crash in found.missed]
    return [*table(head, [row]), *([""] if told else []), *told]


def soak_table(soak: Soak) -> list[str]:
    """One row, with memory and open files at the beginning and at the end."""
    verdict = soak.verdict
    head = (
        "messages", "connections", "sent", "failed", "unknown", "**duplicates, false sent, lost, stuck**",
        "memory after warm-up", "at the end", "growth", "open files after warm-up", "at the end", "most",
    )  # fmt: skip
    row = (
        verdict.audience, soak.connections, verdict.sent, verdict.failed, verdict.unknown, sum(verdict.broken.values()),
        f"{soak.memory_first:.1f} MB", f"{soak.memory_last:.1f} MB", f"{soak.growth:+.1%}", f"{soak.files_first:.0f}",
        f"{soak.files_last:.0f}", soak.files_most,
    )  # fmt: skip
    return table(head, [row])


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
