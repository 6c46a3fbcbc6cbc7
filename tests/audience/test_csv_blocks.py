"""Reading a file in blocks gives what reading it line by line gives, whatever is in it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailtui.audience import csv_blocks
from mailtui.audience.csv_blocks import Columns, read_batches
from mailtui.audience.csv_reader import Layout, Record, read_records

_NASTY = st.lists(
    st.sampled_from([
        "a,b,c\n", "1,2,3\n", "1,2,3\r\n", '"x",y,z\n', '"q""q",\\"b,c\n', "\n", ",,\n", ",b,\n", "a,b\n", "a,b,c,\n",
        "a,b,c,d\n", '"open,b,c\n', 'b,c"\n', '"two\nlines",b,c\n', '"two\r\nlines",b,c\r\n', "cr,b,c\r", "a\0b,b,c\n",
        "x\udcffy,b,c\n", "back\\,slash,c\n", "a, b, c\n", 'a, "b", c\n', " , , \n", "\x0b,\x1c,\u2028\n",
        "'s','t','u'\n", "a,b,c", '"', ",", "\r", "\\", "é,ß,中\n", "\\\n",
    ]),
    max_size=40,
)  # fmt: skip
_PLAIN = Layout("utf-8", damaged=False, delimiter=",", quote='"', width=3)
_LAYOUTS = st.builds(
    Layout,
    codec=st.just("utf-8"),
    damaged=st.booleans(),
    delimiter=st.sampled_from([",", ";"]),
    quote=st.sampled_from(['"', "'", ""]),
    escape=st.sampled_from(["", "\\"]),
    skip_space=st.booleans(),
    width=st.sampled_from([1, 3, 3, 3, None]),
    least=st.sampled_from([0, 2, 3]),
)


def records(batches: list[Columns | list[Record]]) -> list[Record]:
    return [record for batch in batches for record in (batch if isinstance(batch, list) else batch.records())]


@settings(max_examples=400, deadline=None)
@given(pieces=_NASTY, layout=_LAYOUTS, block=st.sampled_from([1, 7, 20, 60, 1_000]), run=st.integers(1, 4))
@example(
    pieces=["a,b,c\n"] * 3 + ['"open,b,c\n'] + ["a,b,c\n"] * 150,
    layout=_PLAIN,
    block=60,
    run=1,
)
@example(pieces=["a,b,c\r"] * 9 + ["\n"], layout=_PLAIN, block=6, run=1)
def test_blocks_and_lines_tell_the_same(pieces: list[str], layout: Layout, block: int, run: int) -> None:
    text = "".join(pieces)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_blocks, "_BLOCK", block)
        patch.setattr(csv_blocks, "_RUN", run)
        quick = records(list(read_batches(io.StringIO(text, newline=""), layout, 5)))
    careful = list(read_records(io.StringIO(text, newline=""), layout, first_line=5))
    assert quick == careful


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_sound_file_goes_by_columns(tmp_path: Path, end: str) -> None:
    text = "".join(f"user{number}@example.com,name {number},{number}{end}" for number in range(20_000))
    with (tmp_path / "list.csv").open("w", newline="") as file:
        file.write(text)
    layout = Layout("utf-8", damaged=True, delimiter=",", quote='"', width=3, least=3)
    with (tmp_path / "list.csv").open(newline="") as stream:
        batches = list(read_batches(stream, layout, 1))
    assert all(isinstance(batch, Columns) for batch in batches)
    found = records(batches)
    assert [line for line, _ in found] == list(range(1, 20_001))
    assert found[-1][1] == ["user19999@example.com", "name 19999", "19999"]
