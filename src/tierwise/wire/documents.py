"""Reads a YAML document strictly: every key accounted for, every mistake named by its place with a remedy."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

import yaml

Choice = TypeVar("Choice", bound=StrEnum)
TRUE, FALSE = "true", "false"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a document."""

    place: str
    why: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.place}: {self.why}; {self.remedy}"


class DocumentError(ValueError):
    """A document that cannot be used, with every mistake found in it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class _TextLoader(yaml.SafeLoader):
    """Takes every scalar as text, so that NO stays Norway and 007 keeps its zeros; refuses a key given twice."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, object]]] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        seen: set[object] = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if name in seen:
                line = key.start_mark.line + 1
                raise DocumentError(
                    [Problem(f"line {line}", f"the key {name!r} is given twice", "keep one of the two")]
                )
            seen.add(name)
        return super().construct_mapping(node, deep=deep)


def parse_document(text: str) -> object:
    """Raises ``DocumentError`` for broken YAML. Scalars come back as text."""
    try:
        return yaml.load(text, Loader=_TextLoader)  # noqa: S506  a SafeLoader without guessing of types
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DocumentError(
            [Problem(f"line {line}", f"not YAML: {error.problem}", "correct the indentation or quote the text")]
        ) from error
    except yaml.YAMLError as error:
        raise DocumentError([Problem("document", f"not YAML: {error}", "save it as plain UTF-8 text")]) from error


def near(name: str, known: Iterable[str]) -> str:
    """Names what was probably meant, else what there is."""
    names = sorted(set(known))
    folded = {known_name.casefold(): known_name for known_name in names}
    close = difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(repr(folded[one]) for one in close) + "?"
    if not names:
        return "there is none to choose from"
    shown = ", ".join(names[:20]) + (" …" if len(names) > 20 else "")
    return f"it may be one of: {shown}"


@dataclass(slots=True)
class Section:
    """A mapping inside a document. Each key is asked for once; what nobody asked for is a mistake."""

    place: str
    content: dict[str, object]
    problems: list[Problem]
    asked: set[str] = field(default_factory=set)

    def wrong(self, key: str, why: str, remedy: str) -> None:
        self.problems.append(Problem(f"{self.place}.{key}".strip("."), why, remedy))

    def has(self, key: str) -> bool:
        self.asked.add(key)
        return key in self.content

    def text(self, key: str, default: str = "") -> str:
        if not self.has(key):
            return default
        value = self.content[key]
        if isinstance(value, str):
            return value
        self.wrong(key, f"must be a text, is a {_kind(value)}", "write it on one line, in quotes if need be")
        return default

    def need(self, key: str, remedy: str) -> str:
        value = self.text(key)
        if not value and not isinstance(self.content.get(key), (list, dict)):
            self.wrong(key, "is missing", remedy)
        return value

    def flag(self, key: str, default: bool = False) -> bool:
        value = self.text(key, TRUE if default else FALSE)
        if value not in {TRUE, FALSE}:
            self.wrong(key, f"must be true or false, is {value!r}", "write true or false")
            return default
        return value == TRUE

    def integer(self, key: str, default: int = 0) -> int:
        value = self.text(key, str(default))
        try:
            return int(value)
        except ValueError:
            self.wrong(key, f"must be a whole number, is {value!r}", "write digits only")
            return default

    def choice(self, key: str, default: Choice) -> Choice:
        value = self.text(key, default.value)
        kinds = type(default)
        if value not in {one.value for one in kinds}:
            self.wrong(key, f"{value!r} is not known", near(value, (one.value for one in kinds)))
            return default
        return kinds(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; one text stands for a list of one."""
        if not self.has(key):
            return ()
        value = self.content[key]
        if isinstance(value, str):
            return (value,)
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return tuple(value)
        self.wrong(key, f"must be a list of texts, is a {_kind(value)}", "write [one, two] or one text")
        return ()

    def pairs(self, key: str) -> dict[str, str]:
        """Text to text, in the order given."""
        if not self.has(key):
            return {}
        value = self.content[key]
        if not isinstance(value, dict):
            self.wrong(key, f"must map texts to texts, is a {_kind(value)}", "write {from: to}")
            return {}
        pairs = {}
        for name, to in value.items():
            if isinstance(to, str):
                pairs[str(name)] = to
            else:
                self.wrong(f"{key}.{name}", f"must be a text, is a {_kind(to)}", "write one text for it")
        return pairs

    def section(self, key: str) -> Section:
        """The mapping under a key; an absent one is empty."""
        value = self.content.get(key, {}) if self.has(key) else {}
        if value == "":
            value = {}
        if not isinstance(value, dict):
            self.wrong(key, f"must be a mapping, is a {_kind(value)}", "indent `name: value` lines below it")
            value = {}
        return Section(f"{self.place}.{key}".strip("."), _named(value), self.problems)

    def sections(self, key: str) -> Iterator[Section]:
        """The mappings in a list; a single mapping stands for a list of one."""
        value = self.content.get(key, []) if self.has(key) else []
        if isinstance(value, dict):
            yield self.section(key)
            return
        if not isinstance(value, list):
            self.wrong(key, f"must be a list of mappings, is a {_kind(value)}", "start each one with a dash")
            return
        for index, one in enumerate(value):
            place = f"{key}[{index}]"
            if isinstance(one, dict):
                yield Section(f"{self.place}.{place}".strip("."), _named(one), self.problems)
            else:
                self.wrong(place, f"must be a mapping, is a {_kind(one)}", "write `name: value` lines below the dash")

    def done(self) -> None:
        for key in self.content:
            if key not in self.asked:
                self.wrong(key, "is not known here", near(key, self.asked))


def _named(value: dict[object, object]) -> dict[str, object]:
    return {str(key): one for key, one in value.items()}


def _kind(value: object) -> str:
    if isinstance(value, str):
        return "text"
    return "list" if isinstance(value, list) else "mapping"
