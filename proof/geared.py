"""mailtui as its users run it, but for one thing: it takes every server to offer no more than a gear needs.

`MAILTUI_PROOF_GEAR=flight python -m proof.geared ARGUMENTS` is `mailtui ARGUMENTS`. Servers that are slow on purpose
are rare, and one gear is only reached when a server misbehaves; this way all are seen at work against any server.
"""

from __future__ import annotations

import os

from mailtui.__main__ import main as mailtui
from mailtui.dispatch import gearbox
from mailtui.smtp.capabilities import Capabilities
from mailtui.smtp.gear import Gear, GearChoice, best_gear

GEAR = "MAILTUI_PROOF_GEAR"


def main() -> int:
    """Run a command in the gear that the environment names, at the most."""
    most = Gear(os.environ[GEAR])

    def capped(capabilities: Capabilities, window: int = 1) -> GearChoice:
        choice = best_gear(capabilities, window)
        return choice if choice.gear.rank <= most.rank else GearChoice(most, 1, "no faster one is asked for")

    gearbox.best_gear = capped  # type: ignore[attr-defined]
    return mailtui()


if __name__ == "__main__":
    raise SystemExit(main())
