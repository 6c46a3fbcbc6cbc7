"""Owns the server's share of an attack: which faults it commits, at which odds, by which seed.

The file is one that anybody may give to `mailtui sandbox --faults`.
"""

from __future__ import annotations

from pathlib import Path

# how slow the reply to the last bytes is, as a multiple of the mean, and how often
_DELAYS = ((0.5, 0.5), (1.0, 0.45), (3.0, 0.1))
# stage, what happens, and how often
_FAULTS = (
    ("connect", "action: drop", 0.01),
    ("connect", 'reply: "421 4.3.2 Come back later"', 0.01),
    ("ehlo", "action: reset", 0.01),
    ("mail", 'reply: "421 4.3.2 Come back later"', 0.002),
    ("mail", "action: drop", 0.002),
    ("mail", 'reply: "451 4.3.0 Not now"', 0.002),
    ("rcpt", 'reply: "451 4.3.0 Not now"', 0.01),
    ("rcpt", 'reply: "550 5.1.1 No such user"', 0.003),
    ("rcpt", "action: reset", 0.002),
    ("data", "action: drop", 0.002),
    ("data", 'reply: "451 4.3.0 Not now"', 0.002),
    ("bdat", "action: drop", 0.001),
    ("bdat", 'reply: "451 4.3.0 Not now"', 0.001),
    ("dot", 'reply: "452 4.3.1 Not now"', 0.003),
    ("dot", 'reply: "554 5.6.0 Not this one"', 0.001),
    ("dot", "action: drop", 0.002),
    ("dot", "action: reset", 0.001),
    ("dot", "action: silence", 0.0003),
    ("dot", "action: accept_then_drop", 0.002),
    ("dot", "action: accept_then_reset", 0.001),
    ("dot", "action: accept_then_silence", 0.0003),
)


def write_faults(path: Path, *, seed: int, delay: float, strength: float = 1.0) -> None:
    """Write a file of faults, drawn by `seed`.

    `delay` is how long the reply to the last bytes takes on average, in seconds: what keeps messages in flight.
    `strength` multiplies the odds of everything else.
    """
    delays = [f"{{stage: dot, seconds: {delay * times:.4f}, odds: {odds}}}" for times, odds in _DELAYS] if delay else []
    rules = [f"{{stage: {stage}, {what}, odds: {min(1.0, odds * strength):.5f}}}" for stage, what, odds in _FAULTS]
    path.write_text(f"seed: {seed}\nrules:\n" + "".join(f"  - {rule}\n" for rule in (*delays, *rules)))
