"""Owns showing a notice on the desktop: by D-Bus (Desktop Notifications Specification 1.2), on macOS by osascript."""

from __future__ import annotations

import asyncio
import html
import sys
from collections.abc import Mapping
from typing import Any

from mailtui.kit.children import foreign_environment

_SECONDS = 3.0
_SCRIPT = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run"
_PATH = "/org/freedesktop/Notifications"
_NAME = "org.freedesktop.Notifications"


def is_local(environ: Mapping[str, str]) -> bool:
    """Whether a person sits at a desktop of this machine, rather than at the other end of a network."""
    if "SSH_CONNECTION" in environ or "SSH_TTY" in environ:
        return False
    if sys.platform == "darwin":
        return True
    session = "DBUS_SESSION_BUS_ADDRESS" in environ
    return session and bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


async def show(title: str, text: str, environ: Mapping[str, str]) -> str:
    """Show it; why that could not be done, in a few words, or nothing."""
    try:
        async with asyncio.timeout(_SECONDS):
            if sys.platform == "darwin":
                return await _by_osascript(title, text, environ)
            return await _by_bus(title, text)
    except TimeoutError:
        return "no answer in time"
    except OSError as error:
        return error.strerror or str(error)


async def _by_osascript(title: str, text: str, environ: Mapping[str, str]) -> str:
    # What is shown goes in as arguments, so that nothing in it is a script.
    command = ("/usr/bin/osascript", "-e", _SCRIPT, title, text)
    quiet = asyncio.subprocess.DEVNULL
    inherits = foreign_environment(environ)
    process = await asyncio.create_subprocess_exec(*command, stdin=quiet, stdout=quiet, stderr=quiet, env=inherits)
    code = await process.wait()
    return "" if code == 0 else f"osascript ended with {code}"


async def _by_bus(title: str, text: str) -> str:
    from jeepney import DBusAddress, new_method_call  # type: ignore[import-untyped] # here: most runners need none
    from jeepney.io.asyncio import open_dbus_router  # type: ignore[import-untyped]
    from jeepney.io.common import RouterClosed  # type: ignore[import-untyped]
    from jeepney.low_level import MessageType  # type: ignore[import-untyped]

    address = DBusAddress(_PATH, bus_name=_NAME, interface=_NAME)
    try:
        async with open_dbus_router(bus="SESSION") as router:
            able: Any = await router.send_and_get_reply(new_method_call(address, "GetCapabilities"))
            if able.header.message_type is MessageType.error:
                return "nobody shows notifications here"
            marked = any("body-markup" in what for what in able.body)
            body = html.escape(text, quote=False) if marked else text
            what: tuple[Any, ...] = ("mailtui", 0, "mail-send", title, body, [], {}, -1)
            shown: Any = await router.send_and_get_reply(new_method_call(address, "Notify", "susssasa{sv}i", what))
    except (KeyError, ValueError, RuntimeError):  # none is named, or an address that is none or of another kind
        return "there is no session bus"
    except (RouterClosed, EOFError):
        return "the session bus went away"
    return "" if shown.header.message_type is not MessageType.error else "it would not be shown"
