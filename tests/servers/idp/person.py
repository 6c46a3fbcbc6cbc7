"""Owns the person who logs in: a small browser that keeps cookies, fills in forms and follows where they lead."""

from __future__ import annotations

import http.cookiejar
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass(frozen=True, slots=True)
class Page:
    """Where the browser is, and what it shows."""

    address: str
    status: int
    text: str


@dataclass(slots=True)
class Form:
    """What can be filled in on a page."""

    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(found.get("action", "")))
        elif tag == "input" and self.forms and "name" in found:
            self.forms[-1].fields[found["name"]] = found.get("value", "")
        elif tag == "a":
            self.links.append(found.get("href", ""))


class Person:
    """Somebody with a browser of their own, who is nobody's until they log in."""

    def __init__(self, name: str) -> None:
        self._name = name
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._browser = urllib.request.build_opener(urllib.request.ProxyHandler({}), jar)

    def agree(self, address: str) -> Page:
        """Open an address, log in, and agree to whatever is asked. The last page is what the person sees."""
        return self._through(self.open(address))

    def refuse(self, address: str) -> Page:
        """Open an address, and say no."""
        page = self.open(address)
        found = _read(page)
        link = next(link for link in found.links if link.endswith("/abort"))
        return self.open(urllib.parse.urljoin(page.address, link))

    def type_in(self, address: str, code: str, *, agree: bool = True) -> Page:
        """Type a code in at the address that a device shows, then log in and agree, or stop it."""
        page = self.open(address)
        page = self._send(page, _read(page).forms[0], {"user_code": code})
        form = _read(page).forms[0]
        if not agree:
            return self._send(page, form, {"abort": "yes"})
        return self._through(self._send(page, form, {}))

    def open(self, address: str, form: Mapping[str, str] | None = None) -> Page:
        """Go to an address, and on to where it leads."""
        body = None if form is None else urllib.parse.urlencode(form).encode()
        try:
            with self._browser.open(urllib.request.Request(address, body), timeout=30) as answer:
                return Page(answer.url, answer.status, answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Page(error.url or address, error.code, error.read().decode("utf-8", "replace"))

    def _through(self, page: Page) -> Page:
        for _ in range(5):
            found = _read(page)
            if page.status != 200 or not found.forms:
                return page
            page = self._send(page, found.forms[0], {"login": self._name, "password": "anything"})
        raise AssertionError(f"no end of forms: {page.address}")

    def _send(self, page: Page, form: Form, values: Mapping[str, str]) -> Page:
        known = {name: values.get(name, value) for name, value in form.fields.items()}
        known |= {name: value for name, value in values.items() if name == "abort"}
        return self.open(urllib.parse.urljoin(page.address, form.action), known)


def _read(page: Page) -> _Forms:
    found = _Forms()
    found.feed(page.text)
    return found
