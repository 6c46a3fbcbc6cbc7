"""Mail that is built already: how fast a session can be, against a C program and the usual libraries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from benchmarks.contenders import AIOSMTPLIB, SMTP_SOURCE, our_name, ours, peer, smtp_source
from benchmarks.contest import Contender, Result, Size, contest
from benchmarks.figures import Report, Target
from benchmarks.sinks import Sink, own_sink, postfix_sink
from mailtui.smtp.gear import Gear

_KB = 1024
_WINDOW = 8
_CROSS, _RECORDED = our_name(Gear.CROSS), our_name(Gear.CROSS, record="group")


def prebuilt(size: Size) -> Report:
    """Against smtp-sink, as everybody has it, and against our own sink, which is not the limit."""
    report = Report()
    rows: list[Sequence[object]] = []
    with postfix_sink() as sink:
        for connections in (8,) if size.short else (1, 8, 32, 64):
            results = _contest(report, rows, sink, size, connections, 10 * _KB, _dialogues(connections))
            if connections in (8, 32):
                _judge(report, results, connections)
        small = [smtp_source(32, _KB), peer("asyncio", 32, _KB), ours(Gear.CROSS, 32, _KB)]
        _contest(report, rows, sink, size, 32, _KB, [*small, ours(Gear.CROSS, 32, _KB, record="group")])
    with own_sink() as sink:
        for connections in (8,) if size.short else (8, 32):
            more = [
                ours(Gear.LOCKSTEP, connections, record="group"),
                ours(Gear.FLIGHT, connections, record="group"),
                ours(Gear.CHUNKED, connections, window=_WINDOW),
                ours(Gear.CHUNKED, connections, window=_WINDOW, record="group"),
            ]
            _contest(report, rows, sink, size, connections, 10 * _KB, [*_dialogues(connections), *more])
    head = (
        "server",
        "size",
        "connections",
        "client",
        "× smtp-source",
        "× aiosmtplib",
        "messages/s",
        "CPU µs a message",
    )
    report.add_table(head, rows)
    return report


def _dialogues(connections: int) -> list[Contender]:
    return [
        smtp_source(connections),
        peer("threads", connections),
        peer("asyncio", connections),
        ours(Gear.LOCKSTEP, connections),
        ours(Gear.FLIGHT, connections),
        ours(Gear.CROSS, connections),
        ours(Gear.CROSS, connections, record="group"),
    ]


def _contest(
    report: Report,
    rows: list[Sequence[object]],
    sink: Sink,
    size: Size,
    connections: int,
    octets: int,
    contenders: Sequence[Contender],
) -> dict[str, Result]:
    if connections == 1:
        size = replace(size, seconds=min(size.seconds, 1.0))  # reported, and never judged: it measures idle cores
    results = contest(sink, contenders, size)
    for name, result in results.items():
        by = [result.rate.over(results[other].rate).show() for other in (SMTP_SOURCE, AIOSMTPLIB)]
        place = (sink.name, f"{octets // _KB} KB", connections)
        rows.append((*place, name, *by, result.rate.show(0), result.cpu.show(0)))
    report.data[f"{sink.name}, {octets} octets, {connections} connections"] = {
        name: result.as_json() for name, result in results.items()
    }
    return results


def _judge(report: Report, results: dict[str, Result], connections: int) -> None:
    def against_source(name: str) -> float:
        return results[name].rate.over(results[SMTP_SOURCE].rate).median

    where = f"of smtp-source, 10 KB, {connections} connections"
    report.targets.append(Target(f"Without the outbox, {where}", 1.45, against_source(_CROSS)))
    goal = 1.2 if connections == 32 else 0.9
    report.targets.append(Target(f"With the outbox, {where}", goal, against_source(_RECORDED)))
