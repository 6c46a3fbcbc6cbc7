"""Owns what is photographed for whoever changes the app: one act for each group of states that it can be in."""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable, Mapping

from textual.widgets import Input

from mailtui.service.facade import Service
from mailtui.tui.actions import ACTIONS, EVERYWHERE
from mailtui.tui.room import ROOMS, Room
from scripts.stage import (
    EVERY,
    FAULTS,
    LARGE,
    SMALL,
    Camera,
    MailtuiPilot,
    Stage,
    app_of,
    launch,
    shows,
    stretch,
    until,
)

TWO = (SMALL, LARGE)
_SETTINGS = """
accounts:
  acme: {host: smtp.acme.test, security: starttls, user: news@acme.test}
"""


async def go(pilot: MailtuiPilot, room: str) -> None:
    """To a room, by its key."""
    [keys] = [action.keys for action in ACTIONS[EVERYWHERE] if action.name == f"go('{room}')"]
    await pilot.press(keys.split(",")[1])  # a figure would be typed where there is an input
    await until(lambda: isinstance(pilot.app.screen, Room) and room == pilot.app.screen.ROOM)
    await pilot.pause(0.4)


async def write(pilot: MailtuiPilot, text: str, field: str = "Input") -> None:
    """Have a text in a field."""
    pilot.app.screen.query_one(field, Input).value = text
    await pilot.pause(0.4)


# the acts


async def nothing(place: Stage, camera: Camera) -> None:
    """Nothing is open, and nothing was ever sent."""
    with Service.open(place.environ) as service:
        async with app_of(place, service) as pilot:
            for room in ROOMS:
                await go(pilot, room)
                await camera.take(pilot, f"{room}-empty")
            await go(pilot, "home")
            await pilot.press("question_mark")
            await camera.take(pilot, "help")
            await pilot.press("escape")
            await pilot.press("ctrl+p")
            await pilot.pause(0.5)
            await camera.take(pilot, "palette")
            await pilot.press("escape")
            await pilot.press("o")
            await camera.take(pilot, "open")
            await write(pilot, "spring/campain.yaml")
            await pilot.press("enter")
            await camera.take(pilot, "open-wrong")
            await pilot.press("escape")
            await pilot.press("r")
            await camera.take(pilot, "impossible", TWO)
            await go(pilot, "board")
            await pilot.press("space")
            await camera.take(pilot, "board-impossible")


async def lists(place: Stage, camera: Camera) -> None:
    """Only a list is open; a broken one; one without a row."""
    folder = place.campaign.parent
    (folder / "empty.csv").write_text("email,name\n", "utf-8")
    (folder / "nothing.csv").write_text("", "utf-8")
    (folder / "binary.csv").write_bytes(b"PK\x03\x04" + bytes(range(256)) * 20)
    with Service.open(place.environ) as service:
        async with app_of(place, service, target=folder / "contacts.csv") as pilot:
            await shows(pilot, "recipients")
            for room in ("audience", "rules", "message", "preview", "review"):
                await go(pilot, room)
                await camera.take(pilot, f"{room}-list-only", EVERY)
        for name in ("empty", "nothing", "binary"):
            async with app_of(place, service, target=folder / f"{name}.csv") as pilot:
                await pilot.pause(1.5)
                await camera.take(pilot, name)


async def audience(place: Stage, camera: Camera) -> None:
    """A campaign's list, and what can be asked about its rows."""
    with Service.open(place.environ) as service:
        async with app_of(place, service, target=place.campaign) as pilot:
            await shows(pilot, "recipients")
            await camera.take(pilot, "list")
            await pilot.press("end")
            await pilot.pause(0.3)
            await camera.take(pilot, "list-end")
            await pilot.press("p")
            await shows(pilot, "Rows that get no mail")
            await camera.take(pilot, "problems")
            await pilot.press("escape")
            await pilot.press("g")
            await write(pilot, "999")
            await pilot.press("enter")
            await camera.take(pilot, "goto-wrong", TWO)
            await write(pilot, "9")
            await pilot.press("enter")
            await pilot.press("e")
            await shows(pilot, "out: gets no mail")
            await camera.take(pilot, "explain-out")
            await pilot.press("escape", "home", "e")
            await shows(pilot, "in: gets a mail")
            await camera.take(pilot, "explain-in", TWO)
            await pilot.press("escape", "y")
            await camera.take(pilot, "copied", TWO)
            await pilot.press("question_mark")
            await camera.take(pilot, "help")


async def rules(place: Stage, camera: Camera) -> None:
    """The filter: as it is set, another, a mistake, nobody, everybody."""
    with Service.open(place.environ) as service:
        async with app_of(place, service, target=place.campaign) as pilot:
            await shows(pilot, "recipients")
            await go(pilot, "rules")
            await shows(pilot, "match")
            await camera.take(pilot, "set")
            for name, text in (
                ("other", 'country == "Ireland" or plan == "orchard"'),
                ("nobody", 'country == "Nowhere"'),
                ("everybody", 'email contains "@"'),
                ("none", ""),
                ("mistake", 'countri == "Ireland" and joined after "2020-12-31"'),
                ("unfinished", "country =="),
            ):
                await write(pilot, text, "#filter")
                await pilot.pause(0.7)
                await camera.take(pilot, name)


