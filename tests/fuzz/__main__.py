"""Coverage-guided fuzzing (Q-05): `python -m tests.fuzz [TARGET …] [--seconds N]`, all targets one after another.

Needs atheris (dependency group `fuzz`, Linux). A finding ends the run with its traceback and leaves the input in
`crash-*` in the working folder; make a test of it, then mend.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

NAMES = ("replies", "list", "address", "rule", "campaign", "faults", "header", "html")
_LONGEST_INPUT = 4096


def _one(name: str, seconds: int) -> None:
    """Fuzz one target in this process, which libFuzzer ends."""
    import atheris

    with atheris.instrument_imports(include=["mailtui"]):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        for number, seed in enumerate(target.seeds):
            (corpus / str(number)).write_bytes(seed)
        words = Path(folder, "words")
        words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words))
        options = [f"-max_total_time={seconds}", f"-max_len={_LONGEST_INPUT}", f"-dict={words}", "-timeout=20",
                   "-rss_limit_mb=2048", "-print_final_stats=1", "-close_fd_mask=1"]  # fmt: skip
        atheris.Setup([sys.argv[0], *options, str(corpus)], target.check)
        atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"any of {', '.join(NAMES)}; all when left out")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if unknown := set(given.targets) - set(NAMES):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    if given.here:
        _one(given.targets[0], given.seconds)
        return 0
    found = 0
    for name in given.targets or NAMES:
        command = [sys.executable, "-m", "tests.fuzz", name, "--seconds", str(given.seconds), "--here"]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, errors="replace", check=False)
        runs = re.search(r"number_of_executed_units:\s*(\d+)", done.stderr)
        verdict = "no finding" if done.returncode == 0 else f"FINDING\n{done.stderr[-6000:]}"
        print(f"{name}: {int(runs.group(1)) if runs else 0:,} runs in {given.seconds} s, {verdict}", flush=True)
        found += done.returncode != 0
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
