"""Owns the browsers of this machine: finding one, handing it a page, and having it draw one without any network."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from mailtui.errors import MailtuiError, UsageError
from mailtui.kit.children import bare_environment, foreign_environment

DRAWN_HEIGHT = 6_000  # pixels of a page that are drawn at most
_SECONDS = 30.0
_LOOKED_EVERY = 0.1  # seconds; whoever leaves waits so long
_SAYS_NO_WITHIN = 3.0
_NOWHERE = "127.0.0.1:9"  # the port of the discard service: nothing that lets anybody through listens there

_CHROMIUMS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "brave-browser"
)  # fmt: skip
_FIREFOXES = ("firefox", "firefox-esr")
_MAC = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Firefox.app/Contents/MacOS/firefox",
)
_TEXT_BROWSERS = ("lynx", "w3m", "links", "links2", "elinks", "browsh", "www-browser")
"""They would want the terminal that the app is in."""

_ALONE = (
    "--headless",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-extensions",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-breakpad",
    "--disable-dev-shm-usage",
    "--no-pings",
    f"--proxy-server=http://{_NOWHERE}",
    "--proxy-bypass-list=<-loopback>",  # not even this machine is asked without the proxy
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
_FIREFOX_SETTINGS = f"""
user_pref("network.proxy.type", 1);
user_pref("network.proxy.socks", "{_NOWHERE.partition(":")[0]}");
user_pref("network.proxy.socks_port", {_NOWHERE.partition(":")[2]});
user_pref("network.proxy.socks_remote_dns", true);
user_pref("network.proxy.no_proxies_on", "");
user_pref("network.proxy.allow_hijacking_localhost", true);
user_pref("network.proxy.failover_direct", false);
user_pref("network.dns.disablePrefetch", true);
user_pref("network.prefetch-next", false);
user_pref("network.trr.mode", 5);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("javascript.enabled", false);
user_pref("app.update.enabled", false);
user_pref("browser.safebrowsing.downloads.remote.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.enabled", false);
"""


class NoBrowser(UsageError):
    """This machine has no browser that could do what was asked for."""


def drawing_browser(environ: Mapping[str, str]) -> Path:
    """A browser that can draw a page without showing it. Raises `NoBrowser`."""
    for name in (*_CHROMIUMS, *_FIREFOXES, *(_MAC if sys.platform == "darwin" else ())):
        found = shutil.which(name, path=environ.get("PATH"))
        if found is not None:
            return Path(found)
    raise NoBrowser(
        "A picture of a mail is drawn by a browser, and none was found",
        detail="Looked for Chromium, Google Chrome, Microsoft Edge, Brave and Firefox.",
        hint="Install one of them, such as: apt install chromium. The laid out view needs none.",
    )


def draw_page(page: Path, picture: Path, *, width: int, environ: Mapping[str, str], stop: threading.Event) -> None:
    """Have a browser write a PNG of a page, `width` pixels wide and `DRAWN_HEIGHT` high or less, in some seconds.

    It has a profile of its own, which is gone afterwards, and no network: names are not resolved, and every connection
    goes to a proxy that is not there. Raises `NoBrowser`, and `MailtuiError` when it does not draw, or once `stop` is
    set: then it is ended within a moment.
    """
    browser = drawing_browser(environ)
    with tempfile.TemporaryDirectory(prefix="mailtui-browser-", ignore_cleanup_errors=True) as folder:
        command = list(_command(browser, Path(folder), page, picture, width))
        surroundings = {
            **bare_environment(environ),
            "HOME": folder,
            "XDG_CONFIG_HOME": folder,
            "XDG_CACHE_HOME": folder,
        }
        said = _run(command, surroundings, stop)
    if not picture.exists() or not picture.stat().st_size:
        last = next((line for line in reversed(said.splitlines()) if line.strip()), "it said nothing")
        raise MailtuiError(
            f"{browser.name} did not draw the page",
            detail=last[:300],
            hint="The laid out view needs no browser.",
        )


def _command(browser: Path, folder: Path, page: Path, picture: Path, width: int) -> Iterator[str]:
    yield str(browser)
    if "firefox" in browser.name.lower():
        (folder / "user.js").write_text(_FIREFOX_SETTINGS, "utf-8")
        yield from ("--headless", "--no-remote", "--profile", str(folder))
        yield from ("--screenshot", str(picture), f"--window-size={width}")
    else:
        yield from _ALONE
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            yield "--no-sandbox"  # Chromium refuses to run for root with it
        yield from (f"--user-data-dir={folder}", f"--window-size={width},{DRAWN_HEIGHT}", f"--screenshot={picture}")
    yield page.as_uri()


def _run(command: list[str], surroundings: Mapping[str, str], stop: threading.Event) -> str:
    """What it said. All its processes are ended when it takes too long."""
    process = subprocess.Popen(  # noqa: S603 - a browser, by its own path
        command,
        env=surroundings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    deadline = time.monotonic() + _SECONDS
    try:
        while True:
            try:
                return process.communicate(timeout=_LOOKED_EVERY)[1].decode("utf-8", "replace")
            except subprocess.TimeoutExpired:
                if stop.is_set():
                    raise MailtuiError("The picture was given up") from None
                if time.monotonic() > deadline:
                    raise MailtuiError(
                        f"{Path(command[0]).name} did not draw the page within {_SECONDS:g} seconds",
                        hint="Try again when the machine has less to do.",
                    ) from None
    except BaseException:
        _end(process)
        raise


def _end(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def show_page(page: Path, environ: Mapping[str, str]) -> None:
    """Open a page in the person's browser, within some seconds. Raises `NoBrowser` where nobody would see one."""
    show_address(page.as_uri(), environ)


def show_address(address: str, environ: Mapping[str, str]) -> None:
    """The same with any address. Others on this machine may see it: it must hold no secret."""
    over_network = "SSH_CONNECTION" in environ or "SSH_TTY" in environ
    if over_network:
        raise NoBrowser("This is a session over SSH, where a browser would open on the other machine, or not at all")
    command = next(_openers(environ), None)
    if command is None:
        raise NoBrowser("No browser was found on this machine, or there is no desktop to show one on")
    process = subprocess.Popen(  # noqa: S603 - the person's own browser, or the desktop's way to it
        [*command, address],
        env=foreign_environment(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        code = process.wait(_SAYS_NO_WITHIN)
    except subprocess.TimeoutExpired:
        threading.Thread(target=process.wait, daemon=True).start()  # it is the browser itself, and stays
        return
    if code:
        raise NoBrowser(f"{Path(command[0]).name} did not open the page")


def _openers(environ: Mapping[str, str]) -> Iterator[list[str]]:
    """The commands that open a page, the person's own choice first."""
    path = environ.get("PATH")
    for name in environ.get("BROWSER", "").split(os.pathsep):
        found = shutil.which(name, path=path) if name else None
        if found is not None and Path(found).name not in _TEXT_BROWSERS:
            yield [found]
    if sys.platform == "darwin":
        yield ["/usr/bin/open"]
    elif sys.platform == "win32":
        yield ["explorer"]
    elif "DISPLAY" in environ or "WAYLAND_DISPLAY" in environ:
        for name in ("xdg-open", "wslview", *_FIREFOXES, *_CHROMIUMS):
            found = shutil.which(name, path=path)
            if found is not None:
                yield [found]
