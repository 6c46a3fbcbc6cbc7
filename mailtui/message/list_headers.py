"""Owns the headers by which mail programs know a list, and by which people leave it.

List-Unsubscribe (RFC 2369) with the links as they are: literal, never an encoded word, folded only between the two of
them, since many readers take what else is done to a link for another link. List-Unsubscribe-Post (RFC 8058) beside it
where something answers the POST. List-Id (RFC 2919), Auto-Submitted (RFC 3834 section 5), and Feedback-ID, by which
Gmail counts complaints.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote

from mailtui.audience.address import AddressError, parse_address
from mailtui.audience.recipient import Recipient
from mailtui.errors import Place, Problem
from mailtui.message import headers
from mailtui.message.fields import UNSUBSCRIBE_MAILTO, UNSUBSCRIBE_URL, FieldUses
from mailtui.message.filling import Variables
from mailtui.message.frozen import MessageSource
from mailtui.message.headers import LINE_HARD, HeaderError
from mailtui.message.templates import CompiledTemplate, TemplateText, is_constant
from mailtui.message.tokens import Tokens

URL, MAILTO, FEEDBACK = "unsubscribe.url", "unsubscribe.mailto", "feedback_id"
"""Keys of the campaign file whose values are templates."""

_POST = b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
_AUTOMATIC = b"Auto-Submitted: auto-generated\r\n"
_FEEDBACK_FIELDS = 4
_LIST_ID_LIMIT = 255  # octets, RFC 2919 section 2
_LIST_ID = re.compile(r"(?P<name>[^<>]*)<(?P<id>[^<>]*)>|(?P<bare>[^<>\s]+)")
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOT_ATOM = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})+")
# RFC 3986: what may stand in a link as it is; % is looked at by itself.
_RESERVED = ":/?#[]@!$&'()*+,;="
_AS_IT_IS = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]+)?(?:[/?#][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]*)?", re.ASCII)
_LINK = re.compile(r"(?i:https?)://(?P<host>[^/?#]*)")
_HOST = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?")
_LONE_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")
_MARKUP = re.compile(r"\{[{%#]")
# A local part as it may stand in a mailto: link (RFC 6068 section 2).
_LOCAL = "!$'*+"

_CAMPAIGNS = ("campaign", "now", "postal_address")  # what templates are given that is not the recipient's

_MADE_OF = {
    "list-unsubscribe": "unsubscribe",
    "list-unsubscribe-post": "unsubscribe",
    "list-id": "list_id",
    "feedback-id": "feedback_id",
    "auto-submitted": "auto_submitted",
}


class ListHeaderError(HeaderError):
    """One of these headers cannot be made for a row; the message says which one, `place` has its key."""

    def __init__(self, key: str, why: Exception) -> None:
        super().__init__(f"{key} {why}" if isinstance(why, HeaderError) else f"{key}: {why}")
        self.place = Place(key=key)


@dataclass(frozen=True, slots=True)
class Ways:
    """How one recipient leaves, as links; '' where there is no such way."""

    url: str
    mailto: str

    @property
    def value(self) -> str:
        """The value of List-Unsubscribe, unfolded."""
        return ", ".join(f"<{link}>" for link in (self.url, self.mailto) if link)

    @property
    def line(self) -> bytes:
        """The header line. Raises `HeaderError` for a link that no line has room for."""
        first = f"List-Unsubscribe: <{self.url or self.mailto}>"
        second = f",\r\n <{self.mailto}>" if self.url and self.mailto else ""
        if len(first) + bool(second) > LINE_HARD or len(second) > LINE_HARD + len(",\r\n"):
            raise HeaderError(f"is so long that the line of the header has more than {LINE_HARD} characters")
        return f"{first}{second}\r\n".encode("ascii")


class ListHeaders:
    """These headers of one campaign; what is the same for everybody is made once."""

    def __init__(self, source: MessageSource, compile_text: Callable[[TemplateText], CompiledTemplate]) -> None:
        """`source` has no mistakes that `list_header_problems` tells."""
        compiled = {key: compile_text(text) for key, text in list_header_texts(source).items()}
        self._url, self._mailto, self._feedback = (compiled.get(key) for key in (URL, MAILTO, FEEDBACK))
        self._one_click = source.unsubscribe is not None and source.unsubscribe.one_click
        self._leaving = self._url is not None or self._mailto is not None
        same = self._mailto.constant if self._mailto is not None else None
        # Whether the subject of the mail that asks to leave may be ours to write.
        self._named = self._mailto is not None and (same is None or not _has_subject(same.partition("?")[2]))
        self._mailto_begins = mailto_link(same, "") if same is not None else ""
        self._ways = self._same_ways()
        self._line = None if self._ways is None else self._ways.line
        self._fixed: list[tuple[str, str, bytes]] = []
        if self._one_click:
            self._fixed.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click", _POST))
        if source.list_id:
            name, identity = read_list_id(source.list_id)
            line = headers.named_address("List-Id", name, identity) if name else f"List-Id: <{identity}>".encode()
            self._fixed.append(("List-Id", _read(line, name, identity), line + b"\r\n"))
        if source.automatic:
            self._fixed.append(("Auto-Submitted", "auto-generated", _AUTOMATIC))
        if self._feedback is not None and self._feedback.constant is not None:
            if value := self._feedback.constant.strip(" \t"):
                self._fixed.append(("Feedback-ID", value, feedback_line(value)))
            self._feedback = None
        self._fixed_lines = (self._line or b"") + b"".join(line for _, _, line in self._fixed)
        self._same = self._feedback is None and (self._line is not None or not self._leaving)

    def _same_ways(self) -> Ways | None:
        """The ways out where they are the same for everybody."""
        if not self._leaving or self._named:
            return None
        if any(one is not None and one.constant is None for one in (self._url, self._mailto)):
            return None
        return self._made_ways(Variables(), "")

    def ways_for(self, recipient: Recipient, variables: Variables, tokens: Tokens) -> Ways | None:
        """How this recipient leaves; None where the campaign does not say.

        Raises `ListHeaderError`, and what templates raise.
        """
        if self._ways is not None or not self._leaving:
            return self._ways
        return self._made_ways(variables, tokens.of(recipient.row, recipient.key) if self._named else "")

    def _made_ways(self, variables: Variables, token: str) -> Ways:
        url = mailto = ""
        if self._url is not None:
            text = self._url.render(variables)
            try:
                url = link(text, secure=self._one_click)
            except HeaderError as error:
                raise ListHeaderError(URL, error) from None
        if self._mailto is not None:
            text = self._mailto.render(variables)
            try:
                mailto = self._mailto_begins + token if self._mailto_begins else mailto_link(text, token)
            except (AddressError, HeaderError) as error:
                raise ListHeaderError(MAILTO, error) from None
        return Ways(url, mailto)

    def lines(self, ways: Ways | None, variables: Variables) -> bytes:
        """All of them for one recipient. Raises `ListHeaderError`, and what templates raise."""
        lines = self._fixed_lines
        if self._same:
            return lines
        if ways is not None and self._line is None:
            try:
                lines = ways.line + lines
            except HeaderError as error:
                raise ListHeaderError("unsubscribe", error) from None
        if self._feedback is not None:
            value = self._feedback.render(variables).strip(" \t")
            try:
                lines += feedback_line(value)
            except HeaderError as error:
                raise ListHeaderError(FEEDBACK, error) from None
        return lines

    def meant(self, ways: Ways | None, variables: Variables) -> Iterator[tuple[str, str]]:
        """The same as a reader must see them."""
        if ways is not None:
            yield "List-Unsubscribe", ways.value
        yield from ((name, value) for name, value, _ in self._fixed)
        if self._feedback is not None and (value := self._feedback.render_plainly(variables).strip(" \t")):
            yield "Feedback-ID", value


def list_header_texts(source: MessageSource) -> dict[str, TemplateText]:
    """The templates among them, by their key."""
    leaving = source.unsubscribe
    values = {FEEDBACK: source.feedback_id}
    if leaving is not None:
        values |= {URL: leaving.url, MAILTO: leaving.mailto}
    return {key: TemplateText(key, value) for key, value in values.items() if value}


def has_list_headers(source: MessageSource) -> bool:
    """Whether a campaign has any of them."""
    return source.unsubscribe is not None or bool(source.list_id or source.feedback_id) or source.automatic


def list_header_problems(source: MessageSource, uses: FieldUses, columns: Collection[str]) -> Iterator[Problem]:
    """What is wrong with them and can be told without a row."""
    keys = {
        "unsubscribe": source.unsubscribe is not None,
        "list_id": bool(source.list_id),
        "feedback_id": bool(source.feedback_id),
        "auto_submitted": source.automatic,
    }
    for name, _ in source.headers:
        key = _MADE_OF.get(name.lower(), "")
        if keys.get(key):
            message = f"the header {name} is made from {key}: already."
            yield Problem(Place(key=f"headers.{name}"), message, "Leave out one of the two.")
    yield from _unsubscribe_problems(source, _same_for_all(source, uses, columns))
    if source.list_id:
        try:
            read_list_id(source.list_id)
        except HeaderError as error:
            hint = 'Write it like this: list_id: "Acme News <news.acme.test>"'
            yield Problem(Place(key="list_id"), f"this value {error}.", hint)
    if source.feedback_id and source.feedback_id.rstrip().endswith(":"):
        message = "its last field is blank, and that is the one Gmail knows the sender by."
        yield Problem(Place(key=FEEDBACK), message, "Write a name of your own there, as in spring:news::acme")
    elif source.feedback_id and is_constant(source.feedback_id):
        try:
            feedback_line(source.feedback_id)
        except HeaderError as error:
            yield Problem(Place(key=FEEDBACK), f"this value {error}.")


def _same_for_all(source: MessageSource, uses: FieldUses, columns: Collection[str]) -> bool:
    """Whether the link is the same for everybody: none of the names in it is the recipient's."""
    text = "" if source.unsubscribe is None else source.unsubscribe.url
    named = [use.name for use in uses.uses if use.place.file == URL]
    return "{%" not in text and all(name in _CAMPAIGNS and name not in columns for name in named)


