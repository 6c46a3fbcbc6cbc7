"""Owns the judgement of one link: whether who clicks on it gets anywhere, and where they think they would."""

from __future__ import annotations

import html
import re

from mailtui.kit.safe_text import safe_text
from mailtui.message.remarks import Remark

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_WEB = re.compile(
    r"https?://(?:[^\s/?#@]*@)?(\[[0-9a-f:.]+\]|[^\s/?#:@\[\]]+)(?::[0-9]{1,5})?(?:[/?#]\S*)?$", re.IGNORECASE
)
_NEARLY_WEB = re.compile(r"(?:h?t+p+s?|htt?s?p?s?|http[a-z]?s?)[:;]?/{0,3}(?=\w)", re.IGNORECASE)
_MAILBOX = re.compile(r"mailto:(?!//)[^@\s?,]+@[^@\s?,]+\.[^@\s?,]+(?:,[^@\s?,]+@[^@\s?,]+)*(?:\?\S*)?$", re.IGNORECASE)
_SHARE = re.compile(r"mailto:\?\S+$", re.IGNORECASE)  # a mail to a friend: the reader fills the address in
_PHONE = re.compile(r"tel:\+?[0-9*#().;=a-z-]+$", re.IGNORECASE)
_NUMBER = re.compile(r"tel:\D*[0-9]", re.IGNORECASE)
_HOST = re.compile(r"(?:[\w-]+\.)+[a-z][\w-]+(?:[:/?#]|$)", re.IGNORECASE)
_HERE = re.compile(
    r"(?:localhost|127\.\d+\.\d+\.\d+|\[::1\]|10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|172\.(?:1[6-9]|2\d|3[01])\.\d+\.\d+"
    r"|[\w.-]+\.(?:local|internal|lan))$",
    re.IGNORECASE,
)
_RUNS = re.compile(r"(?:javascript|vbscript|data\s*:\s*text)", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#[0-9]+|#x[0-9a-f]+|[a-z]+);", re.IGNORECASE)
_UNSEEN = re.compile(r"[\x00-\x20]+")  # what a browser skips within a scheme
_SHORTENERS = re.compile(
    r"(?:www\.)?(?:bit\.ly|bitly\.com|tinyurl\.com|goo\.gl|t\.co|ow\.ly|is\.gd|buff\.ly|rebrand\.ly|cutt\.ly"
    r"|shorturl\.at|tiny\.cc|t\.ly|rb\.gy|bl\.ink|v\.gd|lnkd\.in|soo\.gd|s\.id|qr\.ae|adf\.ly)$",
    re.IGNORECASE,
)
_SHOWN_HOST = re.compile(r"(https?://)?((?:[\w-]+\.)+([a-z]{2,24}))(?:[:/?#]\S*)?$", re.IGNORECASE)
_ENDINGS = re.compile(
    r"(?:com|org|net|info|biz|eu|io|co|de|at|ch|fr|uk|us|ca|au|nl|be|it|es|pt|pl|cz|dk|se|no|fi|ie|jp|in|br|edu|gov"
    r"|test|example|app|dev|shop|online)$"
)
_SHOWN = 80

_OPEN = "Write the whole address, beginning with https://."


def judge_image(source: str) -> Remark | None:
    """What is wrong with what an image is loaded from; None for a good one."""
    source = source.strip()
    if source[:5].lower() == "data:" and not _RUNS.match(source):
        size = f"{len(source) / 1024:,.0f} KB" if len(source) > 1024 else "inside"
        message = f"an image is written into the HTML itself ({size}); Gmail and Outlook do not show it"
        return _remark("image-data", message, "", "Attach it as an inline image, or load it from the web.")
    if not source:
        return _remark("image-empty", "an image has a blank source", "", "Fill it in, or take the image out.")
    remark = judge_link(source, image=True)
    if remark is not None and remark.code in ("active-link", "link-private"):
        return remark
    if source.startswith("//") or not _SCHEME.match(source) or re.match(r"[a-z]:[/\\]", source, re.IGNORECASE):
        message = f"{safe_text(source, limit=_SHOWN)} has no https:// before it; the image is not shown"
        return _remark("image-relative", message, source, "Write the whole address of the image.")
    return None


def judge_link(link: str, *, image: bool = False) -> Remark | None:
    """What is wrong with the target of a link, or the source of an image; None for a good one.

    It is read as attributes are: `&amp;` as &.
    """
    target = _ENTITY.sub(lambda found: html.unescape(found.group()), link).strip()
    shown = safe_text(target, limit=_SHOWN)
    if not target:
        return None if image else _remark("link-empty", "a link leads nowhere: its target is blank", "", _FILL)
    if _RUNS.match(_UNSEEN.sub("", target)):
        what = "an image" if image else "a link"
        hint = "Nothing of the kind can be sent. If it comes from the list, mend the list."
        return Remark("error", "active-link", f"{what} in the HTML runs a script", hint)
    if target.startswith("#"):
        if target == "#" and not image:
            return _remark("link-hash", "a link leads nowhere: its target is #", "", _FILL)
        return None
    if target.startswith("//"):
        return _remark("link-relative", f"{shown} has no scheme; in a mail it leads nowhere", target, _OPEN)
    scheme = _SCHEME.match(target)
    if scheme is None or (scheme.end() < len(target) and "." in scheme.group(1)):  # www.acme.test:80/ has none
        return _without_scheme(target, shown)
    return _BY_SCHEME.get(scheme.group(1).lower(), _other)(target, shown)


_FILL = "Fill its target in, or take the link out."


def _remark(code: str, message: str, which: str, hint: str) -> Remark:
    return Remark("warning", code, message, hint, which[:200])


def _without_scheme(target: str, shown: str) -> Remark:
    if _NEARLY_WEB.match(target):
        return _remark("link-broken", f"{shown} is no address of the web", target, _OPEN)
    if _HOST.match(target):
        return _remark("link-relative", f"{shown} has no https:// before it; in a mail it leads nowhere", target, _OPEN)
    message = f"{shown} is relative to a page, and a mail is none; it leads nowhere"
    return _remark("link-relative", message, target, _OPEN)


def _web(target: str, shown: str) -> Remark | None:
    found = _WEB.match(target)
    host = "" if found is None else found.group(1)
    if " " in target and _WEB.match(target.replace(" ", "%20")):
        hint = "Write %20 for a blank; in a template, {{ value|urlencode }} does."
        return _remark("link-broken", f"{shown} has a blank in it, where some mail programs end the link", target, hint)
    again = re.match(r"https?://https?[:/]", target, re.IGNORECASE)
    if found is None or again or ".." in host or host.startswith((".", "-")):
        return _remark("link-broken", f"{shown} is no address of the web", target, _OPEN)
    if _HERE.match(host):
        hint = "Put the public address in its place."
        return _remark("link-private", f"{shown} can only be reached from this machine or network", target, hint)
    if _SHORTENERS.match(host):
        hint = "Link to the page itself; filters distrust links that hide where they lead."
        return _remark("link-shortener", f"{shown} is a link of a shortening service", host.lower(), hint)
    if target[:5].lower() == "http:":
        message = "a link starts with http://; https:// is safer and trusted more"
        return Remark("note", "plain-http", message, "Write https:// where the site has it; nearly all have.")
    return None


def _mail(target: str, shown: str) -> Remark | None:
    if _MAILBOX.match(target.replace(" ", "%20")) or _SHARE.match(target.replace(" ", "%20")):
        return None
    return _remark("link-address", f"{shown} names no mail address", target, "Write it like mailto:help@example.org.")


def _phone(target: str, shown: str) -> Remark | None:
    compact = target.replace(" ", "").replace("%20", "").replace("/", "")
    if _PHONE.match(compact) and _NUMBER.match(compact):
        return None
    return _remark("link-address", f"{shown} is no telephone number", target, "Write it like tel:+4912345678.")


def _other(target: str, shown: str) -> Remark | None:
    if _NEARLY_WEB.match(target):
        return _remark("link-broken", f"{shown} is no address of the web", target, _OPEN)
    if target[:5].lower() == "file:":
        hint = "Put the public address in its place."
        return _remark("link-private", f"{shown} is a file of one machine", target, hint)
    return None


_BY_SCHEME = {"http": _web, "https": _web, "mailto": _mail, "tel": _phone}


def judge_shown(text: str, link: str) -> Remark | None:
    """Whether a link that shows an address leads to the one it shows; filters take others for phishing."""
    seen = _SHOWN_HOST.match(text.strip())
    leads = _WEB.match(link.strip())
    if seen is None or leads is None:
        return None
    host, ending = seen.group(2).lower(), seen.group(3).lower()
    if not (seen.group(1) or host.startswith("www.") or _ENDINGS.match(ending)):
        return None  # report.pdf, and not an address
    target = _plain_host(leads.group(1))
    host = _plain_host(host)
    if host.split(".")[-2:] == target.split(".")[-2:]:
        return None
    message = f"a link shows {safe_text(host, limit=60)} and leads to {safe_text(target, limit=60)}"
    hint = "Show words in place of the address, or let both be the same; filters take such a link for phishing."
    return _remark("link-mismatch", message, f"{host} {target}", hint)


def _plain_host(host: str) -> str:
    """A host in its own letters: xn--mnchen-3ya.de is münchen.de."""
    host = host.lower()
    if "xn--" not in host:
        return host
    try:
        return host.encode("ascii").decode("idna")
    except UnicodeError:
        return host
