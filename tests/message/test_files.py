"""M-12: which files a mail may carry, what they are called, and that they are what was approved."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import socket
import time
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from mailtui.errors import TemplateError
from mailtui.message.enclosed import NAME_LIMIT, OwnParts, attachment_part, read_parts, safe_name
from mailtui.message.files import FileProblem, FileRef, find_file, read_file, refer_to, refusal
from mailtui.message.frozen import SharedFile
from mailtui.message.media_types import charset_of, image_type_of, media_type_of
from mailtui.message.mime import TransferEncoding
from mailtui.message.reference import self_check, wire_faults
from mailtui.message.rendered import RenderedMessage, RenderProblem
from mailtui.message.source import read_message
from mailtui.message.spec import MessageSpec
from mailtui.message.tree import FileView, describe
from tests.message.samples import DATE, body_text, compiled, encodings, header_text, recipient, source


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "campaign"
    (made / "invoices").mkdir(parents=True)
    (made / "invoices" / "1.pdf").write_bytes(b"%PDF-1.7 one")
    (made / "empty.txt").touch()
    (tmp_path / "secret.txt").write_text("nobody's business")
    (made / "out").symlink_to(tmp_path / "secret.txt")
    (made / "up").symlink_to(tmp_path)
    (made / "in").symlink_to(made / "invoices" / "1.pdf")
    (made / "loop").symlink_to(made / "loop")
    (made / "zero").symlink_to("/dev/zero")
    os.mkfifo(made / "fifo")
    return made


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../../etc/passwd", "outside the campaign folder"),
        ("../secret.txt", "outside the campaign folder"),
        ("/etc/passwd", "outside the campaign folder"),
        ("out", "outside the campaign folder"),
        ("up/secret.txt", "outside the campaign folder"),
        ("zero", "outside the campaign folder"),
        ("~/.ssh/id_rsa", "is not there"),
        ("~root/x", "is not there"),
        ("invoices", "a folder, not a file"),
        ("fifo", "no plain file"),
        ("loop", "cannot be read"),
        ("", "no file"),
        (" \n", "no file"),
        ("a\0b", "no file"),
        ("half \ud800", "no file name"),
        ("x" * 300, "too long"),
        ("invoices/1.pdf\n", "is not there"),
        ('in"voice;.pdf', "is not there"),
        ("📎.pdf", "is not there"),
        ("חשבונית.pdf", "is not there"),
    ],
)
def test_m12_no_other_file_than_one_of_the_campaigns_folder(folder: Path, name: str, said: str) -> None:
    with pytest.raises(FileProblem, match=said) as caught:
        find_file(folder, name)
    assert str(caught.value).isprintable()


def test_m12_a_file_in_the_folder_is_found_by_links_that_stay_in_it(folder: Path) -> None:
    real = folder / "invoices" / "1.pdf"
    for name in ("invoices/1.pdf", "in", "invoices/../invoices/1.pdf", str(real)):
        assert find_file(folder, name) == real
    assert find_file(folder, "empty.txt").stat().st_size == 0
    with pytest.raises(FileProblem, match="larger than 0 MB"):
        find_file(folder, "in", limit=5)


def test_m12_an_unreadable_file_is_told(folder: Path) -> None:
    """In a child that is nobody, since root reads everything."""
    (folder / "in").resolve().chmod(0)
    said, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.chdir(folder)  # the folders above are the user's own
            if os.geteuid() == 0:
                os.chmod(".", 0o755)
                os.setuid(65534)
            find_file(Path(), "invoices/1.pdf")
        except FileProblem as problem:
            os.write(tell, str(problem).encode())
        finally:
            os._exit(0)
    os.close(tell)
    with open(said, "rb") as answer:
        assert answer.read() == b"invoices/1.pdf cannot be read: Permission denied"
    os.waitpid(child, 0)


def test_m12_a_socket_is_no_file(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as taken:
        os.chdir(tmp_path)  # a path of a socket is short
        taken.bind("s")
        with pytest.raises(FileProblem, match="no plain file"):
            find_file(tmp_path, "s")


def test_m12_a_file_is_what_was_approved_or_is_not_sent(folder: Path) -> None:
    path = folder / "invoices" / "1.pdf"
    ref = refer_to(path, "Invoice 1.pdf")
    assert ref == FileRef(str(path), "Invoice 1.pdf", hashlib.sha256(b"%PDF-1.7 one").hexdigest(), 12)
    assert read_file(ref) == b"%PDF-1.7 one"
    path.write_bytes(b"%PDF-1.7 two")
    changed = r"^attachment changed: Invoice 1\.pdf$"
    with pytest.raises(FileProblem, match=changed):
        read_file(ref)
    path.write_bytes(b"%PDF-1.7 one and more")
    with pytest.raises(FileProblem, match=changed):
        read_file(ref)
    path.unlink()
    with pytest.raises(FileProblem, match=changed):
        read_file(ref)
    os.mkfifo(path)  # nobody waits for whoever writes into it
    began = time.monotonic()
    with pytest.raises(FileProblem, match=changed):
        read_file(ref)
    assert time.monotonic() - began < 5
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(FileProblem, match=changed):
        read_file(ref)
    with pytest.raises(FileProblem, match=r"^x\.pdf is not there$"):
        read_file(refusal("x.pdf is not there"))


def test_m12_files_that_many_get_are_kept_and_their_bytes_are_bounded(folder: Path) -> None:
    parts = OwnParts()
    refs = []
    for number in range(6):
        path = folder / f"{number}.bin"
        path.write_bytes(bytes([number]) * 4_400_000)
        refs.append(refer_to(path, path.name))
        parts.of(refs[-1])
    assert not parts._kept, "one that a single recipient has takes no room"
    for ref in refs:
        parts.of(ref)
    assert len(parts._kept) == 5
    assert sum(map(len, parts._kept.values())) == parts._bytes <= 32 * 1024 * 1024
    (folder / "5.bin").unlink()
    assert parts.of(refs[5]).endswith(b"\r\n")
    (folder / "0.bin").unlink()
    with pytest.raises(FileProblem):
        parts.of(refs[0])


def test_m12_what_was_read_ahead_is_not_read_again(folder: Path) -> None:
    path = folder / "invoices" / "1.pdf"
    ref, gone = refer_to(path, "1.pdf"), refer_to(path, "gone.pdf")._replace(path=str(folder / "gone"))
    parts = OwnParts()
    assert parts.unread([ref, gone]) == [ref, gone]
    parts.bring(read_parts([ref, gone]))
    assert parts.unread([ref, gone]) == []
    path.unlink()
    assert parts.of(ref) == attachment_part("1.pdf", b"%PDF-1.7 one")
    for _ in range(2):
        with pytest.raises(FileProblem, match=r"^attachment changed: gone\.pdf$"):
            parts.of(gone)


@settings(max_examples=40)
@given(header_text)
@example("../../etc/passwd")
@example("C:\\temp\\report.doc")
@example("invoice\u202efdp.exe")
@example("a\nb\r\nBcc: x@evil.test")
@example('q"uo;te\\.pdf')
@example("é" * 300 + ".pdf")
@example("")
@example('""')
@example("<a>")
def test_m12_m04_a_name_of_any_script_reads_as_it_was_meant(name: str) -> None:
    shown = safe_name(name)
    assert shown.isprintable() or any(character >= "\u00a0" for character in shown)
    assert not {"/", "\\", "\n", "\r", "\u202e", '"', "<"} & set(shown)
    assert 0 < len(shown.encode()) <= NAME_LIMIT
    part = attachment_part(name, b"Zo\xc3\xab")
    assert max(map(len, part.split(b"\r\n"))) <= 79
    read = message_from_bytes(part, policy=default)
    assert read.get_filename() == shown
    assert read["Content-Type"].params["name"] == " ".join(shown.split())
    assert read["Content-Disposition"].defects == ()
    assert read.get_payload(decode=True) == b"Zo\xc3\xab"
    assert wire_faults(part) == []


def test_media_types_come_from_the_name_else_from_the_content() -> None:
    assert media_type_of("Bericht.PDF") == "application/pdf"
    assert media_type_of("mail.eml") == "application/octet-stream", "a message in base64 is against RFC 2046"
    assert media_type_of("invoice", b"%PDF-1.4") == "application/pdf"
    assert media_type_of("what", b"\0\1") == "application/octet-stream"
    assert charset_of("Zoë".encode()) == "utf-8"
    assert charset_of("Zoë".encode("utf-16")) == "utf-16"
    assert charset_of("Zoë".encode("cp1252")) is None
    assert image_type_of(b"RIFF1234WEBPVP8 ") == "image/webp"
    assert image_type_of(b"<?xml version='1.0'?>\n<svg xmlns='x'/>") == "image/svg+xml"
    assert image_type_of(b"<html><svg>") is None
    assert image_type_of(b"%PDF-1.4") is None


_DATA = st.one_of(st.binary(max_size=300), st.just(b"\r\n.\r\n--=_" * 9), st.text(max_size=60).map(str.encode))
_FILES = st.lists(st.tuples(header_text, _DATA), max_size=2)


@settings(max_examples=15, phases=[Phase.explicit, Phase.generate])
@given(
    text=st.none() | body_text, html=st.none() | body_text, images=_FILES, files=_FILES, own=_FILES, encoding=encodings
)
def test_m01_m04_a_mail_with_files_is_what_the_standard_library_makes_of_them(
    tmp_path_factory: pytest.TempPathFactory,
    text: str | None,
    html: str | None,
    images: list[tuple[str, bytes]],
    files: list[tuple[str, bytes]],
    own: list[tuple[str, bytes]],
    encoding: TransferEncoding,
) -> None:
    if text is None and html is None:
        text = ""
    shared = [
        SharedFile("x", safe_name(name), "image/png", str(at), data, cid=f"{at}@images")
        for at, (name, data) in enumerate(images if html is not None else ())
    ]
    shared += [SharedFile("x", safe_name(name), media_type_of(name, data), "0", data) for name, data in files]
    refs = []
    for at, (name, data) in enumerate(own):
        path = tmp_path_factory.getbasetemp() / f"own{at}"
        path.write_bytes(data)
        refs.append(refer_to(path, name))
    message = compiled(
        dataclasses.replace(
            source(text=None if text is None else "{{ body }}", html=None if html is None else "{{ body|safe }}"),
            files=tuple(shared),
        )
    )
    one = recipient(body=(text if html is None else html) or "")
    assert self_check(message, one, date=DATE, encoding=encoding, files=refs) == []


def test_m12_a_changed_file_fails_its_mail_with_a_sentence(folder: Path) -> None:
    message = compiled(source(text="Hello\n"))
    refs = [refer_to(folder / "invoices" / "1.pdf", "Invoice.pdf")]
    first = message.render(recipient(), date=DATE, encoding=TransferEncoding.EIGHT_BIT, files=refs)
    assert isinstance(first, RenderedMessage)
    assert describe(first.data).files == (FileView("Invoice.pdf", "application/pdf", 12),)
    again = compiled(source(text="Hello\n")).render(
        recipient(), date=DATE, encoding=TransferEncoding.EIGHT_BIT, files=refs
    )
    assert again == first, "retry and resend have the same bytes"
    (folder / "invoices" / "1.pdf").write_bytes(b"%PDF-1.7 two")
    other = compiled(source(text="Hello\n")).render(
        recipient(), date=DATE, encoding=TransferEncoding.EIGHT_BIT, files=refs
    )
    assert isinstance(other, RenderProblem)
    assert other.reason == "attachment changed: Invoice.pdf"


def _spec(**keys: object) -> MessageSpec:
    return MessageSpec.model_validate({"from": "A <a@acme.test>", "subject": "Hi", "text": "body.txt", **keys})


def test_m12_attachments_of_every_mail_are_read_once_and_what_cannot_be_is_told_by_its_place(folder: Path) -> None:
    (folder / "body.txt").write_text("Hello\n")
    found = read_message(_spec(attachments=["in", {"path": "invoices/1.pdf", "name": "Rechnung.pdf"}]), folder, "c")
    assert [(file.name, file.media_type, file.data) for file in found.files] == [
        ("in", "application/pdf", b"%PDF-1.7 one"),
        ("Rechnung.pdf", "application/pdf", b"%PDF-1.7 one"),
    ]
    with pytest.raises(TemplateError) as caught:
        read_message(_spec(attachments=["in", "no.pdf", "out", "{{ x }}.pdf", "fifo"]), folder, "c")
    assert [(item.place.key, item.message) for item in caught.value.problems] == [
        ("attachments.1", "no.pdf is not there."),
        ("attachments.2", "out is outside the campaign folder."),
        ("attachments.4", "fifo is no plain file."),
    ]
    (folder / "big.bin").write_bytes(bytes(700_000))
    (folder / "more.bin").write_bytes(bytes(700_000))
    with pytest.raises(TemplateError, match=r"1\.3 MB, more than the 1 MB allowed"):
        read_message(_spec(attachments=["big.bin", "more.bin"], attachment_limit=1), folder, "c")
