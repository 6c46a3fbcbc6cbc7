"""Owns what a command line says about how a list is read, over what its campaign file says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from mailtui.audience.spec import AudienceSpec
from mailtui.errors import UsageError
from mailtui.service.list_settings import SettingMistake, changed, with_type


@dataclass(frozen=True, slots=True)
class ListOptions:
    """Settings as they were typed, by the keys of `AudienceSpec`, and types by column; nothing where none was given."""

    settings: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    offline: bool = False

    def over(self, spec: AudienceSpec) -> AudienceSpec:
        """The spec with what was given in place of what it had. Raises `UsageError` that names the option."""
        if not self.settings and not self.types and not self.offline:
            return spec
        # A file's name may hold bytes that are no text, which no model takes.
        given = spec.model_copy(update={"source": "list"})
        for key, text in self.settings.items():
            with _option(key, text):
                given = changed(given, {key: text})
        for column, kind in self.types.items():
            with _option("type", f"{column}={kind}"):
                given = with_type(given, column, kind)
        return given.model_copy(update={"source": spec.source, "offline": self.offline or spec.offline})


@contextmanager
def _option(key: str, text: str) -> Iterator[None]:
    try:
        yield
    except SettingMistake as mistake:
        raise UsageError(f"--{key} {text} cannot be taken", detail=mistake.title) from None
