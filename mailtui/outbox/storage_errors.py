"""Owns what SQLite's errors mean to a person who has an outbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from mailtui.errors import DiskFailure, OutboxBusy, OutboxError, OutboxFull

# A quota or a limit on the size of files; SQLite tells only ENOSPC apart.
_NO_ROOM = (apsw.SQLITE_IOERR_WRITE, apsw.SQLITE_IOERR_SHMSIZE, apsw.SQLITE_IOERR_TRUNCATE)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into errors a person can act on."""
    try:
        yield
    except apsw.BusyError:
        raise OutboxBusy(str(path)) from None
    except apsw.FullError as error:
        raise OutboxFull(str(path), reason=str(error)) from error
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise OutboxError(
            f"{path} is not a readable outbox: it is damaged, or another kind of file",
            detail=str(error),
            hint="It was left as it is. Restore a backup of it, or use another: --outbox sqlite:///PATH\n"
            f"A backup put in its place must not find the old one's log beside it: {path}-wal",
        ) from error
    except (apsw.CantOpenError, apsw.PermissionsError, apsw.ReadOnlyError) as error:
        raise OutboxError(
            f"The outbox {path} cannot be opened",
            detail=str(error),
            hint="Check that the folder exists and is yours, or use another: --outbox sqlite:///PATH",
        ) from error
    except apsw.IOError as error:
        if getattr(error, "extendedresult", None) in _NO_ROOM:
            raise OutboxFull(str(path), reason=f"the disk refused a write ({error})") from error
        raise DiskFailure(str(path), reason=str(error)) from error
    except OSError as error:
        raise OutboxError(
            f"The outbox {path} cannot be opened",
            detail=str(error.strerror or error),
            hint="Check that the folder exists and is yours, or use another: --outbox sqlite:///PATH",
        ) from error
