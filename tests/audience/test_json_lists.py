"""JSON and JSON lines as lists: every number as it is spelled, nothing lost, and damage told where it stands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mailtui.audience.audience import open_audience
from mailtui.audience.csv_reader import BadRecord
from mailtui.audience.formats import json_text
from mailtui.audience.formats.json_values import fit
from mailtui.audience.reading import read, understand
from mailtui.audience.source import find_source
from mailtui.audience.spec import AudienceSpec
from mailtui.errors import AudienceError
from tests.audience.conftest import Opener
from tests.audience.test_workbooks import PEOPLE, workbook

RECORD = (
    '{"email": "a@example.com", "plz": "01234", "id": 12345678901234567890, "sum": 1.50, "e": 1E5, "yes": true,'
    ' "none": null, "address": {"city": "Oslo", "geo": {"x": -0.0}}, "tags": ["a", 2, null, false],'
    ' "orders": [{"n": 1.0, "é": null}, []]}'
)
CELLS = {
    "email": "a@example.com",
    "plz": "01234",
    "id": "12345678901234567890",
    "sum": "1.50",
    "e": "1E5",
    "yes": "true",
    "none": "",
    "address.city": "Oslo",
    "address.geo.x": "-0.0",
    "tags": "a, 2, false",
    "orders": '[{"n": 1.0, "é": null}, []]',
}
DOCUMENTS = {
    "a list": f"[{RECORD}]",
    "lines": f'{RECORD}\n{{"email": "b@example.com"}}\n',
    "lines with blank ones": f'\n{RECORD}\r\n\r\n  {{"email": "b@example.com"}}',
    "one line, by its name": RECORD,
    "a list in an object": f'{{"status": "ok", "n": [1, 2], "data": {{"items": [{RECORD}], "next": null}}}}',
    "UTF-8 with a mark": b"\xef\xbb\xbf" + f"[{RECORD}]".encode(),
    "UTF-16 with a mark": f"[{RECORD}]".encode("utf-16"),
    "UTF-16 without": f"[{RECORD}]".encode("utf-16-be"),
    "lines in UTF-16": f'{RECORD}\n{{"email": "b@example.com"}}\n'.encode("utf-16"),
    "a list under another name": f"[\n  {RECORD}\n]",
}


@pytest.mark.parametrize("shape", DOCUMENTS)
def test_the_same_record_comes_out_with_every_number_as_it_is_spelled(opened_as: Opener, shape: str) -> None:
    name = "list.jsonl" if "line" in shape else "people.txt" if "another" in shape else "list.json"
    audience = opened_as(name, DOCUMENTS[shape])
    assert dict(next(audience.recipients()).fields) == CELLS
    assert list(audience.problems()) == []
    assert audience.understanding.unit == ("line" if "line" in shape else "record")


def test_keys_that_come_late_are_columns_too_and_names_differ_without_case(opened: Opener) -> None:
    lines = ['{"email": "a%d@example.com", "Name": "x"}' % number for number in range(2_000)]  # noqa: UP031
    audience = opened("\n".join([*lines, '{"email": "z@example.com", "late": {"one": 1}, "name": "y", "": "z"}']))
    assert audience.columns == ("email", "Name", "late.one", "name_2", "column_5")
    last = audience.find("z@example.com")
    assert last is not None
    assert dict(last.fields) == {
        "email": "z@example.com",
        "Name": "",
        "late.one": "1",
        "name_2": "y",
        "column_5": "z",
    }


BAD_LINES = {
    '{"email": "b@example.com", oops}': "it is no JSON from its character 28 on",
    '{"email": "b@exam': "it is no JSON from its character 11 on",
    "[1, 2]": "it is a list, not an object",
    "17": "it is a number, not an object",
    '"b@example.com"': "it is a text, not an object",
    "null": "it is null, not an object",
    '{"email": "b@example.com", "email": "c@example.com"}': "the key email stands twice",
    '{"email": "b@example.com", "x": {"y": 1, "y": 2}}': "the key x.y stands twice",
    '{"email": "b@example.com", "x": [{"y": 1, "y": 2}]}': "the key y stands twice",
    '{"email": "b@example.com", "x": {"y": 1}, "x.y": 2}': "the key x.y stands twice in it, once with a dot",
    '{"email": "b@example.com", "x": "a\\u0000b"}': "a NUL character",
    '{"email": "b@example.com", "x": "\\ud83d"}': "half a character",
    '{"email": "b@example.com", "x": ' + "[" * 100_000 + "]" * 100_000 + "}": "nested too deeply",
    '{"email": "b@example.com", "x": ' + '{"a": ' * 40 + "1" + "}" * 41: "more than 20 objects",
}


@pytest.mark.parametrize(("line", "reason"), BAD_LINES.items(), ids=[key[:45] for key in BAD_LINES])
def test_one_bad_line_is_told_with_its_text_and_reaches_no_other(opened: Opener, line: str, reason: str) -> None:
    good = '{"email": "a@example.com", "x": "1"}', '{"email": "c@example.com", "x": "2"}'
    audience = opened(f"{good[0]}\n\n{line}\n{good[1]}\n")
    (problem,) = audience.problems()
    assert (problem.line, problem.row, problem.kind) == (3, 2, "bad_row")
    assert reason in problem.reason
    assert problem.text == line[:2_000]
    assert [one.address for one in audience.recipients()] == ["a@example.com", "c@example.com"]


def test_a_key_that_was_not_there_at_first_is_not_dropped() -> None:
    found = fit({"email": "a@example.com", "late": "x"}, ("email",), "the record")
    assert isinstance(found, BadRecord) and "the key late" in found.reason
    assert fit({"email": "a@example.com", "late": ""}, ("email",), "") == ["a@example.com"]


def test_a_bad_record_of_a_document_costs_itself_alone(opened: Opener) -> None:
    audience = opened('[{"email": "a@example.com"}, 5, {"email": "b", "email": "c"}, {"email": "d@example.com"}]')
    assert [(one.line, one.text) for one in audience.problems()] == [(2, "5"), (3, '{"email": "b", "email": "c"}')]
    assert [one.row for one in audience.recipients()] == [1, 4]


def test_bytes_that_are_no_utf8_cost_their_line(opened: Opener) -> None:
    audience = opened(b'{"email": "a@example.com", "x": "\xe9"}\n{"email": "b@example.com", "x": "\xc3\xa9"}\n')
    (problem,) = audience.problems()
    assert (problem.line, problem.text) == (1, '{"email": "a@example.com", "x": "\\xe9"}')
    given = opened(b'{"email": "a@example.com", "x": "\xe9"}\n{"email": "b@example.com"}\n', encoding="cp1252")
    assert next(given.recipients()).fields["x"] == "é"


def test_of_several_lists_the_one_with_addresses_is_read_and_others_by_name(opened: Opener) -> None:
    text = '{"errors": [{"code": 1}], "data": {"people": [{"email": "a@example.com"}]}, "ids": [1]}'
    found = opened(text).understanding.setting("records")
    assert found is not None
    assert (found.value, found.confidence, "errors" in found.reason) == ("data.people", "likely", True)
    errors = opened(text, records="$.errors", address="code")
    assert [row.cells for row in errors.page(1, 9)] == [("1",)]
    with pytest.raises(AudienceError, match=r"no list of records at data\.peple\n.*\nDid you mean data\.people\?"):
        opened(text, records="data.peple")
    with pytest.raises(AudienceError, match="Say which one is meant: records: a"):
        opened('{"a": [{"email": "a@example.com"}], "b": [{"email": "b@example.com"}]}')

    with pytest.raises(AudienceError, match=r"2 lists of records at a\.b"):
        opened('{"a.b": [{"email": "a@example.com"}], "a": {"b": [{"email": "b@example.com"}]}}', records="a.b")


BROKEN = {
    '{"people": [{"email": "a@example.com"}], "people": [{"email": "b@example.com"}]}': "the key people stands twice",
    '[{"email": "a@example.com"}, {"email": "b@': r"stops being JSON at line 1, character 40\nthe file is cut off",
    '[{"email": "a@example.com"},\n {"email" "b"}]': r"stops being JSON at line 2, character 11",
    '[{"email": "a@example.com"}': r"character 28\nthe file ends where , or \] should stand",
    '[{"email": "a@example.com"}]\n[1]': "format: jsonl",
    "[" * 100_000: "nested too deeply",
    "[]": "holds no record",
    "[[1, 2], [3, 4]]": "only lists of plain values",
    '{"email": "a@example.com"}': "holds no list",
    '[{"email": "a@example.com", "x": ' + "[" * 100_000: "nested too deeply",
    '[{"place": 5}]': "no column with mail addresses",
}


@pytest.mark.parametrize(("text", "words"), BROKEN.items(), ids=[key[:40] for key in BROKEN])
def test_a_document_that_is_no_list_is_explained(opened_as: Opener, text: str, words: str) -> None:
    with pytest.raises(AudienceError, match=words):
        opened_as("list.json", text)


def test_a_value_across_two_blocks_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the reader has to stop and read on, the same comes out."""
    people = [{"email": "a@example.com", "n": 123456789.25, "t": True}, {"email": "b@example.com"}]
    text = json.dumps({"n": 12345678901234, "f": -1.5e-20, "true": True, "l": [1.25, None], "p": people})
    spec = AudienceSpec(source="list.json")
    (tmp_path / "list.json").write_text(text)
    for size in range(1, 60):
        monkeypatch.setattr(json_text, "_BLOCK", size)
        source = find_source(spec, tmp_path)
        rows = [cells for _, cells in read(source, understand(source, spec))]
        assert rows == [["a@example.com", "123456789.25", "true"], ["b@example.com", "", ""]]


