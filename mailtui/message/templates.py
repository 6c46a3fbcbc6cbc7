"""Owns compiling template texts and rendering them for one recipient.

A `TemplateSet` holds the two environments of a campaign: HTML, where everything from the list is escaped, and
plain (subject, text, headers), where it is not. Both see the same frozen includes and nothing else. Mistakes
in a template come out as `Problem` with file, line and column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType

from jinja2 import Template, nodes
from jinja2.exceptions import TemplateError as JinjaError
from jinja2.exceptions import TemplateNotFound, TemplateSyntaxError, UndefinedError
from jinja2.parser import Parser
from jinja2.runtime import Context

from mailtui.errors import Place, Problem
from mailtui.kit.safe_text import safe_text
from mailtui.kit.suggest import did_you_mean
from mailtui.message.bounds import BoundedTemplate, concat
from mailtui.message.filling import Filling, Lines, Unusual, Variables, constant_lines, filling
from mailtui.message.folding import fold
from mailtui.message.hardening import HardenedEnvironment
from mailtui.message.locales import PLAIN_CONVENTIONS, Conventions
from mailtui.message.mime import BodyError, canonical, wire_lines
from mailtui.message.pitfalls import pitfalls
from mailtui.message.syntax import Token, syntax_problem, tokenize

# What an expression of a template may raise when it meets a value it was not written for. A template is a
# program of its author's, so these are findings about that program, not defects of this one.
RENDER_ERRORS = (
    JinjaError,
    ArithmeticError,
    AssertionError,  # Jinja's own, of the filter truncate
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)
DEPTH_LIMIT = 100  # levels of a syntax tree; a long page has fifteen
_MARKUP = re.compile(r"\{\{|\{%|\{#")


@dataclass(frozen=True, slots=True)
class TemplateText:
    """One template as its author wrote it; `name` is its file below the campaign folder, or its key."""

    name: str
    source: str


class CompiledTemplate:
    """A template ready to render; `constant` is its text when nothing in it depends on the recipient.

    There is a quick way, and the plain one for whatever the quick one does not do. Both give the same; what goes
    wrong is always told by the plain one, which has the places of the template as it was written.
    """

    __slots__ = ("_assumed", "_environment", "_lines", "_plain", "_quick", "constant", "text")

    def __init__(
        self, environment: HardenedEnvironment, text: TemplateText, constants: Mapping[str, object], *, constant: bool
    ) -> None:
        self.text = text
        self.constant = text.source if constant else None
        self._environment = environment
        self._assumed: tuple[tuple[str, object], ...] = ()
        self._lines: Lines | None = None
        self._plain: Template | None = None
        self._quick: Filling | None = None
        if constant:
            try:
                self._lines = constant_lines(text.source)
            except BodyError:
                self._lines = None  # told when it is rendered as a body; a header does not mind
            return
        folded = fold(environment, environment.parse(text.source, text.name, text.name), constants)
        self._assumed = tuple(folded.assumed.items())
        try:
            self._quick = filling(environment, text.name, folded)
        except Unusual:
            self._quick = None

    @property
    def same_for_all(self) -> bool:
        """Whether `lines` gives the very same bytes for every recipient whose columns hide no campaign value."""
        return self._lines is not None or (self._quick is not None and self._quick.fixed is not None)

    def render(self, variables: Variables) -> str:
        """The text for one recipient. Raises one of `RENDER_ERRORS`.

        `variables` is shared by all templates of a message and never copied; what a template sets stays in
        its own context.
        """
        if self.constant is not None:
            return self.constant
        quick = self._quick_for(variables)
        if quick is not None:
            try:
                return quick.text(variables)
            except RENDER_ERRORS:
                pass  # the plain way says what is wrong, and where
        return self.render_plainly(variables)

    def lines(self, variables: Variables) -> Lines:
        """The text for one recipient as the lines of a body. Raises one of `RENDER_ERRORS`, `BodyError` is one."""
        if self._lines is not None:
            return self._lines
        quick = self._quick_for(variables)
        if quick is not None:
            try:
                return quick.lines(variables)
            except RENDER_ERRORS:
                pass
        return wire_lines(canonical(self.render_plainly(variables))), False

    def _quick_for(self, variables: Variables) -> Filling | None:
        for name, value in self._assumed:
            if variables[name] is not value:  # a column of this title after all
                return None
        return self._quick

    def render_plainly(self, variables: Variables) -> str:
        """What `render` gives, by the template as it was written and by nothing but Jinja."""
        if self.constant is not None:
            return self.constant
        if self._plain is None:
            text = self.text
            code = self._environment.compile(text.source, name=text.name, filename=text.name)
            self._plain = BoundedTemplate.from_code(self._environment, code, {})
        plain = self._plain
        context = Context(self._environment, variables, self.text.name, plain.blocks)
        return concat(plain.root_render_func(context))


class TemplateSet:
    """The templates of one campaign: two environments over the same frozen includes."""

    def __init__(self, includes: Iterable[TemplateText], *, conventions: Conventions = PLAIN_CONVENTIONS) -> None:
        self.includes = tuple(includes)
        texts = {text.name: text.source for text in self.includes}
        self.conventions = conventions
        self.plain = HardenedEnvironment(texts, autoescape=False, conventions=conventions)
        self.html = HardenedEnvironment(texts, autoescape=True, conventions=conventions)
        self.globals: dict[str, object] = dict(self.plain.globals)

    def parse(self, text: TemplateText) -> nodes.Template | Problem:
        """The syntax tree, or the first mistake in it."""
        return parse(self.plain, text)

    def compile(
        self, text: TemplateText, *, html: bool, constants: Mapping[str, object] | None = None
    ) -> CompiledTemplate:
        """Compile a text that `parse` and `check` found no fault with. `constants` are values no row changes."""
        environment = self.html if html else self.plain
        return CompiledTemplate(environment, text, constants or {}, constant=is_constant(text.source))

    def compiles(self, text: TemplateText) -> None:
        """Raise what only the compiler finds wrong with a text that `parse` found no fault with."""
        self.plain.compile(text.source, name=text.name, filename=text.name)

    def check(self, text: TemplateText, tree: nodes.Template) -> list[Problem]:
        """What does parse and cannot work: filters and tests that do not exist, files that are not there, pitfalls."""
        found: list[Problem] = []
        tokens = list(tokenize(self.plain, text.source))
        for kind, known, word in (
            (nodes.Filter, self.plain.filters, "filter"),
            (nodes.Test, self.plain.tests, "test"),
        ):
            for node in tree.find_all(kind):
                name: str = node.name
                if name not in known:
                    _, place = place_of(text, tokens, node.lineno, name)
                    found.append(Problem(place, f"there is no {word} {name} in templates.", did_you_mean(name, known)))
        for pitfall in pitfalls(tree):
            _, place = place_of(text, tokens, pitfall.line, pitfall.word)
            found.append(Problem(place, pitfall.message, pitfall.hint))
        return found + self._missing_files(text, tree, tokens)

    def _missing_files(self, text: TemplateText, tree: nodes.Template, tokens: list[Token]) -> list[Problem]:
        known = [include.name for include in self.includes]
        found: list[Problem] = []
        for node, name in references(tree):
            if name is None:
                _, place = place_of(text, tokens, node.lineno, None)
                message = "an included file must be named in quotes, not by an expression."
                found.append(Problem(place, message, "Write every file out, with {% if %} around the choice."))
            elif name not in known and not getattr(node, "ignore_missing", False):
                _, place = place_of(text, tokens, node.lineno, name)
                found.append(
                    Problem(place, f"there is no file {name} in the campaign folder.", did_you_mean(name, known))
                )
        return found


def is_constant(source: str) -> bool:
    """Whether a text holds no template markup at all."""
    return _MARKUP.search(source) is None


def references(tree: nodes.Template) -> Iterator[tuple[nodes.Node, str | None]]:
    """Every file that include, extends, import or from names; None for one named by an expression."""
    for node in tree.find_all((nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
        named = node.template  # type: ignore[attr-defined]
        parts = named.items if isinstance(named, nodes.List | nodes.Tuple) else [named]
        for part in parts:
            value = part.value if isinstance(part, nodes.Const) else None
            yield node, value if isinstance(value, str) else None


def parse(environment: HardenedEnvironment, text: TemplateText) -> nodes.Template | Problem:
    """Parse one text; a mistake comes back with the line and column where the parser stood."""
    parser: Parser | None = None
    try:
        parser = Parser(environment, text.source, text.name, text.name)
        tree = parser.parse()
    except TemplateSyntaxError as error:
        return syntax_problem(environment, text.name, text.source, parser, error)
    except RecursionError:
        return _too_deep(text, None)
    deep = _deeper_than(tree, DEPTH_LIMIT)
    return tree if deep is None else _too_deep(text, deep.lineno)


def _deeper_than(tree: nodes.Template, limit: int) -> nodes.Node | None:
    """The first node below that many others: everything that reads a tree, Jinja included, does so recursively."""
    waiting: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > limit:
            return node
        waiting.extend((child, depth + 1) for child in node.iter_child_nodes())
    return None


def _too_deep(text: TemplateText, line: int | None) -> Problem:
    return Problem(Place(text.name, line), "this template is nested too deeply.", "Set parts of it as variables.")


def place_of(
    text: TemplateText, tokens: Sequence[Token], line: int, word: str | None, *, after: int = -1
) -> tuple[int, Place]:
    """Where `word` stands as a name or in quotes, at or below a line and behind the token at index `after`.

    Gives the token's index and its place; `after` and the line alone when there is none.
    """
    if word is not None:
        wanted = (word, f'"{word}"', f"'{word}'")
        for index in range(after + 1, len(tokens)):
            token = tokens[index]
            if token.line >= line and token.kind in ("name", "string") and token.text in wanted:
                return index, Place(text.name, token.line, token.column)
    return after, Place(text.name, line)


def render_place(error: BaseException, fallback: str) -> Place:
    """The innermost template file and line that an error of rendering came from."""
    found = Place(fallback)
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if isinstance(template, Template):
            found = Place(template.name or fallback, template.get_corresponding_lineno(trace.tb_lineno))
        trace = trace.tb_next
    return found


def overrun_place(stopped: BaseException) -> Place:
    """The template file and line that a render was in when it was stopped; none where it was in no template.

    `stopped` was raised from what ended the render.
    """
    return Place() if stopped.__cause__ is None else render_place(stopped.__cause__, "")


def render_reason(error: BaseException) -> str:
    """One sentence about an error of rendering, safe to show."""
    if isinstance(error, UndefinedError):
        return f"the template asks for something this row does not have: {safe_text(str(error), limit=200)}"
    if isinstance(error, TemplateNotFound):
        return f"the template includes a file that is not there: {safe_text(str(error), limit=200)}"
    if isinstance(error, RecursionError):
        return "the templates include each other without end"
    if isinstance(error, MemoryError):
        return "the template needs more memory than there is"
    return f"the template cannot be filled in: {safe_text(str(error), limit=200) or type(error).__name__}"
