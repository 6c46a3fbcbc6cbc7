"""What the audience tests share: writing a list as bytes and opening it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from mailtui.audience.audience import Audience, open_audience
from mailtui.audience.spec import AudienceSpec

Opener = Callable[..., Audience]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    """Writes bytes as `list.csv` and opens them, with keys of `AudienceSpec` as options."""
    with ExitStack() as stack:

        def open_list(data: bytes | str, **options: Any) -> Audience:
            raw = data.encode() if isinstance(data, str) else data
            (tmp_path / "list.csv").write_bytes(raw)
            spec = AudienceSpec(source="list.csv", **options)
            return stack.enter_context(open_audience(spec, folder=tmp_path, cache=tmp_path / "cache"))

        yield open_list
