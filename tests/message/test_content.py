"""What mails hold is looked at: links, images, subjects, placeholders, sizes; and usual newsletters pass (B6, M-10)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailtui.audience.recipient import Recipient
from mailtui.message.frozen import MessageSource
from mailtui.message.links import judge_link, judge_shown
from mailtui.message.mime import TransferEncoding
from mailtui.message.preflight import Finding, Preflight
from mailtui.message.subjects import judge_subject
from mailtui.message.templates import TemplateText
from tests.message.samples import DATE, compiled, recipient, source

REAL = Path(__file__).parent / "real_mails"
LEAVE = ("List-Unsubscribe", "<mailto:leave@acme.test>")


def found(*rows: dict[str, str], **message: Any) -> dict[str, Finding]:
    """The findings by code; each row has the cells given, everything else is in order."""
    built = compiled(source(**{"headers": [LEAVE], "text": "Hello", **message}))
    preflight = Preflight(built)
    for number, cells in enumerate(rows or ({},), 1):
        row = recipient(row=number, address=f"p{number}@company.org", **cells)
        preflight.feed(row, built.render(row, date=DATE, encoding=TransferEncoding.EIGHT_BIT, smtputf8=True))
    return {item.code: item for item in preflight.findings() if item.code != "column-role"}


@pytest.mark.parametrize(
    ("link", "code"),
    [
        ("", "link-empty"),
        ("  ", "link-empty"),
        ("#", "link-hash"),
        ("#top", None),
        ("www.acme.test", "link-relative"),
        ("acme.com/offer", "link-relative"),
        ("www.acme.com:80/x", "link-relative"),
        ("/offer", "link-relative"),
        ("//acme.test/x", "link-relative"),
        ("offer.html?id=3", "link-relative"),
        ("https:/acme.test", "link-broken"),
        ("htps://acme.test", "link-broken"),
        ("https//acme.test", "link-broken"),
        ("http:///acme.test", "link-broken"),
        ("https://https://acme.test", "link-broken"),
        ("https://acme.test/a b", "link-broken"),
        ("https://acme..test/", "link-broken"),
        ("http://acme.test/", "plain-http"),
        ("https://localhost:3000/x", "link-private"),
        ("http://192.168.0.7/x", "link-private"),
        ("file:///C:/x.html", "link-private"),
        ("https://bit.ly/3xY", "link-shortener"),
        ("mailto:", "link-address"),
        ("mailto:help", "link-address"),
        ("tel:call us", "link-address"),
        ("JavaScript:alert(1)", "active-link"),
        ("java\nscript:alert(1)", "active-link"),
        ("data:text/html,x", "active-link"),
        ("&#106;avascript:alert(1)", "active-link"),
        ("java&Tab;script:alert(1)", "active-link"),
        ("mailto://help@acme.test", "link-address"),
        ("https://acme.test", None),
        ("https://acme.test:8443/a?b=c&amp;d=%20#e", None),
        ("https://user@münchen.example/ä", None),
        ("https://[2001:db8::1]/x", None),
        ("mailto:help@acme.test?subject=a%20b", None),
        ("mailto:a@acme.test,b@acme.test", None),
        ("mailto:?subject=Look", None),
        ("tel:+49 (30) 123-45", None),
        ("sms:+491234", None),
        ("acme-app://open/3", None),
        ("webcal://acme.test/x.ics", None),
    ],
)
def test_links(link: str, code: str | None) -> None:
    remark = judge_link(link)
    assert (remark and remark.code) == code
    assert remark is None or remark.hint


@pytest.mark.parametrize(
    ("text", "link", "wrong"),
    [
        ("www.acme.com", "https://evil.example/x", True),
        ("https://acme.com/login", "https://acme.com.evil.example/", True),
        ("acme.com", "https://www.acme.com/x", False),
        ("report.pdf", "https://acme.com/report", False),
        ("münchen.de", "https://xn--mnchen-3ya.de/", False),
        ("Read on", "https://acme.com", False),
        ("help@acme.com", "mailto:help@acme.com", False),
    ],
)
def test_a_link_that_shows_another_address_than_its_own(text: str, link: str, wrong: bool) -> None:
    assert (judge_shown(text, link) is not None) == wrong


@pytest.mark.parametrize(
    ("subject", "codes"),
    [
        ("Spring is here", []),
        (" ", ["subject-blank"]),
        ("x" * 61, ["subject-long"]),
        ("x" * 999, ["subject-too-long"]),
        ("EVERYTHING MUST GO", ["subject-capitals"]),
        ("NATO", []),
        ("Hurry!!", ["subject-marks"]),
        ("Hurry! Now! Really!", ["subject-marks"]),
        ("Hello!", []),
        ("RE: your order", ["subject-reply"]),
        ("Fwd: look", ["subject-reply"]),
        ("Regarding: x", []),
    ],
)
def test_subjects(subject: str, codes: list[str]) -> None:
    assert [remark.code for remark in judge_subject(subject, replies=False)] == codes
    assert "subject-reply" not in [remark.code for remark in judge_subject(subject, replies=True)]


def test_a_link_that_only_one_row_breaks_is_told_for_that_row() -> None:
    rows = [{"body": "https://acme.test/1"}, {"body": ""}, {"body": "www.acme.test"}, {"body": "https://acme.test/2"}]
    told = found(*rows, html="<p><a href=\"{{ body|default('') }}\">Read on</a></p>")
    assert {code: item.rows for code, item in told.items()} == {"link-empty": (2,), "link-relative": (3,)}
    assert all(item.hint for item in told.values())


def test_m10_a_script_from_a_cell_is_told_for_its_row_however_the_attribute_is_written() -> None:
    rows = [{"body": "https://a.test"}, {"body": "javascript:x()"}, {"body": "https://b.test"}]
    for html in ('<a HREF="{{ body }}">x</a>', "<a href = '{{ body }}'>x</a>", '<img alt="" src="{{ body }}">'):
        told = found(*rows, html=html)
        assert (told["active-link"].severity, told["active-link"].rows) == ("error", (2,)), html


def test_a_link_that_stands_in_a_template_has_its_place() -> None:
    told = found(html='<p>Hello</p>\n<p><a href="/offer">x</a></p>')
    assert str(told["link-relative"].place) == "body.html.j2:2"


def test_every_turn_a_template_takes_is_looked_at() -> None:
    html = "<p>Hi</p>{% if body == 'rare' %}<p><img src='https://img.acme.test/a.png'></p>{% endif %}"
    told = found(*({"body": "rare" if row == 77 else "usual"} for row in range(1, 101)), html=html)
    assert told["image-alt"].rows == (77,)


TURNS: list[tuple[str, str]] = [
    ("image-alt", "<img src='https://a.test/a.png'>|<img src='https://a.test/a.png' alt='A'>"),
    ("form", "<form></form>|<b>x</b>"),
    ("unbalanced", "<b>x<b>|<b>x</b>"),
    ("leftover", "{% raw %}{{ name }}{% endraw %}|x"),
    ("link-mismatch", "<a href='https://evil.example'>acme.com</a>|<a href='https://acme.com/'>acme.com</a>"),
]


@pytest.mark.parametrize(("code", "turns"), TURNS)
@pytest.mark.parametrize("odd", [1, 5])
def test_b6_what_one_turn_of_a_template_has_is_told_for_its_rows_and_no_other(code: str, turns: str, odd: int) -> None:
    """Also where both have as many tags and links, and whichever of them comes first."""
    wrong, right = turns.split("|")
    html = "<p>{% if body == 'odd' %}" + wrong + "{% else %}" + right + "{% endif %}</p>"
    told = found(*({"body": "odd" if row == odd else "even"} for row in range(1, 9)), html=html)
    assert {code: item.rows for code, item in told.items() if code != "image-remote"} == {code: (odd,)}


@pytest.mark.parametrize("odd", [1, 5])
@pytest.mark.parametrize(
    ("html", "cells", "code"),
    [
        ("<a href='{{ body }}'>acme.com</a>", ("https://evil.example", "https://acme.com"), "link-mismatch"),
        ("<a href='https://acme.com'><b>{{ body }}</b></a>", ("evil.com", "acme.com"), "link-mismatch"),
        ("<img alt='' src='{{ body }}'>", ("logo.png", "https://acme.com/a.png"), "image-relative"),
        ("<img alt='' src='{{ body }}'>", ("data:image/png;base64,A", "https://acme.com/a.png"), "image-data"),
        ("<p>{{ body }}</p>", ("BUY THIS LOVELY THING " * 30, "x"), "body-capitals"),
        (None, ("BUY THIS LOVELY THING " * 30, "x"), "body-capitals"),
        (None, ("http://localhost:8000/x", "https://acme.com"), "link-private"),
        (None, ("see htps://acme.com.", "https://acme.com"), "link-broken"),
    ],
)
def test_b6_what_a_cell_decides_is_told_for_its_row_and_no_other(
    html: str | None, cells: tuple[str, str], code: str, odd: int
) -> None:
    text = "{{ body }}" if html is None else "Hello " * 200
    told = found(*({"body": cells[row != odd]} for row in range(1, 9)), html=html, text=text)
    assert {code: item.rows for code, item in told.items() if code != "image-remote"} == {code: (odd,)}


def test_what_every_mail_has_is_told_for_every_mail() -> None:
    rows: list[dict[str, str]] = [{}] * 9
    assert found(*rows, text="BUY THIS LOVELY THING " * 30)["body-capitals"].count == 9
    commercial = {"commercial": True, "postal_address": "1 Main Street"}
    assert found(*rows, text="Buy. 1 Main Street", **commercial)["no-unsubscribe-link"].count == 9


@pytest.mark.parametrize(
    "html",
    [
        "<!-- <a href='#'>old</a> --><a href='https://acme.com'>x</a>",
        '<p>Write <code>&lt;a href="#"&gt;</code> or <code>&lt;a href=&quot;/x&quot;&gt;</code></p>',
        "<svg><use xlink:href='icon'/></svg>",
        "<img src='https://acme.com/o.gif' style='width:1px; height:1px'>",
        "<img src='https://acme.com/o.gif' role='presentation'>",
    ],
)
def test_what_nobody_sees_is_not_complained_about(html: str) -> None:
    assert set(found(html=html)) <= {"image-remote"}


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("Dear [First Name],", 1),
        ("Dear [NAME], of %CITY%", 2),
        ("Dear *|FNAME|*", 1),
        ("Dear {first_name},", 1),
        ("Lorem ipsum dolor", 1),
        ("Dear <<First Name>>", 1),
        ("Dear «First_Name»", 1),
        ("50% off, 100%! [1] [PDF] https://a.test/%C3%A4%20b", 0),
        ("Dear {{ first_name }}", 0),
        ("{# [NAME] #}Dear reader", 0),
    ],
)
def test_marks_that_nobody_filled_in(text: str, marks: int) -> None:
    built = compiled(source(headers=[LEAVE], text=text))
    told = [item for item in Preflight(built).findings() if item.code == "placeholder"]
    assert len(told) == marks
    assert all(item.place.file == "body.txt.j2" and item.place.line == 1 and item.hint for item in told)


def test_braces_that_readers_would_see() -> None:
    from_cell = found({"first_name": "Ann"}, {"first_name": "{{ first_name }}"}, text="Hi {{ first_name }}")["leftover"]
    assert (from_cell.rows, from_cell.severity) == ((2,), "warning")
    assert "first_name" in from_cell.message
    assert "leftover" in found(text="{% raw %}Hi {{ name }}{% endraw %}")
    assert "leftover" in found(html="<p>{{ '{{' }} name }}</p>")
    assert "leftover" in found(subject="{{ '{{' }} name }}")


def test_what_html_brings_along() -> None:
    hidden = "<div style='display: none'>" + "cheap pills " * 30 + "</div>"
    html = f"""<body>{hidden}<form action="https://acme.test/"><input></form><script>x</script><iframe></iframe>
    <img src="data:image/png;base64,AAAA" alt=""><img src="logo.png" alt="x"><b>open
    <a href="https://evil.example/">www.acme.com</a> {"BUY THIS NOW OR NEVER AGAIN WILL COME " * 15}</body>"""
    told = found(html=html)
    wanted = {"hidden-text", "form", "script", "frame", "image-data", "image-relative", "unbalanced", "link-mismatch"}
    assert wanted | {"body-capitals"} <= set(told)
    assert all(item.severity == "warning" and item.hint for code, item in told.items() if code in wanted)


def test_sizes() -> None:
    assert "html-long" in found(html="<p>" + "word " * 17_000 + "</p>", text="word " * 9_000)
    told = found(html="<p>" + "word " * 21_000 + "</p>")
    assert {"html-clipped", "text-short"} <= set(told)
    assert "html-long" not in told


def test_addresses_that_need_smtputf8_are_counted() -> None:
    built = compiled(source(headers=[LEAVE]))
    preflight = Preflight(built)
    for number, address in enumerate(("jörg@company.org", "joerg@company.org"), 1):
        preflight.feed_row(recipient(row=number, address=address))
    [told] = [item for item in preflight.findings() if item.code == "smtputf8"]
    assert (told.severity, told.rows, told.count) == ("note", (1,), 1)


def test_b07_commercial_mail_says_how_to_leave_and_where_the_sender_is() -> None:
    commercial = {"commercial": True, "postal_address": "1 Main Street, Springfield"}
    told = found(text="Buy", **commercial)
    assert {"no-unsubscribe-link", "postal-address-unused"} <= set(told)
    assert found(text="Buy\n1 Main Street,\nSpringfield\nTo unsubscribe, write to us.", **commercial) == {}


def pages() -> Iterator[Path]:
    yield from (path for path in sorted(REAL.glob("*.html")) if path.stem not in ("malformed", "pictures"))


def test_usual_newsletters_are_not_complained_about() -> None:
    """Of all kinds of mail that are kept here, none has a warning but for what is wrong with it."""
    told: dict[str, set[str]] = {}
    for path in pages():
        page = TemplateText(path.name, "{% raw %}" + path.read_text("utf-8") + "{% endraw %}")
        text = TemplateText("body.txt", path.with_suffix(".txt").read_text("utf-8").replace("{", "("))
        message = MessageSource("Acme <news@acme.test>", "Spring is here", text, page, headers=(LEAVE,))
        built = compiled(message)
        preflight = Preflight(built)
        row = Recipient("a@company.org", 1, "a@company.org", dict.fromkeys(built.columns, "x"))
        preflight.feed(row, built.render(row, date=DATE, encoding=TransferEncoding.EIGHT_BIT))
        codes = {item.code for item in preflight.findings() if item.severity != "note"}
        if codes:
            told[path.stem] = codes
    assert len(list(pages())) >= 10
    assert told == {"invitation": {"form"}, "newsletter": {"image-alt"}}
