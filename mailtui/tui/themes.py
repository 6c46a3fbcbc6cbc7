"""Owns themes: Textual's own, and a user's as YAML files that are looked at before they are believed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pydantic
from textual.color import Color, ColorParseError
from textual.theme import Theme

import mailtui
from mailtui.errors import MailtuiError
from mailtui.kit.validation import Spec, validate
from mailtui.kit.yaml_file import read_yaml

DEFAULT = "textual-dark"
FOLLOW_TERMINAL = "ansi-dark"
_COLOURS = (
    *("primary", "secondary", "accent", "success", "warning", "error"),
    *("foreground", "background", "surface", "panel", "boost"),
)


class ThemeSpec(Spec):
    """A theme file: colours by name, as Textual's themes have them."""

    name: str = pydantic.Field(min_length=1, max_length=40)
    dark: bool = True
    primary: str
    secondary: str | None = None
    warning: str | None = None
    error: str | None = None
    success: str | None = None
    accent: str | None = None
    foreground: str | None = None
    background: str | None = None
    surface: str | None = None
    panel: str | None = None
    boost: str | None = None
    luminosity_spread: float = 0.15
    text_alpha: float = 0.95
    variables: dict[str, str] = pydantic.Field(default_factory=dict)

    @pydantic.field_validator(*_COLOURS)
    @classmethod
    def _is_a_colour(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                Color.parse(value)
            except ColorParseError:
                raise ValueError(f"{value!r} is no colour; write it as #rrggbb") from None
        return value


@dataclass(frozen=True, slots=True)
class Themes:
    """The themes that could be read, and a sentence for each that could not."""

    loaded: tuple[Theme, ...]
    failed: tuple[str, ...]


def load_themes(folders: Iterable[Path]) -> Themes:
    """Read every theme of the folders; a bad one never keeps the app from starting."""
    loaded: list[Theme] = []
    failed: list[str] = []
    for folder in folders:
        for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
            try:
                spec = validate(ThemeSpec, read_yaml(path), title=f"{path.name} is no theme")
            except MailtuiError as error:
                failed.append(f"{error.title}: {error.detail}")
                continue
            loaded.append(Theme(**spec.model_dump()))
    return Themes(tuple(loaded), tuple(failed))


def shipped_themes() -> Path:
    """The folder of the themes that come with mailtui."""
    package = Path(mailtui.__file__).parent
    installed = package / "_themes"
    return installed if installed.is_dir() else package.parent / "themes"
