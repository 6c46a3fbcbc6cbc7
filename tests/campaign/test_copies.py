"""B-01, C-11, X-01: whoever is named in cc and bcc gets one mail of a recipient's, with its bytes, and is counted."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from mailtui.campaign import extras
from mailtui.campaign.again import Again
from mailtui.errors import ConfigError, UsageError
from mailtui.outbox.records import DeliveryRow, Mark, Result
from mailtui.outbox.states import DeliveryState as S
from mailtui.service.facade import Service
from tests.campaign.conftest import WriteCampaign
from tests.campaign.test_freeze import counts, launch
from tests.cli.program import people

HEAD = "email,first_name,city,team,audit"


def rows_of(service: Service, id: str) -> list[DeliveryRow]:
    async def read() -> list[DeliveryRow]:
        campaign = await service.reader.campaign(id)
        return await service.reader.deliveries(campaign.number)

    return asyncio.run(read())


def who(rows: list[DeliveryRow]) -> list[tuple[str, str]]:
    """Each mail's address, and whose it is a copy of."""
    return [(row.address, row.copy_of[1] if row.copy_of else "") for row in rows]


def forecast(service: Service, path: Path, again: Again = Again.ASK) -> tuple[int, int, int]:
    plan = asyncio.run(service.forecast(service.prepare(service.campaigns.load(path), plan={}), again=again))
    assert plan.planned is not None
    return plan.planned.new, plan.planned.copies, plan.planned.mails


def test_x01_the_campaign_and_the_rows_name_who_gets_copies(service: Service, write_campaign: WriteCampaign) -> None:
    rows = [
        HEAD,
        'a@example.com,Ann,Rome,"Böss <boss@example.org>; x@example.org",audit@example.org',
        'b@example.com,Bob,Rome,,"x@EXAMPLE.org, ""Doe, J."" <doe@example.org>"',
        "c@example.com,Cy,Oslo,C@example.com; c@example.com,",
    ]
    path = write_campaign(
        rows,
        cc=["{% if city == 'Rome' %}Desk <desk@example.org>{% endif %}", "x@example.org"],
        bcc="desk@example.org",
        audience={"source": "contacts.csv", "columns": {"cc": "team", "bcc": "audit"}},
    )
    assert forecast(service, path) == (3, 10, 13)
    launched = launch(service, path)
    assert (launched.added, launched.copies, launched.campaign.audience) == (13, 10, 13)
    assert who(rows_of(service, launched.campaign.id)) == [
        ("a@example.com", ""),
        ("desk@example.org", "a@example.com"),
        ("x@example.org", "a@example.com"),
        ("boss@example.org", "a@example.com"),
        ("audit@example.org", "a@example.com"),
        ("b@example.com", ""),
        ("desk@example.org", "b@example.com"),
        ("x@example.org", "b@example.com"),
        ("doe@example.org", "b@example.com"),
        ("c@example.com", ""),
        ("x@example.org", "c@example.com"),
        ("C@example.com", "c@example.com"),
        ("desk@example.org", "c@example.com"),
    ]
    assert {row.fields[0] for row in rows_of(service, launched.campaign.id)} == {
        "a@example.com",
        "b@example.com",
        "c@example.com",
    }


def test_c11_copies_come_with_new_people_only(
    service: Service, write_campaign: WriteCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "TrialRenderer", None)  # the same people for all: no process is asked about rows
    both = ["boss@example.org", "desk@example.org"]
    first = launch(service, write_campaign(3, bcc=both))
    assert (first.added, first.copies) == (9, 6)
    path = write_campaign(3, bcc=both)
    assert forecast(service, path) == (0, 0, 9), "those who wait"
    assert launch(service, path).added == 0
    path = write_campaign(1_020, bcc=both)
    assert forecast(service, path) == (1_017, 2_034, 3_060), "also where a part ends between a mail and its copies"
    again = launch(service, path)
    assert (again.added, again.copies, again.campaign.id) == (3_051, 2_034, first.campaign.id)


