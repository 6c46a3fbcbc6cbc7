"""What is looked at before anything is sent."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtui.campaign.checks import CheckReport, spread
from mailtui.errors import AudienceError
from mailtui.service.facade import Service
from tests.campaign.conftest import WriteCampaign


def check(
    service: Service, write: WriteCampaign, *args: object, every_row: bool = False, **keys: object
) -> CheckReport:
    campaign = service.campaigns.load(write(*args, **keys))
    return service.campaigns.check(campaign, every_row=every_row, progress=lambda done, total: None)


@given(st.integers(1, 5_000), st.integers(1, 200))
def test_a_sample_has_the_first_and_the_last_and_is_spread_evenly(total: int, sample: int) -> None:
    chosen = sorted(spread(total, sample))
    assert len(chosen) == min(total, sample)
    assert chosen[0] == 1
    assert chosen[-1] == total or sample == 1
    gaps = {after - before for before, after in pairwise(chosen)}
    assert max(gaps, default=0) - min(gaps, default=0) <= 1


def test_the_sample_finds_what_is_wrong_with_the_last_row(service: Service, write_campaign: WriteCampaign) -> None:
    rows = ["email,first_name,city", *(f"p{n}@example.com,Pat,York" for n in range(500)), "z@example.com,X,York"]
    found = check(service, write_campaign, rows, "{{ 1 // (first_name|length - 1) }}\n")
    [error] = [finding for finding in found.findings if finding.severity == "error"]
    assert (error.rows, found.rendered) == ((501,), 20)


def test_blank_fields_are_counted_over_all_rows(service: Service, write_campaign: WriteCampaign) -> None:
    rows = ["email,first_name,city", *(f"p{n}@example.com,{'' if n in (77, 333) else 'Pat'},York" for n in range(500))]
    found = check(service, write_campaign, rows)
    [blank] = [finding for finding in found.findings if finding.code == "blank-field"]
    assert (blank.count, blank.rows) == (2, (78, 334))


def test_excluded_rows_are_told_apart_from_unusable_ones(service: Service, write_campaign: WriteCampaign) -> None:
    rows = ["email,first_name,city", "nope,A,B", "info@example.com,B,C", "pat@example.com,Pat,York"]
    found = check(service, write_campaign, rows, audience={"source": "contacts.csv", "exclude": ["role"]})
    said = {item.code: item for item in found.findings}
    assert (said["bad-rows"].count, said["bad-rows"].rows) == (1, (1,))
    assert said["excluded"].message == "1 row left out for its kind of address, by audience: exclude"


def test_every_row_is_rendered_when_asked(service: Service, write_campaign: WriteCampaign) -> None:
    rows = ["email,first_name,city", *(f"p{n}@example.com,{'X' if n == 77 else 'Pat'},York" for n in range(200))]
    body = "{{ 1 // (first_name|length - 1) }}\n"
    assert check(service, write_campaign, rows, body).errors == 0
    found = check(service, write_campaign, rows, body, every_row=True)
    assert (found.errors, found.rendered) == (1, 200)


def test_nobody_is_an_error(service: Service, write_campaign: WriteCampaign) -> None:
    found = check(service, write_campaign, audience={"source": "contacts.csv", "filter": 'city == "x"'})
    assert next((item.severity, item.code) for item in found.findings) == ("error", "nobody")
    bad = check(service, write_campaign, ["email,first_name,city", "nope,A,B"])
    assert any(item.code == "nobody" and "usable address" in item.message for item in bad.findings)


def test_who_is_left_out_is_counted_and_a_list_of_rubbish_is_told(
    service: Service, write_campaign: WriteCampaign
) -> None:
    path = write_campaign(3, audience={"source": "contacts.csv", "suppress": ["no.csv", "empty.csv"]})
    (path.parent / "no.csv").write_text("email\nP1@EXAMPLE.com\nrubbish\n")
    (path.parent / "empty.csv").write_text("")
    campaign = service.campaigns.load(path)
    found = service.campaigns.check(campaign, every_row=False, progress=lambda done, total: None)
    said = {item.code: item.message for item in found.findings}
    assert said["suppress-list"] == "no.csv: 1 row without a usable address, which suppresses nobody"
    assert said["suppressed"].startswith("1 recipient suppressed")
    asyncio.run(service.suppression.add(["p2@example.com"]))
    found = service.campaigns.check(campaign, every_row=True, progress=lambda done, total: None)
    said = {item.code: item.message for item in found.findings}
    assert said["suppressed"].startswith("2 recipients suppressed"), "those of the suppression list count as well"
    asyncio.run(service.suppression.add(["@example.com"]))
    found = service.campaigns.check(campaign, every_row=False, progress=lambda done, total: None)
    assert "all-suppressed" in {item.code for item in found.findings}
    (path.parent / "no.csv").unlink()
    with pytest.raises(AudienceError, match=r"campaign.yaml:6:51: audience.suppress.0"):
        service.campaigns.check(campaign, every_row=False, progress=lambda done, total: None)


def test_a_message_that_the_standard_parser_reads_otherwise_is_an_error(
    service: Service, write_campaign: WriteCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parser is made to disagree; the check must hear it, stop the launch and name what differs."""
    assert not [item for item in check(service, write_campaign).findings if item.code == "misbuilt"]
    differs = ["Subject differs", "To differs", "Date differs", "From differs"]
    monkeypatch.setattr("mailtui.message.reference.verify_against_reference", lambda *_: differs)
    report = check(service, write_campaign)
    [found] = [item for item in report.findings if item.code == "misbuilt"]
    assert (found.severity, report.errors) == ("error", 1)
    assert "Subject differs; To differs; Date differs" in found.message and "From" not in found.message


