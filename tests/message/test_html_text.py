"""A mail's HTML as lines for a terminal: what stands there, and where its links lead."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailtui.message.html_blocks import Block, Kind
from mailtui.message.html_text import BLOCK_LIMIT, lay_out
from mailtui.message.pages import plain_text


def lines(html: str) -> list[str]:
    """The blocks as lines, a blank one where there is a gap."""
    shown: list[str] = []
    for block in lay_out(html):
        if block.gap:
            shown.append("")
        shown.append(" " * block.indent + "> " * block.quoted + block.lead + block.text)
    return shown


def test_paragraphs_and_headings() -> None:
    assert lines("<h1>Hi  <b>you</b></h1>\n<p>one<br>two</p> <p>three</p><div>four</div><div>five</div>") == [
        *("Hi you", "", "one", "two", "", "three", "", "four", "five"),
    ]
    assert [block.kind for block in lay_out("<h2>a</h2><p>b")] == [Kind.HEADING, Kind.TEXT]


def test_emphasis_is_kept_as_looks() -> None:
    [block] = lay_out("<p>a <strong>b <em>c</em></strong> <s>d</s> <code>e</code></p>")
    looks = {run.text.strip(): run.look for run in block.runs if run.text.strip()}
    assert looks["b"].bold and not looks["b"].italic
    assert looks["c"].bold and looks["c"].italic
    assert looks["d"].strike and looks["e"].code
    assert not looks["a"].bold


def test_lists_are_numbered_and_set_in() -> None:
    html = "<ol start=3><li>one<li><p>two</p><p>more</p><ul><li>in</li></ul><li value=9>nine</ol>"
    assert lines(html) == ["  3. one", "  4. two", "     more", "    • in", "  9. nine"]


def test_a_link_says_where_it_leads() -> None:
    html = (
        '<p><a href="https://evil.test/x">Your <b>bank</b></a>, <a href="https://evil.test/x">again</a>, '
        '<a href="https://a.test">https://a.test</a>, <a href="mailto:a@b.test">a@b.test</a></p>'
    )
    assert lines(html) == [
        "Your bank[1], again[1], https://a.test, a@b.test",
        "",
        "[1] https://evil.test/x",
    ]


def test_quotes_and_preformatted_text() -> None:
    html = "<blockquote>q<blockquote>deeper</blockquote></blockquote><pre>  x\n\n   y</pre>"
    assert lines(html) == ["> q", "", "> > deeper", "", "  x", "", "   y"]
    page = "<p>a<blockquote><p>q<p>r<blockquote>deeper</blockquote></blockquote><p>b"
    assert plain_text(page) == "a\n\n> q\n>\n> r\n>\n> > deeper\n\nb\n", "what is above a quote is not quoted"


def test_a_table_of_data_has_columns_and_one_of_layout_has_none() -> None:
    data = "<table><tr><th>Name<th>Number<tr><td>花子<td>3<tr><td>Bob<td>12</table>"
    assert lines(data) == ["Name  Number", "花子  3", "Bob   12"]
    sums = "<table><tr><th>N<th>S<tr><td>a<td align=right>12<tr><td>b<td style='text-align: right'>3</table>"
    assert lines(sums) == ["N   S", "a  12", "b   3"]
    assert lines("<table role=presentation><tr><td>a<td>b<tr><td>c<td>d and more</table>") == ["a  b", "c  d and more"]
    layout = "<table><tr><td><h2>A</h2>left<br>more<td><h2>B</h2>right<tr><td>c<td><ul><li>d</ul></table>"
    shown = ["A", "", "left", "more", "", "B", "", "right", "", "c", "", "  • d"]
    assert lines(layout) == shown


def test_an_empty_cell_at_the_beginning_takes_nothing_of_the_others() -> None:
    assert lines("<table border=1><tr><td><td>a<td>b<tr><td>x<td>c<td>d</table>") == ["   a  b", "x  c  d"]
    assert lines("<table border=1><tr><td rowspan=2>x<td>a<tr><td>b<tr><td colspan=2>both</table>") == [
        *("x  a", "   b", "both"),
    ]


def test_a_wide_table_of_data_goes_on_in_its_columns_and_loses_no_word() -> None:
    long = " ".join(f"word{number}" for number in range(40))
    shown = lines(f"<table border=1><tr><td>A<td>{long}<td align=right>1<tr><td>B<td>{'x' * 150}<td>2</table>")
    assert max(map(len, shown)) <= 72
    assert shown[0].startswith("A  word0 ") and shown[0].endswith("  1") and shown[1].startswith("   word")
    assert " ".join("".join(f"{line} " for line in shown).split()).count("word") == 40
    assert "".join(shown).count("x") == 150


def test_what_nobody_sees_is_left_out_and_nothing_is_loaded() -> None:
    html = (
        "<head><title>t</title><style>s</style></head><div style='color:red;display:none'>preheader</div>"
        "<script>x</script><p hidden>no</p><!-- c --><img src=https://track.test/p.gif alt=''>"
        "<p>seen <img src=https://a.test/l.png alt='the  logo'> <img src=y></p>"
    )
    assert lines(html) == ["seen [image: the logo] [image y]"]


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 100_000 + "deep",
        "<table><tr><td>" * 30_000 + "deep",
        "<b>" * 100_000 + "deep",
        "<p>x</p>" * 200_000,
        "<ul><li>" * 50_000,
        "<a href=x>y" * 50_000,
        "<table>" + "<tr><td>a<td>b" * 50_000,
        "x" * 3_000_000,
    ],
    ids=["divs", "tables", "bold", "paragraphs", "lists", "links", "rows", "long"],
)
def test_a_mail_made_to_hurt_takes_no_time_and_says_that_it_is_cut(html: str) -> None:
    began = time.monotonic()
    blocks = lay_out(html)
    assert time.monotonic() - began < 5
    assert len(blocks) <= BLOCK_LIMIT + 2
    assert blocks[-1].kind is Kind.NOTE


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "<p>",
                "</p>",
                "<ul>",
                "<li>",
                "</ul>",
                "<br>",
                "<pre>",
                "</pre>",
                "<table>",
                "<tr>",
                "<td>",
                "</table>",
                "<b>",
                "</b>",
                "<hr>",
                "word",
                "&nbsp;",
                "<a href=x>",
                "</a>",
                "<blockquote>",
                "</blockquote>",
                " ",
                "\n",
            ]
        ),
        max_size=40,
    )
)
def test_any_pile_of_tags_keeps_its_words(parts: list[str]) -> None:
    blocks: tuple[Block, ...] = lay_out("".join(parts))
    said = "".join(block.text for block in blocks if block.kind is not Kind.LINK)
    assert "".join(said.split()).count("word") == parts.count("word")
    assert all("\n" not in block.text for block in blocks)


def test_thousands_of_rules_are_not_looked_up_for_thousands_of_elements() -> None:
    rules = "".join(f".a.b{number}{{display:none}}" for number in range(8_000))
    page = f"<style>.c{{display:none}}{rules}</style><i class=c>gone</i>" + "<i class=a>x</i>" * 8_000
    before = time.process_time()
    assert lines(page) == ["x" * 8_000]
    assert time.process_time() - before < 4, "each element in each rule takes ten seconds"
