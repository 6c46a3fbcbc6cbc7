"""What a campaign file says about columns that stand in for its own values, and about rows that make one mail."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from mailtui.campaign.checks import CheckReport
from mailtui.campaign.mails import open_mails
from mailtui.campaign.suppression import LeftOut
from mailtui.errors import ConfigError
from mailtui.message.rendered import RenderedMessage
from mailtui.service.drafts import read_draft
from mailtui.service.facade import Service
from tests.campaign.conftest import WriteCampaign, rendered

LIST = ["email,sender,subject,text", "ada@example.com,Shop <shop@acme.test>,Yours,Own text", "bob@example.com,,,"]


def check(service: Service, path: Path) -> CheckReport:
    return service.campaigns.check(service.campaigns.load(path), every_row=True, progress=lambda done, total: None)


def mails(service: Service, path: Path) -> list[RenderedMessage]:
    return [mail for _, mail in rendered(service.campaigns, service.campaigns.load(path))]


def test_a4_the_campaign_file_names_the_columns(service: Service, write_campaign: WriteCampaign) -> None:
    columns = {"from": "sender", "subject": "subject", "body": "text"}
    path = write_campaign(LIST, "For all\n", audience={"source": "contacts.csv", "columns": columns})
    first, second = mails(service, path)
    assert (first.sender, first.subject, first.text) == ("shop@acme.test", "Yours", "Own text\n")
    assert (second.sender, second.subject, second.text) == ("news@acme.test", "News", "For all\n")
    assert check(service, path).errors == 0


def test_a4_mistakes_are_at_the_line_of_the_column(service: Service, write_campaign: WriteCampaign) -> None:
    path = write_campaign(LIST, "Hello\n")
    text = path.read_text()
    audience = "audience:\n  source: contacts.csv\n  columns:\n    subject: subject\n    from: sendr\n"
    path.write_text(text.replace('audience: {"source": "contacts.csv"}\n', audience))
    line = path.read_text().splitlines().index("    from: sendr") + 1
    with pytest.raises(ConfigError) as caught:
        check(service, path)
    [problem] = caught.value.problems
    assert (problem.place.file, problem.place.line, problem.hint) == (str(path), line, "Did you mean sender?")


def test_a4_a_text_of_ones_own_beside_html_is_a_mistake(service: Service, write_campaign: WriteCampaign) -> None:
    audience = {"source": "contacts.csv", "columns": {"body": "text"}}
    path = write_campaign(LIST, "Hello\n", audience=audience, html="body.txt.j2")
    with pytest.raises(ConfigError) as caught:
        check(service, path)
    [problem] = caught.value.problems
    assert "plain text" in problem.message
    assert "{{ text }}" in problem.hint
    assert problem.place.line is not None


def test_a4_a_role_that_there_is_not_is_refused(service: Service, write_campaign: WriteCampaign) -> None:
    path = write_campaign(LIST, audience={"source": "contacts.csv", "columns": {"name": "sender", "too": "text"}})
    text = path.read_text().replace('"sender", "too"', '"sender",\n  "too"')
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        service.campaigns.load(path)
    [problem] = caught.value.problems
    line = next(number for number, line in enumerate(text.splitlines(), 1) if '  "too"' in line)
    assert (problem.place.line, problem.place.key) == (line, "audience.columns.too"), "where it stands, not above"


def test_a4_a_list_that_brings_its_own_mail_may_call_its_columns_otherwise(
    service: Service, write_campaign: WriteCampaign
) -> None:
    rows = ["who,subject,message,from", "ada@example.com,Hi,Text {{ 1 }},a@acme.test"]
    nothing = {"from": None, "subject": None, "text": None}
    path = write_campaign(rows, audience={"source": "contacts.csv", "columns": {"body": "message"}}, **nothing)
    [mail] = mails(service, path)
    assert (mail.sender, mail.subject, mail.text) == ("a@acme.test", "Hi", "Text {{ 1 }}\n")


@pytest.mark.parametrize("kind", ["jsonl", "tsv"])
def test_a4_own_mail_comes_from_any_format(
    service: Service, write_campaign: WriteCampaign, tmp_path: Path, kind: str
) -> None:
    values = {"from": "a@acme.test", "to": "ada@example.com", "subject": "Hi", "body": "Text"}
    lines = ["\t".join(values), "\t".join(values.values())] if kind == "tsv" else [str(values).replace("'", '"')]
    (tmp_path / f"list.{kind}").write_text("\n".join(lines) + "\n")
    path = write_campaign(audience={"source": f"list.{kind}"}, **{"from": None, "subject": None, "text": None})
    [mail] = mails(service, path)
    assert (mail.recipient, mail.sender, mail.subject, mail.text) == ("ada@example.com", "a@acme.test", "Hi", "Text\n")


def test_a6_rows_of_one_address_make_one_mail(service: Service, write_campaign: WriteCampaign) -> None:
    rows = ["email,first_name,city", "a@example.com,Ann,Rome", "b@example.com,Ben,Bonn", "a@example.com,Ann,Oslo"]
    body = "{{ first_name }}:{% for each in rows %} {{ each.city }}{% endfor %}\n"
    path = write_campaign(rows, body, audience={"source": "contacts.csv", "group": True})
    assert [mail.text for mail in mails(service, path)] == ["Ann: Rome Oslo\n", "Ben: Bonn\n"]
    found = check(service, path)
    [note] = [item for item in found.findings if item.code in ("grouped", "duplicates")]
    assert note.message == "1 row with the address of an earlier row; it goes into its mail"
    campaign = service.campaigns.load(path)
    for wanted in ({"row": 3}, {"to": "a@example.com"}, {}):
        assert service.previews.of(campaign, **wanted).message.text == "Ann: Rome Oslo\n"
    narrowed = service.campaigns.load(path, filter='city != "Rome"')
    assert service.previews.of(narrowed, to="a@example.com").message.text == "Ann: Oslo\n"


def test_a6_who_has_too_many_rows_is_told_and_holds_nobody_up(service: Service, write_campaign: WriteCampaign) -> None:
    rows = ["email,first_name,city", *["a@example.com,Ann,Rome"] * 1_500, "b@example.com,Ben,Bonn"]
    path = write_campaign(rows, "{{ rows|length }}\n", audience={"source": "contacts.csv", "group": True})
    found = check(service, path)
    [warning] = [item for item in found.findings if item.code == "too-many-rows"]
    assert warning.message == "this address has more than 1,000 rows, the most that a mail is made of; it gets no mail"
    assert (found.errors, warning.rows, warning.count) == (0, (1,), 1)
    with service.campaigns.open_audience(service.campaigns.load(path)) as audience:
        assert [len(one.rows) for one in audience.recipients()] == [1_001, 1], "no memory for what no mail is made of"


def test_a6_many_rows_of_many_people_are_not_all_in_memory(service: Service, write_campaign: WriteCampaign) -> None:
    rows = [f"p{person}@example.com,Ann,Rome" for _ in range(300) for person in range(20)]
    path = write_campaign(["email,first_name,city", *rows], audience={"source": "contacts.csv", "group": True})
    asked: list[int] = []

    class Nobody(LeftOut):
        def reasons(self, keys: Iterable[str]) -> dict[str, str]:
            asked.append(len(list(keys)))
            return {}

    campaign = service.campaigns.load(path)
    with (
        service.campaigns.open_audience(campaign) as audience,
        open_mails(campaign, audience, campaign.read_message(), Nobody(None, ())) as mails,
    ):
        made = list(mails.of(audience.columns))
    assert [len(item.more) for item in made] == [299] * 20
    assert asked == [4, 4, 4, 4, 4], "a thousand rows at a time, not a thousand people"


def test_a4_a6_a_draft_shows_the_columns_and_rows_that_it_uses(
    service: Service, write_campaign: WriteCampaign, tmp_path: Path
) -> None:
    audience = {"source": "contacts.csv", "group": True, "columns": {"from": "sender"}}
    path = write_campaign(LIST, "{% for each in rows %}{{ each.text }}{{ each.tet }}{% endfor %}\n", audience=audience)
    draft = read_draft(service.campaigns.load(path), tmp_path / "cache")
    used = {field.name: field.origin for field in draft.fields if field.origin not in ("unused", "filter")}
    assert {name: used[name] for name in list(used)[:4]} == {
        "sender": "list",
        "rows": "mailtui",
        "text": "list",
        "tet": "missing",
    }
    assert draft.problems == 1
