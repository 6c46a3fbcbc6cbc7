"""Headers by which people leave a list (B-02, B-06): literal links, one click only where it works, nothing twice."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtui.errors import TemplateError
from mailtui.message import list_headers
from mailtui.message.compose import CompiledMessage, compile_message
from mailtui.message.frozen import MessageSource, Unsubscribe
from mailtui.message.headers import HeaderError
from mailtui.message.mime import TransferEncoding
from mailtui.message.preflight import Preflight
from mailtui.message.reference import parse_message, self_check
from mailtui.message.tokens import read_token
from tests.message.samples import COLUMNS, DATE, SECRET, header_text, recipient, refused, rendered, source

URL = "https://acme.test/leave?t={{ token }}"


def _source(
    url: str = "", mailto: str = "", *, one_click: bool = False, text: str = "Hello", **others: object
) -> MessageSource:
    leaving = Unsubscribe(mailto, url, one_click) if url or mailto or one_click else None
    return dataclasses.replace(source(text=text), unsubscribe=leaving, **others)  # type: ignore[arg-type]


def _compiled(message: MessageSource) -> CompiledMessage:
    return compile_message(message, COLUMNS, secret=SECRET, campaign_id="k3v9x2mq")


def _problems(message: MessageSource) -> list[str]:
    with pytest.raises(TemplateError) as caught:
        _compiled(message)
    return [str(problem) for problem in caught.value.problems]


def _raw(data: bytes, name: str) -> list[bytes]:
    head = data.split(b"\r\n\r\n")[0] + b"\r\n"
    return re.findall(rb"(?m)^" + name.encode() + rb": ((?:[^\r]|\r\n[ \t])*)\r\n", head)


@pytest.mark.parametrize("length", [20, 76, 77, 78, 79, 200, 500, 900, 977])
def test_b02_a_link_is_literal_at_any_length(length: int) -> None:
    url = "https://acme.test/" + "x" * (length - 18)
    data = rendered(_compiled(_source(url, "leave@acme.test?subject=leave")), recipient()).data
    assert _raw(data, "List-Unsubscribe") == [f"<{url}>,\r\n <mailto:leave@acme.test?subject=leave>".encode()]
    assert max(map(len, data.split(b"\r\n"))) <= 998
    assert parse_message(data)["list-unsubscribe"] == f"<{url}>, <mailto:leave@acme.test?subject=leave>"


def test_b02_a_link_too_long_for_a_line_is_refused_with_a_sentence() -> None:
    message = _compiled(_source("https://acme.test/{{ body }}?{{ token }}"))
    said = refused(message, recipient(body="x" * 950))
    assert str(said.place) == "unsubscribe"
    assert "more than 998 characters" in said.reason


def test_b02_both_ways_carry_a_token_and_one_click_says_so() -> None:
    message = _compiled(_source(URL, "leave@acme.test", one_click=True))
    data = rendered(message, recipient(17)).data
    [value] = _raw(data, "List-Unsubscribe")
    found = re.fullmatch(
        rb"<https://acme\.test/leave\?t=(\S+)>,\r\n <mailto:leave@acme\.test\?subject=unsubscribe%20(\S+)>", value
    )
    assert found is not None
    assert found[1] == found[2]
    token = read_token(found[1].decode())
    assert (token.campaign, token.row) == ("k3v9x2mq", 17)
    assert token.is_of(SECRET, "anna@list.test")
    assert _raw(data, "List-Unsubscribe-Post") == [b"List-Unsubscribe=One-Click"]


def test_b02_no_one_click_header_unless_the_campaign_says_that_somebody_answers() -> None:
    assert b"-Post" not in rendered(_compiled(_source(URL)), recipient()).data


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            _source("http://acme.test/{{ token }}", one_click=True),
            "unsubscribe.url: this value does not begin",
        ),
        (_source(mailto="leave@acme.test", one_click=True), "unsubscribe.one_click: one click needs a link"),
        (_source("https://acme.test/leave", one_click=True), "unsubscribe.url: this link is the same for everybody"),
        (_source("ftp://acme.test/{{ token }}"), "unsubscribe.url: this value is no link"),
        (_source("https:///leave"), "unsubscribe.url: this value has no host"),
        (_source("https://gärten.test/leave"), "unsubscribe.url: this value has a host that is not ASCII"),
        (_source(mailto="leave at acme.test"), "unsubscribe.mailto: "),
        (_source(URL, headers=(("list-unsubscribe", "<mailto:a@b.test>"),)), "headers.list-unsubscribe: the header"),
        (
            _source(list_id="Acme", headers=(("List-Id", "x"),)),
            "the header List-Id is made from list_id",
        ),
        (_source("https://acme.test/{{ campaign }}", one_click=True), "unsubscribe.url: this link is the same for"),
        (_source(list_id="{{ plan }} <news.acme.test>"), "list_id: this value is no template"),
        (_source(feedback_id="a:{{ body }}:"), "feedback_id: its last field is blank"),
        (_source(list_id="Acme News"), "list_id: this value is no name with an identifier"),
        (_source(list_id="<acme>"), "list_id: this value has no identifier such as"),
        (_source(list_id="<a..b>"), "list_id: this value has no identifier such as"),
        (_source(list_id=f"<a.{'b' * 254}>"), "list_id: this value has an identifier of more than 255"),
        (_source(feedback_id="a:b:c:d:e"), "feedback_id: this value has more than 4 fields"),
        (_source("https://acme.test/{{ unsubscribe_mailto }}", "a@b.test"), "unsubscribe_mailto is for the text"),
        (_source(text="{{ unsubscribe_url }}"), "the campaign says no url under unsubscribe"),
        (_source("https://acme.test/{{ nobody }}"), "the list has no column nobody"),
    ],
)
def test_b02_what_is_wrong_without_a_row_is_told_with_its_place(message: MessageSource, said: str) -> None:
    assert any(said in problem for problem in _problems(message)), _problems(message)


def test_b02_an_empty_unsubscribe_is_no_way_to_leave() -> None:
    message = dataclasses.replace(source(), unsubscribe=Unsubscribe())
    assert any("unsubscribe: says no way to leave" in problem for problem in _problems(message))


@pytest.mark.parametrize(
    ("cell", "link"),
    [
        ("a b", "https://acme.test/a%20b"),
        ("grüße", "https://acme.test/gr%C3%BC%C3%9Fe"),
        ("50%", "https://acme.test/50%25"),
        ("a%20b", "https://acme.test/a%20b"),
        ("<x>,\\", "https://acme.test/%3Cx%3E,%5C"),
        ("=?utf-8?q?x?=", "https://acme.test/=%3Futf-8?q?x?="),
    ],
)
def test_b02_what_no_link_may_hold_is_percent_encoded(cell: str, link: str) -> None:
    data = rendered(_compiled(_source("https://acme.test/{{ body }}")), recipient(body=cell)).data
    assert _raw(data, "List-Unsubscribe") == [f"<{link}>".encode()]


@pytest.mark.parametrize("cell", ["a\nb", "a\r\nBcc: x@y.test", "\0", "\u2028", "\ud800"])
def test_m01_what_would_start_a_header_is_refused(cell: str) -> None:
    said = refused(_compiled(_source("https://acme.test/{{ body }}")), recipient(body=cell))
    assert str(said.place) == "unsubscribe.url"


@pytest.mark.parametrize(("url", "why"), [("javascript:alert(1)", "is no link"), ("  ", "is blank")])
def test_b02_a_link_made_of_a_cell_alone_must_be_one(url: str, why: str) -> None:
    assert why in refused(_compiled(_source("{{ body }}")), recipient(body=url)).reason


@given(st.one_of(header_text, st.text()))
def test_b02_any_cell_gives_a_literal_link_or_a_sentence(cell: str) -> None:
    try:
        link = list_headers.link(f"https://acme.test/{cell}", secure=True)
    except HeaderError:
        return
    assert re.fullmatch(r"https://acme\.test/[!#-;=?-~]*", link), link
    assert "=?" not in link


@pytest.mark.parametrize(
    ("given_mailto", "link"),
    [
        ("leave@acme.test", "mailto:leave@acme.test?subject=unsubscribe%20T"),
        ("mailto:leave@acme.test", "mailto:leave@acme.test?subject=unsubscribe%20T"),
        ("leave@gärten.test", "mailto:leave@xn--grten-gra.test?subject=unsubscribe%20T"),
        ("grüße@acme.test", "mailto:gr%C3%BC%C3%9Fe@acme.test?subject=unsubscribe%20T"),
        ("a&b/c@acme.test", "mailto:a%26b%2Fc@acme.test?subject=unsubscribe%20T"),
        ("leave@acme.test?subject=out of here", "mailto:leave@acme.test?subject=out%20of%20here"),
        ("leave@acme.test?body=x&Subject=y", "mailto:leave@acme.test?body=x&Subject=y"),
        ("leave@acme.test?body=x&", "mailto:leave@acme.test?body=x&subject=unsubscribe%20T"),
        ("leave@acme.test?", "mailto:leave@acme.test?subject=unsubscribe%20T"),
    ],
)
def test_b02_a_mailto_link_is_made_of_an_address(given_mailto: str, link: str) -> None:
    assert list_headers.mailto_link(given_mailto, "T") == link


@pytest.mark.parametrize("mailto", ["leave@acme.test?body=x", "{{ body }}@acme.test?body=x", "leave@acme.test"])
def test_b02_a_mail_to_leave_by_says_whose_it_is(mailto: str) -> None:
    [value] = _raw(rendered(_compiled(_source(mailto=mailto)), recipient(7, body="leave")).data, "List-Unsubscribe")
    assert re.search(rb"[?&]subject=unsubscribe%20v1\.k3v9x2mq\.7\.[\w-]{22}>$", value), value


@pytest.mark.parametrize("host", ["[2001:db8::1]:8443", "xn--grten-gra.test", "my_host.test:80"])
def test_b02_hosts_of_links(host: str) -> None:
    assert list_headers.link(f"https://{host}/%20", secure=True) == f"https://{host}/%20"
    for broken in (f"{host}:x", f"<{host}", f"user@{host}", ":443"):
        with pytest.raises(HeaderError):
            list_headers.link(f"https://{broken}/%20", secure=True)


def _told(message: MessageSource, *more: str) -> list[tuple[str, str, str]]:
    compiled = compile_message(message, (*COLUMNS, *more), secret=SECRET)
    codes = ("leave-column", "leave-address", "one-click-signed", "copies-leave")
    found = Preflight(compiled).findings()
    return [(one.severity, one.code, one.place.file or one.place.key) for one in found if one.code in codes]


def test_b02_what_the_author_should_know_of_the_ways_to_leave() -> None:
    plain = _source(URL, "leave@acme.test", text="{{ unsubscribe_url }} {{ token }}")
    assert _told(plain) == []
    assert _told(plain, "token", "unsubscribe_mailto") == [("warning", "leave-column", "unsubscribe.url")]
    assert _told(_source(mailto="leave@acme.test", text="{{ token }}"), "token") == []
    assert _told(plain, "unsubscribe_url") == [("warning", "leave-column", "body.txt.j2")]
    assert _told(_source("https://acme.test/{{ email }}")) == [("warning", "leave-address", "unsubscribe.url")]
    assert _told(_source(URL, one_click=True)) == [("note", "one-click-signed", "unsubscribe.one_click")]
    copied = _source(URL, cc=("boss@acme.test",))
    assert _told(copied) == [("note", "copies-leave", "unsubscribe")]


def test_bodies_show_the_same_links_and_pages_escape_them() -> None:
    page = '<a href="{{ unsubscribe_mailto }}">x</a> <a href="{{ unsubscribe_url }}">y</a>'
    leaving = Unsubscribe("leave@acme.test", "https://acme.test/leave?a=1&t={{ token }}")
    message = dataclasses.replace(source(text="{{ unsubscribe_url }}\n{{ token }}", html=page), unsubscribe=leaving)
    mail = rendered(_compiled(message), recipient())
    assert mail.text is not None
    assert mail.html is not None
    url, token = mail.text.strip().splitlines()
    assert url == f"https://acme.test/leave?a=1&t={token}"
    assert f'href="{url.replace("&", "&amp;")}"' in mail.html
    assert f'href="mailto:leave@acme.test?subject=unsubscribe%20{token}"' in mail.html
    assert f"<{url}>".encode() in mail.data


def test_a_column_of_the_same_title_wins() -> None:
    message = _source(URL, text="{{ token }} {{ unsubscribe_url }}")
    columns = (*COLUMNS, "token", "unsubscribe_url")
    to = recipient()
    to = dataclasses.replace(to, fields={**to.fields, "token": "own-7", "unsubscribe_url": "theirs"})
    mail = rendered(compile_message(message, columns, secret=SECRET), to)
    assert (mail.text or "").strip() == "own-7 theirs"
    assert b"<https://acme.test/leave?t=own-7>" in mail.data


@pytest.mark.parametrize(
    ("given_id", "line", "shown"),
    [
        ("news.acme.test", b"<news.acme.test>", "<news.acme.test>"),
        ("Acme News <news.acme.test>", b"Acme News <news.acme.test>", "Acme News <news.acme.test>"),
        ('"Acme, News" <news.acme.test>', b'"Acme, News" <news.acme.test>', '"Acme, News" <news.acme.test>'),
        ("Gärten <news.acme.test>", b"=?utf-8?q?G=C3=A4rten?= <news.acme.test>", "Gärten <news.acme.test>"),
    ],
)
def test_b06_list_id(given_id: str, line: bytes, shown: str) -> None:
    data = rendered(_compiled(_source(list_id=given_id)), recipient()).data
    assert _raw(data, "List-Id") == [line]
    assert parse_message(data)["list-id"] == shown


def test_b06_feedback_id_and_auto_submitted() -> None:
    data = rendered(_compiled(_source(feedback_id="spring:{{ body }}::acme", automatic=True)), recipient(body="p")).data
    assert _raw(data, "Feedback-ID") == [b"spring:p::acme"]
    assert _raw(data, "Auto-Submitted") == [b"auto-generated"]
    blank = _compiled(_source(feedback_id=" ", automatic=True))
    assert self_check(blank, recipient(), date=DATE, encoding=TransferEncoding.EIGHT_BIT) == []
    said = refused(_compiled(_source(feedback_id="spring:{{ body }}::acme")), recipient(body="a:b"))
    assert "more than 4 fields" in said.reason
    assert str(said.place) == "feedback_id"


@pytest.mark.parametrize("encoding", TransferEncoding)
def test_m01_the_standard_parser_reads_what_was_meant(encoding: TransferEncoding) -> None:
    message = _source(
        URL,
        "leave@acme.test",
        one_click=True,
        list_id="Gärten & more of a list with a long name <news.acme.test>",
        feedback_id="{{ body }}:a",
        automatic=True,
        headers=(("X-Plan", "{{ body }}"), ("X-Same", "same")),
        text="{{ unsubscribe_url }}",
    )
    compiled = _compiled(message)
    assert self_check(compiled, recipient(body="p"), date=DATE, encoding=encoding) == []
    names = [name.lower() for name in parse_message(rendered(compiled, recipient(body="p")).data).keys()]  # noqa: SIM118
    assert len(names) == len(set(names))


def test_a_message_without_any_of_it_has_the_bytes_it_had() -> None:
    plain = _compiled(source())
    assert plain.source.digest == source().digest
    assert b"List-" not in rendered(plain, recipient()).data


def test_b07_commercial_mail_may_leave_by_unsubscribe() -> None:
    leaving = Unsubscribe(mailto="leave@acme.test")
    for given_leaving, expected in ((None, ["no-unsubscribe"]), (leaving, [])):
        message = dataclasses.replace(
            source(text="{{ postal_address }}", postal_address="1 Main Street", commercial=True),
            unsubscribe=given_leaving,
        )
        preflight = Preflight(_compiled(message))
        assert [finding.code for finding in preflight.findings() if finding.severity == "error"] == expected