def _unsubscribe_problems(source: MessageSource, same_link: bool) -> Iterator[Problem]:
    leaving = source.unsubscribe
    if leaving is None:
        return
    if not leaving.url and not leaving.mailto:
        yield Problem(Place(key="unsubscribe"), "says no way to leave.", "Add mailto: or url:, or both.")
    if leaving.one_click and not leaving.url:
        message = "one click needs a link that answers it (RFC 8058)."
        yield Problem(Place(key="unsubscribe.one_click"), message, "Add url: https://…, or leave one_click out.")
    elif leaving.one_click and same_link:
        message = "this link is the same for everybody, so nobody knows who clicked (RFC 8058 section 3.1)."
        yield Problem(Place(key=URL), message, "Add {{ token }} to it, as in https://acme.test/leave?{{ token }}")
    begins = _MARKUP.split(leaving.url, maxsplit=1)[0]
    if is_constant(leaving.url) and leaving.url:
        yield from _told(URL, lambda: link(leaving.url, secure=leaving.one_click))
    elif begins.strip():
        # What follows may be part of the host; whether there is one, each row shows.
        yield from _told(URL, lambda: _require_scheme(begins, secure=leaving.one_click))
    if leaving.mailto and is_constant(leaving.mailto):
        yield from _told(MAILTO, lambda: mailto_link(leaving.mailto, "v1.x.1.x"))


