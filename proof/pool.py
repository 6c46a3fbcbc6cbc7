"""Owns the attack on campaigns with two accounts: servers and runners are killed while both send (C9).

One account has a limit, which must hold whatever is killed; the other one's server dies and comes back. Nobody gets a
mail twice, from whichever of them, and all of them are sent in the end.
"""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from proof.campaign import addresses, environment
from proof.children import Nursery, Stuck
from proof.judge import judge, read_accepted, read_report
from proof.launches import Trials
from proof.post import PostOffice
from proof.senders import Mailtui
from proof.terms import Terms

_SCALE = 0.005
_ROWS = 240
_QUOTA = 60
_CONNECTIONS = 6
_BLOWS = 6
_PATIENCE = 120.0


@dataclass
class Pooled:
    """What came of them. `exceeded`: campaigns in which the account with a limit had more mails accepted; must be 0."""

    trials: Trials = field(default_factory=Trials)
    runners: int = 0
    servers: int = 0
    carried: Counter[str] = field(default_factory=Counter)
    exceeded: int = 0

    @property
    def kept(self) -> bool:
        """Whether every promise was."""
        return not (self.trials.broken or self.exceeded)


def pooled(folder: Path, *, times: int, seed: int) -> Pooled:
    """Send small campaigns through two accounts each, and kill runners and the second one's server meanwhile."""
    dice, found = random.Random(seed), Pooled()
    folder.mkdir(parents=True)
    home = folder / "home"
    with Nursery(folder / "said", environment(home, scale=_SCALE)) as nursery:
        for number in range(times):
            terms = Terms(_ROWS, 0, _CONNECTIONS, seed, rate=300.0, window=dice.choice((1, 8)))
            posts = {
                name: PostOffice(nursery, folder / f"{name}-{number}", dice, delay=terms.delay)
                for name in ("limited", "other")
            }
            for post in posts.values():
                post.open()
            sender = Mailtui(nursery, folder / f"trial-{number}", home, terms.at(posts["other"].port))
            _name_accounts(home, folder / f"trial-{number}" / "campaign" / "campaign.yaml", posts, number)
            sender.launch()
            _attack(sender, posts["other"], dice, found)
            _finish(sender)
            report = folder / f"report-{number}.jsonl"
            sender.report(report)
            for post in posts.values():
                post.close()
            _judge(report, posts, found)
    return found


def _finish(sender: Mailtui) -> None:
    """Have all of it sent. A campaign that found no account to go on with stays paused until its time."""
    deadline = time.monotonic() + _PATIENCE
    while (state := sender.status()["state"]) != "finished":
        if time.monotonic() > deadline:
            raise Stuck(f"it is {state} after {_PATIENCE:g} s")
        if state == "paused":
            sender.resume()
        else:
            sender.start(fresh=False)
        time.sleep(0.1)


def _name_accounts(home: Path, campaign: Path, posts: dict[str, PostOffice], number: int) -> None:
    """Put both accounts into the settings, and name them in the campaign in the place of its server."""
    settings = home / "config" / "settings.yaml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        f"  {name}{number}: {{host: 127.0.0.1, port: {post.port}, security: plain"
        + (f", limits: {{per_hour: {_QUOTA}}}}}" if name == "limited" else "}")
        for name, post in posts.items()
    ]
    before = settings.read_text() if settings.exists() else "accounts:\n"
    settings.write_text(before + "\n".join(lines) + "\n")
    settings.chmod(0o600)
    named = ", ".join(f"{name}{number}: 1" for name in posts)
    text = campaign.read_text().splitlines()
    campaign.write_text(
        "\n".join(f"accounts: {{{named}}}" if line.startswith("smtp:") else line for line in text) + "\n"
    )


def _attack(sender: Mailtui, post: PostOffice, dice: random.Random, found: Pooled) -> None:
    prey = sender.start(fresh=False)
    for _ in range(_BLOWS):
        time.sleep(dice.uniform(0.02, 0.25))
        if dice.random() < 0.5:
            prey.signal(signal.SIGKILL)
            prey.wait()
            found.runners += 1
            sender.status()
            prey = sender.start(fresh=False)
        else:
            post.close(signal.SIGKILL)
            found.servers += 1
            time.sleep(dice.uniform(0, 0.2))
            post.open()


def _judge(report: Path, posts: dict[str, PostOffice], found: Pooled) -> None:
    lines = read_report(report)
    by = {name: list(read_accepted(post.log)) for name, post in posts.items()}
    for name, accepted in by.items():
        found.carried[name] += len(accepted)
    found.exceeded += len(by["limited"]) > _QUOTA
    accepted = [item for items in by.values() for item in items]
    found.trials.add(judge(lines, accepted, audience=addresses(_ROWS)), Counter(line["state"] for line in lines))
