"""The pages say what the program does: keys, codes, states, operators, commands and links are held against it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import apsw
import click
import pydantic
import pytest
import yaml

from mailtui.accounts.dkim_spec import SigningSpec
from mailtui.accounts.presets import presets
from mailtui.accounts.spec import AccountSpec, InlineServerSpec, ServerSpec, TimeoutsSpec
from mailtui.audience.rules import Operator
from mailtui.audience.rules_tree import read_rule
from mailtui.audience.spec import AudienceSpec
from mailtui.campaign.campaign import load_campaign
from mailtui.campaign.spec import CampaignSpec
from mailtui.cli.accounts import limits_in_words
from mailtui.cli.main import cli
from mailtui.dispatch.spec import DispatchSpec, RetrySpec
from mailtui.errors import ExitCode
from mailtui.message.fields import PROVIDED
from mailtui.message.hardening import KEPT_FILTERS
from mailtui.message.locales import FILTERS
from mailtui.message.own_cells import ROLES
from mailtui.message.spec import AttachmentSpec, UnsubscribeSpec
from mailtui.outbox.notices import USUAL_EVENTS, Event
from mailtui.outbox.states import CampaignState, DeliveryState, NoticeState
from mailtui.report.spec import NotifySpec, WebhookSpec
from mailtui.schedule.spec import ScheduleSpec, WindowSpec
from mailtui.smtp.limits_spec import AccountLimitsSpec, CampaignLimitsSpec, DomainLimitsSpec

ROOT = Path(__file__).parents[2]
PAGES = sorted(path for folder in ("", "docs", "sample_data") for path in (ROOT / folder).glob("*.md"))


def page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def first_column(text: str) -> list[str]:
    """What stands in backquotes in the first cell of each table row."""
    cells = re.findall(r"^\| ([^|]*) \|", text, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def keys(model: type[pydantic.BaseModel], prefix: str = "") -> set[str]:
    return {prefix + (field.alias or name) for name, field in model.model_fields.items()}


def test_the_campaign_page_has_every_key_and_no_other() -> None:
    parts = re.split(r"^## ", page("docs/campaign-file.md"), flags=re.MULTILINE)
    whom, _, below = parts[3].partition("\n### ")
    who, message, audience, dispatch, when = (first_column(part) for part in (*parts[1:3], whom, *parts[4:]))
    assert tuple(first_column(below)) == (*ROLES, "send_at", "timezone")
    message = [name for name in message if name not in {*PROVIDED, *FILTERS} or name == "postal_address"]
    own = keys(CampaignSpec) - {"audience", "dispatch"}
    server = keys(InlineServerSpec)
    own |= keys(AttachmentSpec, "attachments.") | keys(UnsubscribeSpec, "unsubscribe.")
    assert set(who) | set(message) | set(when) == own | server | keys(TimeoutsSpec, "timeouts.")
    assert set(audience) == keys(AudienceSpec)
    assert set(dispatch) == (keys(DispatchSpec) - {"retry"}) | keys(RetrySpec, "retry.")


def test_the_schedule_page_has_every_key_and_no_other() -> None:
    part = page("docs/schedules.md").partition("## Keys of `schedule:`\n")[2].partition("\n## ")[0]
    assert set(first_column(part)) == (keys(ScheduleSpec) - {"window"}) | keys(WindowSpec, "window.")


def test_the_accounts_page_has_every_key_of_accounts_and_no_other() -> None:
    part = page("docs/accounts.md").partition("## Keys of an account\n")[2].partition("\n## ")[0]
    own = (keys(AccountSpec) - keys(ServerSpec)) | keys(AccountLimitsSpec, "limits.") | keys(SigningSpec, "dkim.")
    assert set(first_column(part)) == own


def test_the_limits_page_has_every_limit_and_whose_it_is() -> None:
    part = page("docs/limits.md").partition("## Keys\n")[2].partition("\n## ")[0]
    table = re.findall(r"^\| `(\w+)` \| ([^|]*) \|", part, re.MULTILINE)
    of: dict[str, type[pydantic.BaseModel]] = {
        "account": AccountLimitsSpec,
        "campaign": CampaignLimitsSpec,
        "domain": DomainLimitsSpec,
    }
    for whose, model in of.items():
        assert {name for name, owners in table if whose in owners} == keys(model), whose


def test_the_notifications_page_has_every_key_event_and_state() -> None:
    text = page("docs/notifications.md")
    assert set(first_column(text)) == keys(WebhookSpec) | keys(NotifySpec) | {str(event) for event in Event}
    for state in NoticeState:
        assert f"`{state.value}`" in text
    assert "`finished`, `paused`, `cancelled` and `missed`" in text
    assert [str(event) for event in USUAL_EVENTS] == ["finished", "paused", "cancelled", "missed"]


def test_the_accounts_page_has_every_preset() -> None:
    part = page("docs/accounts.md").partition("## Providers\n")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (.*) \|$", part, re.MULTILINE))
    assert list(rows) == list(presets())
    for name, preset in presets().items():
        quota = limits_in_words(preset.per_hour, preset.per_day)
        server = f"`{preset.host}`" if preset.host else "your own"
        assert rows[name] == f"{preset.title} | {server}, {preset.port} {preset.security} | {quota}"


def test_the_campaign_page_has_every_filter_and_name_of_templates() -> None:
    text = page("docs/campaign-file.md")
    listed = re.search(r"Filters: `([^`]*)`", text)
    assert listed is not None
    assert set(listed.group(1).split()) == KEPT_FILTERS
    assert set(PROVIDED) | (set(FILTERS) - KEPT_FILTERS) <= set(first_column(text))


def test_the_campaign_in_the_readme_loads(tmp_path: Path) -> None:
    [text] = blocks(page("README.md"), "yaml")
    (tmp_path / "campaign.yaml").write_text(text, "utf-8")
    assert load_campaign(tmp_path).name == "Spring news"


def test_every_filter_on_the_page_can_be_read() -> None:
    text = page("docs/filters.md")
    [lines] = blocks(text, "filter")
    [tree] = blocks(text, "yaml")
    assert len(lines.splitlines()) > 8
    for line in lines.splitlines():
        read_rule(line)
    assert read_rule(yaml.safe_load(tree)) == read_rule(lines.splitlines()[1])


def test_the_filter_page_has_every_operator() -> None:
    text = page("docs/filters.md")
    listed = " ".join(first_column(text)).replace(",", " ").split() + re.findall(r"`([<>]=?)`", text)
    for operator in Operator:
        assert f"`{operator.name}`" in text
        assert operator.value in listed, operator


def test_every_exit_code_has_its_row() -> None:
    for name in ("README.md", "docs/exit-codes.md"):
        numbers = re.findall(r"^\| (\d+) \|", page(name), re.MULTILINE)
        assert [int(number) for number in numbers] == [int(code) for code in ExitCode]


def test_the_outbox_page_has_every_state() -> None:
    text = page("docs/outbox.md")
    rows = first_column(text.partition("## Tables")[0])
    assert sorted(rows) == sorted(state.value for state in DeliveryState)
    for state in CampaignState:
        assert f"`{state.value}`" in text


def test_the_outbox_page_fits_the_tables() -> None:
    text = page("docs/outbox.md")
    database = apsw.Connection(":memory:")
    for migration in sorted((ROOT / "mailtui/outbox/migrations/sqlite").glob("*.sql")):
        database.execute(migration.read_text("utf-8"))
    tables = {str(name) for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    described = text.partition("## Tables")[2].partition("## Questions")[0]
    assert set(first_column(described)) == tables
    for name, columns in re.findall(r"^\| `(\w+)` \| [^|]* \| (.*) \|$", described, re.MULTILINE):
        real = {str(row[1]) for row in database.execute(f"PRAGMA table_info({name})")}
        named = re.sub(r"\([^()]*\)", "", columns)
        assert set(re.findall(r"`(\w+)`", named)) <= real, name
    [questions] = blocks(text, "sql")
    assert len(questions.split(";")) > 3
    database.execute(questions).fetchall()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
class TestPage:
    def test_its_links_lead_somewhere(self, path: Path) -> None:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", re.sub(r"`[^`\n]+`", "", path.read_text("utf-8"))):
            assert target.startswith("https://") or (path.parent / target).exists(), target

    def test_the_commands_in_it_exist(self, path: Path) -> None:
        text = path.read_text("utf-8")
        lines = [line for block in blocks(text, "(?:sh|console)") for line in block.splitlines()]
        lines += [inline.replace("\n", " ") for inline in re.findall(r"`(mailtui [^`]+)`", text)]
        for line in lines:
            line = line.removeprefix("$ ")
            words = shlex.split(line, comments=True) if line.startswith("mailtui ") else []
            if words and words[1:] != ["spring"] and re.fullmatch(r"[a-z]+", words[1]):  # it opens a folder
                command = cli.get_command(click.Context(cli), words[1])
                assert command is not None, line
                if isinstance(command, click.Group):
                    context = click.Context(command)
                    subcommands = [command.get_command(context, word) for word in words[2:3]]
                    command = next(filter(None, subcommands), command)
                known = {name for parameter in command.params for name in parameter.opts}
                if words[1] == "runner":
                    known = {"--outbox", "--until-idle", "--password-fd", "--systemd", "--launchd"}
                for word in words[2:]:
                    assert not word.startswith("--") or word in known, f"{word} in {line}"

    def test_the_targets_in_it_exist(self, path: Path) -> None:
        targets = set(re.findall(r"^([a-z]+):", page("Makefile"), re.MULTILINE))
        for name in re.findall(r"(?:`|^|\$ )make ([a-z]+)", path.read_text("utf-8"), re.MULTILINE):
            assert name in targets