async def message(place: Stage, camera: Camera) -> None:
    """The message: right, checked, with a mistake in a template, with a file that is missing."""
    with Service.open(place.environ) as service:
        async with app_of(place, service, target=place.campaign) as pilot:
            await go(pilot, "message")
            await shows(pilot, "body.html.j2")
            await camera.take(pilot, "right")
            await pilot.press("c")
            await shows(pilot, "rendered")
            await camera.take(pilot, "checked")
            place.change("first_name", "frist_name", "body.txt.j2")
            await pilot.press("r")
            await pilot.pause(1.5)
            await pilot.press("c")
            await pilot.pause(2.5)
            await camera.take(pilot, "wrong-field")
            place.change("{{", "{% if %}{{", "body.txt.j2")
            await pilot.press("r")
            await pilot.pause(1.5)
            await camera.take(pilot, "wrong-syntax")
            await go(pilot, "preview")
            await pilot.pause(2)
            await camera.take(pilot, "preview-wrong")
            await go(pilot, "review")
            await pilot.pause(2)
            await camera.take(pilot, "review-wrong")
            (place.campaign.parent / "body.txt.j2").unlink()
            await go(pilot, "message")
            await pilot.press("r")
            await pilot.pause(1.5)
            await camera.take(pilot, "missing")
            place.change("subject:", "subjekt:")
            await pilot.press("r")
            await pilot.pause(1.5)
            await camera.take(pilot, "campaign-wrong")


async def preview(place: Stage, camera: Camera) -> None:
    """A mail in its five views, and sending it to oneself."""
    with Service.open(place.environ) as service:
        async with app_of(place, service, target=place.campaign, demo=True) as pilot:
            await go(pilot, "preview")
            await shows(pilot, "Subject", "Lagos")
            for view in ("laid-out", "text", "headers", "tree", "source"):
                await camera.take(pilot, view)
                await pilot.press("v")
            await pilot.press("b")
            await pilot.pause(1)
            await camera.take(pilot, "first", TWO)
            await pilot.press("t")
            await write(pilot, "ada@example.com")
            await camera.take(pilot, "test")
            await pilot.press("enter")
            await shows(pilot, "Sent")
            await camera.take(pilot, "test-sent")
            await pilot.press("escape")
            await pilot.press("g")
            await camera.take(pilot, "goto", TWO)
            await write(pilot, "9")
            await pilot.press("enter")
            await pilot.pause(2)
            await camera.take(pilot, "left-out")


async def review(place: Stage, camera: Camera) -> None:
    """What is about to be sent: right, at another pace, nobody, and the last question."""
    with Service.open(place.environ) as service:
        async with app_of(place, service, target=place.campaign, demo=True) as pilot:
            await go(pilot, "review")
            await shows(pilot, "tried")
            await camera.take(pilot, "right")
            await pilot.press("p")
            await write(pilot, "fast", "#pace-rate")
            await camera.take(pilot, "pace-wrong")
            await write(pilot, "10/s", "#pace-rate")
            await write(pilot, "8", "#pace-window")
            await camera.take(pilot, "window")
            await pilot.press("escape")
            await pilot.press("t")
            await shows(pilot, "It works")
            await camera.take(pilot, "try")
            await pilot.press("t")
            await camera.take(pilot, "transcript")
            await pilot.press("escape")
            await pilot.press("s")
            await camera.take(pilot, "start")
            await write(pilot, "12", "#count")
            await pilot.press("tab", "enter")
            await camera.take(pilot, "start-wrong", TWO)
            await pilot.press("escape")
            await camera.take(pilot, "not-sent", TWO)
            await go(pilot, "rules")
            await write(pilot, 'country == "Nowhere"', "#filter")
            await pilot.press("enter")
            await pilot.pause(1)
            await go(pilot, "review")
            await pilot.pause(2)
            await camera.take(pilot, "nobody")
            await pilot.press("s")
            await camera.take(pilot, "nobody-s", TWO)


async def account(place: Stage, camera: Camera) -> None:
    """A server with a login: its facts, and the question for the password."""
    config = place.folder / "mailtui.yaml"
    config.write_text(_SETTINGS, "utf-8")
    text = place.campaign.read_text("utf-8")
    line = next(line for line in text.splitlines() if line.startswith("smtp:"))
    place.change(line, "account: acme")
    with Service.open(place.environ) as service:
        async with app_of(place, service, target=place.campaign) as pilot:
            await go(pilot, "review")
            await shows(pilot, "tried")
            await camera.take(pilot, "review")
            await pilot.press("s")
            await pilot.pause(0.5)
            await write(pilot, "34", "#count")
            await pilot.press("enter", "enter")
            await pilot.pause(2)
            await camera.take(pilot, "password")


