"""
Reads a policy file (YAML or TOML) into plain data that knows its lines.

YAML is read as YAML 1.2's core schema: `on` and `07:00` are strings, only `true` and `false` are booleans. Anchors,
tags and duplicate keys are refused: what a person reads is what is meant.
"""

from __future__ import annotations

import hashlib
import re
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from armorer_guard.policy.problems import PolicyProblems, Problem

MAX_BYTES = 4 << 20
"""Longest policy file that is read."""
MAX_DEPTH = 32
"""Deepest nesting; conditions need less than ten."""

Step = str | int
Path_ = tuple[Step, ...]


@dataclass(frozen=True)
class Source:
    """A policy file as data, and the line of each part of it."""

    file: str
    data: Any
    lines: dict[Path_, int] = field(default_factory=dict)
    digest: str = ""
    """`sha256:…` of the file's bytes; empty for a text that is no file."""

    def line(self, path: tuple[Step, ...]) -> int | None:
        """The line, from one, of the nearest part that is known."""
        for end in range(len(path), -1, -1):
            if (found := self.lines.get(path[:end])) is not None:
                return found
        return None


def read(path: Path, *, shown_as: str | None = None) -> Source:
    """
    Read a policy file; TOML when its name ends in `.toml`, else YAML.

    Raises:
        PolicyProblems: It cannot be read, or is no YAML or TOML.
    """
    file = shown_as or str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise _one(file, None, "file_unreadable", f"cannot be read: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise _one(file, None, "file_too_large", f"is {len(raw)} bytes long; expected at most {MAX_BYTES}")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _one(
            file, raw[: error.start].count(b"\n") + 1, "file_not_utf8", "holds bytes that are not UTF-8"
        ) from None
    found = parse(text, file=file, toml=path.suffix == ".toml")
    return replace(found, digest=f"sha256:{hashlib.sha256(raw).hexdigest()}")


def parse(text: str, *, file: str, toml: bool = False) -> Source:
    """
    As `read`, for a text that is at hand.

    Raises:
        PolicyProblems: It is no YAML or TOML.
    """
    return _parse_toml(text, file) if toml else _parse_yaml(text, file)


def _one(file: str, line: int | None, kind: str, message: str, hint: str | None = None) -> PolicyProblems:
    return PolicyProblems([Problem(file, line, kind, message, hint)])


_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}


def _parse_yaml(text: str, file: str) -> Source:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _one(
            file,
            mark.line + 1 if mark else None,
            "yaml_syntax",
            f"is not YAML: {error.problem or error.context}",
            "lists and mappings are marked by indentation with spaces; quote a text that holds `: ` or begins with `*`",
        ) from None
    except yaml.YAMLError as error:
        # A character that no YAML may hold is told by its position alone.
        at = getattr(error, "position", None)
        line = text.count("\n", 0, at) + 1 if isinstance(at, int) else None
        raise _one(file, line, "yaml_syntax", f"is not YAML: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise _one(file, None, "yaml_depth", f"is nested deeper than {MAX_DEPTH} levels") from None
    if node is None:
        raise _one(file, 1, "file_empty", "is empty", "the smallest policy is `guard: 1` and `id: NAME`")
    lines: dict[Path_, int] = {}
    return Source(file, _construct(node, (), lines, file, set()), lines)


def _construct(node: yaml.Node, path: Path_, lines: dict[Path_, int], file: str, open_nodes: set[int]) -> Any:
    line = node.start_mark.line + 1
    lines.setdefault(path, line)
    if len(path) > MAX_DEPTH:
        raise _one(file, line, "yaml_depth", f"is nested deeper than {MAX_DEPTH} levels")
    # An alias gives the same node twice; a shared mapping is hard to read and a recursive one never ends.
    if id(node) in open_nodes:
        raise _one(file, line, "yaml_alias", "uses an alias", "write the value again, or use `vars`")
    open_nodes.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [_construct(item, (*path, at), lines, file, open_nodes) for at, item in enumerate(node.value)]
    assert isinstance(node, yaml.MappingNode)
    made: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key_line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise _one(file, key_line, "yaml_key", "has a key that is not a word")
        key = str(key_node.value)
        if key in made:
            raise _one(file, key_line, "key_twice", f"has the key `{key}` twice")
        inner = (*path, key)
        lines[inner] = key_line
        made[key] = _construct(value_node, inner, lines, file, open_nodes)
    return made


def _scalar(node: yaml.ScalarNode) -> Any:
    text = str(node.value)
    if node.style is not None:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _parse_toml(text: str, file: str) -> Source:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        raise _one(file, int(found[1]) if found else None, "toml_syntax", f"is not TOML: {error}") from None
    return Source(file, _plain(data), _toml_lines(text))


def _plain(value: Any) -> Any:
    """TOML dates as the strings that YAML gives."""
    if isinstance(value, dict):
        return {name: _plain(held) for name, held in value.items()}
    if isinstance(value, list):
        return [_plain(held) for held in value]
    return value if isinstance(value, (str, int, float, bool)) else str(value)


def _toml_lines(text: str) -> dict[Path_, int]:
    """Lines of the rules and tests; TOML readers tell no more."""
    lines: dict[Path_, int] = {(): 1}
    seen = {"rules": 0, "tests": 0}
    for number, line in enumerate(text.splitlines(), start=1):
        found = re.fullmatch(r"\s*\[\[\s*(rules|tests)\s*\]\]\s*(#.*)?", line)
        if found:
            name = found[1]
            lines[(name, seen[name])] = number
            seen[name] += 1
        elif key := re.match(r"([A-Za-z_]+)\s*=", line):
            lines.setdefault((key[1],), number)
    return lines