def _told(key: str, tried: Callable[[], object]) -> Iterator[Problem]:
    try:
        tried()
    except HeaderError as error:
        yield Problem(Place(key=key), f"this value {error}.")
    except AddressError as error:
        yield Problem(Place(key=key), str(error), "Write it like this: mailto: leave@acme.test")


def misplaced(uses: FieldUses, columns: Collection[str]) -> Iterator[Problem]:
    """Links to leave by that are used elsewhere than in a body, where there are none yet."""
    for use in uses.uses:
        if use.direct and use.name in (UNSUBSCRIBE_URL, UNSUBSCRIBE_MAILTO) and use.name not in columns:
            key = use.place.file
            if key in ("from", "subject", "reply_to", URL, MAILTO, FEEDBACK) or key.startswith("headers."):
                yield Problem(use.place, f"{use.name} is for the text and the page of the mail.", "Use {{ token }}.")


def link(text: str, *, secure: bool) -> str:
    """A link as it goes into the header: blanks and what is not ASCII as %-codes. Raises `HeaderError`.

    `secure`: only https will do.
    """
    text = text.strip(" \t")
    if not text:
        raise HeaderError("is blank")
    if _AS_IT_IS.fullmatch(text) is not None and "=?" not in text:
        if text.startswith("https:"):
            return text
    else:
        headers.check_value(text)
        found = _LINK.match(text)
        if found is not None:
            _check_host(found["host"])
        text = quote(_LONE_PERCENT.sub("%25", text), safe=_RESERVED + "%").replace("=?", "=%3F")
    _require_scheme(text, secure=secure)
    return text