async def board(place: Stage, camera: Camera) -> None:
    """A send with mishaps: at work, its questions, paused, finished."""
    await stretch(place, 1_200)
    await place.sandbox_with(FAULTS)
    with Service.open(place.environ) as service:
        launched = await launch(service, place.campaign, rate=40.0, burst=1, workers=8)
        await service.start_runner({})
        async with app_of(place, service, target=place.campaign) as pilot:
            await go(pilot, "board")
            await camera.take(pilot, "begun", TWO)
            await shows(pilot, "failed:", seconds=60)
            await pilot.pause(8)
            await camera.take(pilot, "sending", rest=1.0)
            await pilot.press("l")
            await camera.take(pilot, "rate", TWO)
            await write(pilot, "quick")
            await pilot.press("enter")
            await camera.take(pilot, "rate-wrong", TWO)
            await pilot.press("escape", "x")
            await camera.take(pilot, "cancel")
            await pilot.press("escape", "ctrl+q")
            await pilot.pause(0.5)
            await camera.take(pilot, "quit")
            await pilot.press("escape", "plus")
            await camera.take(pilot, "more", TWO)
            await go(pilot, "home")
            await camera.take(pilot, "home-sending")
            await go(pilot, "report")
            await camera.take(pilot, "report-sending")
            await go(pilot, "board")
            await pilot.press("space")
            await shows(pilot, "paused")
            await camera.take(pilot, "paused", rest=1.0)
            await pilot.press("r")
            await pilot.press("l")
            await write(pilot, "")
            await pilot.press("enter")
            view = await service.view(launched.campaign.id)
            await until(lambda: service.runner_pid() is not None)
            await pilot.pause(12)
            await camera.take(pilot, "deferred", rest=1.0)
            await service.cancel(view)
            await shows(pilot, "cancelled")
            await camera.take(pilot, "cancelled", rest=1.0)
            await go(pilot, "report")
            await camera.take(pilot, "report", rest=1.0)
            await pilot.press("f")
            await camera.take(pilot, "report-failed", rest=0.8)
            await pilot.press("f")
            await camera.take(pilot, "report-unknown", rest=0.8)
            await pilot.press("e")
            await camera.take(pilot, "export")
            await pilot.press("escape")
            await go(pilot, "home")
            await camera.take(pilot, "home-cancelled")


async def rests(place: Stage, camera: Camera) -> None:
    """Sends that rest: finished, refused by the server, lost; and a home with all of them."""
    with Service.open(place.environ) as service:
        async with app_of(place, service, target=place.campaign) as pilot:
            await go(pilot, "board")
            launched = await launch(service, place.campaign, rate=100.0, burst=50)
            await service.start_runner({})
            await shows(pilot, "finished")
            await camera.take(pilot, "finished", rest=1.0)
            await pilot.press("enter")
            await camera.take(pilot, "report-finished", rest=1.0)
            assert (await service.view(launched.campaign.id)).counts.sent

        place.change("name: Spring news", "name: Bulbs for the summer that is to come, and other news")
        await place.sandbox_with('rules: [{stage: mail, reply: "550 5.4.5 Daily sending quota exceeded"}]')
        launched = await launch(service, place.campaign)
        await service.start_runner({})
        async with app_of(place, service, target=place.campaign) as pilot:
            await go(pilot, "board")
            await pilot.pause(6)
            await camera.take(pilot, "held", rest=1.0)
            await go(pilot, "home")
            await camera.take(pilot, "home-held", rest=1.0)
            await go(pilot, "report")
            await camera.take(pilot, "report-held", rest=1.0)
        await until(lambda: service.runner_pid() is None)

        place.change("name: Bulbs for the summer that is to come, and other news", "name: Roses")
        await stretch(place, 600)
        await place.sandbox_with(FAULTS)
        launched = await launch(service, place.campaign, rate=10.0, burst=1)
        pid = await service.start_runner({})
        async with app_of(place, service, target=place.campaign) as pilot:
            await go(pilot, "board")
            await pilot.pause(5)
            os.kill(pid, signal.SIGKILL)
            await shows(pilot, "lost")
            await camera.take(pilot, "lost", rest=1.0)
            await go(pilot, "home")
            await camera.take(pilot, "home-lost", rest=1.0)


async def themes(place: Stage, camera: Camera) -> None:
    """The main screens in the light, contrast and terminal's themes."""
    await stretch(place, 600)
    await place.sandbox_with(FAULTS)
    with Service.open(place.environ) as service:
        launched = await launch(service, place.campaign, rate=20.0, burst=1, workers=6)
        await service.start_runner({})
        async with app_of(place, service, target=place.campaign) as pilot:
            await shows(pilot, "recipients")
            for theme in ("textual-light", "letter-paper", "night-mail", "ansi-dark", "high-contrast"):
                pilot.app.theme = theme
                for room in ("home", "audience", "rules", "preview", "review", "board", "report"):
                    await go(pilot, room)
                    await pilot.pause(1.0)
                    await camera.take(pilot, f"{theme}-{room}", (SMALL,))
        await service.cancel(await service.view(launched.campaign.id))


ACTS: Mapping[str, Callable[[Stage, Camera], Awaitable[None]]] = {
    act.__name__: act
    for act in (nothing, lists, audience, rules, message, preview, review, account, board, rests, themes)
}
