"""C9: several accounts in a campaign's file, and whom its mails are from where it does not say."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from email import message_from_bytes
from pathlib import Path

import pytest

from mailtui.campaign.again import Again
from mailtui.campaign.senders import Sender, Senders, senders_of
from mailtui.dispatch.members import members_from_json
from mailtui.errors import ConfigError, TemplateError, UsageError
from mailtui.message.own_cells import SENT_AS
from mailtui.outbox.records import DeliveryRow
from mailtui.report.export import original_rows, report_lines
from mailtui.service.drafts import read_draft
from mailtui.service.facade import Service
from mailtui.service.terms import show_difference
from mailtui.service.testmail import _compiled
from tests.campaign.conftest import WriteCampaign, rendered
from tests.campaign.test_freeze import launch

NEWS, TEAM = "Acme News <news@acme.test>", "Team <team@backup.test>"
ACCOUNTS = f"""accounts:
  acme: {{host: 127.0.0.1, port: 9, security: plain, from: ["{NEWS}", "@acme.test"], weight: 3}}
  backup: {{host: 127.0.0.1, port: 10, security: plain, from: "{TEAM}", limits: {{per_hour: 50}}}}
  third: {{host: 127.0.0.1, port: 12, security: plain, from: "c@c.test"}}
  any: {{host: 127.0.0.1, port: 11, security: plain}}