async def all_sent(service: Service, number: int) -> None:
    ledger = service.outbox.ledger()
    claims = await ledger.claim(number, 99, now=1.0, lease=60)
    await ledger.commit([Mark(claim.campaign, claim.id, claim.fence) for claim in claims], [], [], now=1.0)
    ends = [Result(claim.campaign, claim.id, claim.fence, S.IN_FLIGHT, S.SENT, 1) for claim in claims]
    await ledger.commit([], ends, [], now=1.0)
    ledger.close()


def test_who_waits_keeps_the_copies_of_the_launch_so_a_message_with_others_is_refused(
    service: Service, write_campaign: WriteCampaign
) -> None:
    """Cc would name people who get none, and who was taken out of Bcc would get them all the same."""
    first = launch(service, write_campaign(2, cc="old@example.org", bcc="boss@example.org"))
    roles = {"source": "contacts.csv", "columns": {"bcc": "city"}}
    for changed in (
        {"cc": "new@example.org", "bcc": "boss@example.org"},
        {"cc": "old@example.org"},
        {"audience": roles},
    ):
        path = write_campaign(3, **changed)
        for refused in (forecast, launch):
            with pytest.raises(UsageError, match="gives copies to other people than") as caught:
                refused(service, path, Again.TOP_UP)
        assert f"mailtui resume {first.campaign.id}" in caught.value.hint
    again = launch(service, write_campaign(2, cc="old@example.org", bcc="boss@example.org", body="New\n"), Again.TOP_UP)
    assert again.added == 0, "another text is no matter"
    asyncio.run(all_sent(service, first.campaign.number))
    path = write_campaign(3, bcc=["boss@example.org", "desk@example.org"])
    assert forecast(service, path, Again.TOP_UP) == (1, 2, 3), "who was mailed without a copy has none afterwards"
    assert launch(service, path, Again.TOP_UP).copies == 2


def test_b09_who_is_left_out_gets_no_copy_and_has_none(
    service: Service, write_campaign: WriteCampaign, tmp_path: Path
) -> None:
    (tmp_path / "no.csv").write_text("email\nP1@example.com\n@gone.example\n")
    audience = {"source": "contacts.csv", "suppress": ["no.csv"]}
    path = write_campaign(4, cc=["boss@example.org", "x@gone.example"], audience=audience)
    assert forecast(service, path) == (3, 3, 6)
    launched = launch(service, path)
    assert counts(service, launched) == {"total": 12, "queued": 6, "suppressed": 6}
    said = {row.key: row.reason for row in rows_of(service, launched.campaign.id)}
    assert said["p1@example.com copy boss@example.org"] == (
        "a copy of a mail to p1@example.com, who gets none: on no.csv"
    )
    assert said["p0@example.com copy x@gone.example"] == "all of gone.example is on no.csv"
    # A later launch with more people on the list takes them out of what waits, and says so before.
    (tmp_path / "no.csv").write_text("email\nP1@example.com\n@gone.example\nboss@example.org\n")
    assert forecast(service, path) == (0, 0, 3)
    launch(service, path)


def test_a_copy_that_cannot_be_read_fails_its_mail_alone(service: Service, write_campaign: WriteCampaign) -> None:
    rows = [HEAD, "a@example.com,Ann,Rome,boss@example.org,", "b@example.com,Bob,Oslo,boss at example,"]
    path = write_campaign(rows, audience={"source": "contacts.csv", "columns": {"bcc": "team"}})
    found = rows_of(service, launch(service, path).campaign.id)
    assert who(found) == [("a@example.com", ""), ("boss@example.org", "a@example.com"), ("b@example.com", "")]
    [ref] = found[2].files
    assert not ref.digest and ref.name.startswith("cc or bcc: boss at example")
    campaign = service.campaigns.load(path)
    assert service.previews.of(campaign, row=1).message.copies == ("boss@example.org",)
    with pytest.raises(ConfigError) as caught:  # nor is a mail shown that nobody would get
        service.previews.of(campaign, row=2)
    assert str(caught.value.problems[0]).startswith("bcc: boss at example")
    service.close()


