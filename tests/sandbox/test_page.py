"""The page about the sandbox names every key, stage and action there is and no other, and its examples load."""

from __future__ import annotations

import re
from pathlib import Path

import pydantic
import pytest

from mailtui.sandbox import spec
from mailtui.sandbox.faults import Action, Stage

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def keys(model: type[pydantic.BaseModel]) -> set[str]:
    return set(model.model_fields)


def tables(heading: str) -> list[set[str]]:
    """What the first columns of the tables under a heading name, table by table."""
    part = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = []
    for table in re.findall(r"(?:^\|.*\n)+", part, re.MULTILINE):
        cells = re.findall(r"^\| ([^|]*) \|", table, re.MULTILINE)
        found.append({name for cell in cells for name in re.findall(r"`([^`]+)`", cell)})
    return found


def test_rules() -> None:
    stages, actions, conditions, others = tables("Rules")
    assert stages == set(Stage)
    assert actions == set(Action)
    assert conditions | others | {"stage", "action"} == keys(spec.FaultRuleSpec)


def test_limits_and_server() -> None:
    [limits] = tables("Limits")
    [server] = tables("Server")
    assert limits == keys(spec.LimitsSpec)
    assert server == keys(spec.ServerSpec)
    for model in (spec.LimitSpec, spec.QuotaSpec, spec.DomainRateSpec, spec.GreylistingSpec):
        for key in keys(model) - {"seconds"}:
            assert f"`{key}" in PAGE, key


def test_samples() -> None:
    [samples] = tables("Samples")
    assert samples == {path.stem for path in (Path(__file__).parents[2] / "sample_data" / "faults").glob("*.yaml")}


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_load(tmp_path: Path, example: str) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(example, "utf-8")
    spec.load_faults(path)


def test_every_top_key_is_in_an_example() -> None:
    shown = "\n".join(EXAMPLES)
    for key in keys(spec.FaultsSpec):
        assert re.search(rf"^{key}:", shown, re.MULTILINE), key
