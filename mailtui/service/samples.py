"""Owns the sample campaign: finding the copy that ships with mailtui, and writing one for a person."""

from __future__ import annotations

import shutil
from pathlib import Path

import mailtui
from mailtui.errors import MailtuiError, UsageError

_NAME = "spring"


def sample_folder() -> Path:
    """The sample data that ships with this mailtui."""
    package = Path(mailtui.__file__).parent
    for folder in (package / "_sample_data", package.parent / "sample_data"):
        if folder.is_dir():
            return folder
    raise MailtuiError("The sample data is missing from this installation", hint="Install mailtui again.")


def write_sample(folder: Path) -> list[Path]:
    """Copy the sample campaign into a new or empty folder; the files written. Raises `UsageError`."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty", hint="Name a new folder; nothing is ever overwritten.")
    try:
        shutil.copytree(sample_folder() / _NAME, folder, dirs_exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written", detail=str(error.strerror or error)) from None
    return sorted(path for path in folder.rglob("*") if path.is_file())
