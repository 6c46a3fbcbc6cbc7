"""What an editor hears about texts that are not saved: their mistakes by line and column, fields, and the mail."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from mailtui.campaign.campaign import Campaign, load_campaign
from mailtui.errors import ConfigError
from mailtui.kit.yaml_edit import replace_text
from mailtui.service.editing import EditingDesk
from mailtui.service.list_answers import Superseded
from mailtui.service.samples import write_sample


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    write_sample(tmp_path / "spring")
    return load_campaign(tmp_path / "spring" / "campaign.yaml")


@pytest.fixture
def desk(tmp_path: Path) -> EditingDesk:
    return EditingDesk(tmp_path / "cache", patience=20)


def test_unsaved_texts_are_looked_at_with_line_and_column(campaign: Campaign, desk: EditingDesk) -> None:
    body = campaign.folder / "body.txt.j2"
    saved = body.read_bytes()
    assert desk.inspect(campaign, {}).mistakes == ()
    draft = desk.inspect(campaign, {body: "Hi\n{{ frist_name }}\n  {{ plan|uper }}\n{% if x %}"})
    [(at, mistake)] = draft.mistakes
    assert (draft.files[at].name, mistake.line) == ("body.txt.j2", 4)
    draft = desk.inspect(campaign, {body: "Hi\n{{ frist_name }}\n  {{ plan|uper }}\n"})
    told = [(mistake.line, mistake.column, mistake.message, mistake.hint) for _, mistake in draft.mistakes]
    assert told == [
        (2, 4, "the list has no column frist_name.", "Did you mean first_name?"),
        (3, 11, "there is no filter uper in templates.", "Did you mean upper?"),
    ]
    assert body.read_bytes() == saved


def test_an_unsaved_include_and_an_unsaved_campaign_file_count(campaign: Campaign, desk: EditingDesk) -> None:
    body, new = campaign.folder / "body.txt.j2", campaign.folder / "new.txt"
    new.touch()
    draft = desk.inspect(campaign, {body: 'x {% include "new.txt" %}', new: "{{ ctiy }}"})
    assert [(draft.files[at].name, item.hint) for at, item in draft.mistakes] == [("new.txt", "Did you mean city?")]
    yaml = campaign.path.read_text("utf-8")
    draft = desk.inspect(campaign, {campaign.path: replace_text(yaml, ("subject",), "for {{ frist_name }}")})
    [(at, mistake)] = draft.mistakes
    assert (draft.files[at].role, mistake.line, mistake.column) == ("subject", 1, 8)
    assert draft.files[-1].mistakes[0].line == 17, "and in the file"
    draft = desk.inspect(campaign, {campaign.path: yaml + "\nsubjekt: [\n"})
    [(at, mistake)] = draft.mistakes
    assert draft.files[at].role == "campaign"
    assert mistake.line >= yaml.count("\n") + 2
    assert len(draft.files) > 5, "the files of the last one that could be read are still there"


def test_what_can_be_named_and_how_it_is_written(campaign: Campaign, desk: EditingDesk) -> None:
    contacts = campaign.folder / "contacts.csv"
    lines = contacts.read_text("utf-8").splitlines()
    contacts.write_text("\n".join([lines[0] + ',Öffi "Name"', *(line + ",x" for line in lines[1:])]), "utf-8")
    fields = {field.name: field for field in desk.inspect(campaign, {}, row=3).fields}
    assert fields["first_name"].written == "{{ first_name }}"
    assert fields['Öffi "Name"'].written == '{{ row["Öffi \\"Name\\""] }}'
    assert (fields['Öffi "Name"'].origin, fields["first_name"].origin) == ("unused", "list")
    assert fields["recipient"].origin == "mailtui"
    assert fields["default"].origin == "filter"
    assert "rows" not in fields


def test_the_mail_of_unsaved_texts_and_of_a_chosen_row(campaign: Campaign, desk: EditingDesk) -> None:
    body = campaign.folder / "body.html.j2"
    draft = desk.inspect(campaign, {body: "<h1>Dear {{ first_name }}</h1>"}, row=3)
    mail = desk.render(draft)
    assert mail.recipient.row == 3
    assert mail.blocks is not None
    assert "".join(run.text for run in mail.blocks[0].runs) == f"Dear {mail.recipient.fields['first_name']}"


def test_the_mail_has_its_files_and_one_that_is_not_there_is_told(campaign: Campaign, desk: EditingDesk) -> None:
    yaml, own = campaign.path.read_text("utf-8"), campaign.folder / "471.txt"
    (campaign.folder / "terms.txt").write_text("terms", "utf-8")
    own.write_text("their own", "utf-8")
    named = yaml + "\nattachments: [terms.txt, {path: '{{ customer|int }}.txt', name: own.txt}]\n"
    mail = desk.render(desk.inspect(campaign, {campaign.path: named}))
    assert [(file.name, file.size) for file in mail.view.files] == [("terms.txt", 5), ("own.txt", 9)]
    own.unlink()
    with pytest.raises(ConfigError, match="cannot be rendered") as told:
        desk.render(desk.inspect(campaign, {campaign.path: named}))
    assert "471.txt" in str(told.value.problems)


ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
HUGE = """{% set x = "x" * 1000000 %}{{ (["a"] * 100000)|map("replace", "a", x)|list|length }}"""


@pytest.mark.parametrize(("text", "seconds", "said"), [(ENDLESS, 1, "not made within 1 sec"), (HUGE, 20, "too large")])
def test_a_template_without_end_is_stopped_and_told(
    campaign: Campaign, tmp_path: Path, text: str, seconds: float, said: str
) -> None:
    desk = EditingDesk(tmp_path / "cache", patience=seconds)
    draft = desk.inspect(campaign, {campaign.folder / "body.txt.j2": text})
    with pytest.raises(ConfigError) as told:
        desk.render(draft)
    assert said in str(told.value)


def test_a_newer_text_ends_the_rendering_of_the_one_before(campaign: Campaign, tmp_path: Path) -> None:
    desk = EditingDesk(tmp_path / "cache", patience=60)
    draft = desk.inspect(campaign, {campaign.folder / "body.txt.j2": ENDLESS})
    ended: list[Exception] = []

    def render() -> None:
        try:
            desk.render(draft)
        except Superseded as error:
            ended.append(error)

    thread = threading.Thread(target=render)
    thread.start()
    time.sleep(0.2)
    began = time.monotonic()
    assert desk.render(desk.inspect(campaign, {})).view.text
    thread.join(20)
    assert ended
    assert time.monotonic() - began < 20


def test_long_texts_are_looked_at_in_a_process_of_their_own(campaign: Campaign, tmp_path: Path) -> None:
    body = campaign.folder / "body.txt.j2"
    text = "{{ first_name }} and more of it\n" * 1_500 + "{{ frist_name }}"
    desk = EditingDesk(tmp_path / "cache")
    draft = desk.inspect(campaign, {body: text})
    [(at, mistake)] = draft.mistakes
    assert (draft.files[at].name, mistake.line, mistake.hint) == ("body.txt.j2", 1_501, "Did you mean first_name?")
    answers: list[object] = []

    def ask(text: str) -> None:
        try:
            answers.append(len(desk.inspect(campaign, {body: text}).mistakes))
        except Superseded:
            answers.append("superseded")

    slow = threading.Thread(target=ask, args=(text * 20,))  # much longer than it takes to ask again
    slow.start()
    deadline = time.monotonic() + 20
    while not desk._inspector._busy and time.monotonic() < deadline:
        time.sleep(0.001)
    ask(text)
    slow.join(30)
    assert answers in (["superseded", 1], [1, "superseded"])
    desk.close()
