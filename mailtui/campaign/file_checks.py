"""Owns what is looked at of files before anything is sent: that each row's are there, and how much they come to.

No file is read for it. What a row's files are is worked out in the trial child, as all templates are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from mailtui.audience.recipient import Recipient
from mailtui.campaign.campaign import Campaign
from mailtui.campaign.extras import TOLD_WITH_ROWS, told_of
from mailtui.campaign.trial import TrialRenderer
from mailtui.errors import Place
from mailtui.kit.safe_text import safe_text
from mailtui.kit.words import counted, size_in_words
from mailtui.message.extras import Extras
from mailtui.message.files import SHOWN, FileProblem
from mailtui.message.folder import Folder
from mailtui.message.frozen import MessageSource
from mailtui.message.images import made_of_data
from mailtui.message.preflight import Finding
from mailtui.message.remarks import Severity
from mailtui.message.rendered import RenderProblem

_SECRET = b"files"
_HOW_PATHS_ARE_WRITTEN = (
    "Put it there, or mend the path: folders stand between /, files between semicolons, and capitals count. "
    "A blank path is no attachment."
)
_NOWHERE = Place()
_STEP = 500
_ROWS = 20  # that a finding names
_ON_ITS_WAY = 78 / 57  # bytes in base64, in lines of 76 with their ends, to bytes of a file
_LARGE = 10 * 1024 * 1024  # bytes of a whole mail, in base64; some servers take no larger ones


def brings_files(source: MessageSource) -> bool:
    """Whether rows bring files of their own."""
    return bool(source.own_files) or any(role == "attachment" for role, _ in source.columns)


def page_findings(source: MessageSource) -> Iterator[Finding]:
    """What there is to say about the files of every mail."""
    for file in source.files:
        if not file.data:
            yield _empty(file.path, (), 0)
        if file.cid and file.media_type == "image/svg+xml":
            message = f"{file.path} is an SVG image, which many mail programs do not show"
            yield Finding("warning", "image-svg", message, hint="Make it a PNG or JPEG.")
    if source.html is not None:
        for place in made_of_data((source.html, *source.includes), source.written_in or "html"):
            message = "the path of this image is made of data, so no file is embedded for it"
            hint = "Good for an address with https://; name a file directly, or attach it."
            yield Finding("note", "image-path", message, place=place, hint=hint)


def row_findings(
    campaign: Campaign,
    source: MessageSource,
    columns: tuple[str, ...],
    recipients: Iterable[Recipient],
    progress: Callable[[int], None],
    *,
    size: int = 0,
) -> Iterator[Finding]:
    """What is wrong with the files of rows. `size` is the most bytes that the server takes of a mail, 0 where nothing
    is known of it; `progress` hears how many rows were looked at, and what it raises ends it. Raises `TemplateError`
    when a template overruns.
    """
    looks = _Looks(
        Folder(campaign.folder, limit=campaign.spec.attachment_bytes),
        source,
        campaign.spec.attachment_bytes,
        placed=campaign.placed,
        size=size,
    )
    with TrialRenderer(source, columns, secret=_SECRET, date=0.0, want="extras") as trial:
        for done, (recipient, extras) in enumerate(trial.extras(recipients), 1):
            looks.at(recipient, extras)
            if done % _STEP == 0:
                progress(done)
    yield from looks.findings()


@dataclass(slots=True)
class _Many:
    """Rows that have the same wrong with them, and the first that was said of it."""

    severity: Severity
    first: str
    names: set[str] = field(default_factory=set)
    rows: list[int] = field(default_factory=list)
    count: int = 0
    place: Place = _NOWHERE


class _Looks:
    def __init__(
        self, folder: Folder, source: MessageSource, limit: int, *, placed: Callable[[Place], Place], size: int
    ) -> None:
        self._folder = folder
        self._size = size
        self._limit = limit
        self._placed = placed
        self._shared = sum(len(file.data) for file in source.files)
        self._found: dict[tuple[str, str], _Many] = {}

    def at(self, recipient: Recipient, extras: Extras | RenderProblem) -> None:
        """Look at one row's files."""
        if isinstance(extras, RenderProblem):
            if told_of(extras) in ("cc", "bcc", *TOLD_WITH_ROWS):
                return  # told with the copies, or with the rows
            place = self._placed(extras.place) if str(extras.place) else extras.place
            self._note("error", "attachment", extras.reason, extras.reason, recipient.row, place=place)
            return
        total = self._shared
        for name, _ in extras.files:
            shown = safe_text(name, limit=SHOWN)
            try:
                _, size = self._folder.look(name)
            except FileProblem as problem:
                why = str(problem).removeprefix(shown)
                self._note("error", "attachment", why, str(problem), recipient.row, name=shown)
                continue
            if not size:
                self._note("warning", "attachment-empty", "", shown, recipient.row, name=shown)
            total += size
        if total > self._limit:
            self._note("error", "attachments-too-large", "", size_in_words(total), recipient.row)
        elif 0 < self._size < int(total * _ON_ITS_WAY) and total > self._shared:
            self._note("warning", "too-large", "", size_in_words(int(total * _ON_ITS_WAY)), recipient.row)
        elif total * 4 // 3 > _LARGE and total > self._shared:
            self._note("note", "attachments-large", "", size_in_words(total), recipient.row)

    def _note(
        self, severity: Severity, code: str, which: str, said: str, row: int, *, name: str = "", place: Place = _NOWHERE
    ) -> None:
        many = self._found.setdefault((code, which), _Many(severity, said, place=place))
        many.count += 1
        if name and len(many.names) < _ROWS:
            many.names.add(name)
        if len(many.rows) < _ROWS and row not in many.rows:
            many.rows.append(row)

    def findings(self) -> Iterator[Finding]:
        for (code, which), many in self._found.items():
            rows, count = tuple(many.rows), many.count
            if code == "attachment-empty":
                yield _empty(", ".join(sorted(many.names)[:3]), rows, count)
                continue
            if code == "attachment":
                more = f", and {counted(len(many.names) - 1, 'other')}" if len(many.names) > 1 else ""
                message = f"the attachment {many.first}{more}" if which != many.first else many.first
                hint = _HOW_PATHS_ARE_WRITTEN if many.names else ""
            elif code == "attachments-too-large":
                message = (
                    f"the files of a mail come to {many.first}, more than the {self._limit // 1024 // 1024} MB allowed"
                )
                hint = "Send a link instead, or raise attachment_limit."
            elif code == "too-large":
                message = (
                    f"the files of a mail come to {many.first} on their way, and the server took no mail of more than "
                    f"{size_in_words(self._size)} when it was tested last"
                )
                hint = "Whoever's mail is larger gets none. Put large files on the web, and link to them."
            else:
                message = f"the files of a mail come to {many.first}, which some servers do not take"
                hint = "Put large files on the web, and link to them."
            yield Finding(many.severity, code, message, rows, count, place=many.place, hint=hint)


def _empty(names: str, rows: tuple[int, ...], count: int) -> Finding:
    hint = "Was it written to its end? Its reader gets an empty file."
    return Finding("warning", "attachment-empty", f"{names} has nothing in it", rows, count, hint=hint)