"""


@pytest.fixture
def service(tmp_path: Path) -> Service:
    service = Service.open({"MAILTUI_HOME": str(tmp_path / "home")})
    settings = service.settings.home.settings_file
    settings.parent.mkdir(parents=True)
    settings.touch(mode=0o600)
    settings.write_text(ACCOUNTS)
    return Service.open({"MAILTUI_HOME": str(tmp_path / "home")})


def of_two(write_campaign: WriteCampaign, rows: int = 40, **keys: object) -> Path:
    """A campaign through both, which leaves the From to them."""
    return write_campaign(rows, **{"smtp": None, "accounts": ["acme", "backup"], "from": None, **keys})


async def deliveries(service: Service, campaign: int) -> list[DeliveryRow]:
    return await service.reader.deliveries(campaign)


def test_c9_everybody_hears_from_one_whoever_joins_or_leaves_and_the_shares_are_the_weights() -> None:
    people = [f"p{n}@example.com" for n in range(4_000)]
    three = Senders((Sender("a@a.test", 3), Sender("b@b.test"), Sender("c@c.test")), "series")
    chosen = {key: three.of(key) for key in people}
    shares = Counter(chosen.values())
    assert 0.56 < shares["a@a.test"] / 4_000 < 0.64
    assert all(0.17 < shares[name] / 4_000 < 0.23 for name in ("b@b.test", "c@c.test"))
    assert chosen == {key: Senders(three.taking_turns[::-1], "series").of(key) for key in people}, "order says nothing"
    without = Senders(three.taking_turns[:2], "series")
    moved = {key for key in people if without.of(key) != chosen[key]}
    assert moved == {key for key in people if chosen[key] == "c@c.test"}, "nobody else hears from another one"
    other = Senders(three.taking_turns, "another series")
    assert sum(other.of(key) == chosen[key] for key in people) < 2_400


def test_c9_accounts_with_the_same_from_are_one_sender_and_one_without_leaves_none() -> None:
    assert senders_of([(["@x.test", "a@x.test"], 2), (["a@x.test"], 1)]) == (Sender("a@x.test", 3),)
    assert senders_of([(["a@x.test"], 2), (["@x.test"], 1)]) == ()
    assert senders_of([]) == ()


def test_c9_a_launch_binds_each_to_the_from_that_the_preview_showed(
    service: Service, write_campaign: WriteCampaign
) -> None:
    path = of_two(write_campaign, cc="boss@example.com")
    campaign = service.campaigns.load(path)
    shown = {who.key: str(message_from_bytes(mail.data)["From"]) for who, mail in rendered(service.campaigns, campaign)}
    assert {NEWS, TEAM} == set(shown.values())
    first = service.previews.of(campaign, row=1)
    assert first.message.sender in NEWS + TEAM
    assert str(message_from_bytes(first.message.data)["From"]) == shown[first.recipient.key]
    compiled, recipient = _compiled(service, campaign, first.recipient, marked=True)
    assert compiled.columns[-1] == SENT_AS and recipient.fields[SENT_AS] == shown[first.recipient.key]
    launched = launch(service, path).campaign
    rows = asyncio.run(deliveries(service, launched.number))
    assert len(rows) == 80 and all(row.bound == shown[(row.copy_of or (row.key,))[0]] for row in rows)
    members = members_from_json(launched.endpoint)
    assert [(member.name, member.weight, member.limits.per_hour) for member in members] == [
        ("acme", 3, None),
        ("backup", 1, 50),
    ]

    async def read() -> tuple[list[str], set[str]]:
        lines = [line async for line in report_lines(service.reader, launched)]
        return [text async for text in original_rows(service.reader, launched)], {
            (line.message_id or "").rpartition("@")[2] for line in lines
        }

    original, domains = asyncio.run(read())
    assert SENT_AS not in original[0] and "acme.test" not in original[1], "the list has no such column"
    assert domains == {"acme.test>", "backup.test>"}, "a Message-ID is of its From's domain"


def test_c9_weights_of_the_file_count_and_one_from_needs_no_turns(
    service: Service, write_campaign: WriteCampaign
) -> None:
    weighted = service.campaigns.load(of_two(write_campaign, accounts={"acme": 1, "backup": 9}))
    assert [member.weight for member in service.campaigns.members(weighted)] == [1, 9]
    assert [sender.weight for sender in weighted.senders.taking_turns] == [1, 9]
    single = service.campaigns.load(of_two(write_campaign, accounts=["backup"]))
    assert single.spec.sender == TEAM and not single.senders
    own = service.campaigns.load(of_two(write_campaign, 5, **{"from": "x@acme.test"}))
    assert own.spec.sender == "x@acme.test" and not own.senders
    of_rows = service.campaigns.load(
        of_two(write_campaign, audience={"source": "contacts.csv", "columns": {"from": "city"}})
    )
    assert not of_rows.senders


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"accounts": ["acme", "nobody"]}, r"accounts\.1: There is no account nobody"),
        ({"accounts": {"acme": 1, "bakcup": 1}}, r"accounts\.bakcup: There is no account bakcup"),
        ({"accounts": ["acme", "acme"]}, "acme is named twice"),
        ({"accounts": {"acme": 0}}, "should be 1 or more"),
        ({"accounts": []}, "at least 1"),
        ({"account": "acme"}, "account and accounts are given together"),
        ({"smtp": {"host": "127.0.0.1", "security": "plain"}}, "accounts and smtp are given together"),
    ],
)
def test_c9_mistakes_in_the_file_are_told_in_their_place(
    service: Service, write_campaign: WriteCampaign, keys: dict[str, object], told: str
) -> None:
    path = of_two(write_campaign, 2, **keys)
    with pytest.raises(ConfigError) as error:
        service.campaigns.members(service.campaigns.load(path))
    said = "\n".join(f"{problem.place}: {problem.message}" for problem in error.value.problems)
    assert re.search(told, said), said


def test_c9_a_check_says_who_may_not_send_what_the_campaign_is_from(
    service: Service, write_campaign: WriteCampaign
) -> None:
    def found(**keys: object) -> list[tuple[str, str]]:
        campaign = service.campaigns.load(of_two(write_campaign, 3, **keys))
        report = service.campaigns.check(campaign, every_row=True, progress=lambda done, of: None)
        return [(item.severity, item.message) for item in report.findings if item.code == "account-from"]

    assert found() == []
    [(severity, text)] = found(**{"from": "Me <x@acme.test>"})
    assert severity == "error" and text.startswith("backup may send as team@backup.test only") and "x@acme.test" in text
    by_row = {"from": "{{ first_name }} <x@acme.test>"}
    assert [severity for severity, _ in found(**by_row)] == ["error", "error"]
    assert [severity for severity, _ in found(**by_row, accounts=["backup"])] == ["warning"]
    assert found(**by_row, accounts=["any"]) == []
    with pytest.raises(TemplateError) as error:
        service.campaigns.load(of_two(write_campaign, 3, accounts=["acme", "any"])).read_message()
    assert [(str(problem.place.key), problem.message) for problem in error.value.problems] == [("from", "is missing.")]


def test_c9_a_second_launch_with_other_accounts_keeps_everybodys_from(
    service: Service, write_campaign: WriteCampaign
) -> None:
    first = launch(service, of_two(write_campaign, 30)).campaign
    before = {row.key: row.bound for row in asyncio.run(deliveries(service, first.number))}
    again = launch(service, of_two(write_campaign, 40, accounts={"acme": 1, "backup": 100}))
    rows = asyncio.run(deliveries(service, first.number))
    assert not again.is_new and len(rows) == 40 and again.orders
    assert {row.key: row.bound for row in rows if row.row <= 30} == before
    assert Counter(row.bound for row in rows if row.row > 30)[TEAM] >= 8
    with pytest.raises(UsageError, match=r"wait in .* for a mail from team@backup\.test, and no account"):
        launch(service, of_two(write_campaign, 40, accounts=["acme", "third"]))
    with pytest.raises(UsageError, match="from accounts by turns, or one of its own"):
        launch(service, of_two(write_campaign, 40, **{"from": NEWS}), Again.TOP_UP)
    assert first.columns[-1] == SENT_AS
    settings = service.settings.home.settings_file
    settings.write_text(ACCOUNTS.replace(f'["{NEWS}", ', '["Anna <anna@acme.test>", '))
    changed = Service.open({"MAILTUI_HOME": str(service.settings.home.config.parent)})
    prepared = changed.prepare(changed.campaigns.load(of_two(write_campaign, 40)), plan={})
    planned = asyncio.run(changed.forecast(prepared, again=Again.ASK)).planned
    assert planned is not None and planned.difference.former_senders == (NEWS,)
    assert f"some who wait hear from {NEWS}, as chosen at its launch" in show_difference(planned.difference, 0)


def test_c9_a_lists_own_column_by_the_name_of_ours_binds_nobody(
    service: Service, write_campaign: WriteCampaign
) -> None:
    lines = [f"email,first_name,city,{SENT_AS}", "a@example.com,A,Rome,Eve <eve@evil.test>"]
    path = write_campaign(lines, **{"smtp": None, "account": "acme", "from": None})
    rows = asyncio.run(deliveries(service, launch(service, path).campaign.number))
    assert [(row.bound, row.fields[-1]) for row in rows] == [("", "Eve <eve@evil.test>")]
    both = write_campaign(lines, **{"smtp": None, "accounts": ["acme", "backup"], "from": None})
    shown = service.previews.of(service.campaigns.load(both), row=1).message
    assert str(message_from_bytes(shown.data)["From"]) in (NEWS, TEAM)
    with pytest.raises(TemplateError) as unknown:
        launch(service, of_two(write_campaign, 3, body="{{ zzzz }}"))
    assert unknown.value.problems[0].hint == "Known: email, first_name, city."
    with pytest.raises(ConfigError, match="which is no column of a list"):
        service.campaigns.load(of_two(write_campaign, 3, audience={"source": "c.csv", "columns": {"from": SENT_AS}}))


def test_c9_an_accounts_from_is_read_as_the_header_it_becomes(service: Service) -> None:
    file = service.settings.home.settings_file
    file.write_text("accounts: {odd: {host: mx.x.test, from: 'A, B <a@x.test>'}}")
    with pytest.raises(ConfigError, match="needs double quotes around it"):
        Service.open(service.environ)
    file.write_text("""accounts: {odd: {host: mx.x.test, from: ['"A, B" <a@x.test>', "@x.test"]}}""")
    assert Service.open(service.environ).settings.member("odd").senders == ("a@x.test", "@x.test")


def test_c9_what_is_being_edited_has_its_accounts_from_too(
    service: Service, write_campaign: WriteCampaign, tmp_path: Path
) -> None:
    path = of_two(write_campaign, 3)
    campaign = service.campaigns.load(path)
    unsaved = {path.resolve(): path.read_text().replace('["acme", "backup"]', '{"acme": 1, "third": 1}')}
    draft = read_draft(campaign, tmp_path / "cache", unsaved=unsaved)
    assert draft.errors == () and draft.campaign is not None
    assert [sender.mailbox for sender in draft.campaign.senders.taking_turns] == [NEWS, "c@c.test"]
    assert SENT_AS not in {field.name for field in draft.fields}, "nobody is to put it into a template"
    narrowed = service.campaigns.load(path, filter='first_name != ""')
    assert narrowed.senders == campaign.senders
