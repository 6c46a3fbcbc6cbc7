"""Owns turning what pydantic found wrong in a YAML file into sentences with file, line, key and a did-you-mean."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Protocol, TypeVar

import pydantic

from mailtui.errors import ConfigError, Place, Problem
from mailtui.kit.durations import parse_duration
from mailtui.kit.suggest import did_you_mean
from mailtui.kit.yaml_file import Loc

_UNIONS = (typing.Union, types.UnionType, typing.Annotated)
Model = TypeVar("Model", bound=pydantic.BaseModel)


def _is_duration(text: str) -> str:
    parse_duration(text)
    return text


Duration = Annotated[str, pydantic.AfterValidator(_is_duration)]
"""A span of time as `parse_duration` reads it."""


class Document(Protocol):
    """Data that came from somewhere a person can be pointed to."""

    @property
    def data(self) -> Any: ...
    @property
    def marks(self) -> Mapping[Loc, tuple[int, int]]: ...
    def place(self, loc: Loc) -> Place: ...


class Spec(pydantic.BaseModel):
    """The base of every model that a person writes as YAML: frozen, and no unknown key passes."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, validate_default=True)


def validate(model: type[Model], document: Document, *, title: str) -> Model:
    """Build the model from the document, or raise `ConfigError` naming every mistake at once."""
    if not isinstance(document.data, dict):
        raise ConfigError(title, [Problem(document.place(()), "a map of keys and values is expected here")])
    try:
        return model.model_validate(document.data)
    except pydantic.ValidationError as error:
        problems = {_problem(model, document, item): None for item in error.errors(include_url=False)}
        raise ConfigError(title, sorted(problems, key=_in_the_file)) from None


def _in_the_file(problem: Problem) -> tuple[int, int]:
    return problem.place.line or 0, problem.place.column or 0


def _problem(model: type[pydantic.BaseModel], document: Document, item: Any) -> Problem:
    loc: Loc = _own_keys(item["loc"], document)
    kind = item["type"]
    if kind == "extra_forbidden":
        known = _keys_at(model, loc[:-1])
        return Problem(document.place(loc), "this key is not known.", did_you_mean(str(loc[-1]), known))
    if kind == "missing":
        return Problem(document.place(loc), "this key is missing.")
    if kind == "value_error":
        return Problem(document.place(loc), str(item["ctx"]["error"]))
    if kind in ("dict_type", "model_type", "model_attributes_type"):
        got = "nothing stands there" if item["input"] is None else f"got {shown(item['input'])}"
        return Problem(document.place(loc), f"a map of keys and values is expected here; {got}")
    return Problem(document.place(loc), f"{expected(item)}; got {shown(item['input'])}")


def expected(item: Any) -> str:
    """What pydantic wanted instead of a value: `should be a whole number`, `should be 5 or more`."""
    kind, context = item["type"], item.get("ctx", {})
    if kind in ("int_parsing", "int_type", "int_from_float"):
        return "should be a whole number"
    if kind in ("float_parsing", "float_type"):
        return "should be a number"
    if kind == "greater_than_equal":
        return f"should be {context['ge']:,.12g} or more"
    if kind == "less_than_equal":
        return f"should be {context['le']:,.12g} or less"
    return str(item["msg"]).replace("Input should be", "should be")


def shown(value: Any) -> str:
    """What was written, for an error to show."""
    if isinstance(value, bool):
        return str(value).lower()  # as YAML has it
    text = repr(value) if isinstance(value, str | int | float | bool | None) else f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


def _own_keys(loc: Loc, document: Document) -> Loc:
    """Pydantic adds the names of union members and validators to a location; keep only keys the file has."""
    if loc[-1:] == ("[key]",):  # it is the key that is wrong, not what stands behind it
        loc = loc[:-1]
    kept: list[str | int] = []
    for position, part in enumerate(loc):
        if (*kept, part) in document.marks or position == len(loc) - 1:
            kept.append(part)
    return tuple(kept)


def _keys_at(model: type[pydantic.BaseModel], loc: Loc) -> list[str]:
    """The keys that the model knows at a location."""
    here: list[Any] = [model]
    for part in loc:
        here = [inner for annotation in here for inner in _inside(annotation, part)]
    models = [found for annotation in here for found in _models_in(annotation)]
    return [field.alias or name for found in models for name, field in found.model_fields.items()]


def _inside(annotation: Any, part: str | int) -> list[Any]:
    """What may stand below a key, or at an index, of what is annotated so."""
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        fields = annotation.model_fields.items()
        return [field.annotation for name, field in fields if (field.alias or name) == part]
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is dict:
        return [arguments[1]]
    if origin in (list, tuple):
        return list(arguments) if isinstance(part, int) else []
    if origin in _UNIONS:
        return [inner for argument in arguments for inner in _inside(argument, part)]
    return []


def _models_in(annotation: Any) -> list[type[pydantic.BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        return [annotation]
    if typing.get_origin(annotation) in _UNIONS:
        return [model for argument in typing.get_args(annotation) for model in _models_in(argument)]
    return []
