"""Owns the few pictures that the docs show."""

from __future__ import annotations

from mailtui.kit.paths import Home
from mailtui.service.facade import Service
from scripts.acts import TWO, go, write
from scripts.stage import FAULTS, LARGE, SMALL, Camera, Stage, app_of, launch, secret_service, shows, stretch

_ACCOUNTS = """
accounts:
  acme: {host: smtp.acme.test, port: 587, security: starttls, user: news@acme.test,
         from: "Acme Garden <news@acme.test>", limits: {per_hour: 500, per_day: 2000}, connections: 4}
  backup: {preset: fastmail, user: garden@acme.test, from: "@acme.test"}
  relay: {preset: local}
"""


async def docs(place: Stage, camera: Camera) -> None:
    """The pictures of the docs, while the sample campaign is sent."""
    await stretch(place, 1_200)
    await place.sandbox_with(FAULTS)
    with Service.open(place.environ) as service:
        async with app_of(place, service, target=place.campaign) as pilot:
            await shows(pilot, "recipients", "row 1")
            await camera.take(pilot, "audience", (SMALL,), rest=1.0)
            await go(pilot, "preview")
            await shows(pilot, "Amara")
            await camera.take(pilot, "preview", (SMALL,), rest=1.0)
            await go(pilot, "review")
            await shows(pilot, "tried")
            await camera.take(pilot, "review", (SMALL,), rest=1.0)
        launched = await launch(service, place.campaign, rate=20.0, burst=1, workers=8)
        await service.start_runner({})
        async with app_of(place, service, target=place.campaign, size=LARGE) as pilot:
            await go(pilot, "board")
            await shows(pilot, "failed:", "unknown:", seconds=60)
            await pilot.pause(12.0)  # a curve worth seeing
            await camera.take(pilot, "board", (LARGE, SMALL), rest=1.0)
            await go(pilot, "home")
            await camera.take(pilot, "home", (SMALL,), rest=1.0)
        await service.cancel(await service.view(launched.campaign.id))
        async with app_of(place, service, target=place.campaign) as pilot:
            await go(pilot, "report")
            await pilot.press("f")
            await camera.take(pilot, "report", (SMALL,), rest=1.0)
    await _kept(place, camera)


async def _kept(place: Stage, camera: Camera) -> None:
    """A password on its way into a real keyring, and when it is in there and has been read back."""
    settings = Home.find(place.environ).settings_file
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(_ACCOUNTS, "utf-8")
    with secret_service(), Service.open(place.environ) as service:
        async with app_of(place, service) as pilot:
            await go(pilot, "accounts")
            await shows(pilot, "looked in: the keyring")
            await pilot.press("p")
            await shows(pilot, "The password of acme", "missing")
            await write(pilot, "known to nobody", "#password")
            await camera.take(pilot, "password", (SMALL,))
            await pilot.press("enter")
            await shows(pilot, "and was read back", "in the keyring")
            await camera.take(pilot, "accounts", TWO, rest=0.5)
