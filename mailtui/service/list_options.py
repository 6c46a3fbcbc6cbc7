"""Owns what a command line says about how a list is read, over what its campaign file says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mailtui.audience.spec import AudienceSpec
from mailtui.service.list_settings import changed, with_type


@dataclass(frozen=True, slots=True)
class ListOptions:
    """Settings as they were typed, by the keys of `AudienceSpec`, and types by column; nothing where none was given."""

    settings: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    offline: bool = False

    def over(self, spec: AudienceSpec) -> AudienceSpec:
        """The spec with what was given in place of what it had. Raises `SettingMistake`."""
        if not self.settings and not self.types and not self.offline:
            return spec
        # A file's name may hold bytes that are no text, which no model takes.
        given = changed(spec.model_copy(update={"source": "list"}), self.settings)
        for column, kind in self.types.items():
            given = with_type(given, column, kind)
        return given.model_copy(update={"source": spec.source, "offline": self.offline or spec.offline})
