"""Has a program crash at a named point. Read at the start of Python, as `sitecustomize`, from a folder in which a file
`point` says where, how and in which processes; nothing of the program is changed, or knows.

It also turns every log of Python's and of libraries' on, as somebody does who hunts a mistake.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.abc
import importlib.machinery
import inspect
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

_FOLDER = Path(__file__).parent


class Forced(BaseException):
    """A crash that no handler of errors is made for."""


def _revealed(seen: object) -> str:
    """What a careless error would repeat: arguments and results with what they hide."""
    secret = getattr(seen, "secret", None)
    if secret is not None:
        return repr(secret)
    if isinstance(seen, list | tuple):
        return " ".join(map(_revealed, seen))
    return repr(seen)


def _crash(point: dict[str, str], *seen: object) -> None:
    with (_FOLDER / "fired").open("a") as stream:
        stream.write(f"{os.getpid()}\n")
    text = f"forced at {point['name']}: {_revealed(seen)}"
    logging.getLogger("proof").debug("about to crash")
    how = point["how"]
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "segv":
        ctypes.string_at(0)
    if how == "abort":
        os.abort()
    raise Forced(text) if how == "forced" else RuntimeError(text)


def _armed(function: Callable[..., Any], point: dict[str, str]) -> Callable[..., Any]:
    """The function, with a crash before it, or behind it when it has a result."""
    after = point["when"] == "after"
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def later(*arguments: Any, **named: Any) -> Any:
            if after:
                _crash(point, await function(*arguments, **named), *arguments, *named.values())
            _crash(point, *arguments, *named.values())

        return later

    @functools.wraps(function)
    def now(*arguments: Any, **named: Any) -> Any:
        if after:
            _crash(point, function(*arguments, **named), *arguments, *named.values())
        _crash(point, *arguments, *named.values())

    return now


def _arm(module: ModuleType, point: dict[str, str]) -> None:
    *path, last = point["name"].split(".")
    holder: Any = module
    for step in path:
        holder = getattr(holder, step)
    setattr(holder, last, _armed(getattr(holder, last), point))


class _Finder(importlib.abc.MetaPathFinder):
    """Arms the point as soon as its module has been read."""

    def __init__(self, point: dict[str, str]) -> None:
        self._point = point

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._point["module"]:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        assert spec is not None
        loader: Any = spec.loader
        read = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            read(module)
            _arm(module, self._point)

        loader.exec_module = exec_module
        return spec


def _begin() -> None:
    point = json.loads((_FOLDER / "point").read_text())
    logging.basicConfig(level=logging.DEBUG)
    if point["who"] in " ".join(sys.orig_argv):
        sys.meta_path.insert(0, _Finder(point))


if __name__ == "sitecustomize":
    _begin()
