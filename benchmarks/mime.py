"""How long one message takes to render and to build, against the standard library's EmailMessage.

    python benchmarks/mime.py [--rounds 7] [--messages 300]

Prints medians in microseconds of processor time and ratios: MIME alone, rendering and MIME together for each transfer
encoding, and what rendering costs by the kind of template, beside Jinja alone on the same template in the same sandbox.
All sides are measured in turns in one process, so that whatever else the machine does falls on all of them.
"""

from __future__ import annotations

import argparse
import email.policy
import statistics
import time
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from typing import TypeVar

from jinja2 import Template

from mailtui.audience.recipient import Recipient
from mailtui.message.compose import CompiledMessage, compile_message
from mailtui.message.frozen import MessageSource
from mailtui.message.hardening import HardenedEnvironment
from mailtui.message.headers import date_header, unstructured
from mailtui.message.mime import Skeleton, TransferEncoding, build_skeleton, encode_part
from mailtui.message.rendered import RenderedMessage
from mailtui.message.templates import TemplateText

_T = TypeVar("_T")
_ITEMS = "".join(f"{{{{ item_{number}|upper }}}}, " for number in range(8))
_PARAGRAPH = "A quiet street, a café by the river and an hour of spring sun: that is what we wish for you. " * 4
TEXT = f"Hello {{{{ first_name }}}},\n\n{_PARAGRAPH}\n" * 4 + f"{_ITEMS}\n{{{{ city }}}}\n"
HTML = (
    "<!doctype html><html><body>\n"
    + f"<p>Hello {{{{ first_name }}}} in {{{{ city }}}},</p>\n<p class='x'>{_PARAGRAPH}</p>\n" * 16
    + f"<ul>{_ITEMS}</ul><p>{{{{ email }}}}</p></body></html>\n"
)
_CARD = f"<p><b>Offer {{{{ n }}}}</b> for {{{{ first_name|upper }}}} in {{{{ city }}}}: {_PARAGRAPH * 2}</p>\n"
# Eight kilobytes each, in the same sandbox. What is constant is folded in the first four, a choice and what is set
# are for each row to tell in the others.
KINDS = {
    "constant": f"<p>{_PARAGRAPH}</p>\n" * 20,
    "fields": ("<p>Dear {{ first_name }} in {{ city }},</p>\n" + f"<p>{_PARAGRAPH}</p>\n") * 20,
    "loop over a range": "{% for n in range(1, 11) %}" + _CARD + "{% endfor %}",
    "include": "{% include 'top.html' %}" + f"<p>{_PARAGRAPH}</p>\n" * 19 + "{% include 'top.html' %}",
    "choices": ("{% if city %}<p>{{ city }}</p>{% else %}<p>?</p>{% endif %}" + f"<p>{_PARAGRAPH}</p>\n") * 20,
    "loop over a cell": "{% for n in items.split(',') %}" + _CARD + "{% endfor %}",
    "layout and macro": "{% extends 'layout.html' %}{% block main %}{% from 'macros.html' import card %}"
    + "{{ card(first_name) }}" * 10
    + "{% endblock %}",
}
_INCLUDES = (
    TemplateText("top.html", "<h1>{{ campaign }}: {{ first_name }}</h1>\n"),
    TemplateText("layout.html", "<html>{% block main %}{% endblock %}</html>\n"),
    TemplateText("macros.html", "{% macro card(name) %}<p>{{ name }}: " + _PARAGRAPH * 2 + "</p>\n{% endmacro %}"),
)
COLUMNS = ("email", "first_name", "city", "items", *(f"item_{number}" for number in range(8)))


def campaign() -> CompiledMessage:
    """A text and HTML mail of about ten kilobytes with some thirty fields in it."""
    source = MessageSource(
        sender="Acme News <news@acme.test>",
        subject="{{ first_name }}, spring is here",
        text=TemplateText("body.txt", TEXT),
        html=TemplateText("body.html", HTML),
        reply_to="help@acme.test",
        headers=(("X-Campaign", "spring"), ("List-Unsubscribe", "<https://acme.test/leave/{{ email }}>")),
        campaign="Spring news",
    )
    return compile_message(source, COLUMNS, secret=b"0123456789abcdef")


def of_kind(kind: str) -> CompiledMessage:
    """A mail with an HTML part of one kind and nothing else."""
    source = MessageSource(
        sender="Acme News <news@acme.test>",
        subject="Spring is here",
        text=None,
        html=TemplateText("body.html", KINDS[kind]),
        includes=_INCLUDES,
        campaign="Spring news",
    )
    return compile_message(source, COLUMNS, secret=b"0123456789abcdef")


def jinja_alone(kind: str) -> Template:
    """The same template in the same sandbox, compiled and nothing more."""
    environment = HardenedEnvironment({text.name: text.source for text in _INCLUDES}, autoescape=True)
    environment.globals["campaign"] = "Spring news"
    return environment.from_string(KINDS[kind])


