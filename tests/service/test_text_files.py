"""A text file that is edited: nothing of it is lost, and nobody's change is written over unasked."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailtui.service.text_files import (
    ChangedMeanwhile,
    NotEditable,
    NotSaved,
    NotThere,
    has_changed,
    make_text,
    open_text,
    save_text,
)


def written(folder: Path, raw: bytes, name: str = "body.html") -> Path:
    path = folder / name
    path.write_bytes(raw)
    return path


def test_bom_line_ends_and_mode_stay(tmp_path: Path) -> None:
    path = written(tmp_path, "\ufeffone\r\ntwö\r\n\r\nfour".encode())
    path.chmod(0o640)
    file = open_text(path, tmp_path)
    assert file.text == "one\ntwö\n\nfour"
    saved = save_text(file, "one\ntwö!\nnew\n\nfour\n")
    assert path.read_bytes() == "\ufeffone\r\ntwö!\r\nnew\r\n\r\nfour\r\n".encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert not has_changed(saved)
    assert sorted(tmp_path.iterdir()) == [path]


def test_lines_that_end_otherwise_stay_where_nobody_wrote(tmp_path: Path) -> None:
    path = written(tmp_path, b"a\r\nb\nc\rd\ne\r\nf")
    file = save_text(open_text(path, tmp_path), "a\nb\nC\nC2\nd\ne\nf")
    assert path.read_bytes()[:5] == b"a\r\nb\n"
    assert path.read_bytes()[-5:] == b"\ne\r\nf"
    save_text(file, "f")
    assert path.read_bytes() == b"f"


@pytest.mark.parametrize("raw", [b"", b"\n", b"x", b"a\nb\n", b"\r\n", b"a\rb\r", b"a\r\nb\n\rc"])
def test_what_is_not_touched_is_the_same_to_the_byte(tmp_path: Path, raw: bytes) -> None:
    path = written(tmp_path, raw)
    file = open_text(path, tmp_path)
    save_text(file, file.text)
    assert path.read_bytes() == raw


def test_a_change_by_another_program_is_not_written_over(tmp_path: Path) -> None:
    path = written(tmp_path, b"one\n")
    file = open_text(path, tmp_path)
    assert not has_changed(file)
    state = path.stat()
    path.write_bytes(b"two\n")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    assert has_changed(file)
    with pytest.raises(ChangedMeanwhile, match="changed by another program"):
        save_text(file, "mine\n")
    assert path.read_bytes() == b"two\n"
    save_text(file, "mine\n", anyway=True)
    assert path.read_bytes() == b"mine\n"
    path.unlink()
    with pytest.raises(ChangedMeanwhile, match="was removed"):
        save_text(file, "mine\n")
    saved = save_text(file, "mine\n", anyway=True)
    assert path.read_bytes() == b"mine\n"
    os.utime(path)  # touched, and still the same
    assert not has_changed(saved)


def test_files_that_cannot_be_edited_say_why(tmp_path: Path) -> None:
    folder = tmp_path / "campaign"
    folder.mkdir()
    outside = written(tmp_path, b"x", "outside.txt")
    (folder / "link.txt").symlink_to(outside)
    (folder / "sub").mkdir()
    (folder / "gone.txt").symlink_to(folder / "nowhere")
    for path, error, said in (
        (folder / "link.txt", NotEditable, "outside the campaign's folder"),
        (folder / "sub", NotEditable, "a folder or device"),
        (folder / "none.txt", NotThere, "no file none.txt yet"),
        (folder / "gone.txt", NotThere, "no file gone.txt yet"),
        (written(folder, b"ok\n\xff", "latin.txt"), NotEditable, "not UTF-8"),
        (written(folder, b"x" * (1024 * 1024 + 1), "big.txt"), NotEditable, "larger than 1 MB"),
    ):
        with pytest.raises(error, match=said):
            open_text(path, folder)
    odd = open_text(written(folder, "a\nb\u2028c".encode(), "odd.txt"), folder)
    assert "line 2 has the character U+2028" in odd.locked


@pytest.fixture
def plain_users_folder() -> Iterator[Path]:
    """A folder of somebody who is not root, and this process as that one: root may write everything."""
    folder, me = Path(tempfile.mkdtemp()), os.geteuid()
    if me == 0:
        os.chown(folder, 65_534, -1)
        os.setresuid(65_534, 65_534, 0)
    try:
        yield folder
    finally:
        if me == 0:
            os.setresuid(0, 0, 0)
        folder.chmod(0o700)
        shutil.rmtree(folder)


def test_a_file_that_may_only_be_read_is_locked_and_stays(plain_users_folder: Path) -> None:
    folder = plain_users_folder
    path = written(folder, b"one")
    path.chmod(0o400)
    assert "not write it" in open_text(path, folder).locked
    path.chmod(0o600)
    file = open_text(path, folder)
    folder.chmod(0o500)
    assert "takes no new files" in open_text(path, folder).locked
    with pytest.raises(NotSaved):
        save_text(file, "two")
    assert path.read_bytes() == b"one"


def test_a_link_within_the_folder_is_written_through(tmp_path: Path) -> None:
    path = written(tmp_path, b"one")
    link = tmp_path / "link.html"
    link.symlink_to(path)
    save_text(open_text(link, tmp_path), "two")
    assert link.is_symlink()
    assert path.read_bytes() == b"two"


def test_a_missing_file_is_made_within_the_folder(tmp_path: Path) -> None:
    file = make_text(tmp_path / "parts" / "new.html", tmp_path)
    assert (file.text, file.path.read_bytes()) == ("", b"")
    assert make_text(tmp_path / "parts" / "new.html", tmp_path).text == ""
    with pytest.raises(NotEditable, match="outside"):
        make_text(tmp_path / ".." / "else.html", tmp_path)


def test_half_a_character_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    path = written(tmp_path, b"one")
    with pytest.raises(NotSaved, match="cannot be saved"):
        save_text(open_text(path, tmp_path), "a\n\ud800")
    assert path.read_bytes() == b"one"
