"""Owns what is being done with a campaign that a runner has taken up, who wants that, and why."""

from __future__ import annotations

from enum import Enum


class Intent(Enum):
    """What is being done with the campaign."""

    SEND = "send"
    PAUSE = "pause"
    CANCEL = "cancel"
    LEAVE = "leave"  # the runner goes; the campaign stays as it is for the next one


class Course:
    """Begins with sending. `actor` is who wants what is done; `because` why nobody did, for a pause that comes by
    itself, and `resume_at` (epoch seconds) when it goes on again without anybody: at the end of a pause, or (`at_wall`)
    at a time of the wall. `missed`: it rests since times passed while nobody was there.
    """

    def __init__(self) -> None:
        self.intent = Intent.SEND
        self.actor = "runner"
        self.because = ""
        self.resume_at: float | None = None
        self.at_wall = False
        self.missed = False

    @property
    def sends(self) -> bool:
        """Whether it is to be sent."""
        return self.intent is Intent.SEND

    def pause(self, actor: str) -> bool:
        """Somebody wants it to rest; whether it does, since a cancel was promised to somebody."""
        if self.intent is Intent.CANCEL:
            return False
        self.resume_at = None  # whoever says so wants no more of it, also where it was about to rest anyway
        self.intent, self.actor = Intent.PAUSE, actor
        return True

    def cancel(self, actor: str) -> None:
        """Somebody wants it to end."""
        self.intent, self.actor = Intent.CANCEL, actor

    def leave(self) -> bool:
        """The runner goes; whether that changes anything."""
        if not self.sends:
            return False
        self.intent, self.actor = Intent.LEAVE, "runner"
        return True

    def hold(self, because: str, resume_at: float | None, *, at_wall: bool) -> bool:
        """It cannot go on for now; whether that is new."""
        if not self.sends:
            return False
        self.because, self.resume_at, self.at_wall = because, resume_at, at_wall
        self.intent, self.actor = Intent.PAUSE, "runner"
        return True

    def put_off(self, because: str, resume_at: float) -> None:
        """Held until a time of the wall, it goes on at another one; nothing changes where it is not."""
        if self.at_wall and self.resume_at is not None:
            self.because, self.resume_at = because, resume_at
