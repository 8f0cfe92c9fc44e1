#!/usr/bin/env python3
"""Catalogues of the portal's words: finds what is marked, compiles what is translated. No GNU gettext is needed.

tools/catalogues.py compile    writes a .mo beside every .po; the standard library is enough
tools/catalogues.py update     brings every .po to what is marked now, new words empty, old ones gone (needs Django)
"""

from __future__ import annotations

import ast
import re
import struct
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src/tierwise"
LOCALE = SOURCE / "locale"
LANGUAGES = ("de", "es")
# What a supplier's people meet: the portal, sign-in, what stands around every page, and the words both sides share.
PORTAL = re.compile(
    "|".join(
        (
            r"(^|/)(portal|shared|actions|audit|permission|wording|showing|telling|notices|inviting|signin)\.py$",
            r"^directory/(actions/)?\w+\.py$",
            r"^collaboration/(agree|resolve)/forms\.py$",
            r"^collaboration/\w+/sheets\.py$",
            r"^web/(?!templates/|api/)",
            r"^web/templates/",
            r"^doors/(?!desk)",
            r"^collaboration/resolve/templates/|/portal_[a-z]+\.html$",
            r"^directory/templates/directory/(access|company|glasses|home|invite|people|people_list|review|sent|welcome)\.html$",
        )
    )
)
_ABOVE = re.compile(
    r"^modules/(segmentation|performance)/(?!telling)|^lake/|^cli|^demo|directory/desk/|/desk/|^engine|^wire"
)
_CALLS = {"_", "gettext", "gettext_lazy"}
_PLURALS = {"ngettext", "ngettext_lazy"}
_REFUSALS = {"NotAllowed", "NotFound", "Stale", "Invalid", "Refused"}
_HEADER = (
    "Project-Id-Version: Tierwise\nLanguage: {language}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n"
    "Content-Transfer-Encoding: 8bit\nPlural-Forms: nplurals=2; plural=(n != 1);\n"
)


@dataclass
class Message:
    """One entry: what is marked, where, and its translations (two where it counts)."""

    text: str
    plural: str = ""
    said: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)


# --- what is marked


def marked() -> dict[str, Message]:
    """Everything a supplier's people may read, by its English words."""
    found: dict[str, Message] = {}
    for path in sorted([*SOURCE.rglob("*.py"), *SOURCE.rglob("*.html")]):
        place = path.relative_to(SOURCE).as_posix()
        if "/migrations/" in place or _ABOVE.search(place) or not PORTAL.search(place):
            continue
        text = path.read_text(encoding="utf-8")
        for one, plural in _in_template(text) if path.suffix == ".html" else _in_program(text):
            entry = found.setdefault(one, Message(one))
            entry.plural = entry.plural or plural
            if place not in entry.places:
                entry.places.append(place)
    return found


def _in_program(text: str) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        words = [arg.value if isinstance(arg, ast.Constant) else None for arg in node.args[:2]]
        if name in _CALLS and words and isinstance(words[0], str):
            yield words[0], ""
        elif name in _PLURALS and isinstance(words[0], str) and isinstance(words[1], str):
            yield words[0], words[1]
        elif name in _REFUSALS and len(words) == 2 and isinstance(words[1], str):
            yield words[1], ""  # put into words at the door


def _in_template(text: str) -> Iterator[tuple[str, str]]:
    from django.utils.translation.template import templatize

    literal = r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
    for match in re.finditer(rf"\bn?gettext\(\s*{literal}(?:\s*,\s*{literal})?", templatize(text)):
        yield ast.literal_eval(match.group(1)), ast.literal_eval(match.group(2)) if match.group(2) else ""
    for match in re.finditer(r"\b_\(\"((?:[^\"\\]|\\.)*)\"\)", text):
        yield match.group(1), ""


# --- catalogues


def read(path: Path) -> dict[str, Message]:
    """The entries of a .po file, without its header."""
    return parsed(path.read_text(encoding="utf-8"))


def parsed(text: str) -> dict[str, Message]:
    found: dict[str, Message] = {}
    entry = Message("")
    slot = ""
    for line in [*text.splitlines(), 'msgid ""']:
        keyword, _, rest = line.partition(" ")
        if keyword == "msgid":
            if entry.text:
                found[entry.text] = entry
            entry, slot = Message(_unquoted(rest)), "text"
        elif keyword == "msgid_plural":
            entry.plural, slot = _unquoted(rest), "plural"
        elif keyword.startswith("msgstr"):
            entry.said.append(_unquoted(rest))
            slot = "said"
        elif line.startswith('"') and slot == "said":
            entry.said[-1] += _unquoted(line)
        elif line.startswith('"') and slot:
            setattr(entry, slot, getattr(entry, slot) + _unquoted(line))
    return found


def _unquoted(text: str) -> str:
    return str(ast.literal_eval(text))


def _quoted(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{plain}"'


def render(language: str, entries: Iterable[Message]) -> str:
    lines = ['msgid ""', 'msgstr ""']
    lines += [_quoted(line + "\n") for line in _HEADER.format(language=language).splitlines()]
    for entry in entries:
        lines += ["", *(f"#: {place}" for place in entry.places)]
        if "%(" in entry.text or re.search(r"%[sd]", entry.text):
            lines.append("#, python-format")
        lines.append(f"msgid {_quoted(entry.text)}")
        if entry.plural:
            said = entry.said if len(entry.said) == 2 else ["", ""]
            lines += [f"msgid_plural {_quoted(entry.plural)}"]
            lines += [f"msgstr[{n}] {_quoted(text)}" for n, text in enumerate(said)]
        else:
            lines.append(f"msgstr {_quoted(entry.said[0] if entry.said else '')}")
    return "\n".join(lines) + "\n"


def update() -> None:
    for language in LANGUAGES:
        path = LOCALE / language / "LC_MESSAGES/django.po"
        path.parent.mkdir(parents=True, exist_ok=True)
        known = read(path) if path.exists() else {}
        entries = marked()
        for text, entry in entries.items():
            entry.said = known[text].said if text in known else []
        path.write_text(
            render(language, sorted(entries.values(), key=lambda e: (e.places[0], e.text))), encoding="utf-8"
        )


def compiled(language: str, entries: Iterable[Message]) -> bytes:
    """The bytes of a .mo file, the same for the same entries: sorted keys, no hash table."""
    pairs = {"": _HEADER.format(language=language)}
    for entry in entries:
        if entry.said and all(entry.said):
            pairs["\0".join(filter(None, (entry.text, entry.plural)))] = "\0".join(entry.said)
    keys = sorted(key.encode() for key in pairs)
    values = [pairs[key.decode()].encode() for key in keys]
    start = 28 + 16 * len(keys)
    tables, data, at = [], b"", start
    for texts in (keys, values):
        for text in texts:
            tables.append(struct.pack("<II", len(text), at))
            data += text + b"\0"
            at += len(text) + 1
    head = struct.pack("<7I", 0x950412DE, 0, len(keys), 28, 28 + 8 * len(keys), 0, start)
    return head + b"".join(tables) + data


def compile_all() -> None:
    """Writes what has changed, so that a running server need not read it again."""
    for language in LANGUAGES:
        source = LOCALE / language / "LC_MESSAGES/django.po"
        wanted, target = compiled(language, read(source).values()), source.with_suffix(".mo")
        if not target.exists() or target.read_bytes() != wanted:
            target.write_bytes(wanted)


if __name__ == "__main__":
    {"compile": compile_all, "update": update}[sys.argv[1] if len(sys.argv) == 2 else "compile"]()