@pytest.mark.parametrize("suffix", ["json", "jsonl", "xlsx"])
def test_looking_through_a_list_can_be_ended(tmp_path: Path, suffix: str) -> None:
    class Enough(Exception):
        pass

    def progress(rows: int) -> None:
        assert rows == 0, "no row is taken in yet"
        raise Enough

    records = [json.dumps({"email": f"u{n}@example.com"}) for n in range(1_000)]
    texts = {"json": f"[{', '.join(records)}]".encode(), "jsonl": "\n".join(records).encode()}
    (tmp_path / "list").write_bytes(texts[suffix] if suffix in texts else workbook(("L", PEOPLE)))
    with pytest.raises(Enough):
        open_audience(AudienceSpec(source="list"), folder=tmp_path, cache=tmp_path / "cache", progress=progress)
    assert list((tmp_path / "cache").iterdir()) == []


MEASURED = """
import re, sys
from pathlib import Path
from mailtui.audience.counting import count_stream
from mailtui.audience.spec import AudienceSpec
for path in sys.argv[1:]:
    count_stream(AudienceSpec(source=path), Path())
    print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_list(tmp_path: Path) -> None:
    paths = []
    for rows in (1_000, 20_000):
        records = [json.dumps({"email": f"u{n}@example.com", "note": "some words " * 10}) for n in range(rows)]
        for suffix, text in (("json", f'{{"items": [{", ".join(records)}]}}'), ("jsonl", "\n".join(records))):
            paths.append(tmp_path / f"{rows}.{suffix}")
            paths[-1].write_text(text)
    command = [sys.executable, "-c", MEASURED, *map(str, paths)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    small, large = [int(peak) for peak in done.stdout.split()][1::2]
    assert large - small < 4 * 1024, done.stdout
