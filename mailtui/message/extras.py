"""Owns what a row brings to its mail beside the bodies: files of its own, and who gets a copy.

Templates of the campaign and cells of the row's columns for that add up. What is blank is nothing: a person without an
invoice has none, and is no mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mailtui.audience.recipient import Recipient
from mailtui.message.filling import Variables
from mailtui.message.own_cells import OwnCells
from mailtui.message.templates import CompiledTemplate

FILES_LIMIT = 50  # of one mail's own
COPIES_LIMIT = 50
_BETWEEN_FILES = re.compile(r"[;\n]")
_MAILBOXES = re.compile(r'(?:"(?:[^"\\]|\\.)*"|<[^>]*>|[^,;\n"<]|["<])+')


class ExtrasError(ValueError):
    """A row asks for more than a mail can carry; the message is a sentence, `key` the campaign file's."""

    def __init__(self, message: str, key: str) -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True, slots=True)
class Extras:
    """`files` are (path below the campaign's folder, name for the reader or '' for the file's own); `cc` and `bcc`
    are mailboxes as they were written, not looked at yet.
    """

    files: tuple[tuple[str, str], ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()


class RowExtras:
    """The templates and columns of one campaign that say so."""

    def __init__(
        self,
        own: OwnCells,
        files: Sequence[tuple[CompiledTemplate, CompiledTemplate | None]],
        cc: Sequence[CompiledTemplate],
        bcc: Sequence[CompiledTemplate],
    ) -> None:
        self._own = own
        self._files = tuple(files)
        self._cc = tuple(cc)
        self._bcc = tuple(bcc)
        self.copies = bool(cc or bcc) or "cc" in own or "bcc" in own
        self.any = bool(files) or self.copies or "attachment" in own

    def of(self, recipient: Recipient, variables: Variables) -> Extras:
        """What one recipient's row brings. Raises one of `templates.RENDER_ERRORS`; `ExtrasError` is one."""
        files = tuple(dict.fromkeys(self._all_files(recipient, variables)))
        if len(files) > FILES_LIMIT:
            raise ExtrasError(f"has more than {FILES_LIMIT} attachments of its own", "attachments")
        return Extras(
            files,
            self.cc(recipient, variables),
            _few("bcc", [*_rendered(self._bcc, variables), *self._own.each("bcc", recipient)]),
        )

    def cc(self, recipient: Recipient, variables: Variables) -> tuple[str, ...]:
        """Whom one recipient's mail names as getting a copy. Raises as `of` does."""
        return _few("cc", [*_rendered(self._cc, variables), *self._own.each("cc", recipient)])

    def _all_files(self, recipient: Recipient, variables: Variables) -> Iterator[tuple[str, str]]:
        for path, name in self._files:
            found = path.render(variables).strip()
            if found:
                yield found, "" if name is None else name.render(variables).strip()
        for cell in self._own.each("attachment", recipient):
            yield from ((part.strip(), "") for part in _BETWEEN_FILES.split(cell) if part.strip())


def same_copies(cc: Sequence[str], bcc: Sequence[str]) -> Extras:
    """What every row brings where these texts are no templates, and no row adds to them. Raises `ExtrasError`."""
    return Extras((), _few("cc", cc), _few("bcc", bcc))


def mailboxes_in(text: str) -> list[str]:
    """The mailboxes of a cell or a value, which stand between commas, semicolons or line breaks."""
    return [found.strip() for found in _MAILBOXES.findall(text) if found.strip()]


def _rendered(templates: Sequence[CompiledTemplate], variables: Variables) -> Iterator[str]:
    for template in templates:
        yield template.render(variables)


def _few(key: str, values: Sequence[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(mailbox for value in values for mailbox in mailboxes_in(value)))
    if len(found) > COPIES_LIMIT:
        raise ExtrasError(f"has more than {COPIES_LIMIT} people for a copy", key)
    return found
