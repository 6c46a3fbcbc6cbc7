"""Owns what screens say and do where something is scheduled and no process lives that would send it."""

from __future__ import annotations

from textual.content import Content

from mailtui.service.facade import Service
from mailtui.tui.dialogs.password import asking_password
from mailtui.tui.room import Room
from mailtui.tui.text import plain, tell


def without_runner(said: str) -> Content:
    """The service's sentence about it, with a key in place of the command."""
    return plain(f"! {said.partition('. ')[0]}. b starts one in the background.", "bold $text-warning")


async def start_runner(room: Room, service: Service) -> None:
    """Start that process, and say so; what stands in the way is said on the screen."""
    pid = await room.ask(lambda: asking_password(room.app, service, service.scheduled.start_runner))
    if pid is not None:
        tell(room.app, f"Process {pid} sends what is scheduled, also when the app is closed.")
