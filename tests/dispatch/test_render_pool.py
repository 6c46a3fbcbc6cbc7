"""The render processes by themselves: the same bytes and words, bounds, what is loaded, and when they pay."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mailtui.audience.recipient import recipient_of
from mailtui.dispatch import rendering
from mailtui.dispatch.encoding import SentEncoding
from mailtui.dispatch.renderers import Batch, Renderers
from mailtui.dispatch.rendering import Kind, Mail, Outcome, Overran, Row, files_of
from mailtui.dispatch.staffing import Cores, Staffing
from mailtui.errors import Place
from mailtui.message.compose import CompiledMessage, compile_message
from mailtui.message.files import FileRef, refer_to
from mailtui.message.frozen import MessageSource
from mailtui.message.mime import TransferEncoding
from mailtui.message.rendered import RenderedMessage, RenderProblem
from mailtui.message.templates import TemplateText
from mailtui.outbox.records import Claim
from tests.dispatch.bench import source


def _messages() -> dict[int, CompiledMessage]:
    """Two messages with everything in them that may differ from row to row."""
    every = "{% for each in rows %};{{ each.name }}{% endfor %}"
    first = MessageSource(
        sender="Acme {{ name }} <news@acme.test>", subject="Grüße, {{ name }}: {{ now }}",
        text=TemplateText("text", "Hello {{ name }}\n.dot\n" + "ö" * 1_500 + "\n{{ row.keys()|join }}" + every),
        html=TemplateText("html", "<p>{{ name }} & {{ recipient }}</p>{% if name == 'bad' %}{{ 1 // 0 }}{% endif %}"),
        reply_to="help@acme.test", headers=(("X-Name", "{{ name }}"),), campaign="x",
        columns=(("subject", "name"),), group=True,
    )  # fmt: skip
    second = source("Plain {{ name }}\n", sender="News <news@other.test>")
    return {number: compile_message(one, ("name",), secret=b"a secret") for number, one in ((0, first), (7, second))}


@pytest.mark.parametrize("transfer", list(TransferEncoding))
@pytest.mark.parametrize("smtputf8", [True, False])
async def test_the_same_bytes_or_the_same_words_in_every_encoding_and_edition(
    transfer: TransferEncoding, smtputf8: bool, tmp_path: Path
) -> None:
    messages = _messages()
    (tmp_path / "terms.pdf").write_bytes(b"%PDF-1.4 \0\xff")
    kept = refer_to(tmp_path / "terms.pdf", "Bestätigung.pdf")
    gone = kept._replace(path=str(tmp_path / "gone.pdf"))
    names = ["Zoé", "O'Hara & Söhne", "", "bad", "a\r\nBcc: x@y.test", "x" * 2_000, "naïve \x07"]
    arrived = asyncio.Event()
    lost: list[Claim] = []
    renderers = Renderers(("name",), b"a secret", "c", seconds=10, arrived=arrived.set, returned=lost.extend)
    rows: list[Row] = []
    claims: list[Claim] = []
    for nth, (name, who, (number, named_by)) in enumerate(
        itertools.product(names, ["a@example.com", "jörg@example.com"], [(0, -1), (7, -1), (0, 7), (7, 0)])
    ):
        more: tuple[tuple[str, ...], ...] = ((f"{name}2",), ("Three",)) if nth % 3 == 0 else ()
        files = ((), (kept,), (gone,))[nth % 3]
        claims.append(Claim(1, nth, 1, who, nth, who, (name,), 0, 1.7e9 + nth, 1, files=files))
        rows.append((who, nth, who, (name,), more, 1.7e9 + nth, number, named_by, files_of(claims[-1].files)))
    try:
        await renderers.start()
        async with asyncio.timeout(30):
            while not renderers.room:
                await arrived.wait()
                arrived.clear()
            renderers.give(Batch(claims, rows, messages, SentEncoding(transfer, smtputf8)))
            found: list[tuple[Claim, Outcome]] = []
            while len(found) < len(rows):
                while (done := renderers.take()) is not None:
                    found.append(done)
                if len(found) < len(rows):
                    await arrived.wait()
                    arrived.clear()
    finally:
        await renderers.close()
    assert lost == []
    assert [claim for claim, _ in found] == claims
    kinds = set()
    for (_, outcome), row in zip(found, rows, strict=True):
        who, nth, _, cells, more, date, number, named_by, own = row
        recipient = recipient_of(("name",), who, nth, who, cells, more)
        meant = messages[number].render(
            recipient, date=date, encoding=transfer, smtputf8=smtputf8,
            message_id=None if named_by < 0 else messages[named_by].message_id(recipient),
            files=[FileRef(*file) for file in own],
        )  # fmt: skip
        kinds.add(type(meant))
        if isinstance(meant, RenderProblem):
            assert outcome == meant
        else:
            assert outcome == Mail(meant.sender, meant.data)
    assert kinds == {RenderedMessage, RenderProblem}


async def test_how_much_is_rendered_ahead_is_bounded_in_rows_and_bytes() -> None:
    """Mails of a megabyte, and nobody takes them."""
    big = source("{% for n in range(20000) %}" + "x" * 50 + "\n{% endfor %}")
    message = compile_message(big, ("name",), secret=b"a secret")
    arrived = asyncio.Event()
    renderers = Renderers(("name",), b"a secret", "c", seconds=10, arrived=arrived.set, returned=lambda _: None)
    renderers.most = 200
    given = 0
    try:
        await renderers.start()
        for _ in range(1_000):
            while room := renderers.room:
                claims = [Claim(1, n, 1, "k", n, "a@example.com", ("Zoé",), 0, 1.7e9, 1) for n in range(room)]
                rows: list[Row] = [
                    ("a@example.com", n, "a@example.com", ("Zoé",), (), 1.7e9, 0, -1, ()) for n in range(room)
                ]
                encoding = SentEncoding(TransferEncoding.EIGHT_BIT, smtputf8=False)
                renderers.give(Batch(claims, rows, {0: message}, encoding))
                given += room
            arrived.clear()
            try:
                async with asyncio.timeout(2 if given else 30):
                    await arrived.wait()
            except TimeoutError:
                break
        kept = 0
        while (done := renderers.take()) is not None:
            assert isinstance(done[1], Mail)
            kept += len(done[1].data)
    finally:
        await renderers.close()
    assert 2 <= given < 40
    assert kept < 32 * 1024 * 1024


async def test_few_rows_and_a_runner_with_time_need_no_process() -> None:
    cores = Cores()
    cores.free = 2

    def wanted(
        *, open_rows: int, busy: float, asked: int | None = None, resting: bool = False, cost: float = 200e-6
    ) -> bool:
        renderers = Renderers((), b"", "c", seconds=1, arrived=lambda: None, returned=lambda _: None)
        return Staffing(renderers, cores).look(
            asked, open_rows=open_rows, busy=busy, resting=resting, rendered=(100, 100), cost=cost, now=time.monotonic()
        )

    assert wanted(open_rows=50_000, busy=0.95)
    assert not wanted(open_rows=300, busy=0.95)
    assert not wanted(open_rows=50_000, busy=0.95, cost=20e-6), "giving it away would cost as much"
    assert not wanted(open_rows=50_000, busy=0.3)
    assert wanted(open_rows=300, busy=0.0, asked=1)
    assert not wanted(open_rows=300, busy=0.0, asked=0)
    assert not wanted(open_rows=300, busy=0.0, asked=1, resting=True)
    cores.free = 0
    assert not wanted(open_rows=50_000, busy=0.95), "one core is the runner's"


def test_a_process_loads_what_renders_and_nothing_else() -> None:
    code = "import sys, mailtui.dispatch.renderer; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    found = set(done.stdout.split())
    assert found & {"asyncio", "ssl", "subprocess", "http", "sqlite3", "apsw", "pydantic", "yaml"} == set()
    rooms = {".".join(name.split(".")[:2]) for name in found if name.startswith("mailtui.")}
    assert rooms == {f"mailtui.{room}" for room in ("dispatch", "message", "audience", "kit", "errors")}
    assert {name for name in found if name.startswith("mailtui.dispatch.")} == {
        f"mailtui.dispatch.{module}" for module in ("renderer", "rendering", "watchdog")
    }


@pytest.mark.parametrize("step", [1, 2, 7, 8, 100, 5_000, 1_000_000])
def test_answers_are_whole_however_they_come(step: int) -> None:
    found = RenderProblem(3, "the text is “bad”", Place("a.j2", 2, None, "text"))
    endless = Place("b.j2", 7)
    meant: list[Mail | Kind | Overran | RenderProblem] = []
    stream = b""
    for size in (0, 1, 6, 7, 8, 9_000):
        meant += [Kind.READY, Mail("news@acme.test", b"x" * size), Mail("", b"y" * size), found, Overran(endless)]
        stream += rendering.ready() + rendering.mail("news@acme.test", b"x" * size)
        stream += rendering.mail("", b"y" * size) + rendering.problem(found) + rendering.overrun(endless)
    answers = rendering.Answers()
    got = [answer for at in range(0, len(stream), step) for answer in answers.feed(stream[at : at + step])]
    assert [rendering.problem_of(3, one) if isinstance(one, str) else one for one in got] == meant


@pytest.mark.parametrize(
    "raw",
    [
        b"\x09" + bytes(6),
        b"\x03" + bytes(6),
        b"\x03\x00\x00\x01\x00\x00\x00[",
        b"\x01\x00\x00\xff\xff\xff\xff",
        b"\x01\x01\x00\x00\x00\x00\x00\xff",
        b"\xff" * 100,
    ],
)
def test_what_is_no_answer_is_not_taken_for_one(raw: bytes) -> None:
    with pytest.raises(rendering.Nonsense):
        rendering.Answers().feed(raw)


@pytest.mark.parametrize(
    "text", ["", "1", "[]", "[1, 2, 3, 4, 5]", '["a", "b", "c", null, ""]', '{"a": 1}', "[" * 100_000]
)
def test_a_problem_that_is_none_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(rendering.Nonsense):
        rendering.problem_of(1, text)
