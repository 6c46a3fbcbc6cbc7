"""Owns reading a message: a campaign file's keys and the template files they name become a frozen message."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mailtui.errors import Place, Problem, TemplateError
from mailtui.message.fields import spelling
from mailtui.message.frozen import MessageSource, SharedFile, Unsubscribe
from mailtui.message.images import embed
from mailtui.message.locales import is_language
from mailtui.message.own_cells import ROLES
from mailtui.message.shared_files import own_file_templates, shared_attachments, too_much
from mailtui.message.spec import MessageSpec
from mailtui.message.styles import has_style
from mailtui.message.templates import TemplateSet, TemplateText, references
from mailtui.message.templates import parse as parse_template

FILE_LIMIT = 4 * 1024 * 1024  # bytes; a mail template is a few kilobytes
_FILES_LIMIT = 500
_NO_COLUMNS: Mapping[str, str] = {}
Unsaved = Mapping[Path, str]
"""Texts that are being edited, by the real path of their file: they count instead of what is on disk."""
_SAVED: Unsaved = {}
_FROM_HINT = 'Add one: from: "Acme News <news@acme.test>"; or give every account of it one in the settings.'


def read_message(
    spec: MessageSpec,
    folder: Path,
    name: str,
    *,
    columns: Mapping[str, str] = _NO_COLUMNS,
    group: bool = False,
    unsaved: Unsaved = _SAVED,
) -> MessageSource:
    """Read the template files that a campaign named `name` in `folder` uses, with all they include.

    `columns` says by role which columns of the list stand in for the campaign's own values; `group` whether all rows
    of an address make one mail. Raises `TemplateError` that lists every file that is missing, outside the folder or
    not UTF-8 text, and every key without which there is no message.
    """
    own_text = own_mail_text(spec, columns)
    problems = [] if _brings_own_mail(spec) else _missing_keys(spec, columns)
    spec = own_mail_defaults(spec, columns)
    if spec.language is not None and not is_language(spec.language):
        problems.append(Problem(Place(key="language"), "is no language that is known.", "Such as de, or pt-BR."))
    files = _Files(folder, problems, unsaved)
    text = own_text or files.body(spec.text or None, "text")
    written_in, page = spec.page or ("html", None)
    html = files.body(page, written_in)
    includes = files.reached_from([part for part in (text, html) if part is not None], spec)
    shared = shared_attachments(spec, folder, problems)
    if html is not None:
        html, includes, images = _with_images(html, includes, written_in, folder, spec, problems)
        shared += images
    problems += too_much(shared, spec)
    if problems:
        raise TemplateError("The message cannot be read", problems)
    return MessageSource(
        sender=_one_line(spec.sender or ""),
        subject=_one_line(spec.subject or ""),
        text=text,
        html=html,
        reply_to=_one_line(spec.reply_to) if spec.reply_to else None,
        headers=tuple((header, _one_line(value)) for header, value in spec.headers.items()),
        includes=includes,
        campaign=name,
        postal_address=spec.postal_address.strip() if spec.postal_address else None,
        commercial=spec.commercial,
        columns=tuple((role, columns[role]) for role in ROLES if role in columns),
        group=group,
        written_in="" if written_in == "html" else written_in,
        inline_css=_inlines(spec, html, includes),
        language=spec.language or "",
        cc=tuple(map(_one_line, spec.cc)),
        bcc=tuple(map(_one_line, spec.bcc)),
        files=tuple(shared),
        own_files=own_file_templates(spec),
        unsubscribe=_unsubscribe(spec),
        list_id=_one_line(spec.list_id or ""),
        feedback_id=_one_line(spec.feedback_id or ""),
        automatic=spec.auto_submitted,
        plain_from_html=spec.html is not None and text is None and spec.text is None,
    )


def readable_templates(
    spec: MessageSpec, folder: Path, unsaved: Unsaved = _SAVED
) -> tuple[tuple[TemplateText, ...], tuple[TemplateText, ...]]:
    """The bodies' template files, and those they include, as far as they can be read; for a look at a draft.

    A body that cannot be read is blank here. Whatever is wrong, `read_message` tells.
    """
    files = _Files(folder, [], unsaved)
    written_in, page = spec.page or ("html", None)
    found = [files.body(name, key) for name, key in ((spec.text or None, "text"), (page, written_in))]
    bodies = [body for body in found if body is not None]
    return tuple(bodies), files.reached_from(bodies, spec)


def own_mail_defaults(spec: MessageSpec, columns: Mapping[str, str] = _NO_COLUMNS) -> MessageSpec:
    """A list that brings its own mail, in columns `from`, `to`, `subject` and `body`, needs no template.

    When a campaign gives no `subject`, no `text` and no page, its subject is `{{ subject }}`, its text `{{ body }}`
    and, unless `from` is given, its sender `{{ from }}`; each unless a column of another name is for that. Otherwise
    the spec comes back as it is.
    """
    if not _brings_own_mail(spec):
        return spec
    subject = None if "subject" in columns else "{{ subject }}"
    sender = spec.sender or (None if "from" in columns else "{{ from }}")
    return spec.model_copy(update={"subject": subject, "sender": sender})


def own_mail_text(spec: MessageSpec, columns: Mapping[str, str] = _NO_COLUMNS) -> TemplateText | None:
    """The text's template where the list brings its own mail in a column called body."""
    own = _brings_own_mail(spec) and "body" not in columns
    return TemplateText("text", "{{ body }}") if own else None


