"""Dry runs and tests (B7, B8): mails of all or some rows in files, one to an own address, and no server is called."""

from __future__ import annotations

import mailbox
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

import pytest

from mailtui.message.rendered import RenderedMessage
from mailtui.service.dry_run import Rows, parse_rows
from mailtui.service.mailbox import EmlFolder, Mbox
from tests.cli.program import Mailtui, Oracle

PEOPLE = [
    "email,first_name,city,invoice,boss",
    "ann@example.com,Ann,London,1.pdf,",
    "bob@example.com,Bob,Paris,,chief@example.com",
    "bad address,Cleo,Rome,,",
    "dan@example.com,Dan,Oslo,gone.pdf,",
    "eve@example.com,Eve,Rome,,",
]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server that only listens; whoever connected stands in its queue."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        yield server


def connected(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def campaign_with_files(mailtui: Mailtui, port: int) -> Path:
    columns = {"attachment": "invoice", "cc": "boss"}
    path = mailtui.campaign(
        PEOPLE, port=port, attachments=["terms.txt"], audience={"source": "contacts.csv", "columns": columns}
    )
    folder = path if path.is_dir() else path.parent
    (folder / "terms.txt").write_text("From now on\nall is free.\n")
    (folder / "1.pdf").write_bytes(b"%PDF-1.4 invoice of Ann")
    return path


def read(data: bytes) -> EmailMessage:
    message = BytesParser(policy=policy.default).parsebytes(data)
    assert isinstance(message, EmailMessage)
    return message


def attached(message: EmailMessage) -> dict[str | None, bytes]:
    return {part.get_filename(): part.get_payload(decode=True) for part in message.iter_attachments()}  # type: ignore[misc]


def test_b8_all_or_some_rows_with_their_files_and_what_is_wrong_is_told(
    mailtui: Mailtui, listener: socket.socket
) -> None:
    campaign = campaign_with_files(mailtui, listener.getsockname()[1])
    whole = mailtui.call("render", campaign, "--out", "all", "--json")
    assert whole.code == 3
    assert (whole.json["rendered"], whole.json["failed"]) == (3, 1)
    [problem] = whole.json["problems"]
    assert (problem["row"], problem["address"]) == (4, "dan@example.com")
    assert "gone.pdf is not there" in problem["reason"] and "row 4 (dan@example.com): " in whole.err
    files = sorted((mailtui.folder / "all").iterdir())
    copy = "000002-copy-1-chief@example.com.eml"
    assert [path.name[:-16] for path in files] == ["000001-ann", "000002-bob", "000002-copy-1-chief", "000005-eve"]
    assert (whole.json["copies"], files[1].read_bytes()) == (1, (mailtui.folder / "all" / copy).read_bytes())
    ann, bob, _, _ = (read(path.read_bytes()) for path in files)
    assert attached(ann) == {"terms.txt": b"From now on\nall is free.\n", "1.pdf": b"%PDF-1.4 invoice of Ann"}
    assert (list(attached(bob)), bob["Cc"]) == (["terms.txt"], "chief@example.com")

    for command, options, subjects in (
        (["run", "--dry-run"], ["--row", "2"], ["Bob", "Bob"]),
        (["render"], ["--rows", "-3", "--limit", "2"], ["Ann", "Bob", "Bob"]),
    ):
        name = f"{command[0]}.mbox"
        done = mailtui.call(*command, campaign, "--out", name, *options)
        assert done.code == 0, done.err
        found = [str(message["subject"]).partition(",")[0] for message in mailbox.mbox(mailtui.folder / name)]
        assert found == subjects
    assert not connected(listener) and not mailtui.home.outbox_file.exists()


def test_b8_a_dry_run_writes_the_mails_that_the_launch_then_sends(mailtui: Mailtui, sandbox: Oracle) -> None:
    people = [
        *("email,first_name,city,boss", "ann@example.com,Ann,Rome,", "bob@example.com,Bob,Rome,chief@example.com"),
        *("cleo@example.com,Cleo,Rome,chief@example.com", "dan@example.com,Dan,Oslo,", "eve@gone.example,Eve,Oslo,"),
        "fay@example.com,Fay,Oslo,ANN@example.com; left@example.com; 花子@example.com; 太郎@example.com",
    ]
    audience = {"source": "contacts.csv", "columns": {"cc": "boss"}, "suppress": ["left.csv"]}
    campaign = mailtui.campaign(people, port=sandbox.port, audience=audience)
    folder = campaign if campaign.is_dir() else campaign.parent
    (folder / "left.csv").write_text("email\nleft@example.com\n")
    assert mailtui.call("suppress", "add", "Cleo@example.com", "@gone.example").code == 0
    dry = mailtui.call("run", campaign, "--dry-run", "--out", "all", "--json")
    assert dry.code == 0
    assert [dry.json[name] for name in ("rendered", "copies", "suppressed", "failed")] == [4, 4, 4, 0]
    written = {path.name[7:-4]: read(path.read_bytes()) for path in (mailtui.folder / "all").iterdir()}

    assert mailtui.call("run", campaign, "--yes").code == 0
    sent = {entry["rcpt_to"][0]: read(sandbox.bytes_of(entry)) for entry in sandbox.entries}
    plain = {re.sub(r"[^\x00-\x7f]", "_", address) for address in sent}
    assert {re.sub(r"^copy-\d-", "", name) for name in written} == plain
    assert len(written) == len(sandbox.entries) == 8, "nobody is missing, and two names that look alike are two"
    for name in ("ann@example.com", "bob@example.com"):
        one, other = written[name], sent[name]
        assert (one["Subject"], one["Cc"], one.get_content()) == (other["Subject"], other["Cc"], other.get_content())

    asked = mailtui.call("render", campaign, "--row", "3", "--out", "one.mbox", "--json")
    assert (asked.json["rendered"], asked.json["copies"]) == (1, 0), "who is suppressed has no copies sent either"
    assert asked.json["despite"].startswith("on the suppression list")
    nobody = mailtui.call("render", campaign, "--rows", "5-5", "--filter", 'city == "Rome"', "--out", "no.mbox")
    assert nobody.code == 2 and not (mailtui.folder / "no.mbox").exists(), "an empty file would be in the way"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["render", "c", "--out", "x", "--rows", "5-2"], "'5-2' says no rows"),
        (["render", "c", "--out", "x", "--rows", "two"], "'two' says no rows"),
        (["render", "c", "--out", "x", "--rows", "-"], "'-' says no rows"),
        (["render", "c", "--out", "x", "--row", "1", "--rows", "1-2"], "contradict each other"),
        (["render", "c", "--out", "x", "--row", "3"], "Nobody gets a mail for row 3"),
        (["render", "c", "--out", "x.mbox", "--rows", "7-9"], "Nobody in rows 7 to 9 gets a mail"),
        (["run", "c", "--row", "1", "--yes"], "are for a dry run"),
        (["run", "c", "--out", "x", "--yes"], "are for a dry run"),
        (["render", "c", "--out", "c"], "c is not empty"),
    ],
)
def test_b8_rows_that_are_none_are_refused(mailtui: Mailtui, arguments: list[str], said: str) -> None:
    mailtui.campaign(PEOPLE, port=9)
    ended = mailtui.call(*arguments)
    assert (ended.code, ended.out) == (2, "") and said in ended.err


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        *(("", Rows()), ("7", Rows(7, 7)), ("5-20", Rows(5, 20)), (" 5 - 20 ", Rows(5, 20)), ("5-", Rows(5))),
        *(("-20", Rows(1, 20)), ("3-3", Rows(3, 3))),
    ],
)
def test_b8_rows_as_people_say_them(text: str, rows: Rows) -> None:
    assert parse_rows(text) == rows


