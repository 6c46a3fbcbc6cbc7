"""Lists as they come out of spreadsheets, shops and old systems: read as a person would, or told as a problem."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from mailtui.audience.audience import Audience
from mailtui.audience.csv_reader import RECORD_LINES
from mailtui.audience.findings import Finding
from mailtui.errors import AudienceError
from tests.audience import messy
from tests.audience.conftest import Opener

ROWS = [("a@example.com", "Ann", "London"), ("b@example.com", "Bob", "Paris"), ("c@example.com", "Cid", "Rome")]


def table(
    delimiter: str = ",", end: str = "\n", header: str = "email,name,city", rows: Sequence[tuple[str, ...]] = ROWS
) -> str:
    return end.join([header.replace(",", delimiter), *(delimiter.join(row) for row in rows)]) + end


def setting(audience: Audience, key: str) -> Finding:
    found = audience.understanding.setting(key)
    assert found is not None
    return found


PLAIN = table()
SAME_THREE_PEOPLE = {
    "plain": PLAIN.encode(),
    "no newline at the end": PLAIN.rstrip("\n").encode(),
    "UTF-8 BOM": b"\xef\xbb\xbf" + PLAIN.encode(),
    "BOM and quoted header": b'\xef\xbb\xbf"email","name","city"\n' + PLAIN.split("\n", 1)[1].encode(),
    "UTF-16 LE with BOM": PLAIN.encode("utf-16"),
    "UTF-16 BE with BOM": b"\xfe\xff" + PLAIN.encode("utf-16-be"),
    "UTF-16 LE without BOM": PLAIN.encode("utf-16-le"),
    "UTF-16 BE without BOM": PLAIN.encode("utf-16-be"),
    "UTF-32": PLAIN.encode("utf-32"),
    "CRLF": table(end="\r\n").encode(),
    "lone CR": table(end="\r").encode(),
    "mixed line ends": b"email,name,city\r\na@example.com,Ann,London\n"
    b"b@example.com,Bob,Paris\rc@example.com,Cid,Rome\n",
    "semicolon": table(";").encode(),
    "tab": table("\t").encode(),
    "pipe": table("|").encode(),
    "sep line": b"sep=;\r\n" + table(";", "\r\n").encode(),
    "sep line after a BOM": b"\xef\xbb\xbfsep=;\r\n" + table(";", "\r\n").encode(),
    "sep line in UTF-16": ("sep=;\r\n" + table(";", "\r\n")).encode("utf-16"),
    "sep line that names an odd character": b"sep=~\n" + table("~").encode(),
    "all quoted": b'"email","name","city"\n' + b"".join(('"' + '","'.join(row) + '"\n').encode() for row in ROWS),
    "blank before quotes": b'email, name, city\na@example.com, "Ann", "London"\nb@example.com, "Bob", "Paris"\n'
    b'c@example.com, "Cid", "Rome"\n',
    "single quotes": b"'email','name','city'\n" + b"".join(("'" + "','".join(row) + "'\n").encode() for row in ROWS),
    "blank lines": PLAIN.replace("\n", "\n\n").encode(),
    "lines of delimiters only": PLAIN.replace("\n", "\n,,\n").encode() + b",,\n,,\n",
    "trailing delimiters": PLAIN.replace("\n", ",\n").encode(),
    "trailing delimiters in rows only": PLAIN.replace("\n", ",,\n").replace(",,\n", "\n", 1).encode(),
    "trailing delimiter in the header only": PLAIN.replace("city\n", "city,\n").encode(),
    "blanks around addresses": PLAIN.replace("@example.com", "@example.com ").replace("\nb", "\n b").encode(),
    "no-break spaces around addresses": PLAIN.replace("example.com", "example.com\xa0").encode(),
}


@pytest.mark.parametrize("data", SAME_THREE_PEOPLE.values(), ids=SAME_THREE_PEOPLE.keys())
def test_the_same_three_people_come_out(opened: Opener, data: bytes) -> None:
    audience = opened(data)
    people = [(one.address, one.fields["name"].strip(), one.fields["city"].strip()) for one in audience.recipients()]
    assert people == ROWS
    assert [one.row for one in audience.recipients()] == [1, 2, 3]
    assert list(audience.problems()) == []
    assert audience.columns[:3] == ("email", "name", "city")


def test_quoted_newlines_and_delimiters_stay_in_their_cell(opened: Opener) -> None:
    audience = opened('email,note\na@example.com,"one\r\ntwo, ""three"""\nb@example.com,"four"\n')
    assert [one.fields["note"] for one in audience.recipients()] == ['one\r\ntwo, "three"', "four"]
    assert audience.row(2).line == 4


