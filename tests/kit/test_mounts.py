"""S-09: shares and folders of cloud services are known for what they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailtui.kit.mounts import filesystem, risk

MOUNTS = r"""
22 1 0:21 / / rw,relatime - ext4 /dev/vda rw
23 22 0:22 / /srv/nfs rw shared:1 master:2 - nfs4 server:/export rw
24 22 0:23 / /srv/smb\040share rw - cifs //server/share rw
25 22 0:24 / /home/ann/far rw - fuse.sshfs ann@host: rw
26 23 0:25 / /srv/nfs/local rw - tmpfs tmpfs rw
broken line
""".strip()


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    file = tmp_path / "mountinfo"
    file.write_text(MOUNTS)
    return file


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/", "ext4"),
        ("/srv/nfs", "nfs4"),
        ("/srv/nfs/a/b", "nfs4"),
        ("/srv/nfsx", "ext4"),
        ("/srv/nfs/local/a", "tmpfs"),
        ("/srv/smb share/x", "cifs"),
        ("/home/ann/far", "fuse.sshfs"),
    ],
)
def test_s09_the_kind_of_disk_a_folder_is_on(mounts: Path, folder: str, kind: str) -> None:
    assert filesystem(Path(folder), mounts=mounts) == kind
    danger = risk(Path(folder), mounts=mounts)
    assert (danger is not None and kind in danger) == (kind not in ("ext4", "tmpfs"))


@pytest.mark.parametrize(
    "folder",
    [
        "/home/ann/Dropbox/mail", "/home/ann/OneDrive - Acme/x", "/Users/ann/Library/Mobile Documents/x",
        "/Users/ann/Library/CloudStorage/Box-Box", "/home/ann/Nextcloud", "/home/ann/Google Drive/x",
    ],
)  # fmt: skip
def test_s09_a_folder_that_a_cloud_service_copies(mounts: Path, folder: str) -> None:
    assert "cloud service" in str(risk(Path(folder), mounts=mounts))


def test_s09_other_folders_are_left_in_peace(mounts: Path) -> None:
    for folder in ("/home/ann/boxes", "/home/ann/my onedrive notes", "/var/lib/mailtui"):
        assert risk(Path(folder), mounts=mounts) is None


def test_s09_where_the_system_does_not_tell_only_names_count(tmp_path: Path) -> None:
    assert filesystem(tmp_path, mounts=tmp_path / "none") is None
    assert risk(tmp_path, mounts=tmp_path / "none") is None
    assert risk(tmp_path / "Dropbox", mounts=tmp_path / "none") is not None


def test_this_machine_tells_something() -> None:
    if Path("/proc/self/mountinfo").exists():
        assert filesystem(Path("/"))
