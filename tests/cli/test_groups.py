"""Several rows of one person in one mail, from the file to the report (A6)."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

from tests.cli.conftest import StartSandbox
from tests.cli.program import ROOT, Mailtui, Oracle, wait_until

INGRID, ROSA = "ingrid.dahl@example.net", "rosa.nunez@example.com"
LOST = 'rules:\n  - {stage: dot, action: accept_then_drop, recipient: "ingrid*", times: 1}\n'


def orders(mailtui: Mailtui, port: int) -> Path:
    folder = mailtui.folder / "orders"
    shutil.copytree(ROOT / "sample_data" / "orders", folder)
    file = folder / "campaign.yaml"
    file.write_text(file.read_text("utf-8").replace("port: 2525", f"port: {port}"), "utf-8")
    return file


def test_a6_the_sample_of_orders_goes_out_one_mail_a_person(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = orders(mailtui, sandbox.port)
    before = (sandbox.sandbox.folder / "messages.mbox").stat().st_size if sandbox.accepted else 0
    sent = mailtui.call("run", campaign, "--yes", "--json")
    assert (sent.code, sent.json["sent"], sent.json["audience"]) == (0, 3, 3), sent.err
    assert set(sandbox.accepted.values()) == {1}
    mails = (sandbox.sandbox.folder / "messages.mbox").read_bytes()[before:].decode()
    for order in ("A-0117", "A-0121", "A-0130"):
        assert order in mails, "all three of one person"
    assert "Together 56.50 EUR." in mails
    assert "<td>2 &times; <bdi>Tree stake &lt;long&gt;</bdi></td>" in mails

    rows = list(csv.DictReader(mailtui.call("report", "--original", "--format", "csv").out.splitlines()))
    assert sorted(row["order"] for row in rows) == ["A-0117", "A-0118", "A-0121", "A-0122", "A-0130", "A-0133"]
    assert {row["error"].partition(":")[0] for row in rows} == {"sent"}

    with (campaign.parent / "orders.csv").open("a", encoding="utf-8") as file:
        file.write(f"{ROSA},Rosa,A-0200,2025-03-30,Seeds,1,1.00\nnew@example.com,New,A-0201,2025-03-30,Seeds,1,1.00\n")
    again = mailtui.call("run", campaign, "--top-up", "--yes", "--json")
    assert (again.code, again.json["sent"]) == (0, 4), again.err
    assert set(sandbox.accepted.values()) == {1}, "whoever had their mail gets no second one for a further row"


def test_a6_a_second_copy_has_the_same_bytes_whatever_the_list_says_now(mailtui: Mailtui, faulty: StartSandbox) -> None:
    box = faulty(LOST)
    campaign = orders(mailtui, box.port)
    assert mailtui.call("run", campaign, "--yes", "--json").json["unknown"] == 1
    (campaign.parent / "orders.csv").write_text("email,order\nnobody@example.com,1\n")
    assert mailtui.call("resolve", "--as", "resend", "--yes").code == 0
    mailtui.call("resume", "--json")
    wait_until(lambda: box.accepted[INGRID] == 2)
    first, second = (entry["sha256"] for entry in box.entries if entry["rcpt_to"] == [INGRID])
    assert first == second


def test_preview_says_of_a_duplicate_and_of_an_excluded_row_that_they_get_no_mail(mailtui: Mailtui) -> None:
    rows = ["email,first_name,city", "ann@example.com,Ann,A", "ann@example.com,Anna,B", "info@example.com,Info,C"]
    campaign = mailtui.campaign(rows, port=9, audience={"source": "contacts.csv", "exclude": ["role"]})
    assert mailtui.call("preview", campaign, "--row", "1").err == ""
    duplicate = mailtui.call("preview", campaign, "--row", "2").err
    assert "Row 2 gets no mail of its own: ann@example.com already stands in row 1." in duplicate
    assert "Row 3 gets no mail of its own: info@ is" in mailtui.call("preview", campaign, "--row", "3").err
    assert "already stands" in mailtui.call("preview", campaign, "--row", "2", "--json").json["left_out"]