def test_text_after_a_closed_quote_is_kept(opened: Opener) -> None:
    audience = opened('email,name\na@example.com,"Bob" Jones\nb@example.com,5" pipe\n')
    assert [one.fields["name"] for one in audience.recipients()] == ["Bob Jones", '5" pipe']


def test_quotes_escaped_by_a_backslash(opened: Opener) -> None:
    audience = opened(r""""email","name","city"
"a@example.com","Bob \"the, man\" Smith","Rome"
"b@example.com","Tim","\"Oslo\""
""")
    found = [(one.fields["name"], one.fields["city"]) for one in audience.recipients()]
    assert found == [('Bob "the, man" Smith', "Rome"), ("Tim", '"Oslo"')]
    windows = opened('email,path,n\na@example.com,"C:\\dir\\",1\nb@example.com,"D:\\x",2\n')
    assert [one.fields["path"] for one in windows.recipients()] == ["C:\\dir\\", "D:\\x"]


def test_a_backslash_before_anything_but_a_quote_is_a_sign_as_any(opened: Opener) -> None:
    r"""The reader of the standard library makes N of MySQL's \\N, and C:new of C:\\new, once \\" is meant."""
    audience = opened(
        r"""a@example.com	Bob \"B\" Ray	\N	C:\new\table
b@example.com	"one\\two"	x\	y	\"
c@example.com	"\"Cid\""	z	\\
"""
    )
    found = [tuple(one.fields.values())[1:] for one in audience.recipients()]
    assert found == [
        ('Bob "B" Ray', r"\N", r"C:\new\table"),
        (r"one\two", "x\ty", '"'),
        ('"Cid"', "z", "\\"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_backslash_before_a_quote_is_found_wherever_it_stands(opened: Opener, encoding: str) -> None:
    rows = [f'"user{number}@example.com","Name","{number}"' for number in range(3_000)]
    rows[2_900] = r'"ann@example.com","\"Ann\"","x"'
    audience = opened("\n".join(["email,name,n", *rows, ""]).encode(encoding))
    assert audience.row(2_901).fields["name"] == '"Ann"'
    doubled = [*rows[:2_900], r'"ann@example.com","see ""C:\dir\"" there","x"']
    assert opened("\n".join(["email,name,n", *doubled, ""]).encode(encoding)).row(2_901).fields["name"] == (
        r'see "C:\dir\" there'
    )


@pytest.mark.parametrize("quoted_neighbours", [False, True], ids=["plain neighbours", "quoted neighbours"])
@pytest.mark.parametrize("where", [3, 2_000, 4_999])
def test_one_quote_never_closed_costs_one_row(opened: Opener, where: int, *, quoted_neighbours: bool) -> None:
    name = '"Smith, Bob"' if quoted_neighbours else "Bob"
    lines = [f"user{number}@example.com,{name},Rome" for number in range(5_000)]
    lines[where] = f'user{where}@example.com,"Bob,Rome'
    audience = opened("email,name,city\n" + "\n".join(lines) + "\n")
    counts = audience.counts()
    assert (counts.rows, counts.valid, counts.problems) == (5_000, 4_999, 1)
    (problem,) = audience.problems()
    assert (problem.kind, problem.line, problem.row) == ("bad_row", where + 2, where + 1)
    assert problem.text == lines[where]
    assert "never closed" in problem.reason or "not closed" in problem.reason
    assert audience.find(f"user{where + 1 if where < 4_999 else where - 1}@example.com") is not None


def test_a_cell_of_many_lines_is_read_and_one_of_too_many_is_told(opened: Opener) -> None:
    fitting = "\n".join(f"line {number}" for number in range(RECORD_LINES - 1))
    audience = opened(f'email,note\na@example.com,"{fitting}"\nb@example.com,x\n')
    assert next(audience.recipients()).fields["note"] == fitting
    too_long = "\n".join(f"line {number}" for number in range(RECORD_LINES + 5))
    audience = opened(f'email,note\na@example.com,"{too_long}"\nb@example.com,x\n')
    assert [one.address for one in audience.recipients()] == ["b@example.com"]
    assert "not closed within 100 lines" in next(audience.problems()).reason


def test_a_cell_of_five_megabytes_is_read(opened: Opener) -> None:
    big = "x" * 5_000_000
    audience = opened(f"email,note\na@example.com,{big}\nb@example.com,y\n")
    assert next(audience.recipients()).fields["note"] == big


def test_a_line_that_never_ends_is_refused_before_it_fills_the_memory(opened: Opener) -> None:
    with pytest.raises(AudienceError, match="16 MiB"):
        opened(b"email,note\na@example.com," + b"x" * (18 << 20))


def test_ragged_rows_are_listed_with_line_and_text(opened: Opener) -> None:
    audience = opened("email,name,city\na@example.com,Ann\nb@example.com,Bob,Paris\nc@example.com,Cid,Rome,x\n")
    problems = list(audience.problems())
    assert [(one.line, one.row, one.kind) for one in problems] == [(2, 1, "bad_row"), (4, 3, "bad_row")]
    assert problems[0].text == "a@example.com,Ann"
    assert problems[0].reason == "it has 2 cells where there are 3 columns"
    assert [one.row for one in audience.recipients()] == [2]
    assert audience.counts().rows == 3


def test_a_late_bad_row_does_not_change_how_the_rest_is_read(opened: Opener) -> None:
    body = "".join(f"user{number}@example.com,N,C\n" for number in range(30_000))
    audience = opened("email,name,city\n" + body + "broken\n" + "z@example.com,Zoe,Oslo\n")
    (problem,) = audience.problems()
    assert problem.line == 30_002
    assert audience.counts().valid == 30_001


def test_nul_is_refused_where_it_stands(opened: Opener) -> None:
    audience = opened(b"email,name\na@example.com,An\0n\nb@example.com,Bob\n")
    (problem,) = audience.problems()
    assert (problem.line, problem.reason) == (2, "it holds a NUL character")
    assert problem.text == "a@example.com,An\\x00n"
    assert [one.address for one in audience.recipients()] == ["b@example.com"]


def test_one_damaged_line_in_utf8_is_told_and_the_rest_stays_utf8(opened: Opener) -> None:
    body = "".join(f"user{number}@example.com,Zoë,Orléans\n" for number in range(3_000)).encode()
    audience = opened(b"email,name,city\n" + body + b"x@example.com,Zo\xeb,Rome\n")
    (problem,) = audience.problems()
    assert problem.line == 3_002
    assert problem.reason == "it holds a byte that is not utf-8"
    assert problem.text == "x@example.com,Zo\\xeb,Rome"
    assert setting(audience, "encoding").confidence == "likely"
    assert next(audience.recipients()).fields["name"] == "Zoë"


def test_western_code_page_is_a_guess_that_shows_samples(opened: Opener) -> None:
    audience = opened("email,name\na@example.com,Müller\nb@example.com,O’Neil – Zoë\n".encode("cp1252"))
    found = setting(audience, "encoding")
    assert (found.value, found.confidence) == ("cp1252", "guess")
    assert [one.fields["name"] for one in audience.recipients()] == ["Müller", "O’Neil – Zoë"]
    assert audience.understanding.samples == ("a@example.com,Müller", "b@example.com,O’Neil – Zoë")


def test_a_late_byte_beyond_ascii_is_seen(opened: Opener) -> None:
    body = "".join(f"user{number}@example.com,Ann\n" for number in range(100_000))
    audience = opened(("email,name\n" + body + "z@example.com,Müller\n").encode("cp1252"))
    assert setting(audience, "encoding").value == "cp1252"
    found = audience.find("z@example.com")
    assert found is not None
    assert found.fields["name"] == "Müller"


@pytest.mark.parametrize(
    ("codec", "names"),
    [
        ("cp932", ["山田太郎", "鈴木花子", "東京都渋谷区", "カタカナ"]),
        ("euc_jp", ["山田太郎", "鈴木花子", "東京都渋谷区", "カタカナ"]),
        ("cp1251", ["Иван Петров", "Мария Иванова", "Санкт-Петербург"]),
        ("koi8_r", ["Иван Петров", "Мария Иванова", "Санкт-Петербург"]),
        ("cp1256", ["محمد علي", "فاطمة حسن", "القاهرة"]),
    ],
)
def test_other_scripts_are_recognised(opened: Opener, codec: str, names: list[str]) -> None:
    rows = [f"user{number}@example.com,{names[number % len(names)]}" for number in range(60)]
    audience = opened(("email,name\n" + "\n".join(rows) + "\n").encode(codec))
    assert setting(audience, "encoding").confidence == "guess"
    assert [one.fields["name"] for one in audience.recipients()][: len(names)] == names


def test_what_a_person_says_about_the_encoding_wins(opened: Opener) -> None:
    data = "email,name\na@example.com,Łódź\n".encode("cp1250")
    audience = opened(data, encoding="cp1250")
    assert next(audience.recipients()).fields["name"] == "Łódź"
    assert setting(audience, "encoding").confidence == "given"


def test_bytes_that_a_given_encoding_lacks_are_bad_rows(opened: Opener) -> None:
    audience = opened(b"email,name\na@example.com,\x81x\nb@example.com,Bob\n", encoding="cp1252")
    assert [one.kind for one in audience.problems()] == ["bad_row"]
    assert [one.address for one in audience.recipients()] == ["b@example.com"]


def test_a_wrong_given_encoding_is_an_error_that_says_so(opened: Opener) -> None:
    with pytest.raises(AudienceError, match="not written in utf-16"):
        opened("email,name\na@example.com,".encode("utf-16-le") + b"\x00\xdc\n\0", encoding="utf-16-le")


def test_headers_are_told_apart_without_regard_to_case(opened: Opener) -> None:
    audience = opened("email,Name,,name,Name_2,\na@example.com,1,2,3,4,5\n")
    assert audience.columns == ("email", "Name", "column_3", "name_3", "Name_2", "column_6")
    assert len({name.casefold() for name in audience.columns}) == 6
    assert audience.understanding.notes


def test_unicode_and_blank_headers(opened: Opener) -> None:
    audience = opened("E-Mail Adresse, Prénom ,Ort\na@example.com,Ann,Köln\n")
    assert audience.columns == ("E-Mail Adresse", "Prénom", "Ort")
    assert audience.address_column == "E-Mail Adresse"


def test_no_header_is_noticed_and_said(opened: Opener) -> None:
    audience = opened("Ann,a@example.com\nBob,b@example.com\n")
    assert audience.columns == ("column_1", "column_2")
    assert setting(audience, "header").value == "none"
    assert "a@example.com" in setting(audience, "header").reason
    assert [one.address for one in audience.recipients()] == ["a@example.com", "b@example.com"]


def test_a_single_column_needs_no_delimiter(opened: Opener) -> None:
    audience = opened("email\na@example.com\nmmm@example.com\n")
    assert audience.columns == ("email",)
    assert audience.counts().valid == 2


def test_decimal_commas_do_not_make_a_comma_file(opened: Opener) -> None:
    audience = opened("email;name;sum\na@example.com;Ann;1,50\nb@example.com;Bob;2,75\n")
    assert setting(audience, "delimiter").value == ";"


def test_commas_inside_quotes_do_not_count(opened: Opener) -> None:
    audience = opened('email|name\na@example.com|"x,y,z"\nb@example.com|"x,y,z"\n')
    assert setting(audience, "delimiter").value == "|"


def test_overrides(opened: Opener) -> None:
    audience = opened("a;b\nx,a@example.com\ny,b@example.com\n", delimiter=",", header=False, quote="")
    assert setting(audience, "delimiter").confidence == "given"
    assert setting(audience, "header").confidence == "given"
    assert [one.line for one in audience.problems()] == [1]
    assert audience.counts().valid == 2


def test_leading_zeros_and_null_texts_stay_as_they_are(opened: Opener) -> None:
    body = "".join(f"user{number}@example.com,{number}\n" for number in range(25_000))
    audience = opened("email,code\n" + body + "z@example.com,00042\ny@example.com,NULL\nx@example.com,\n")
    last = [one.fields["code"] for one in audience.recipients(start_row=25_001)]
    assert last == ["00042", "NULL", ""]


def test_a_list_cut_at_no_delimiter_is_told_to_name_it(opened: Opener) -> None:
    with pytest.raises(AudienceError, match="no column with mail addresses") as caught:
        opened("email^name\na@example.com^Ann\n")
    assert "--delimiter" in caught.value.hint


def test_random_damage_never_passes_silently(opened: Opener) -> None:
    """Whatever bytes are knocked out of a list, what comes out are rows that were in it, or problems."""
    chance = random.Random(7)
    clean = [f'user{number}@example.com,"N, {number}",C{number}' for number in range(300)]
    whole = {(f"user{number}@example.com", f"N, {number}", f"C{number}") for number in range(300)}
    for _ in range(25):
        lines = list(clean)
        hit = set(chance.sample(range(300), 5))
        for where in hit:
            line = lines[where]
            cut = chance.randrange(len(line))
            lines[where] = line[:cut] + chance.choice(['"', "", "\0", ","]) + line[cut + 1 :]
        audience = opened("email,name,city\n" + "\n".join(lines) + "\n")
        found = {(one.address, one.fields["name"], one.fields["city"]) for one in audience.recipients()}
        assert len(whole & found) >= 290
        # What is new are hit rows whose damage left a well-formed row, each of its own line.
        assert len(found - whole) <= len(hit)
        assert all(name.count("\n") == 0 for _, name, _ in found)


def test_a1_the_table_of_messy_files_is_true_and_nothing_is_silently_wrong(tmp_path: Path) -> None:
    found = messy.outcomes(tmp_path)
    for name, case in messy.CASES.items():
        assert messy.silently_wrong(case, found[name]) == [], name
    block = messy.PAGE.read_text("utf-8").partition("<!-- messy: files -->")[2].partition("<!-- end of")[0]
    assert block.strip().splitlines() == messy.lines(found), "python -m tests.audience.messy writes it anew"


def test_lines_of_utf8_in_another_encoding_are_told_wherever_they_stand(opened: Opener) -> None:
    rows = [f"user{number}@example.com,Jörg,Köln\n".encode("cp1252") for number in range(9_000)]
    rows[4_500] = "mixed@example.com,Jörg,Köln\n".encode()
    audience = opened(b"email,name,city\n" + b"".join(rows))
    (problem,) = audience.problems()
    assert (problem.line, problem.reason) == (4_502, "it holds letters in UTF-8, in a file that is cp1252")
    assert {one.fields["name"] for one in audience.recipients()} == {"Jörg"}


def test_many_damaged_lines_do_not_outvote_more_whole_ones(opened: Opener) -> None:
    whole = ["zoë@example.com".replace("ë", "e") + f"{number},Zoë\n" for number in range(12_000)]
    bad = [f"jorg{number}@example.com,Jörg\n".encode("cp1252") for number in range(4_000)]
    filler = b"".join(f"user{number}@example.com,{'x' * 60}\n".encode() for number in range(9_000))
    data = b"email,name\n" + filler + "".join(f"z{row}" for row in whole).encode() + b"".join(bad)
    audience = opened(data)
    encoding = audience.understanding.setting("encoding")
    assert encoding is not None
    assert encoding.value == "utf-8"
    assert "4,000 lines are not" in encoding.reason