def rendered(data: bytes, sender: str = "news@acme.test") -> RenderedMessage:
    return RenderedMessage(sender, "x@example.com", "<1@acme.test>", "s", None, None, data)


def test_b8_an_mbox_gives_back_every_line_as_it_was(tmp_path: Path) -> None:
    lines = ["From: a@b.test", "", "From here", ">From there", ">>From both", " From no", "From", "fRom", "end"]
    data = "\r\n".join([*lines, ""]).encode()
    with (tmp_path / "x.mbox").open("wb") as stream:
        box = Mbox(stream, "x.mbox")
        for sender in ("news@acme.test", "", '"a b"@acme.test'):
            box.add(1, "a@b.test", rendered(data, sender), copy=int(not sender))
    written = (tmp_path / "x.mbox").read_bytes()
    first = [line.split()[1] for line in written.split(b"\n") if line.startswith(b"From ")]
    assert first == [b"news@acme.test", b"MAILER-DAEMON", b'"a_b"@acme.test']
    form = r"From \S+ \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}( copy to a@b.test)?"
    whole = [re.fullmatch(form, line.decode()) for line in written.split(b"\n") if line.startswith(b"From ")]
    assert [found is not None and bool(found.group(1)) for found in whole] == [False, True, False]
    messages = list(mailbox.mbox(tmp_path / "x.mbox"))
    assert len(messages) == 3 and messages[1].get_from().endswith(" copy to a@b.test")
    for message in messages:
        back = re.sub(rb"^>(>*From )", rb"\1", message.as_bytes(), flags=re.MULTILINE)
        assert back.replace(b"\n", b"\r\n").strip() == data.strip()


