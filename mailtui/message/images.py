"""Owns the images of pages: what in a template names a local file is embedded once, and shown by its Content-ID.

References are found in the template, before any row is known, so an image is the same for everybody. One whose path
is made by an expression is left as it is, and told (`made_of_data`). Sources: RFC 2392 (cid:), the HTML standard's
attributes with images, CSS url(), MJML's components, CommonMark's images.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from mailtui.errors import Place, Problem
from mailtui.message.enclosed import safe_name
from mailtui.message.files import FileProblem, MissingFile, digest_of, find_file, read_plain
from mailtui.message.frozen import SharedFile
from mailtui.message.media_types import image_type_of
from mailtui.message.templates import TemplateText

_MADE = "\x01"  # stands for what an expression or a tag of the template gives; no template has it
_JINJA = re.compile(r"\{\{.*?(?:\}\}|\Z)|\{%.*?(?:%\}|\Z)|\{#.*?(?:#\}|\Z)", re.DOTALL)
_SKIPPED = re.compile(r"<!--(?!\[if)(?:-?>|.*?(?:-->|\Z))|<script\b.*?(?:</script\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"""<([a-zA-Z][\w:-]*)((?:[^<>"']++|"[^"]*"|'[^']*'){0,200}+)>""")
_ATTRIBUTE = re.compile(r"""([a-zA-Z][\w:-]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>`=]+))""")
_URL = re.compile(
    r"""url\(\s*(?:"([^"]*)"|'([^']*)'|&quot;(.{0,2000}?)&quot;|((?:[^\s"'()\\]|\\.)++))\s*\)""", re.IGNORECASE
)
_CSS_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_CSS_ESCAPE = re.compile(r"""\\([ "'()])""")
_STYLE = re.compile(r"<(style|mj-style)\b[^>]*>(.*?)(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_CANDIDATE = re.compile(r"\s*([^\s,]\S*[^\s,]|[^\s,])(?:\s+[^,]*)?(?:,|\Z)")
_CODE = re.compile(r"^(`{3,}|~{3,}).*?(?:^\1|\Z)|(?<!`)(`+)(?!`).*?(?<!`)\2(?!`)", re.DOTALL | re.MULTILINE)
_ALT = r"(?<!\\)!\[(?:\\.|[^\[\]\\]|\[[^\[\]]{0,200}\]){0,1000}+\]"
_MARKDOWN_IMAGE = re.compile(_ALT + r"\(\s*(?:<([^<>\n]*)>|([^\s()<>]+(?:\([^\s()]*\)[^\s()]*)*))")
_MARKDOWN_REFERENCE = re.compile(r"(?<!\\)!\[([^\]]{0,1000})\](?:\[([^\]]{0,1000})\])?(?!\()")
_MARKDOWN_DEFINITION = re.compile(r"^ {0,3}\[([^\]]{1,1000})\]:[ \t]*\n?[ \t]*(?:<([^<>\n]*)>|(\S+))", re.MULTILINE)
# A drive of Windows and file: are no addresses, but files outside of the campaign's folder.
_SCHEME = re.compile(r"(?!file:)[a-z][a-z0-9+.-]+:|//|#", re.IGNORECASE)
_WITH_SOURCE = frozenset(
    {
        "img",
        "input",
        "amp-img",
        "v:fill",
        "v:image",
        "v:imagedata",
        "mj-image",
        "mj-social-element",
        "mj-carousel-image",
    }
)
_ANYWHERE = frozenset({"background", "background-url", "poster", "thumbnails-src"})
_CID_DIGITS, _CID_END = 24, "@images"
_CID_LENGTH = len("cid:") + _CID_DIGITS + len(_CID_END)
_SHOWN = "PNG, JPEG, GIF, WebP or SVG"


@dataclass(frozen=True, slots=True)
class Reference:
    """One place in a template that names an image: where its value begins and ends, and the value with HTML's and
    CSS's escapes read. `made`: an expression of the template is a part of it.
    """

    begin: int
    end: int
    value: str
    made: bool

    @property
    def is_local(self) -> bool:
        """Whether it names a file, and not an address."""
        return bool(self.value) and _SCHEME.match(self.value) is None


@dataclass(frozen=True, slots=True)
class Embedded:
    """Templates with their images by Content-ID, and the images."""

    texts: tuple[TemplateText, ...]
    images: tuple[SharedFile, ...]


def references(text: str, written_in: str) -> Iterator[Reference]:
    """Every place that names an image, in the order of a template in `html`, `markdown` or `mjml`."""
    masked = _JINJA.sub(_blanked, text)
    find = _in_markdown if written_in == "markdown" else _in_markup
    for begin, end in sorted(set(find(masked))):
        raw = masked[begin:end]
        value = raw if written_in == "markdown" else _CSS_ESCAPE.sub(r"\1", html.unescape(raw))
        yield Reference(begin, end, value.strip(), _MADE in value)


def embed(
    texts: Sequence[TemplateText], written_in: str, folder: Path, problems: list[Problem], *, limit: int
) -> Embedded:
    """Read the images that these templates of a page name, each once, and have the templates show them by cid.

    A path is looked for beside its template, then in the campaign's folder. What cannot be embedded is added to
    `problems` by line and column; no image may have more than `limit` bytes.
    """
    images: dict[str, SharedFile] = {}
    done = []
    for text in texts:
        pieces: list[str] = []
        reached = 0
        for found in references(text.source, written_in):
            if found.made or not found.is_local or found.begin < reached:
                continue
            try:
                image = _read(folder, text.name, found.value, limit)
            except FileProblem as problem:
                hint = "Images must lie in the campaign's folder; others are named by https://."
                problems.append(Problem(_place(text, found), f"the image {problem}.", hint))
                continue
            image = images.setdefault(image.digest, image)
            pieces += (text.source[reached : found.begin], f"cid:{image.cid}")
            reached = found.end
        done.append(TemplateText(text.name, "".join((*pieces, text.source[reached:]))))
    return Embedded(tuple(done), tuple(images.values()))


def column_as_written(text: str, written_in: str, line: int, column: int) -> int:
    """The column in a template as its author has it, of what stands at a column once its images are embedded."""
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    for found in references(text, written_in):
        begin = found.begin - start + 1
        if found.made or not found.is_local or begin < 1:
            continue
        if column <= begin:
            break
        column = max(begin, column - _CID_LENGTH + found.end - found.begin)
    return column


def made_of_data(texts: Sequence[TemplateText], written_in: str) -> Iterator[Place]:
    """Images that are not embedded since an expression makes their path, and may name a file."""
    for text in texts:
        for found in references(text.source, written_in):
            if found.made and found.is_local:
                yield _place(text, found)


def _blanked(found: re.Match[str]) -> str:
    return "".join("\n" if character == "\n" else _MADE for character in found.group())


def _spaces(found: re.Match[str]) -> str:
    """What is not looked at, in as many characters and lines."""
    return re.sub(r"[^\n]", " ", found.group())


def _in_markup(text: str) -> Iterator[tuple[int, int]]:
    text = _STYLE.sub(lambda style: _CSS_COMMENT.sub(_spaces, style.group()), _SKIPPED.sub(_spaces, text))
    for tag in _TAG.finditer(text):
        for attribute in _ATTRIBUTE.finditer(text, tag.start(2), tag.end(2)):
            yield from _in_attribute(tag.group(1).lower(), attribute)
    for style in _STYLE.finditer(text):
        yield from _in_css(text, *style.span(2))


def _in_attribute(tag: str, attribute: re.Match[str]) -> Iterator[tuple[int, int]]:
    name = attribute.group(1).lower()
    begin, end = next(attribute.span(group) for group in (2, 3, 4) if attribute.group(group) is not None)
    if name in _ANYWHERE or (name == "src" and tag in _WITH_SOURCE):
        yield begin, end
    elif name == "srcset" and tag in ("img", "source"):
        for candidate in _CANDIDATE.finditer(attribute.string, begin, end):
            yield candidate.span(1)
    elif name == "style":
        yield from _in_css(attribute.string, begin, end)


def _in_css(text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    for found in _URL.finditer(text, begin, end):
        before = text[max(begin, found.start() - 200) : found.start()]
        declaration = re.split(r"[;{}]", before)[-1]
        if "@import" in before[-20:].lower() or declaration.strip().lower().startswith("src"):
            continue  # a style sheet or a font, which no mail brings along
        yield next(found.span(group) for group in (1, 2, 3, 4) if found.group(group) is not None)


def _in_markdown(text: str) -> Iterator[tuple[int, int]]:
    text = _CODE.sub(_spaces, text)
    for image in _MARKDOWN_IMAGE.finditer(text):
        yield image.span(1) if image.group(1) is not None else image.span(2)
    labels = {_label(found.group(2) or found.group(1)) for found in _MARKDOWN_REFERENCE.finditer(text)}
    for definition in _MARKDOWN_DEFINITION.finditer(text):
        if _label(definition.group(1)) in labels:
            yield definition.span(2) if definition.group(2) is not None else definition.span(3)


def _label(text: str) -> str:
    return " ".join(text.split()).casefold()


def _read(folder: Path, template: str, value: str, limit: int) -> SharedFile:
    path, name = _found(folder, template, value, limit)
    data = read_plain(path, name, limit=limit)
    kind = image_type_of(data)
    if kind is None:
        raise FileProblem(f"{name} is none that mail programs show: {_SHOWN}")
    digest = digest_of(data)
    return SharedFile(name, safe_name(name), kind, digest, data, cid=f"{digest[:_CID_DIGITS]}{_CID_END}")


def _found(folder: Path, template: str, value: str, limit: int) -> tuple[Path, str]:
    """The file that a reference means. Raises `FileProblem` about what it says."""
    beside = PurePosixPath(template).parent
    # A name may have # and ? in it; in an address they begin what is no part of the path.
    names = dict.fromkeys((unquote(value), unquote(re.split(r"[?#]", value)[0]), value))
    first: MissingFile | None = None
    for name in names:
        for candidate in dict.fromkeys((str(beside / name), name)):
            try:
                return find_file(folder, candidate, limit=limit), candidate
            except MissingFile as problem:
                first = first or problem
            except FileProblem as problem:
                raise first or problem from None
    assert first is not None
    raise first


def _place(text: TemplateText, found: Reference) -> Place:
    line = text.source.count("\n", 0, found.begin) + 1
    return Place(text.name, line, found.begin - text.source.rfind("\n", 0, found.begin))
