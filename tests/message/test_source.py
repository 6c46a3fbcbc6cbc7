"""What a campaign says about its message is read once, kept whole, and never from outside its folder."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtui.audience.recipient import Recipient
from mailtui.errors import TemplateError
from mailtui.message.compose import compile_message
from mailtui.message.frozen import MessageSource
from mailtui.message.mime import TransferEncoding
from mailtui.message.rendered import RenderedMessage
from mailtui.message.source import own_mail_defaults, read_message
from mailtui.message.spec import MessageSpec
from mailtui.message.templates import TemplateText
from tests.message.samples import DATE, SECRET, compiled, recipient, rendered


def spec(**keys: Any) -> MessageSpec:
    return MessageSpec.model_validate({"from": "Acme <news@acme.test>", "subject": "Hi", **keys})


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def problems(folder: Path, given: MessageSpec) -> str:
    with pytest.raises(TemplateError) as caught:
        read_message(given, folder, "Spring")
    return "\n".join(str(problem) for problem in caught.value.problems)


def test_bodies_and_all_they_include_are_read_and_frozen(tmp_path: Path) -> None:
    write(
        tmp_path,
        body_html="{% extends 'parts/base.html' %}{% block x %}"
        "{% include ['a.html', 'b.html'] ignore missing %}{% endblock %}",
        body_txt="Hi\r\n{% import 'm.txt' as m %}",
        parts__base_html="<b>{% block x %}{% endblock %}</b>{% include 'c.html' %}",
        a_html="a",
        c_html="{% from 'm.txt' import hi %}c",
        m_txt="{% macro hi() %}hi{% endmacro %}",
        unused_txt="u",
    )
    read = read_message(
        spec(html="body.html", text="body.txt", subject="{% include 's.txt' ignore missing %}x"), tmp_path, "Spring"
    )
    assert [include.name for include in read.includes] == ["a.html", "c.html", "m.txt", "parts/base.html"]
    assert read.text == TemplateText("body.txt", "Hi\n{% import 'm.txt' as m %}")
    for path in tmp_path.rglob("*"):
        if path.is_file():
            path.unlink()
    frozen = compiled(MessageSource.from_json(read.to_json()))
    assert rendered(frozen, recipient()).html == "<b>a</b>c\n"


def test_files_that_cannot_be_read_are_told_all_at_once(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes("eins\nzwei Grüße\n".encode("latin-1"))
    (tmp_path / "folder").mkdir()
    assert "latin.txt:2:8: here is a byte that is not UTF-8." in problems(tmp_path, spec(text="latin.txt"))
    assert "text: nope.txt is not there." in problems(tmp_path, spec(text="nope.txt"))
    assert "html: folder is a folder" in problems(tmp_path, spec(html="folder"))
    both = problems(tmp_path, spec(html="nope.html", text="latin.txt"))
    assert "nope.html" in both
    assert "latin.txt" in both
    os.mkfifo(tmp_path / "pipe")
    assert "not a file" in problems(tmp_path, spec(text="pipe"))
    (tmp_path / "big.txt").write_bytes(b"x" * (4 * 1024 * 1024 + 1))
    assert "larger than 4 MB" in problems(tmp_path, spec(text="big.txt"))


@pytest.mark.parametrize("way", ["../outside.txt", "sub/../../outside.txt", "link.txt", "ABSOLUTE"])
def test_nothing_outside_the_campaign_folder_is_read(tmp_path: Path, way: str) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("a secret")
    folder = tmp_path / "campaign"
    folder.mkdir()
    (folder / "link.txt").symlink_to(outside)
    name = str(outside) if way == "ABSOLUTE" else way
    assert "is outside the campaign folder" in problems(folder, spec(text=name))
    (folder / "body.txt").write_text("Hi\n{% include '" + name + "' %}")
    assert f"body.txt:2: {name} is outside the campaign folder" in problems(folder, spec(text="body.txt"))
    subject = "{% include '" + name + "' %}"
    (folder / "body.txt").write_text("Hi")
    assert f"subject: {name} is outside" in problems(folder, spec(text="body.txt", subject=subject))


def test_an_include_that_is_not_there_is_told_by_the_compiler_with_its_place(tmp_path: Path) -> None:
    write(tmp_path, body_txt="Hi\n {% include 'foter.txt' %}{% include 'footer.txt' %}", footer_txt="bye")
    read = read_message(spec(text="body.txt"), tmp_path, "Spring")
    with pytest.raises(TemplateError) as caught:
        compile_message(read, ["email"], secret=SECRET)
    assert [str(problem) for problem in caught.value.problems] == [
        "body.txt:2:13: there is no file foter.txt in the campaign folder. Did you mean footer.txt?"
    ]


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    assert "from: is missing." in problems(tmp_path, MessageSpec.model_validate({"subject": "x"}))
    assert "text: the message has a subject and no body." in problems(tmp_path, spec())
    write(tmp_path, body_txt="x")
    assert "subject: is missing." in problems(tmp_path, spec(subject=None, text="body.txt"))


def test_a_list_that_brings_its_own_mail_needs_no_template(tmp_path: Path) -> None:
    empty = MessageSpec.model_validate({})
    assert own_mail_defaults(empty).subject == "{{ subject }}"
    assert own_mail_defaults(spec()) == spec()
    read = read_message(empty, tmp_path, "Own")
    message = compile_message(read, ["from", "to", "subject", "body"], secret=SECRET)
    assert message.fields == frozenset({"from", "subject", "body"})
    row = {"from": "Zoë <zoe@acme.test>", "to": "a@list.test", "subject": "Hi {{ x }}", "body": "one\r\n{{ two }}"}
    sent = message.render(
        Recipient("a@list.test", 1, "a@list.test", row), date=DATE, encoding=TransferEncoding.EIGHT_BIT
    )
    assert isinstance(sent, RenderedMessage)
    assert (sent.sender, sent.subject, sent.text) == ("zoe@acme.test", "Hi {{ x }}", "one\n{{ two }}\n")
    fixed = read_message(MessageSpec.model_validate({"from": "me@acme.test"}), tmp_path, "Own")
    assert fixed.sender == "me@acme.test"


def test_a_header_template_may_span_lines_in_yaml(tmp_path: Path) -> None:
    write(tmp_path, body_txt="x")
    read = read_message(
        spec(text="body.txt", subject="Hi\n  {{ first_name }}\n", headers={"X-A": "b\n"}), tmp_path, "S"
    )
    assert (read.subject, read.headers) == ("Hi {{ first_name }}", (("X-A", "b"),))


_text = st.text(max_size=30)
_template = st.builds(TemplateText, _text, _text)


@given(
    st.builds(
        MessageSource,
        sender=_text,
        subject=_text,
        text=st.none() | _template,
        html=st.none() | _template,
        reply_to=st.none() | _text,
        headers=st.lists(st.tuples(_text, _text), max_size=3).map(tuple),
        includes=st.lists(_template, max_size=3).map(tuple),
        campaign=_text,
        postal_address=st.none() | _text,
        commercial=st.booleans(),
    )
)
def test_a_frozen_source_comes_back_the_same_with_the_same_digest(given_source: MessageSource) -> None:
    again = MessageSource.from_json(given_source.to_json())
    assert again == given_source
    assert again.digest == given_source.digest
    assert again.to_json() == given_source.to_json()
    stricter = dataclasses.replace(given_source, commercial=not given_source.commercial)
    assert stricter.digest == given_source.digest


def test_the_digest_is_one_for_one_message_and_stays_so_in_later_versions() -> None:
    one = MessageSource(sender="a@b.test", subject="Hi", text=TemplateText("t", "x"), html=None)
    assert one.digest == "d1dd61101527e822741fe0caf93188ffca16a6496923ae9e038eae5a439c4b14"
    assert one.digest != MessageSource(sender="a@b.test", subject="Hi!", text=TemplateText("t", "x"), html=None).digest


@pytest.mark.parametrize("text", ["{}", '{"version": 99}', '{"version": 1}', '{"version": 1, "text": 3, "html": null}'])
def test_a_frozen_source_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="frozen message"):
        MessageSource.from_json(text)


def test_the_spec_refuses_unknown_keys() -> None:
    with pytest.raises(pydantic.ValidationError):
        MessageSpec.model_validate({"subjct": "x"})


def test_a_number_is_a_header_value_too() -> None:
    assert spec(headers={"X-Priority": 1}).headers == {"X-Priority": "1"}