@pytest.mark.parametrize(
    "address",
    [
        *("../../../etc/passwd", "a/b\\c:d*e?f<g>h|i@example.com", "x" * 500 + "@example.com", "日本@example.com"),
        *("-rf@example.com", "con", "a\0b\n@example.com", "%2e%2e@example.com", "trailing. ", "👩‍🔬@example.com", ""),
    ],
)
def test_b8_any_address_makes_a_file_name_in_the_folder_itself(tmp_path: Path, address: str) -> None:
    folder = tmp_path / "mails"
    sink = EmlFolder(folder)
    for row in (1, 2):
        sink.add(row, address, rendered(b"x"))
    names = sorted(path.name for path in folder.iterdir())
    assert [re.fullmatch(r"00000[12]-[A-Za-z0-9@._+-]{0,80}\.eml", name) is not None for name in names] == [True, True]
    assert list(tmp_path.iterdir()) == [folder]


COMMANDS = """
import socket, sys
from mailtui.cli.main import run
for command in ("render c --out mails.mbox", "preview c --row 2", "check c", "run c --dry-run"):
    code = run(command.split())
    assert code in (0, 3), command
socket.create_connection(("127.0.0.1", int(sys.argv[1])))
"""


def test_b8_no_socket_to_the_servers_of_the_audience_is_opened(mailtui: Mailtui, listener: socket.socket) -> None:
    """As the kernel saw it: four commands with all their children, and behind them one connection that is one."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("there is no strace to look at the system calls with")
    port = listener.getsockname()[1]
    campaign_with_files(mailtui, port)
    trace = mailtui.folder / "trace"
    ended = subprocess.run(
        [
            *(strace, "-f", "--seccomp-bpf", "-e", "trace=connect,sendto,sendmsg,execve", "-o", str(trace)),
            *(sys.executable, "-c", COMMANDS, str(port)),
        ],
        cwd=mailtui.folder,
        env=mailtui.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    if "ptrace" in ended.stderr and ended.returncode:
        pytest.skip(f"this system lets nobody trace: {ended.stderr.splitlines()[0]}")
    assert ended.returncode == 0, ended.stderr
    [only] = calls_to_the_net(trace)
    assert f"sin_port=htons({port})" in only, "a connection is seen, and none but the one behind the commands"
    lines = trace.read_text("utf-8", "replace").splitlines()
    assert sum("execve(" in line for line in lines) > 4, "their children were looked at, too"
    assert connected(listener) and not connected(listener)


def calls_to_the_net(trace: Path) -> list[str]:
    """Connects, and datagrams to an address, of any family but that of files."""
    return [
        line
        for line in trace.read_text("utf-8", "replace").splitlines()
        if "sa_family=" in line and "sa_family=AF_UNIX" not in line
    ]


def test_b7_a_test_has_everything_of_its_row_and_goes_to_one_address_only(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = campaign_with_files(mailtui, sandbox.port)
    for options in (["--row", "2"], ["--row", "1", "--mark"]):
        tested = mailtui.call("test", campaign, "--to", "me@acme.test", "--json", *options)
        assert (tested.code, tested.json["sent"]) == (0, True), tested.err
    assert [entry["rcpt_to"] for entry in sandbox.entries] == [["me@acme.test"]] * 2, "the envelope"
    bob, ann = (read(sandbox.bytes_of(entry)) for entry in sandbox.entries)
    assert (bob["To"], bob["Cc"], bob["Bcc"]) == ("me@acme.test", "chief@example.com", None)
    assert (bob["Subject"], ann["Subject"]) == ("Bob, news", "[Test] Ann, news")
    assert list(attached(bob)) == ["terms.txt"] and list(attached(ann)) == ["terms.txt", "1.pdf"]
    assert not mailtui.home.outbox_file.exists()


def test_b7_a_row_whose_file_is_missing_sends_no_test(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = campaign_with_files(mailtui, sandbox.port)
    ended = mailtui.call("test", campaign, "--to", "me@acme.test", "--row", "4")
    assert ended.code == 3 and "gone.pdf is not there" in ended.err and sandbox.entries == []


def test_b7_a_subject_of_the_rows_own_is_marked_too(mailtui: Mailtui, sandbox: Oracle) -> None:
    people = ["email,first_name,city,line", "ann@example.com,Ann,Rome,Own line"]
    audience = {"source": "contacts.csv", "columns": {"subject": "line"}}
    campaign = mailtui.campaign(people, port=sandbox.port, audience=audience)
    assert mailtui.call("test", campaign, "--to", "me@acme.test", "--mark").code == 0
    assert [read(sandbox.bytes_of(entry))["Subject"] for entry in sandbox.entries] == ["[Test] Own line"]
