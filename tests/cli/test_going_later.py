"""Campaigns that go out later, and again and again, as a person orders them."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.cli.program import Mailtui, Oracle, wait_until


def test_c8_a_campaign_waits_is_put_to_another_time_and_goes_out(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(3, port=sandbox.port)
    launched = mailtui.call("run", campaign, "--at", "in 2h", "--yes", "--json")
    assert (launched.code, launched.json["state"], launched.json["queued"]) == (0, "scheduled", 3)
    id = launched.json["campaign"]
    assert mailtui.runner() is not None, "somebody waits for its time"
    [row] = mailtui.call("scheduled", "--json").lines
    assert (row["id"], row["kind"], row["recipients"], row["runner"]) == (id, "once", 3, True)
    assert 7_000 < row["in_seconds"] <= 7_200
    assert "begins at" in mailtui.call("status", id).out
    assert "scheduled for" in mailtui.call("list").out
    assert mailtui.call("set", id, "--at", "2020-01-01 09:00").code == 2
    assert mailtui.call("pause", id).code == 0
    assert mailtui.call("status", id, "--json").json["state"] == "paused"
    assert mailtui.call("set", id, "--at", "in 1s").code == 0
    ended = mailtui.call("status", id, "--follow", "--json")
    assert (ended.code, ended.json["state"], ended.json["sent"]) == (0, "finished", 3)
    assert 0 <= ended.json["late_seconds"] < 60, "as it was measured"
    assert sum(sandbox.accepted.values()) == 3
    [found] = mailtui.call("list", "--search", "NEWS finished", "--json").lines
    assert found["campaign"] == id
    assert mailtui.call("list", "--search", "nowhere", "--json").out == ""


def test_c8_now_and_not_at_all(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(2, port=sandbox.port, schedule={"at": "2020-01-01 09:00"})
    refused = mailtui.call("run", campaign, "--yes")
    assert (refused.code, "has passed" in refused.err) == (2, True)
    assert mailtui.call("run", campaign, "--at", "now", "--every", "1 day", "--yes").code == 2
    first = mailtui.call("run", campaign, "--at", "in 3h", "--yes", "--json").json["campaign"]
    assert mailtui.call("resume", first).code == 0
    wait_until(lambda: sum(sandbox.accepted.values()) == 2, 60)
    assert mailtui.call("status", first, "--json").json["late_seconds"] is None, "sent before its time"
    time = ("--at", "2099-12-01 09:00")
    second = mailtui.call("run", campaign, *time, "--yes", "--new", "--json").json["campaign"]
    assert mailtui.call("pause", second).code == 0
    assert mailtui.call("set", second, "--hours", "8-9").code == 2
    assert mailtui.call("set", second, "--hours", "08:00-09:30", "--json").json["state"] == "paused"
    assert mailtui.call("set", *time, "--json").json["state"] == "scheduled", "the same time, which is waited for again"
    assert mailtui.call("cancel", second).code == 0
    assert mailtui.call("scheduled", "--json").out == ""


def test_c8_hours_are_changed_by_order_and_by_the_file(mailtui: Mailtui, sandbox: Oracle) -> None:
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    another = days[(datetime.now(UTC).weekday() + 3) % 7]
    window = {"timezone": "UTC", "window": {"days": another}}
    campaign = mailtui.campaign(3, port=sandbox.port, schedule=window)
    id = mailtui.call("run", campaign, "--yes", "--detach", "--json").json["campaign"]
    wait_until(lambda: "window closed" in mailtui.call("status", id, "--json").json["reason"])
    changed = mailtui.call("set", "--hours", "10:00-11:00", "--json").json
    assert changed["answer"] == f"changed: only {another.capitalize()} 10:00–11:00 UTC"
    assert f"opens {another.capitalize()} " in changed["reason"] and "10:00 UTC" in changed["reason"]
    late = mailtui.call("set", "--missed", "send", "--grace", "2h", "--json").json["answer"]
    assert late.endswith("10:00–11:00 UTC; what is missed: send, within 2 h 00 min")
    campaign = mailtui.campaign(3, port=sandbox.port)
    assert mailtui.call("run", campaign, "--yes", "--json").code == 0
    assert sum(sandbox.accepted.values()) == 3


def test_c8_again_and_again(mailtui: Mailtui, sandbox: Oracle) -> None:
    campaign = mailtui.campaign(2, port=sandbox.port)
    began = mailtui.call("run", campaign, "--cron", "0 9 * * MON", "--timezone", "Europe/Berlin", "--yes", "--json")
    assert (began.code, began.json["state"], len(began.json["next"])) == (0, "active", 5)
    id = began.json["recurrence"]
    once_more = mailtui.call("run", campaign, "--every", "1 week", "--yes", "--json").json
    assert (once_more["recurrence"], once_more["is_new"]) == (id, False), "a campaign has one of them"
    assert once_more["words"].startswith("every week"), "which goes by what was said last"
    assert mailtui.call("list", "--json").out == "", "nothing is frozen before its time"
    assert mailtui.call("set", id, "--at", "in 2h").code == 2, "a single time is none for it"
    assert mailtui.call("pause", id, "--json").json["state"] == "paused"
    assert mailtui.call("resume", id, "--json").json["state"] == "active"
    assert mailtui.call("resume", id).code == 0, "and now, besides its times"
    wait_until(lambda: sum(sandbox.accepted.values()) == 2, 60)
    wait_until(lambda: mailtui.call("scheduled", id, "--json").json["runs"] == 1, 60)
    assert mailtui.call("scheduled", id, "--json").json["in_seconds"] > 3_600, "its times stay what they were"
    assert mailtui.call("cancel", id, "--json").json["state"] == "ended"
    assert mailtui.call("scheduled", "--json").out == ""
    assert mailtui.call("status", "--follow", "--json").json["recurrence"] == id


def test_c8_who_sends_in_the_foreground_leaves_somebody_who_waits_for_what_is_scheduled(
    mailtui: Mailtui, sandbox: Oracle
) -> None:
    soon, later = mailtui.campaign(3, port=sandbox.port), mailtui.campaign(2, port=sandbox.port, name="later")
    sending = mailtui.start("run", soon, "--yes", "--rate", "2/s")
    wait_until(mailtui.runner, 60)
    assert mailtui.call("run", later, "--at", "in 2h", "--yes", "--json").json["state"] == "scheduled"
    _, said = sending.communicate(timeout=60)
    assert "waits in the background for what is scheduled" in said
    assert mailtui.runner() not in (None, sending.pid)
    assert mailtui.call("cancel", mailtui.call("scheduled", "--json").lines[0]["id"]).code == 0


def test_c8_one_that_waits_for_times_of_its_recipients_says_so(mailtui: Mailtui, sandbox: Oracle) -> None:
    rows = ["email,first_name,city,when", "a@example.com,Ada,Rome,", "b@example.com,Bob,Oslo,2099-12-01 09:00"]
    audience = {"source": "contacts.csv", "columns": {"send_at": "when"}}
    campaign = mailtui.campaign(rows, port=sandbox.port, audience=audience)
    id = mailtui.call("run", campaign, "--yes", "--detach", "--json").json["campaign"]
    wait_until(lambda: mailtui.call("status", id, "--json").json["waits_until"], 60)
    assert sandbox.accepted == {"a@example.com": 1}
    [row] = mailtui.call("scheduled", "--json").lines
    assert (row["id"], row["kind"], row["at"][:10]) == (id, "waiting", "2099-12-01")
    assert mailtui.call("cancel", id).code == 0
