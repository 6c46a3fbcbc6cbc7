"""Flags on addresses that rarely belong in a mailing: roles, throw-away mailboxes, mistyped domains (A5)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mailtui.audience.address import parse_address
from mailtui.audience.domain_lists import SHIPPED, read_list
from mailtui.audience.hygiene import BAD_DOMAIN, DISPOSABLE, ROLE, Hygiene, kinds_of
from mailtui.audience.reach import Reach
from mailtui.errors import ConfigError


@pytest.fixture(scope="module")
def shipped() -> Hygiene:
    return Hygiene.read(None)


@pytest.mark.parametrize(
    ("address", "flags"),
    [
        ("ann@example.com", 0),
        ("ann@acme.test", 0),
        ("ann@printer.local", 0),
        ("ann@gmail.com", 0),
        ("informant@example.com", 0),
        ("info@example.com", ROLE),
        ("Info@example.com", ROLE),
        ("info+spring@example.com", ROLE),
        ("+info@example.com", 0),
        ("ann@mailinator.com", DISPOSABLE),
        ("ann@inbox.mailinator.com", DISPOSABLE),
        ("ann@mailinator.com.acme.test", 0),
        ("ann@outlok.com", BAD_DOMAIN),
        ("ann@gmial.com", BAD_DOMAIN),  # though throw-away addresses are handed out there too
        ("ann@acme.invalid", BAD_DOMAIN),
        ("ann@acme.con", BAD_DOMAIN),
        ("no-reply@acme.con", ROLE | BAD_DOMAIN),
    ],
)
def test_a5_what_is_flagged(shipped: Hygiene, address: str, flags: int) -> None:
    assert shipped.flags(parse_address(address).key) == flags


def test_a5_the_reason_says_what_was_probably_meant(shipped: Hygiene) -> None:
    assert shipped.reason("ann@outlok.com", BAD_DOMAIN) == "outlok.com is probably outlook.com"
    assert shipped.reason("ann@acme.con", BAD_DOMAIN) == "acme.con is probably acme.com"
    assert shipped.reason("ann@acme.invalid", BAD_DOMAIN) == "acme.invalid can never receive mail"
    assert shipped.reason("ann@x.mailinator.com", DISPOSABLE) == "x.mailinator.com hands out throw-away addresses"
    assert shipped.reason("Info+x@acme.test", ROLE) == "info@ is the address of a task, not of a person"


def test_a5_what_is_probably_meant_is_never_flagged_itself(shipped: Hygiene) -> None:
    found = read_list(SHIPPED / "bad-domains.txt")
    assert found is not None
    assert len({entry.text for entry in found.entries}) == len(found.entries)
    for entry in found.entries:
        if entry.meant:
            assert shipped.flags(f"ann@{'acme' if entry.meant.startswith('.') else ''}{entry.meant}") == 0, entry


def test_a5_own_files_add_and_take_out(tmp_path: Path) -> None:
    (tmp_path / "role.txt").write_text("\ufeff# ours\nwerkstatt\n-info\n", encoding="utf-8")
    (tmp_path / "disposable.txt").write_text("WEGWERF.example # seen in May\n-mailinator.com\n", encoding="utf-8")
    (tmp_path / "bad-domains.txt").write_text(
        "acmee.test acme.test\nbücher.example\n-acme.con\n-yopmail.com\n.lan .test\n.co.ukk .co.uk\n-gmial.com\n",
        encoding="utf-8",
    )
    own = Hygiene.read(tmp_path)
    assert own.flags("werkstatt@acme.test") == ROLE
    assert own.flags("info@acme.test") == 0
    assert own.flags("ann@a.wegwerf.example") == DISPOSABLE
    assert own.flags("ann@mailinator.com") == own.flags("ann@x.mailinator.com") == 0
    assert own.flags("ann@acmee.test") == BAD_DOMAIN
    assert own.reason("ann@acmee.test", BAD_DOMAIN) == "acmee.test is probably acme.test"
    assert own.flags(parse_address("ann@bücher.example").key) == BAD_DOMAIN
    assert (own.flags("ann@acme.con"), own.flags("ann@other.con")) == (0, BAD_DOMAIN)
    assert own.flags("ann@yopmail.com") == DISPOSABLE, "taking it out of one list is not taking it out of the other"
    assert own.reason("ann@desk.lan", BAD_DOMAIN) == "desk.lan is probably desk.test"
    assert own.reason("ann@acme.co.ukk", BAD_DOMAIN) == "acme.co.ukk is probably acme.co.uk"
    assert own.flags("ann@gmial.com") == DISPOSABLE, "no slip any more, and a throw-away domain still"
    assert [found.path.name for found in own.files] == ["role.txt", "disposable.txt", "bad-domains.txt"]


def test_a5_mistakes_in_own_files_are_told_with_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "bad-domains.txt"
    path.write_text(
        "acmee.test acme.test\n\nann@acme.test\n*.acme.test\na b c\n-\n-a b\nno_/domain\n", encoding="utf-8"
    )
    with pytest.raises(ConfigError) as caught:
        Hygiene.read(tmp_path)
    assert [problem.place.line for problem in caught.value.problems] == [3, 4, 5, 6, 7, 8]
    assert f"{path}:3: 'ann@acme.test' is an address; write the domain alone, acme.test." in caught.value.detail
    path.unlink()
    (tmp_path / "role.txt").write_text("info@acme.test\n", encoding="utf-8")
    (tmp_path / "disposable.txt").write_bytes(b"acme.test\nw\xfcrfel.test\n")
    with pytest.raises(ConfigError, match=r"role\.txt"):
        Hygiene.read(tmp_path)
    (tmp_path / "role.txt").unlink()
    with pytest.raises(ConfigError) as caught:
        Hygiene.read(tmp_path)
    assert [problem.place.line for problem in caught.value.problems] == [2]


def test_a5_another_list_has_another_digest(tmp_path: Path, shipped: Hygiene) -> None:
    assert Hygiene.read(tmp_path).digest == shipped.digest
    (tmp_path / "role.txt").write_text("werkstatt\n", encoding="utf-8")
    reach = Reach(tmp_path)
    known, own = reach.hygiene, Hygiene.read(tmp_path).digest
    assert known is reach.hygiene and known.flags("werkstatt@acme.test") == ROLE
    assert own != shipped.digest
    (tmp_path / "role.txt").rename(tmp_path / "disposable.txt")
    assert Hygiene.read(tmp_path).digest not in (own, shipped.digest)
    assert reach.hygiene.flags("werkstatt@acme.test") == 0, "what a person changes counts at once"


def test_a5_ten_thousand_domains_are_loaded_for_the_first_row_only(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom mailtui.audience.hygiene import Hygiene\nfound = Hygiene.read(None)\n"
        "found.reason('a@acme.con', 4)\nbefore = 'disposable_email_domains' in sys.modules\n"
        "found.flags('a@acme.test')\nprint(before, 'disposable_email_domains' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["False", "True"], done.stderr


def test_a5_names_of_flags() -> None:
    assert kinds_of(0) == frozenset()
    assert kinds_of(ROLE | BAD_DOMAIN) == {"role", "bad_domain"}