def _check_host(host: str) -> None:
    if not host.isascii():
        raise HeaderError("has a host that is not ASCII; write it in its xn-- form")
    if not _HOST.fullmatch(host):
        raise HeaderError("has no host, as acme.test is in https://acme.test/leave")


def _require_scheme(text: str, *, secure: bool) -> None:
    folded = text.strip().lower()
    if folded.startswith("https://"):
        return
    if secure:
        raise HeaderError("does not begin with https://, and one click is for nothing else (RFC 8058)")
    if not folded.startswith("http://"):
        raise HeaderError("is no link: one begins with https://")


def mailto_link(text: str, token: str) -> str:
    """A mailto: link (RFC 6068) of an address or of a whole link. Raises `AddressError`, `HeaderError`.

    Where it has no subject, that is `unsubscribe` and the token, behind what else there is.
    """
    text = text.strip(" \t")
    headers.check_value(text)
    whole = text[:7].lower() == "mailto:"
    address, _, rest = (text[7:] if whole else text).partition("?")
    parsed = parse_address(unquote(address) if whole else address)
    local, _, domain = parsed.text.rpartition("@")
    head = f"mailto:{quote(local, safe=_LOCAL)}@{domain}"
    if not _has_subject(rest):
        rest = "&".join([*filter(None, [rest.rstrip("&")]), f"subject=unsubscribe {token}"])
    rest = quote(_LONE_PERCENT.sub("%25", rest), safe=_RESERVED + "%")
    return f"{head}?{rest}".replace("=?", "=%3F")


def _has_subject(rest: str) -> bool:
    """Whether what stands behind the ? of a mailto: link names a subject, be it a blank one."""
    return any(part.partition("=")[0].strip().lower() == "subject" for part in rest.split("&"))


def read_list_id(text: str) -> tuple[str, str]:
    """The name ('' for none) and the identifier of `Acme News <news.acme.test>` or `news.acme.test`, by RFC 2919.

    Raises `HeaderError`.
    """
    headers.check_value(text)
    if _MARKUP.search(text):
        raise HeaderError("is no template, and everybody would see its braces; a list has one name for all")
    found = _LIST_ID.fullmatch(text.strip())
    if found is None:
        raise HeaderError("is no name with an identifier in angle brackets behind it")
    name = (found["name"] or "").strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    identity = found["bare"] or found["id"] or ""
    if not _DOT_ATOM.fullmatch(identity):
        raise HeaderError("has no identifier such as news.acme.test: letters, digits and hyphens, with dots between")
    if len(identity) > _LIST_ID_LIMIT:
        raise HeaderError(f"has an identifier of more than {_LIST_ID_LIMIT} characters")
    return name, identity


def feedback_line(value: str) -> bytes:
    """The header line of Feedback-ID; nothing for a blank one. Raises `HeaderError`."""
    value = value.strip(" \t")
    if not value:
        return b""
    if value.count(":") >= _FEEDBACK_FIELDS:
        raise HeaderError(f"has more than {_FEEDBACK_FIELDS} fields with colons between them")
    if " " in value:
        raise HeaderError("has a blank in it; its fields are words with colons between them")
    return headers.structured("Feedback-ID", value) + b"\r\n"


def _read(line: bytes, name: str, identity: str) -> str:
    """What a reader sees of a List-Id header line."""
    if b"=?" in line:
        return f"{name} <{identity}>"
    return line.decode("ascii").partition(": ")[2].replace("\r\n", "")
