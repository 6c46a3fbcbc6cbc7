"""All benchmarks in their usual size: `python -m benchmarks`. Ratios count; absolute rates are this machine's mood."""

from __future__ import annotations

import subprocess
import sys

_ALL = ("mime", "throughput", "memory")


def main() -> int:
    """Run them one after another, so that none disturbs another; 1 when one failed."""
    failed = 0
    for name in _ALL:
        print(f"\n== {name}", flush=True)
        failed |= subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