def _brings_own_mail(spec: MessageSpec) -> bool:
    return spec.subject is None and spec.text is None and spec.page is None


def _with_images(
    html: TemplateText,
    includes: tuple[TemplateText, ...],
    written_in: str,
    folder: Path,
    spec: MessageSpec,
    problems: list[Problem],
) -> tuple[TemplateText, tuple[TemplateText, ...], tuple[SharedFile, ...]]:
    """The page and what it includes with images by cid, and those images."""
    by_name = {text.name: text for text in includes}
    reached = {html.name: html}
    waiting = [html]
    while waiting:
        for name, _ in _named_files(waiting.pop()):
            if name in by_name and name not in reached:
                reached[name] = by_name[name]
                waiting.append(by_name[name])
    done = embed(tuple(reached.values()), written_in, folder, problems, limit=spec.attachment_bytes)
    embedded = {text.name: text for text in done.texts}
    return embedded[html.name], tuple(embedded.get(text.name, text) for text in includes), done.images


def _unsubscribe(spec: MessageSpec) -> Unsubscribe | None:
    given = spec.unsubscribe
    if given is None:
        return None
    return Unsubscribe(_one_line(given.mailto or ""), _one_line(given.url or ""), given.one_click)


def _inlines(spec: MessageSpec, html: TemplateText | None, includes: Sequence[TemplateText]) -> bool:
    if spec.html is None or html is None or spec.inline_css is False:
        return False
    return spec.inline_css is True or any(has_style(text.source) for text in (html, *includes))


def _missing_keys(spec: MessageSpec, columns: Mapping[str, str]) -> list[Problem]:
    """Keys without which there is no message; a column may stand for each."""
    problems = []
    if not (spec.sender or "").strip() and "from" not in columns:
        problems.append(Problem(Place(key="from"), "is missing.", _FROM_HINT))
    if not (spec.subject or "").strip() and "subject" not in columns:
        problems.append(Problem(Place(key="subject"), "is missing.", 'Add one: subject: "Spring is here"'))
    if "body" in columns and spec.page is not None:
        key = spec.page[0]
        message = f"a body of each person's own is plain text, and {key} is the same page for all: who reads which?"
        hint = f"Leave out {key}, or show the column in the page: {{{{ {spelling(columns['body'])} }}}}."
        problems.append(Problem(Place(key="audience.columns.body"), message, hint))
    if spec.text is None and spec.page is None and "body" not in columns:
        hint = "Add text: body.txt.j2 or html: body.html.j2, or both; markdown and mjml make a page, too."
        problems.append(Problem(Place(key="text"), "the message has a subject and no body.", hint))
    return problems


def _one_line(value: str) -> str:
    """A header's template on one line: a break that its author made in YAML is layout, not content."""
    return " ".join(line.strip() for line in value.strip().splitlines())


