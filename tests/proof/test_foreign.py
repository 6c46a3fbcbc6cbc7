"""The kills against real Postfix and real Exim, a few of each; in full by `python -m proof foreign`."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailtui.smtp.gear import Gear
from proof.foreign import Target, check_bodies, sieges
from proof.foreign_servers import Taken, foreign_servers, read_queue_file

BODY = """--{boundary}
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Dear {name},

spring is here.
.
..dots stay.

--{boundary}
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: 8bit

<p>Dear {name},</p>
<p>spring is here.</p>

--{boundary}--
"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("name", "gear", "window"),
    [("Postfix", Gear.CROSS, 1), ("Exim", Gear.CHUNKED, 4)],
)
def test_g09_killed_beside_a_real_server_nobody_is_lost_or_doubled(
    tmp_path: Path, name: str, gear: Gear, window: int
) -> None:
    servers = foreign_servers()
    if name not in servers:
        pytest.skip(f"{name} is not here")
    [found] = sieges(tmp_path / "x", {name: servers[name]}, kills=3, connections=3, seed=1, gears=[(gear, window)])
    print(f"\n{found}")
    assert found.verdict.broken == {}
    assert found.kept
    assert found.kills == dict.fromkeys(Target, 1)
    assert found.unchanged == found.verdict.accepted > 0


def mail(number: int, *, to: int | None = None, name: int | None = None, boundary: str = "b0") -> Taken:
    who = f"p{number}@example.com"
    body = BODY.format(boundary=boundary, name=f"Zoë {number if name is None else name}")
    head = (
        f'To: p{number if to is None else to}@example.com\nContent-Type: multipart/alternative; boundary="{boundary}"\n'
    )
    return Taken((who,), f"MIME-Version: 1.0\n{head}\n{body}".encode())


def test_a_body_that_is_not_its_recipients_is_seen() -> None:
    good = [mail(0), mail(17, boundary="b1")]
    assert check_bodies(good) == 2
    doubled = Taken(good[1].recipients, good[1].content.replace(b"..dots", b"...dots"))
    for wrong in (mail(2, name=3), mail(2, to=3), doubled):
        with pytest.raises(AssertionError):
            check_bodies([*good, wrong])
    with pytest.raises(AssertionError, match="dots stay"):
        check_bodies([Taken(good[0].recipients, good[0].content.replace(b"\n.\n", b"\n..\n"))])


def test_a_file_of_postfixs_queue_is_read() -> None:
    long = b"x" * 300
    records = [(b"C", b"1 2 3"), (b"R", b"a@x.test"), (b"R", b"b@x.test"), (b"M", b""), (b"N", b"Subject: a")]
    records += [(b"N", b""), (b"L", long), (b"N", b"end"), (b"E", b""), (b"N", b"not any more")]
    data = b"".join(
        kind + (bytes([len(text)]) if len(text) < 128 else bytes([len(text) & 127 | 128, len(text) >> 7])) + text
        for kind, text in records
    )
    assert read_queue_file(data) == Taken(("a@x.test", "b@x.test"), b"Subject: a\n\n" + long + b"end\n")
