"""Owns finding out the time zone of this machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mailtui.errors import UsageError
from mailtui.schedule.zones import zone_named

_LOCALTIME = Path("/etc/localtime")
_TIMEZONE = Path("/etc/timezone")


class NoMachineZone(UsageError):
    """This machine does not say in which time zone it is."""

    def __init__(self) -> None:
        super().__init__(
            "This machine does not say in which time zone it is",
            hint="Name it: --timezone Europe/Berlin, or timezone: in the campaign file; or set TZ.",
        )


def machine_zone() -> str:
    """The IANA name of the zone that this machine's clock shows. Raises `NoMachineZone`.

    It is what the C library goes by: TZ, else where /etc/localtime points to, else UTC. /etc/timezone has the name
    where /etc/localtime is a copy.
    """
    said = os.environ.get("TZ", "").removeprefix(":")
    if said and _is_zone(said):
        return said
    if said or sys.platform == "win32":
        raise NoMachineZone
    if not _LOCALTIME.exists():
        return "UTC"
    _, found, name = str(_LOCALTIME.resolve()).partition("zoneinfo/")
    if not found and _TIMEZONE.is_file():
        name = _TIMEZONE.read_text("utf-8", errors="replace").strip()
    name = name.removeprefix("posix/")
    if not _is_zone(name):
        raise NoMachineZone
    return name


def _is_zone(name: str) -> bool:
    try:
        zone_named(name)
    except ValueError:
        return False
    return True
