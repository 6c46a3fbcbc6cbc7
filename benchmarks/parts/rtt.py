"""A server far away: how near to one message a round trip a connection, or to a window of them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.contenders import SMTP_SOURCE, USUAL_APP, mailtui, smtp_source, usual_app
from benchmarks.contest import Size, contest
from benchmarks.figures import Report, Spread, Target
from benchmarks.sinks import own_sink

_RUN, _CHUNKED = "mailtui run", "mailtui run, window 8"
_WINDOW = 8
_CASES = ((20, 8), (20, 32), (20, 64), (100, 8), (100, 32), (100, 64))
_LONGER = {100: 5 / 3}  # connecting counts, and takes five round trips until the second message
_WITH_WINDOW = {(20, 8), (100, 8), (100, 32)}  # beyond, a core is the limit and not the way
_FEW = 8


def rtt(size: Size) -> Report:
    """End to end, durable, against a sink that answers a round trip later."""
    report = Report()
    rows: list[Sequence[object]] = []
    for milliseconds, connections in _CASES[:1] if size.short else _CASES:
        with tempfile.TemporaryDirectory(prefix="mailtui-bench-") as name, own_sink(round_trip_ms=milliseconds) as sink:
            folder = Path(name)
            several = [
                usual_app(folder, connections, share=0.4),
                mailtui(folder, connections, name=_RUN),
            ]
            if connections == _FEW:
                several.append(smtp_source(connections, share=0.4))
            if (milliseconds, connections) in _WITH_WINDOW:
                several.append(mailtui(folder, connections, name=_CHUNKED, window=_WINDOW))
            seconds = size.seconds * _LONGER.get(milliseconds, 1.0)
            results = contest(sink, several, replace(size, seconds=seconds))
        bound = connections / milliseconds * 1000
        usual = results[USUAL_APP].rate
        for who, result in results.items():
            of_bound = _share(result.rate, bound * (_WINDOW if who == _CHUNKED else 1))
            ratio = result.rate.over(usual)
            rows.append(
                (
                    f"{milliseconds} ms",
                    connections,
                    who,
                    of_bound.show(),
                    ratio.show(1),
                    result.rate.show(0),
                    result.cpu.show(0),
                )
            )
            _judge(report, (milliseconds, connections), who, of_bound, ratio)
        report.data[f"{milliseconds} ms, {connections} connections"] = {
            who: result.as_json() for who, result in results.items()
        }
    bound_of = "of connections × window / round trip"
    report.add_table(
        ("round trip", "connections", "sender", bound_of, f"× {USUAL_APP}", "messages/s", "CPU µs a message"), rows
    )
    lasting = f"{size.seconds:.0f} seconds at 20 ms and {size.seconds * _LONGER[100]:.0f} at 100 ms"
    report.say(
        f"{SMTP_SOURCE} and the usual app wait for every reply, which is four round trips a message. The round trip is "
        "modelled by a server that holds its replies back; there is no loss and no limit of bandwidth. Runs of mailtui "
        f"take {lasting}, connecting included."
    )
    return report


def _judge(report: Report, case: tuple[int, int], who: str, of_bound: Spread, ratio: Spread) -> None:
    where = f"{case[0]} ms, {case[1]} connections"
    if who == _RUN:
        report.targets.append(Target(f"Of connections / round trip, {where}", 0.95, of_bound.median))
    elif who == _CHUNKED:
        report.targets.append(Target(f"Window 8, of 8 × connections / round trip, {where}", 0.9, of_bound.median))
        report.targets.append(Target(f"Window 8, of the usual app, {where}", 28.0, ratio.median, digits=1))


def _share(rate: Spread, bound: float) -> Spread:
    return Spread.of(value / bound for value in rate.takes)
