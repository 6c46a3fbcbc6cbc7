"""A campaign to a list that is no CSV file, from the command line to the server."""

from __future__ import annotations

import openpyxl

from tests.cli.program import Mailtui, Oracle


def test_a_campaign_goes_to_the_people_of_a_workbook(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(
        0, port=sandbox.port, audience={"source": "people.xlsx", "sheet": "People", "filter": 'city == "Oslo"'}
    )
    book = openpyxl.Workbook()
    people = book.create_sheet("People")
    people.append(["Members of the club"])
    people.append(["Mail", "first_name", "city", "number"])
    for number in range(6):
        people.append([f"p{number}@example.com", f"Pat{number}", "Oslo" if number % 2 else "Rome", number])
    people.append(["nobody", "Pat", "Oslo", 9])
    book.save(campaign.parent / "people.xlsx")
    shown = mailtui.call("audience", campaign, "--json").json
    assert shown["understood"]["header"]["value"] == "2"
    assert (shown["rows"], shown["matched"], shown["recipients"][0]["address"]) == (7, 4, "p1@example.com")
    problems = mailtui.call("audience", campaign, "--problems")
    assert problems.out.startswith("row 9: bad address:")
    sent = mailtui.call("run", campaign, "--yes", "--json")
    assert (sent.code, sent.json["sent"]) == (0, 3), sent.err
    assert sandbox.accepted == {f"p{number}@example.com": 1 for number in (1, 3, 5)}
