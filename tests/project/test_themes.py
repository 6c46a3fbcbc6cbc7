"""The themes that ship: every field is one that Textual knows, every colour parses, and all text can be read."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from textual.color import Color
from textual.theme import Theme

from mailtui.kit.yaml_file import read_yaml

THEMES = sorted((Path(__file__).parents[2] / "themes").glob("*.yaml"))
GROUNDS = ("background", "surface", "panel")
COLOURS = (*GROUNDS, "primary", "secondary", "accent", "foreground", "success", "warning", "error")


def theme(path: Path) -> dict[str, Any]:
    data = read_yaml(path).data
    assert isinstance(data, dict)
    return data


def luminance(colour: Color) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [part / 255 for part in colour.rgb]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Color, other: Color) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_there_is_a_dark_and_a_light_theme() -> None:
    assert {theme(path)["dark"] for path in THEMES} == {True, False}


@pytest.mark.parametrize("path", THEMES, ids=lambda path: path.stem)
class TestTheme:
    def test_textual_takes_it(self, path: Path) -> None:
        data = theme(path)
        fields = {field.name for field in dataclasses.fields(Theme)}
        assert set(data) <= fields
        assert set(COLOURS) <= set(data)
        assert Theme(**data).name == path.stem

    def test_every_colour_parses(self, path: Path) -> None:
        data = theme(path)
        for name in COLOURS:
            Color.parse(data[name])
        for value in data["variables"].values():
            Color.parse(value.split()[0])

    def test_text_can_be_read_on_every_ground(self, path: Path) -> None:
        data = theme(path)
        for ground in GROUNDS:
            for name in set(COLOURS) - set(GROUNDS):
                found = contrast(Color.parse(data[name]), Color.parse(data[ground]))
                assert found >= 4.5, f"{name} on {ground}: {found:.1f}"
