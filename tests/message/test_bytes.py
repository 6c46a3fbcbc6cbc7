"""What goes out is frozen: several hundred messages of every kind have the bytes they had when rendering was slow.

Rendering has become a good deal faster since these digests were taken. A digest that changes here is a change of what
people receive: of retries that no longer match their first attempt, and of signatures made over other bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from mailtui.audience.recipient import Recipient
from mailtui.message.frozen import MessageSource
from mailtui.message.mime import TransferEncoding
from mailtui.message.reference import self_check
from mailtui.message.rendered import RenderedMessage
from tests.message.samples import compiled, source

_COLUMNS = ("email", "first_name", "body", "First name", "items", "city")
_LONG = "A quiet street by the river, an hour of sun. " * 30
_CELLS = (
    "",
    "Anna",
    "Zoë",
    "日本語の件名です",
    "👩‍👩‍👧‍👦 family",
    "a & b <c> \"d\" 'e'",
    ".",
    ".hidden\n.\n..two",
    "two\nlines\r\nand\ra third",
    "\r",
    "\n",
    "ends in a break\n",
    " blanks around ",
    "tab\there",
    "x" * 999,
    "ü" * 500,
    ("ü" * 499 + "\n") * 3,
    "=?utf-8?q?hi=0Abcc?=",
    "one, two,three",
    "-- \n-signature_",
    "a\0b",
    "\x0b\x0c\x1b\x85\u2028",
    "{{ first_name }}",
)
_PARTIAL = (
    ("header.txt", "-- {{ campaign }} --\n{{ first_name|default('friend') }}\n"),
    ("plain.txt", "as it is\n.\n"),
)
_LAYOUT = (
    (
        "layout.html",
        "<html>{% block top %}<h1>{{ campaign }}</h1>{% endblock %}\n{% block main %}{% endblock %}</html>",
    ),
    ("macros.html", "{% macro button(text, to='#') %}<a href=\"{{ to }}\">{{ text }}</a>{% endmacro %}"),
)
SOURCES: dict[str, MessageSource] = {
    "text alone": source(text="Hello {{ first_name }},\n{{ body }}\nin {{ city }}"),
    "html alone": source(text=None, html="<p>Hello {{ first_name }},</p>\n<div>{{ body }}</div>\n"),
    "both": source(text="{{ body }}\n" * 3, html=f"<p>{_LONG}</p>\n<p>{{{{ body }}}}</p>{{{{ city }}}}\n"),
    "nothing but cells": source(text="{{ body }}", html="{{ body|safe }}"),
    "constant": source(subject="News", text="The same\nfor all.\n", html="<p>Grüße\n.\n"),
    "constant, ascii, dots": source(subject="News", text=".\n..\n.a", html=None),
    "constant, a long line": source(subject="News", text="x" * 1200, html="<p>" + "ü" * 600),
    "blank text": source(text="", html="{# nothing #}"),
    "loop over a range": source(
        html="<ul>{% for n in range(1, 9) %}<li>{{ n }}: {{ first_name|upper }} {{ loop.index }}</li>\n{% endfor %}"
        "</ul>",
        text="{% for n in range(3) %}{{ n }}{{ body }}{% for m in range(2) %}{{ n }}{{ m }},{% endfor %}\n{% endfor %}",
    ),
    "loop over constants": source(
        html="{% for x in ['<a>', 'b & c', 'ü'] %}{{ x }}|{{ x|upper }}|{{ city }}\n{% endfor %}",
        text="{% for x in ('a', 2, 'ü') %}{{ x }}{% if x == 2 %}!{% endif %}{% else %}none{% endfor %}",
    ),
    "loop over a cell": source(
        text="{% for item in items.split(',') %}- {{ item|trim }} {{ loop.last }}\n{% else %}none\n{% endfor %}",
        html="{% for key in row %}{{ key }}={{ row[key] }}<br>{% endfor %}",
    ),
    "choices": source(
        text="{% if body %}body: {{ body }}\n{% elif city %}.city\n{% else %}\n.nothing{% endif %}.",
        html="{% if first_name == 'Zoë' %}<b>Zoë</b>{% endif %}<p>{{ body if body else 'none' }}</p>",
    ),
    "what is set": source(
        text="{% set who = first_name|default('friend') %}{{ who }} {{ who }}\n{% set campaign = 'x' %}{{ campaign }}",
        html="{% with a = body, b = 2 %}{{ a }}{{ b }}{% endwith %}{% set ns = namespace(n=0) %}"
        "{% for n in range(4) %}{% set ns.n = ns.n + n %}{% endfor %}{{ ns.n }}",
    ),
    "macros": source(
        html="{% from 'macros.html' import button %}{% macro own(x) %}<i>{{ x }}</i>{% endmacro %}"
        "{{ button(first_name) }}\n{{ own(body) }}{{ button('here', to='https://x.test/?a=1&b=2') }}",
        includes=_LAYOUT,
    ),
    "a layout": source(
        html="{% extends 'layout.html' %}{% block main %}{{ super() }}<p>{{ body }}</p>{{ first_name }}{% endblock %}",
        includes=_LAYOUT,
    ),
    "includes": source(
        text="{% include 'header.txt' %}\n{{ body }}\n{% include 'plain.txt' %}{% include 'nope.txt' ignore missing %}",
        html="{% for n in range(2) %}{% include 'header.txt' %}{{ n }}{% endfor %}{% include 'plain.txt' %}",
        includes=_PARTIAL,
    ),
    "filters": source(
        text="{{ body|e }} {{ body|wordwrap(20) }} {{ body|title }} {{ [first_name, city]|join(', ') }} {{ '\r' }}x",
        html="{{ body|safe }}{% filter upper %}{{ body }} & {{ city }}{% endfilter %}{{ body|replace('a', '<') }}"
        "{{ [body, '<b>'|safe]|join('&') }}{% autoescape false %}{{ body }}{% endautoescape %}{{ body|tojson }}",
    ),
    "what the campaign gives": source(
        text="{{ campaign }}, {{ postal_address }}, {{ now }}, {{ recipient }}, {{ campaign|upper ~ '!' }}\n.",
        html="<p title='{{ campaign }}'>{{ postal_address }} {{ row['First name'] }} {{ row.city }}</p>\n",
        postal_address="Acme & Söhne\n1 High Street",
    ),
    "headers": source(
        sender="{{ first_name|default('Acme', false) }} News <news@acme.test>",
        reply_to="{{ city }} <help@acme.test>",
        headers=[
            ("List-Unsubscribe", "<https://acme.test/leave/{{ email }}?c=" + "x" * 90 + ">, <mailto:x@acme.test>"),
            ("X-Campaign", "spring"),
            ("X-City", "{{ city }}"),
            ("X-Long", "{{ city }} " + "many words " * 20),
            ("X-Name", "Grüße {{ first_name }}"),
            ("Precedence", "bulk"),
        ],
    ),
    "a sender who is not ascii": source(sender="Zoë & Söhne <größe@acme.test>", headers=[("X-A", "Grüße")]),
    "a column called campaign": source(
        subject="{{ campaign }}", text="{{ campaign }} {{ range }}", html="{{ campaign }}"
    ),
}
# How many messages each gives, and the digest of them all.
_DIGESTS = {
    "text alone": "102:10426f0ae7744dabcff17707",
    "html alone": "108:53822a31460bea2c787f2d3e",
    "both": "102:b68e2190a6a66f53c9ad2a94",
    "nothing but cells": "108:bcf71b89451f26ab79e7febb",
    "constant": "129:1fd72bc90a73ffd8c464c8c8",
    "constant, ascii, dots": "129:8d7b622a0fb905754c7070cf",
    "constant, a long line": "129:dea37b43156f13c8c670173d",
    "blank text": "108:d56944b638e258e08fb2b409",
    "loop over a range": "108:3260b86f9e6a45fb2b3f0a2e",
    "loop over constants": "102:ec62e377c375c8ad8f7c5b08",
    "loop over a cell": "102:bb95f4d120aec0d82b4d131b",
    "choices": "108:e0885e396fca42817c75c311",
    "what is set": "108:e13f37fba4f9f8626e91b207",
    "macros": "108:0ec37cb9faa4ca70bd2b9d5d",
    "a layout": "108:b32622d76ca9f5788636ca73",
    "includes": "108:0fb3317ce693f8b37fd20716",
    "filters": "102:27aa750cd6c9f9b49dab38aa",
    "what the campaign gives": "102:4a06d72984c55075ff625638",
    "headers": "54:9e1b2dd6e47eae5ea355eba0",
    "a sender who is not ascii": "57:c65ba896392dc70bb5d5d650",
    "a column called campaign": "129:d3f79579f571b72293ac885c",
}


def people(name: str) -> Iterator[Recipient]:
    """A row for every cell, each in every column, so that every kind of text stands everywhere."""
    for row, cell in enumerate(_CELLS, start=1):
        address = f"person{row}@list.test" if row % 7 else f"grö{row}@xn--tst-qla.test"
        cells = {
            "email": address,
            "first_name": cell if row % 2 else "Anna",
            "body": cell,
            "First name": cell,
            "items": cell,
            "city": _CELLS[(row * 5) % len(_CELLS)] if row % 3 else "Köln",
        }
        if name == "a column called campaign":
            cells |= {"campaign": f"<own> {cell[:20]!r}", "range": "wide"}
        yield Recipient(address, row, address, cells)


def digest(name: str) -> str:
    """How many messages one campaign gives, every encoding counted, and the digest of all of them."""
    columns = (*_COLUMNS, "campaign", "range") if name == "a column called campaign" else _COLUMNS
    message = compiled(SOURCES[name], columns)
    hashed, count = hashlib.sha256(), 0
    for encoding in TransferEncoding:
        for smtputf8 in (False, True):
            for to in people(name):
                given = message.render(to, date=1_800_000_000.7 + to.row, encoding=encoding, smtputf8=smtputf8)
                if isinstance(given, RenderedMessage):
                    count += 1
                    fields = (given.sender, given.recipient, given.message_id, given.subject, given.text, given.html)
                    hashed.update(repr(fields).encode() + given.data)
                else:
                    hashed.update(str(given).encode())
    return f"{count}:{hashed.hexdigest()[:24]}"


@pytest.mark.parametrize("name", SOURCES)
def test_m01_the_bytes_are_those_of_the_first_day(name: str) -> None:
    assert digest(name) == _DIGESTS[name]


@pytest.mark.parametrize("encoding", TransferEncoding)
@pytest.mark.parametrize("name", SOURCES)
def test_m04_there_is_no_structure_that_the_skeleton_cannot_do(name: str, encoding: TransferEncoding) -> None:
    columns = (*_COLUMNS, "campaign", "range") if name == "a column called campaign" else _COLUMNS
    message, checked = compiled(SOURCES[name], columns), 0
    for to in people(name):
        given = message.render(to, date=1_800_000_000.0, encoding=encoding, smtputf8=True)
        if to.row % 3 == 0 and isinstance(given, RenderedMessage):
            assert self_check(message, to, date=1_800_000_000.0, encoding=encoding, smtputf8=True) == []
            checked += 1
    assert checked >= 2
