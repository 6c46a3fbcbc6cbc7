"""What the audience tests share: writing a list as bytes and opening it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mailtui.audience.audience import Audience, open_audience
from mailtui.audience.spec import AudienceSpec

Opener = Callable[..., Audience]


@pytest.fixture
def opened_as(tmp_path: Path) -> Iterator[Opener]:
    """Writes bytes under a name and opens them, with keys of `AudienceSpec` as options."""
    with ExitStack() as stack:

        def open_list(name: str, data: bytes | str, **options: Any) -> Audience:
            raw = data.encode() if isinstance(data, str) else data
            (tmp_path / name).write_bytes(raw)
            spec = AudienceSpec(source=name, **options)
            return stack.enter_context(open_audience(spec, folder=tmp_path, cache=tmp_path / "cache"))

        yield open_list


@pytest.fixture
def opened(opened_as: Opener) -> Opener:
    """The same for bytes that are called `list.csv`."""
    return partial(opened_as, "list.csv")