def recipient(number: int) -> Recipient:
    """One row; every third has a name that is not ASCII."""
    name = ("Zoë", "Anna", "Bob")[number % 3]
    address = f"person{number}@list{number % 50}.test"
    fields = {"email": address, "first_name": name, "city": "London", "items": "1,2,3,4,5,6,7,8,9,10"}
    fields |= {f"item_{item}": f"item {number} & {item}" for item in range(8)}
    return Recipient(address, number, address, fields)


def with_standard_library(message: RenderedMessage) -> bytes:
    """The same mail the usual way."""
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["Date"] = date_header(1_800_000_000)
    mail["From"] = "Acme News <news@acme.test>"
    mail["To"] = message.recipient
    mail["Subject"] = message.subject
    mail["Message-ID"] = message.message_id
    mail["Reply-To"] = "help@acme.test"
    mail["X-Campaign"] = "spring"
    mail.set_content(message.text or "")
    mail.add_alternative(message.html or "", subtype="html")
    return mail.as_bytes()


def with_skeleton(skeleton: Skeleton, message: RenderedMessage, encoding: TransferEncoding) -> bytes:
    """What the hot path does beside rendering: the varying header lines and the parts."""
    lines = b"Date: %s\r\nFrom: Acme News <news@acme.test>\r\nTo: %s\r\n%s\r\nMessage-ID: %s\r\n" % (
        date_header(1_800_000_000).encode(),
        message.recipient.encode(),
        unstructured("Subject", message.subject),
        message.message_id.encode(),
    )
    assert message.text_lines is not None and message.html_lines is not None
    return skeleton.assemble(
        lines + b"Reply-To: help@acme.test\r\nX-Campaign: spring\r\n",
        encode_part(message.text_lines, encoding, skeleton.boundary),
        encode_part(message.html_lines, encoding, skeleton.boundary),
    )


def mean_us(work: Callable[[_T], object], items: Sequence[_T]) -> float:
    """Microseconds an item, over one pass."""
    start = time.process_time()
    for item in items:
        work(item)
    return (time.process_time() - start) / len(items) * 1e6


def measure(*, rounds: int, count: int) -> dict[str, float]:
    """Medians over `rounds` interleaved rounds of `count` messages, in microseconds."""
    compiled = campaign()
    people = [recipient(number) for number in range(1, count + 1)]
    skeleton = build_skeleton(b"0123456789abcdef", compiled.source.digest)
    messages = [_rendered(compiled, person) for person in people]
    by_address = {person.address: person for person in people}
    jobs: dict[str, Callable[[RenderedMessage], object]] = {"EmailMessage": with_standard_library}
    for encoding in TransferEncoding:
        jobs[f"skeleton {encoding.value}"] = lambda message, e=encoding: with_skeleton(skeleton, message, e)  # type: ignore[misc]
    for encoding in TransferEncoding:
        jobs[f"render + MIME {encoding.value}"] = lambda message, e=encoding: _rendered(  # type: ignore[misc]
            compiled, by_address[message.recipient], e
        )
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            batch = messages if name != "EmailMessage" else messages[: max(count // 10, 1)]
            taken[name].append(mean_us(job, batch))
    return {name: statistics.median(values) for name, values in taken.items()}


def measure_kinds(*, rounds: int, count: int) -> dict[str, tuple[float, float, int]]:
    """By kind of template: medians in microseconds of Jinja alone and of the whole message, and its bytes."""
    people = [recipient(number) for number in range(1, count + 1)]
    found: dict[str, tuple[float, float, int]] = {}
    for kind in KINDS:
        message, template = of_kind(kind), jinja_alone(kind)
        first = _rendered(message, people[0])
        taken: tuple[list[float], list[float]] = ([], [])
        for _ in range(rounds):
            taken[0].append(mean_us(lambda person, template=template: template.render(person.fields), people))  # type: ignore[misc]
            taken[1].append(mean_us(lambda person, message=message: _rendered(message, person), people))  # type: ignore[misc]
        found[kind] = (statistics.median(taken[0]), statistics.median(taken[1]), len(first.data))
    return found


def _rendered(
    message: CompiledMessage, person: Recipient, encoding: TransferEncoding = TransferEncoding.EIGHT_BIT
) -> RenderedMessage:
    result = message.render(person, date=1_800_000_000, encoding=encoding)
    assert isinstance(result, RenderedMessage), result
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--messages", type=int, default=300)
    given = parser.parse_args()
    result = measure(rounds=given.rounds, count=given.messages)
    size = len(_rendered(campaign(), recipient(1)).data)
    print(f"one message: {size} bytes")
    for name, value in result.items():
        print(f"{name:32} {value:9.1f} us   1/{result['EmailMessage'] / value:.1f}")
    print("\nby kind of template, 8bit          Jinja alone   the whole message   bytes")
    for kind, (alone, whole, length) in measure_kinds(rounds=given.rounds, count=given.messages).items():
        print(f"{kind:32} {alone:9.1f} us {whole:16.1f} us {length:9}")


if __name__ == "__main__":
    main()