class _Unusable(Exception):
    """A file that cannot be a template; caught where the list of problems is."""

    def __init__(self, place: Place, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.problem = Problem(place, message, hint)


class _Files:
    """Reads template files below one folder, and notes what it could not read in `problems`."""

    def __init__(self, folder: Path, problems: list[Problem], unsaved: Unsaved) -> None:
        self._unsaved = unsaved
        self._root = Path(os.path.realpath(folder))
        self._problems = problems

    def body(self, name: str | None, key: str) -> TemplateText | None:
        """The template file that a key of the campaign file names."""
        if name is None:
            return None
        return TemplateText(name, self._read(name, Place(key=key)) or "")

    def _read(self, name: str, place: Place) -> str | None:
        if self._unsaved and name.strip() and "\0" not in name:
            edited = self._unsaved.get(Path(os.path.realpath(self._root / name)))
            if edited is not None:
                return edited
        try:
            return self._decode(name, self._bytes(name, place))
        except _Unusable as error:
            self._problems.append(error.problem)
            return None

    def _bytes(self, name: str, place: Place) -> bytes:
        if "\0" in name or not name.strip():
            raise _Unusable(place, "this is no file name.")
        path = Path(os.path.realpath(self._root / name))
        if not path.is_relative_to(self._root):
            hint = f"Templates must lie in the campaign's folder, {self._root}."
            raise _Unusable(place, f"{name} is outside the campaign folder.", hint)
        if not path.is_file():
            what = "a folder or device, not a file" if path.exists() else "not there"
            raise _Unusable(place, f"{name} is {what}.", f"Looked at {path}")
        try:
            with path.open("rb") as stream:
                raw = stream.read(FILE_LIMIT + 1)
        except OSError as error:
            raise _Unusable(place, f"{name} cannot be read: {error.strerror or error}.") from None
        if len(raw) > FILE_LIMIT:
            raise _Unusable(place, f"{name} is larger than {FILE_LIMIT // 1024 // 1024} MB.")
        return raw

    def _decode(self, name: str, raw: bytes) -> str:
        try:
            return raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            column = error.start - raw.rfind(b"\n", 0, error.start)
            place = Place(name, line, column)
            raise _Unusable(place, "here is a byte that is not UTF-8.", "Save the file as UTF-8.") from None

    def reached_from(self, bodies: list[TemplateText], spec: MessageSpec) -> tuple[TemplateText, ...]:
        """Every file that the templates include, extend or import, and what those do, sorted by name.

        A file that is not there is left out without a word: the compiler names it with line and column,
        unless the template says `ignore missing`.
        """
        inline: dict[str, str | None] = {"subject": spec.subject, "from": spec.sender, "reply_to": spec.reply_to}
        inline |= {f"headers.{name}": value for name, value in spec.headers.items()}
        inline |= {f"copies.{at}": value for at, value in enumerate((*spec.cc, *spec.bcc))}
        waiting = [*bodies, *(TemplateText(key, value) for key, value in inline.items() if value)]
        found: dict[str, TemplateText] = {}
        while waiting:
            text = waiting.pop()
            for name, line in _named_files(text):
                if name in found or not name.strip() or "\0" in name:
                    continue
                path = Path(os.path.realpath(self._root / name))
                if path.is_relative_to(self._root) and not path.exists() and path not in self._unsaved:
                    continue
                place = Place(key=text.name) if text.name in inline else Place(text.name, line)
                source = self._read(name, place)
                if source is None:
                    continue
                found[name] = TemplateText(name, source)
                waiting.append(found[name])
                if len(found) > _FILES_LIMIT:
                    message = f"the templates include more than {_FILES_LIMIT} files."
                    self._problems.append(Problem(place, message))
                    return ()
        return tuple(found[name] for name in sorted(found))


def _named_files(text: TemplateText) -> Iterator[tuple[str, int]]:
    """The files that a template names, each with its line."""
    tree = parse_template(TemplateSet(()).plain, text)
    if isinstance(tree, Problem):
        return  # the compiler reports it with everything else
    for node, name in references(tree):
        if name is not None:
            yield name, node.lineno
