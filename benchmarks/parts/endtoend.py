"""From the list to the server: csv, rules, templates, MIME, durable outbox, SMTP, as users run it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.contenders import MAILMERGE, USUAL_APP, mailmerge, mailtui, usual_app
from benchmarks.contest import Contender, Result, Size, contest
from benchmarks.figures import Report, Target
from benchmarks.sinks import NotHere, Sink, own_sink, postfix_sink

_RUN, _WINDOW, _ALONE, _HELPED = "mailtui run", "mailtui run, window 8", "renders alone", "renders in a second process"
_GOALS = {8: 11.0, 32: 14.0}
_HEAD = (
    "server", "size", "connections", "sender", f"× {USUAL_APP}", "messages/s", f"× {USUAL_APP}, whole command",
    "messages/s, whole command", "CPU µs a message", "peak MB",
)  # fmt: skip


def endtoend(size: Size) -> Report:
    """Ours against the usual app and mailmerge, on smtp-sink, in the gear that is the default."""
    report = Report()
    rows: list[Sequence[object]] = []
    with tempfile.TemporaryDirectory(prefix="mailtui-bench-") as name, postfix_sink() as sink:
        folder = Path(name)
        for connections in (8,) if size.short else (1, 8, 32, 64):
            pair = [mailtui(folder, connections), usual_app(folder, connections)]
            if connections == 8:
                pair += _where_it_is_to_be_had(report, lambda: mailmerge(folder))
            some = replace(size, seconds=min(size.seconds, 1.0)) if connections == 1 else size
            results = _contest(report, rows, sink, some, connections, pair)
            if connections in _GOALS:
                _judge(report, results[_RUN], results[USUAL_APP], connections)
        small = [mailtui(folder, 32, small=True), usual_app(folder, 32, small=True)]
        _contest(report, rows, sink, size, 32, small, octets="1 KB")
    report.add_table(_HEAD, rows)
    report.say(
        f"Each sender sends for {size.seconds:g} seconds or so. The shorter that is, the more the start of a command "
        "weighs; what reading, checks and launch cost for each recipient stands under “Long lists”."
    )
    return report


def _judge(report: Report, ours: Result, usual: Result, connections: int) -> None:
    goal, where = _GOALS[connections], f"of the usual app, {connections} connections"
    sending, whole = ours.rate.over(usual.rate).median, ours.whole_rate.over(usual.whole_rate).median
    report.targets += [
        Target(f"From the first claim to the last result, {where}", goal, sending, digits=1),
        Target(f"The whole command, with its start, reading, rules, checks and launch, {where}", goal, whole, digits=1),
    ]


def cores(size: Size) -> Report:
    """Rendering in a second process against one process, on a server that is not the limit: with the mail of the other
    parts, which costs so little that `auto` leaves it in the runner, and with one whose table is worked out for each.
    """
    report = Report()
    rows: list[Sequence[object]] = []
    with tempfile.TemporaryDirectory(prefix="mailtui-bench-") as name, own_sink() as sink:
        folder = Path(name)
        several = [
            usual_app(folder, 32),
            mailtui(folder, 32, name=_ALONE, render_processes=0),
            mailtui(folder, 32, name=_HELPED, render_processes=1),
            mailtui(folder, 32, name=_RUN),
            mailtui(folder, 32, name=_WINDOW, window=8),
        ]
        results = _contest(report, rows, sink, size, 32, several)
        _target_of_cores(report, results, "the mail of the other parts, 32 connections")
        elaborate = [
            usual_app(folder, 32, elaborate=True),
            mailtui(folder, 32, elaborate=True, name=_ALONE, render_processes=0),
            mailtui(folder, 32, elaborate=True, name=_HELPED, render_processes=1),
            mailtui(folder, 32, elaborate=True, name=_RUN),
        ]
        results = _contest(report, rows, sink, size, 32, elaborate, octets="10 KB, elaborate")
        _target_of_cores(report, results, "an elaborate mail, 32 connections")
    report.add_table(_HEAD, rows)
    report.say(f"“{_RUN}” chooses by itself whether and how many processes render.")
    return report


def _target_of_cores(report: Report, results: dict[str, Result], where: str) -> None:
    ratio = results[_HELPED].rate.over(results[_ALONE].rate).median
    report.targets.append(Target(f"A second process that renders, of one process, {where}", 1.4, ratio))


def _where_it_is_to_be_had(report: Report, build: Callable[[], Contender]) -> list[Contender]:
    try:
        return [build()]
    except NotHere as error:
        report.say(f"Without {MAILMERGE}: {error}.")
        return []


def _contest(
    report: Report,
    rows: list[Sequence[object]],
    sink: Sink,
    size: Size,
    connections: int,
    contenders: Sequence[Contender],
    octets: str = "10 KB",
) -> dict[str, Result]:
    results = contest(sink, contenders, size)
    for name, result in results.items():
        usual = results[USUAL_APP]
        ratios = result.rate.over(usual.rate).show(1), result.whole_rate.over(usual.whole_rate).show(1)
        at_once = 1 if name == MAILMERGE else connections
        rates = ratios[0], result.rate.show(0), ratios[1], result.whole_rate.show(0)
        took = result.cpu.show(0), result.extra("peak_mb").show(0)
        rows.append((sink.name, octets, at_once, name, *rates, *took))
    report.data[f"{sink.name}, {octets}, {connections} connections"] = {
        name: result.as_json() for name, result in results.items()
    }
    return results
