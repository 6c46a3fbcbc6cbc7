"""Owns the private key for DKIM that lies in a file: nobody but its owner may be able to read it."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from pathlib import Path

from mailtui.message.dkim import DkimKeyProblem

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_MOST = 64 * 1024


def read_key_file(file: Path) -> bytes:
    """What the file holds, PEM text or not. Raises `DkimKeyProblem` where it cannot be read, or others may read it."""
    try:
        if not stat.S_ISREG(file.stat().st_mode):  # a pipe would be waited for
            raise OSError(errno.EINVAL, "it is no file")
        with file.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            found = stream.read(_MOST)
    except OSError as error:
        raise DkimKeyProblem(
            f"The key for DKIM cannot be read: {error.strerror}",
            detail=str(file),
            hint="Name the file that has it in the settings (dkim: {key: FILE}), or make a key: "
            "mailtui accounts dkim ACCOUNT --make rsa",
        ) from None
    if os.name != "nt" and mode & _OTHERS:  # Windows has no such bits, and says 0666 of every file
        raise DkimKeyProblem(
            "The key for DKIM can be read by others, who could sign in your name",
            detail=f"{file} (mode {stat.S_IMODE(mode):04o})",
            hint=f"chmod 600 {shlex.quote(str(file))}",
        )
    return found
