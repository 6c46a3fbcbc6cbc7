"""Owns what kind of place a folder is: on this machine's disk, on a share, or in a folder that a cloud service copies.

SQLite's locks and its log need a disk of this machine: on a share two programs may both be told that they hold the
lock, and a service that copies files while they change copies halves (sqlite.org/howtocorrupt.html, section 2).
"""

from __future__ import annotations

import re
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")

_SHARES = {
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "afpfs", "afs", "9p", "ceph", "glusterfs", "lustre", "davfs", "webdav",
    "vboxsf", "prl_fs", "vmhgfs", "fuse.sshfs", "fuse.rclone", "fuse.s3fs", "fuse.glusterfs", "fuse.davfs2",
    "fuse.gvfsd-fuse", "fuse.vmhgfs-fuse", "fuse.cifs", "fuse.smbnetfs", "fuse.curlftpfs", "fuse.gcsfuse",
}  # fmt: skip
# As the services themselves name their folders; OneDrive adds the name of an organisation.
_CLOUD = re.compile(
    r"dropbox( \(.+\))?|onedrive( - .+)?|icloud ?drive|mobile documents|cloudstorage|google ?drive|my drive"
    r"|nextcloud\d*|owncloud|pcloud ?drive|box( sync)?|megasync|proton ?drive|seafile",
    re.IGNORECASE,
)
_ESCAPE = re.compile(r"\\([0-7]{3})")


def filesystem(folder: Path, *, mounts: Path = MOUNTS) -> str | None:
    """The kind of file system that a folder is on, as `mount` names it; None where the system does not tell."""
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    path = str(folder.resolve())
    best, kind = "", None
    for line in lines:
        # "36 35 98:0 /root /mnt rw,noatime master:1 - ext3 /dev/root rw" (proc(5), /proc/pid/mountinfo)
        left, _, right = line.partition(" - ")
        fields, details = left.split(" "), right.split(" ")
        if len(fields) < 5:
            continue
        point = _ESCAPE.sub(lambda found: chr(int(found.group(1), 8)), fields[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):  # of two mounts on one point the later one is seen
            best, kind = point, details[0]
    return kind


def risk(folder: Path, *, mounts: Path = MOUNTS) -> str | None:
    """Why a database that is written should not be kept in this folder, in half a sentence; None if it is well."""
    kind = filesystem(folder, mounts=mounts)
    if kind in _SHARES:
        return f"it is on a network share or a foreign disk ({kind}), where locks and syncs cannot be relied on"
    for part in folder.resolve().parts:
        if _CLOUD.fullmatch(part):
            return f"{part} looks like a folder that a cloud service copies while it is being written"
    return None
