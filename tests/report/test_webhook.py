"""Posting to a webhook: signed, and never longer or further than it may be."""

from __future__ import annotations

import dataclasses
import re
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from mailtui.report.webhook import Answer, Posting, new_secret, post, require_secret, signature
from tests.servers.hook import DRIP, FLOOD, GARBAGE, HANG, MOVED, Post, is_signed, receiver

PAGE = Path(__file__).parents[2] / "docs/notifications.md"
_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_e02_the_signature_is_that_of_the_published_example() -> None:
    """The example of the Standard Webhooks specification."""
    signed = signature(_SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_e02_a_secret_that_is_none_is_refused() -> None:
    assert require_secret(new_secret()).startswith("whsec_")
    assert new_secret() != new_secret()
    for bad in ("whsec_no base64!", "whsec_c2hvcnQ=", "short"):
        with pytest.raises(ValueError, match="the secret"):
            require_secret(bad)


async def _post(url: str, *, secret: str = _SECRET, scale: float = 1.0) -> Answer:
    return await post(Posting(url, secret, "0123abcd", '{"type":"mailtui.test"}'), scale=scale)


async def test_e02_a_post_is_signed_and_says_what_it_is() -> None:
    with receiver([200, 204]) as hook:
        for secret in (_SECRET, "a secret of another kind, as it is"):
            assert (await _post(hook.url, secret=secret)).taken
            one = hook.posts[-1]
            assert is_signed(one, secret)
            assert not is_signed(one, new_secret())
            assert one.headers["webhook-id"] == "0123abcd"
            assert abs(int(one.headers["webhook-timestamp"]) - one.at) < 60
            assert one.headers["content-type"] == "application/json"
            assert one.body == '{"type":"mailtui.test"}'
        first = hook.posts[0]
        assert _page_says(_SECRET, first)
        assert not _page_says(_SECRET, dataclasses.replace(first, body=first.body + " "))


def _page_says(secret: str, one: Post) -> bool:
    """Whether the check that docs/notifications.md gives holds."""
    [code] = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    return bool(names["is_from_mailtui"](secret, one.headers, one.body.encode()))


async def test_e02_what_an_answer_means() -> None:
    with receiver([500, 503, 410, MOVED, GARBAGE, 200]) as hook:
        assert await _post(hook.url) == Answer(500, "it answered 500")
        assert await _post(hook.url) == Answer(503, "it answered 503", 7.0)
        assert (await _post(hook.url)).gone
        moved = await _post(hook.url)
        assert moved == Answer(302, "it answered 302, a redirect, which is not followed")
        assert not moved.taken
        broken = await _post(hook.url)
        assert (broken.status, broken.taken) == (None, False)
        assert "broke off" in broken.said
        assert (await _post(hook.url)).taken
        assert len(hook.posts) == 6, "nobody was asked twice"
        with pytest.raises(ValueError, match="the secret is too short"):
            await _post(hook.url, secret="short")
        assert len(hook.posts) == 6, "what anybody could sign is not posted"
    refused = await _post(hook.url)
    assert (refused.status, refused.said) == (None, "Connection refused")


async def test_e02_a_post_ends_in_time_whatever_the_other_side_does() -> None:
    """One that says nothing, one that never ends its first line, one that answers without an end."""
    with receiver([HANG, DRIP, FLOOD]) as hook:
        for said, scale in (("no answer in time", 0.005), ("no answer in time", 0.005), ("it answered 200", 1.0)):
            began = time.monotonic()
            answer = await _post(hook.url, scale=scale)
            assert answer.said == said
            assert time.monotonic() - began < 10, "0.15 seconds are its limit; of the last, the first line is enough"
        deadline = time.monotonic() + 20
        while _waiting() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not _waiting(), "no thread waits on for an answer that nobody wants"


def _waiting() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "webhook"]


async def test_e02_what_cannot_be_reached_is_said_in_words() -> None:
    assert (await _post("https://127.0.0.1:1/")).said == "Connection refused"
    with receiver() as plain:
        said = (await _post(plain.url.replace("http:", "https:"))).said
        assert said
        assert not plain.posts
