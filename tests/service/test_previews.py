"""Mails that are looked at: rendered by one process after another mail, searched, and given to a browser."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from mailtui.errors import ConfigError, TemplateError, UsageError
from mailtui.service.facade import Service
from mailtui.service.previews import Oddity
from mailtui.service.testmail import send_test
from mailtui.service.workbench import Superseded, Workbench
from tests.campaign.conftest import WriteCampaign

BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "firefox", "firefox-esr"))), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium or Firefox here")

REMOTE = """<!doctype html><html><head>
<meta http-equiv="refresh" content="0;url={at}refresh"><base href="{at}">
<link rel="stylesheet" href="{at}style.css"><link rel="preload" as="image" href="{at}preload.png">
<link rel="prefetch" href="{at}prefetch"><link rel="preconnect" href="{at}"><link rel="icon" href="{at}icon.ico">
<style>@import url("{at}import.css"); @font-face {{ font-family: f; src: url({at}font.woff) }}
body {{ font-family: f; background: url("{at}body.png") }} p::before {{ content: url("{at}before.png") }}
li {{ list-style-image: url({at}list.png); cursor: url({at}cursor.png), auto }}</style>
<script src="{at}script.js"></script></head>
<body background="{at}old.png"><p style="background-image: image-set('{at}set.png' 1x); font-family: f">text</p>
<img src="{at}image.png" srcset="{at}image2.png 2x">
<picture><source srcset="{at}source.png"><img src="{at}x.png"></picture>
<ul><li>x</li></ul><video poster="{at}poster.png" src="{at}video.mp4" autoplay></video><audio src="{at}a.mp3"></audio>
<iframe src="{at}frame"></iframe><iframe srcdoc="<img src={at}inner.png>"></iframe>
<object data="{at}object"></object><embed src="{at}embed"><input type="image" src="{at}input.png">
<svg><image href="{at}svg.png" /><use href="{at}use.svg#a" /><filter><feImage href="{at}fe.png" /></filter></svg>
<form action="{at}form"><input autofocus onfocus="fetch('{at}focus')"></form>
<script>new Image().src = "{at}scripted.png"; fetch("{at}fetched"); location = "{at}moved"</script></body></html>"""


@contextmanager
def listening() -> Iterator[tuple[str, list[bytes]]]:
    """A web server's address on this machine, and the first line of every request that reaches it."""
    heard: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return  # closed at the end
            with connection:
                connection.settimeout(2)
                try:
                    heard.append(connection.recv(4096).partition(b"\r\n")[0])
                    connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                except OSError as error:
                    heard.append(str(error).encode())  # somebody came who said nothing

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}/", heard
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5)


def children() -> set[int]:
    """The processes that render for this one."""
    found = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())], capture_output=True, text=True)
    return {int(line.split()[0]) for line in found.stdout.splitlines() if "mailtui.message.trial" in line}


def test_b5_the_process_that_rendered_a_mail_renders_the_next(service: Service, write_campaign: WriteCampaign) -> None:
    path = write_campaign(5)
    campaign = service.campaigns.load(path)
    others = children()
    assert "Dear " in (service.previews.of(campaign, row=1).message.text or "")
    [child] = children() - others
    fastest = min(_seconds(service, path, row) for row in (2, 3, 4) * 5)
    assert children() - others == {child}
    assert fastest < 0.1, fastest  # starting a process alone takes longer
    (path.parent / "body.txt.j2").write_text("Hello {{ first_name }}\n")
    assert (service.previews.of(campaign, row=1).message.text or "").startswith("Hello ")
    [other] = children() - others
    assert other != child
    (path.parent / "body.txt.j2").write_text("{{ 1 // 0 }}\n")
    with pytest.raises(ConfigError, match="cannot be rendered"):
        service.previews.of(campaign, row=1)
    (path.parent / "body.txt.j2").write_text("{{ nothing_of_that_name }}\n")
    with pytest.raises(TemplateError):
        service.previews.of(campaign, row=1)
    service.close()
    assert children() == others


def test_b2_a_file_that_was_put_in_its_place_or_changed_since_is_seen_at_once(
    service: Service, write_campaign: WriteCampaign
) -> None:
    """By the process that has looked for it before; and no larger one than a launch would take."""
    rows = ["email,first_name,city,bill", "ann@example.com,Ann,Rome,1.pdf"]
    audience = {"source": "contacts.csv", "columns": {"attachment": "bill"}}
    path = write_campaign(rows, audience=audience, attachment_limit=1)
    campaign = service.campaigns.load(path)
    with pytest.raises(ConfigError, match="is not there"):
        service.previews.of(campaign)
    for data in (b"%PDF-1.4 first", b"%PDF-1.4 second one"):
        (path.parent / "1.pdf").write_bytes(data)
        assert [file.size for file in service.previews.of(campaign).view.files] == [len(data)]
    (path.parent / "1.pdf").write_bytes(bytes(1024 * 1024 + 1))
    with pytest.raises(ConfigError, match="cannot be rendered"):
        service.previews.of(campaign)
    with pytest.raises(ConfigError, match="cannot be rendered"):
        asyncio.run(send_test(service, campaign, "me@acme.test", None))
    service.close()