def test_a8_a_list_called_nearly_like_another_is_pointed_out(write_campaign: WriteCampaign, service: Service) -> None:
    """A slip in `audience: list:` would mail everybody who left that list."""

    def said(name: str) -> list[tuple[str, str, str]]:
        campaign = service.campaigns.load(write_campaign(2, audience={"source": "contacts.csv", "list": name}))
        found = service.campaigns.check(campaign, every_row=True, progress=lambda *_: None)
        return [(item.severity, item.message, str(item.place)) for item in found.findings if "list" in item.code]

    [(severity, message, _)] = said("newsleter")
    assert (severity, message) == ("note", "nobody is on the suppression list of newsleter")
    asyncio.run(service.suppression.add(["ann@example.org"], list_name="newsletter"))
    [(severity, message, place)] = said("newsleter")
    assert severity == "warning" and message.endswith("Did you mean newsletter?")
    assert place.endswith("audience.list")
    assert [severity for severity, *_ in said("Newsletter")] == ["warning"]
    assert [severity for severity, *_ in said("invoices")] == ["note"]
    assert said("newsletter") == []


def test_what_is_odd_about_how_a_list_is_read_reaches_the_check(
    service: Service, write_campaign: WriteCampaign
) -> None:
    campaign = service.campaigns.load(write_campaign(audience={"source": "contacts.csv", "offline": True}))
    with service.campaigns.open_audience(campaign) as audience:
        notes = audience.understanding.notes
    found = service.campaigns.check(campaign, every_row=True, progress=lambda *_: None)
    said = [item.message for item in found.findings if item.code == "list-note"]
    assert said and said == [note.rstrip(".") for note in notes]


def test_whose_mails_a_finding_is_about_is_said_in_a_few_words(service: Service, write_campaign: WriteCampaign) -> None:
    """Two of two mails are every mail, two rows without a mail are not; what was seen in one is not claimed of all."""
    shouted = "BUY THIS LOVELY THING " * 30
    rows = ["email,first_name,city", "a@example.com,Ann,York", "nope,A,B", "b@example.com,Bob,York", "no,A,B"]
    found = check(service, write_campaign, rows, f"{shouted}\n", every_row=True)
    said = {item.code: found.whose(item) for item in found.findings}
    assert (said["special-domain"], said["bad-rows"]) == ("every mail", "rows 2, 4")
    assert said["body-capitals"] == "row 1, and all others alike"
    assert said["no-unsubscribe"] == ""
    body = f"{{{{ 'x' if city == 'Rome' else '{shouted}' }}}}\n"
    more = check(service, write_campaign, [*rows, "c@example.com,Eve,Rome"], body, every_row=True)
    assert [more.whose(item) for item in more.findings if item.code == "body-capitals"] == ["row 1, and 1 other alike"]