def test_x01_an_address_for_a_copy_is_looked_at_in_every_row(service: Service, write_campaign: WriteCampaign) -> None:
    rows = [HEAD, *(f"p{n}@example.com,Pat,Rome,boss@example.org,audit@example.org" for n in range(60))]
    rows[34] = "p33@example.com,Pat,Rome,boss at example,audit@example.org"
    rows[35] = 'p34@example.com,Pat,Rome,,"audit@example.org; x@"'
    path = write_campaign(rows, audience={"source": "contacts.csv", "columns": {"cc": "team", "bcc": "audit"}})
    report = service.campaigns.check(service.campaigns.load(path), every_row=False, progress=lambda done, total: None)
    assert report.rendered == 20
    found = {finding.place.key: finding for finding in report.findings if finding.code == "bad-copy"}
    assert {kind: (finding.rows, finding.severity) for kind, finding in found.items()} == {
        "cc": ((34,), "error"),
        "bcc": ((35,), "error"),
    }
    assert "boss at example" in found["cc"].message
    assert [finding.message for finding in report.findings if finding.code == "copies"] == [
        "116 copies go out besides, by cc and bcc"
    ]


def test_x01_what_is_wrong_with_a_row_is_told_once_and_where_it_is(
    service: Service, write_campaign: WriteCampaign
) -> None:
    rows = [
        HEAD,
        "a@example.com,,Rome,boss at example,",
        f"b@example.com,Bob,Rome,{';'.join(f'p{n}@example.org' for n in range(51))},",
        f"c@example.com,Cy,Rome,{'x' * 400},",
        "d@example.com,Di,Rome,,x@",
    ]
    audience = {"source": "contacts.csv", "columns": {"cc": "team", "bcc": "audit"}}
    bcc = "{{ 12 // first_name|length }}@example.org"
    for attachments in ({}, {"attachments": ["{% if city == 'Oslo' %}x.pdf{% endif %}"]}):
        path = write_campaign(rows, audience=audience, bcc=bcc, **attachments)
        report = service.campaigns.check(service.campaigns.load(path), every_row=True, progress=lambda *_: None)
        told = [(found.rows, str(found.place), found.message) for found in report.findings if found.severity == "error"]
        assert sorted(told) == [
            ((1,), "bcc.0:1", "the template cannot be filled in: integer division or modulo by zero"),
            ((1,), "cc", "boss at example: There is no @-sign."),
            ((2,), "cc", "has more than 50 people for a copy"),
            ((3,), "cc", f"{'x' * 79}…: There is no @-sign."),
            ((4,), "bcc", "x@: There must be something after the @-sign."),
        ]


def test_more_people_for_a_copy_than_a_mail_may_have_are_told_of_every_row(
    service: Service, write_campaign: WriteCampaign
) -> None:
    path = write_campaign(2, bcc=[f"p{n}@example.org" for n in range(51)])
    report = service.campaigns.check(service.campaigns.load(path), every_row=True, progress=lambda *_: None)
    [found] = [found for found in report.findings if found.code == "bad-copy"]
    assert (found.message, found.rows, found.place.key) == ("has more than 50 people for a copy", (1, 2), "bcc")


@pytest.mark.parametrize("key", ["cc", "bcc"])
def test_m07_a_header_of_that_name_is_pointed_to_the_key(
    service: Service, write_campaign: WriteCampaign, key: str
) -> None:
    path = write_campaign(people(1), headers={key.title(): "boss@example.org"})
    with pytest.raises(Exception, match="mistake") as caught:
        launch(service, path)
    assert f"Write it as {key}:" in json.dumps([problem.hint for problem in caught.value.problems])  # type: ignore[attr-defined]