def _seconds(service: Service, path: Path, row: int) -> float:
    before = time.perf_counter()
    service.previews.of(service.campaigns.load(path), row=row)
    return time.perf_counter() - before


def test_b5_worst_and_search_read_the_whole_list_are_kept_and_can_be_ended(
    service: Service, write_campaign: WriteCampaign
) -> None:
    rows = ["email,first_name,city", *(f"p{row}@example.com,Ann{row},Rome" for row in range(1, 40_001))]
    rows[7] = f"p7@example.com,{'x' * 900},Rome"
    rows[9] = "p9@example.com,,Rome"
    rows[20_000] = "p20000@example.com,Ann,Kraków"
    path = write_campaign(rows)

    async def ask() -> None:
        bench = Workbench(service)
        await bench.open(path)
        told: list[tuple[int, int]] = []
        worst = {odd.oddity: odd for odd in await bench.worst(lambda *seen: told.append(seen))}
        assert told[0] == (2_000, 40_000)
        assert worst[Oddity.LONGEST].rows[0].row == 7
        assert [row.row for row in worst[Oddity.BLANK].rows] == [9]
        assert [row.row for row in worst[Oddity.NOT_ASCII].rows] == [20_000]
        told.clear()
        assert (await bench.worst(lambda *seen: told.append(seen)))[0] == worst[Oddity.LONGEST]
        assert not told  # kept
        bench.set_filter("first_name startsWith 'Ann39'")
        assert (await bench.worst(lambda *seen: told.append(seen)))[0].count == 1_111
        assert (await bench.find_recipients("KRAKÓW", lambda *_: None)).rows == ()
        bench.set_filter("")
        assert (await bench.find_recipients("KRAKÓW", lambda *_: None)).rows == (20_000,)

        begun = threading.Event()

        def stop(done: int, of: int) -> None:
            begun.set()
            time.sleep(0.01)

        question = asyncio.create_task(bench.find_recipients("nobody", stop))
        await asyncio.to_thread(begun.wait, 10)
        bench.stop_scan()
        with pytest.raises(Superseded):
            await question
        bench.close()

    asyncio.run(ask())


@needs_browser
def test_x06_neither_page_nor_picture_fetches_anything(service: Service, write_campaign: WriteCampaign) -> None:
    with listening() as (at, heard):
        html = REMOTE.format(at=at)
        path = write_campaign(1, html="body.html.j2")
        (path.parent / "body.html.j2").write_text("{% raw %}" + html + "{% endraw %}")
        mail = service.previews.of(service.campaigns.load(path))
        png = service.pages.picture(mail)
        with Image.open(BytesIO(png)) as picture:
            assert picture.width == 680
            assert 16 < picture.height < 2_000
        assert heard == []
        _look_at(service.pages.page(mail).as_uri(), path.parent / "private")
        assert heard == []


@needs_browser
@pytest.mark.long
def test_x06_the_same_browser_would_have_loaded_the_mail_itself(tmp_path: Path) -> None:
    with listening() as (at, heard):
        plain = tmp_path / "plain.html"
        plain.write_text(REMOTE.format(at=at))
        _look_at(plain.as_uri(), tmp_path / "private")
        assert len(heard) > 5, heard


def _look_at(page: str, profile: Path) -> None:
    """Have a browser read a page as a person's does, with all of the network that there is."""
    profile.mkdir(exist_ok=True)
    browser = BROWSER or ""
    if "firefox" in browser:
        options = ["--profile", str(profile), "--screenshot", str(profile / "seen.png")]
    else:
        options = [f"--user-data-dir={profile}", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000"]
        options.append("--dump-dom")
    surroundings = {**os.environ, "HOME": str(profile)}
    command = [browser, "--headless", *options, page]
    subprocess.run(command, env=surroundings, capture_output=True, timeout=60, check=False)


def test_b5_the_page_goes_to_the_persons_own_browser(
    service: Service, write_campaign: WriteCampaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    browser = tmp_path / "my-browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {seen}\nenv | grep -c MAILTUI_PASSWORD >> {seen}\nexit 0\n')
    browser.chmod(0o755)
    monkeypatch.setenv("MAILTUI_PASSWORD_ACME", "secret")
    monkeypatch.setenv("BROWSER", str(browser))
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    monkeypatch.delenv("SSH_TTY", raising=False)
    campaign = service.campaigns.load(write_campaign(1))
    page = service.pages.page(service.previews.of(campaign))
    service.pages.show(page)
    assert seen.read_text().splitlines() == [page.as_uri(), "0"]
    browser.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(UsageError, match="my-browser did not open the page"):
        service.pages.show(page)
    left = service.settings.home.pages / "page-of-a-crash"
    left.mkdir()
    os.utime(left, (1, 1))
    service.close()
    assert not page.parent.exists()
    service.pages.page(service.previews.of(campaign))
    assert not left.exists()
    service.close()
