"""`mailtui preview`: a recipient's mail in the view that is asked for, whom to look at first, how two mails differ."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from mailtui.cli import output
from mailtui.cli.mail_shown import mail_as_json, show_differences, show_mail, show_worst, tell_about
from mailtui.cli.options import Whole, at_terminal, common, filter_option
from mailtui.errors import UsageError
from mailtui.kit.paths import create_private
from mailtui.kit.safe_text import safe_text
from mailtui.kit.words import sentence
from mailtui.service.browsers import NoBrowser
from mailtui.service.facade import Service
from mailtui.service.previews import Campaign, Found, Preview

PARTS = ("text", "html", "laid-out", "headers", "source", "tree")


@click.command()
@click.argument("campaign", metavar="CAMPAIGN", type=click.Path(path_type=Path))
@click.option("--row", type=Whole(1), metavar="N", help="The row of the list, from 1.")
@click.option("--to", "address", metavar="ADDRESS", help="The recipient's address.")
@click.option("--find", "text", metavar="TEXT", help="The first recipient with this text in a cell; names the others.")
@click.option("--worst", is_flag=True, help="List the rows to look at first: longest, blank, beyond ASCII, most rows.")
@click.option("--part", type=click.Choice(PARTS), help="What to show; left out: headers and text.")
@click.option("--diff", "other", type=Whole(1), metavar="N", help="How row N's mail differs from this one.")
@click.option("--open", "show", is_flag=True, help="Open it in the browser: a private page that loads nothing.")
@click.option("--picture", type=click.Path(path_type=Path), metavar="FILE.png", help="Write a picture of it.")
@filter_option
@common
def preview(
    campaign: Path,
    row: int | None,
    address: str | None,
    text: str | None,
    part: str | None,
    other: int | None,
    picture: Path | None,
    filter_text: str | None,
    *,
    worst: bool,
    show: bool,
    service: Service,
    as_json: bool,
) -> None:
    """Show one recipient's mail exactly as it would be sent; the first one's unless a row, address or text is given."""
    _require_one({"--row": row, "--to": address, "--find": text, "--worst": worst or None})
    _require_one({"--diff": other, "--open": show or None, "--picture": picture, "--worst": worst or None})
    loaded = service.campaigns.load(campaign, filter=filter_text)
    if worst:
        with output.progress("Reading") as advance:
            odd = service.previews.worst(loaded, advance)
        show_worst(odd, as_json=as_json)
        return
    found: Found | None = None
    if text is not None:
        found = _find(service, loaded, text)
        row = found.rows[0]
    shown = service.previews.of(loaded, row=row, to=address)
    if not as_json:
        tell_about(shown, campaign, filter_text, found)
    if other is not None:
        show_differences(shown, service.previews.of(loaded, row=other), part, as_json=as_json)
    elif show:
        _open(service, shown, as_json=as_json)
    elif picture is not None:
        _draw(service, shown, picture, as_json=as_json)
    elif as_json:
        output.json_line(mail_as_json(shown, found))
    else:
        show_mail(shown, part)


def _require_one(options: Mapping[str, object]) -> None:
    given = [option for option, value in options.items() if value is not None]
    if len(given) > 1:
        raise UsageError(f"{given[0]} and {given[1]} do not go together", hint="See: mailtui preview --help")


def _find(service: Service, campaign: Campaign, text: str) -> Found:
    if not text:
        raise UsageError("--find takes a text", hint="Such as: mailtui preview CAMPAIGN --find Lyon")
    with output.progress("Finding") as advance:
        found = service.previews.find(campaign, text, advance)
    if not found.rows:
        raise UsageError(
            f"No recipient has {safe_text(text, limit=60)!r} in any cell",
            hint="Only those are looked at whom the filter lets in.",
        )
    return found


def _open(service: Service, shown: Preview, *, as_json: bool) -> None:
    """The page is there until somebody says that it was seen."""
    if not at_terminal():
        raise UsageError(
            "--open keeps its page until enter is pressed, and there is no terminal to press it at",
            hint="Without one: --picture FILE.png, or --part html.",
        )
    page = service.pages.page(shown)
    opened = True
    try:
        service.pages.show(page)
    except NoBrowser as error:
        opened = False
        output.say(sentence(error.title))
    if as_json:
        output.json_line({"row": shown.recipient.row, "page": str(page), "opened": opened})
    else:
        output.data(str(page))
    click.prompt("The page loads nothing; enter takes it away", default="", show_default=False, err=True)


def _draw(service: Service, shown: Preview, picture: Path, *, as_json: bool) -> None:
    png = b"" if picture.exists() else service.pages.picture(shown)
    try:
        with create_private(picture) as stream:
            stream.write(png)
    except FileExistsError:
        raise UsageError(f"{picture} is there already", hint="Give another name, or remove it.") from None
    except OSError as error:
        raise UsageError(f"{picture} cannot be written", detail=error.strerror or "") from None
    if as_json:
        output.json_line({"row": shown.recipient.row, "picture": str(picture), "bytes": len(png)})
    else:
        output.data(str(picture))
