"""Turns what pydantic says into sentences for people: what was given, what was expected, a hint."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from armorer_guard.policy import model as models
from armorer_guard.policy.problems import Problem
from armorer_guard.policy.source import Source, Step

_TYPES = {
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "list_type": "a list",
    "string_type": "a text",
    "int_type": "a whole number",
    "bool_type": "`true` or `false`",
}

_BOUNDS = {
    "too_short": "expected a list with something in it, got an empty one",
    "string_too_short": "expected a text that is not empty",
    "string_too_long": "expected at most {max_length} characters",
    "greater_than_equal": "expected at least {ge}, got {given}",
}

_MISSING = {
    "guard": "the version of the language: `guard: 1`",
    "id": "a name for the record, like `acme.no-production`",
    "effect": "`allow`, `ask` or `deny`",
    "why": "one clause for whoever is answered: `why: production is not for agents`",
    "when": "the conditions: `when: {action: {kind: vcs.push}}`",
    "label": "the label's name: `{label: untrusted}`",
    "call": "a command of the shell, or `{tool: NAME, args: {}}`",
    "expect": "what the test must give: `expect: {effect: deny}`",
    "name": "what the test says, in a few words",
}

_FORMS = {
    r"^[A-Za-z0-9]": "a name of letters, digits and `.`, `_`, `-`, `/`",
    r"^\d{4}-(0": "a day like `2026-12-31`",
    r"^\d{4}-\d\d-\d\dT": "a time like `2026-12-31T23:59:59Z`",
    r"^([01]": "a time of day like `07:30`",
    r"^(([01]": "a time of day like `19:00`, or `24:00`",
    r"^[+-]": "an offset like `+01:00`",
    r"^[a-z]": "a name of small letters, digits and `_`",
    r"^sha256:": "`sha256:` and 64 hexadecimal digits, as `armorer-guard policy pins` prints them",
    r"^(/.*)?": "a JSON Pointer like `/file_path`",
}
"""How the forms of `model` are told, by the beginning of their patterns."""


def problems(error: ValidationError, source: Source) -> list[Problem]:
    """Each thing that is wrong, once, at its line."""
    found: dict[tuple[str, int | None, str], Problem] = {}
    for detail in error.errors(include_url=False):
        problem = _problem(detail, source)
        found.setdefault((problem.kind, problem.line, problem.message), problem)
    return _without_echoes(list(found.values()))


def _without_echoes(found: list[Problem]) -> list[Problem]:
    """A union tells one mistake once per member; the member that came furthest tells it best."""
    best: dict[tuple[int | None, str], Problem] = {}
    for problem in found:
        # Two keys that are missing at one place are two mistakes.
        where = problem.message.partition("`: ")[0]
        key = (problem.line, problem.message if problem.kind == "field_missing" else where)
        held = best.get(key)
        if held is None or (held.kind == "type_wrong" and problem.kind != "type_wrong"):
            best[key] = problem
    return list(best.values())


def _problem(detail: ErrorDetails, source: Source) -> Problem:
    path = _path(detail["loc"], source.data)
    line = source.line(path)
    shown = _shown(path)
    given = detail.get("input")
    kind = detail["type"]
    if kind == "extra_forbidden":
        name = str(detail["loc"][-1])
        known = _keys_beside(detail["loc"])
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean `{near[0]}`?" if near else (f"known here: {', '.join(known)}" if known else None)
        return Problem(source.file, line, "field_unknown", f"{_at(path[:-1])}nobody knows the key `{name}`", hint)
    if kind == "missing":
        name = str(detail["loc"][-1])
        said = f"{_at(path)}the key `{name}` is missing"
        return Problem(source.file, line, "field_missing", said, _MISSING.get(name))
    if kind in ("literal_error", "enum"):
        expected = str(detail.get("ctx", {}).get("expected", "")).replace("'", "`").replace(" or ", ", ")
        words = [word.strip(" `") for word in expected.split(",")]
        near = get_close_matches(str(given), words, n=1)
        hint = f"did you mean `{near[0]}`?" if near else None
        expected = f"one of {expected}" if len(words) > 1 else f"`{expected}`"
        return Problem(source.file, line, "value_unknown", f"{shown}got `{given}`; expected {expected}", hint)
    if kind in _TYPES:
        said = f"{shown}expected {_TYPES[kind]}, got {_kind_of(given)}"
        hint = None
        if kind == "string_type" and isinstance(given, (int, float)):
            hint = f'quote it: "{_bare(given)}"'
        elif path and path[-1] == "when" and isinstance(given, list):
            hint = "alternatives stand below `any_of`: `when: {any_of: [...]}`"
        return Problem(source.file, line, "type_wrong", said, hint)
    if kind in _BOUNDS:
        said = _BOUNDS[kind].format(**detail.get("ctx", {}), given=_kind_of(given))
        return Problem(source.file, line, "value_wrong", f"{shown}{said}")
    if kind == "value_error":
        return Problem(source.file, line, "value_wrong", f"{shown}{detail['msg'].removeprefix('Value error, ')}")
    if kind == "string_pattern_mismatch":
        pattern = detail["ctx"]["pattern"]
        expected = next(
            (words for start, words in _FORMS.items() if pattern.startswith(start)), f"the form `{pattern}`"
        )
        return Problem(source.file, line, "value_wrong", f"{shown}got `{given}`; expected {expected}")
    message = detail["msg"]
    return Problem(source.file, line, "value_wrong", f"{shown}{message[:1].lower()}{message[1:]}")


def _bare(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _path(loc: tuple[Step, ...], data: Any) -> tuple[Step, ...]:
    """The part of a location that is in the data: pydantic mixes in names of union members and validators."""
    path: list[Step] = []
    at: Any = data
    for step in loc:
        in_mapping = isinstance(at, dict) and step in at
        if not in_mapping and not (isinstance(at, list) and isinstance(step, int) and step < len(at)):
            continue
        at = at[step]
        path.append(step)
    return tuple(path)


def _shown(path: tuple[Step, ...]) -> str:
    names = [str(step) for step in path if not isinstance(step, int)]
    return f"`{'.'.join(names)}`: " if names else ""


def _at(path: tuple[Step, ...]) -> str:
    shown = _shown(path)
    return shown if shown else "at the top "


def _kind_of(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return f"`{str(value)[:60]}`"


def _keys_beside(loc: tuple[Step, ...]) -> list[str]:
    """The keys that a mapping at this location may have."""
    model: Any = models.PolicyFile
    for step in loc[:-1]:
        if isinstance(step, int):
            continue
        if isinstance(model, type) and issubclass(model, BaseModel) and step in model.model_fields:
            model = _model_in(model.model_fields[str(step)].annotation) or model
        elif isinstance(held := getattr(models, str(step), None), type) and issubclass(held, BaseModel):
            model = held
    return sorted(field.alias or name for name, field in model.model_fields.items())


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in get_args(annotation):
        if (found := _model_in(inner)) is not None:
            return found
    return None
