"""Owns two small attacks: a campaign launched twice at the same moment (D-11), or cancelled at any moment (D-13)."""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from proof.campaign import addresses, environment, write_campaign
from proof.children import Nursery
from proof.judge import Verdict, judge, read_accepted, read_report
from proof.post import PostOffice
from proof.senders import Mailtui
from proof.terms import Terms

_MAILTUI = "mailtui.__main__"
_SCALE = 0.005


@dataclass
class Trials:
    """What came of many small campaigns, each with a server's log of its own. `broken` counts broken promises."""

    count: int = 0
    messages: int = 0
    accepted: int = 0
    states: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)

    def add(self, verdict: Verdict, states: Counter[str]) -> None:
        self.count += 1
        self.messages += verdict.audience
        self.accepted += verdict.accepted
        self.states.update(states)
        self.broken.update(verdict.broken)


def launched_twice(folder: Path, *, times: int, seed: int) -> Trials:
    """Two processes run the same campaign at once, with recipients who must get one mail each."""
    dice, trials, rows = random.Random(seed), Trials(), 25
    folder.mkdir(parents=True)
    with Nursery(folder / "said", environment(folder / "home")) as nursery:
        for number in range(times):
            post = PostOffice(nursery, folder / f"post-{number}", dice, delay=0.002, strength=0.0)
            post.open()
            campaign = write_campaign(folder / f"campaign-{number}", post.port, rows, workers=4)
            command = ["run", str(campaign), "--yes", "--json"]
            first = nursery.start(_MAILTUI, command)
            time.sleep(dice.choice((0.0, dice.uniform(0, 0.1))))
            both = (first, nursery.start(_MAILTUI, command))
            codes = [child.wait() for child in both]
            assert codes == [0, 0], f"they ended with {codes}: {[child.err.read_text() for child in both]}"
            ids = {json.loads(child.out.read_text().splitlines()[-1])["campaign"] for child in both}
            assert len(ids) == 1, f"two campaigns: {ids}"
            _judge(nursery, post, ids.pop(), rows, trials)
    return trials


def cancelled(folder: Path, *, times: int, seed: int) -> Trials:
    """A campaign is cancelled at a random moment of its sending; every third time the runner is killed at once."""
    dice, trials, rows = random.Random(seed), Trials(), 60
    folder.mkdir(parents=True)
    home = folder / "home"
    with Nursery(folder / "said", environment(home, scale=_SCALE)) as nursery:
        for number in range(times):
            terms = Terms(rows, 0, dice.choice((1, 4, 16)), seed, rate=40.0)
            post = PostOffice(nursery, folder / f"post-{number}", dice, delay=terms.delay)
            post.open()
            sender = Mailtui(nursery, folder / f"trial-{number}", home, terms.at(post.port))
            sender.launch()
            prey = sender.start(fresh=False)
            deadline = time.monotonic() + dice.uniform(0, 0.4)
            while time.monotonic() < deadline and prey.running:
                time.sleep(0.002)
            order = nursery.start(_MAILTUI, ["cancel", sender.id])
            if number % 3 == 0:
                time.sleep(dice.uniform(0, 0.1))
                prey.signal(signal.SIGKILL)
            order.wait()
            while sender.status()["state"] not in ("cancelled", "finished"):
                sender.start(fresh=False).wait()
            _judge(nursery, post, sender.id, rows, trials)
    return trials


def _judge(nursery: Nursery, post: PostOffice, campaign: str, rows: int, trials: Trials) -> None:
    path = post.log.with_name("report.jsonl")
    done = nursery.run(_MAILTUI, ["report", campaign, "--format", "jsonl"])
    assert done.code == 0, done.err
    path.write_text(done.out)
    post.close()
    lines = read_report(path)
    verdict = judge(lines, read_accepted(post.log), audience=addresses(rows))
    trials.add(verdict, Counter(line["state"] for line in lines))
