"""`armorer-guard policy explain`: how a decision about a call, or one that was recorded, comes about."""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from armorer_guard.cli.policy import Failure, answer, guard_home, load_named

MAX_INPUT = 50 << 20
SHOWN = 160
"""Longest value that is shown to a person, in characters."""


def run_explain(arguments: argparse.Namespace) -> int:
    """Say how a decision comes about."""
    from armorer_guard.policy.explain import explain

    home = guard_home(arguments)
    if arguments.decision is not None:
        record = _recorded(arguments)
        facts = record["facts"]
        name = arguments.policy or record["policy"]["digest"]
        policy, digest = _policy_of_record(name, home)
    else:
        facts = _understood(sys.stdin.buffer.read(MAX_INPUT + 1))
        policy, digest = load_named(arguments.policy, home)
    found = explain(facts, policy)
    if arguments.json:
        answer({**found, "policy": digest, "facts": facts})
    else:
        _print(found, facts, policy, everything=arguments.all)
    return 0


def _policy_of_record(name: str, home: Path) -> tuple[dict[str, Any], str]:
    """The policy a record names; a built-in one is known by its digest without being kept."""
    from armorer_guard.policy import canonical, layers

    for builtin in layers.BUILTIN:
        document = layers.builtin(builtin)
        if document is not None and canonical.digest(canonical.canonical(document)) == name:
            return document, name
    return load_named(name, home)


def _recorded(arguments: argparse.Namespace) -> dict[str, Any]:
    """The record of a decision, by its id, the beginning or the end of it."""
    from armorer_guard.cli.records_find import decision_of, open_index
    from armorer_guard.cli.records_text import CommandError

    try:
        with open_index(arguments) as index:
            record, lost = index.store.whole(index.line(decision_of(index, arguments.decision)) or {})
    except CommandError as error:
        raise Failure(error.message, error.hint) from None
    facts = record.get("facts")
    if lost or not isinstance(facts, dict) or "$blob" in facts:
        raise Failure("what the decision was taken on is not in the store any more")
    return record


_CALL = frozenset(
    {"id", "tool", "args", "text", "surface", "cwd", "workspace", "run", "agent", "run_mode", "pin", "given"}
)


def _understood(raw: bytes) -> dict[str, Any]:
    """What the core understands of a call given as JSON."""
    from pydantic import ValidationError

    from armorer_guard import Guard, InputError
    from armorer_guard.policy.examples import as_given
    from armorer_guard.policy.model import Given

    if len(raw) > MAX_INPUT:
        raise Failure(f"the call is longer than {MAX_INPUT} bytes")
    try:
        call = json.loads(raw)
    except ValueError as error:
        raise Failure(
            f"standard input is not a call: {error}",
            """try `echo '{"tool":"Bash","args":{"command":"ls"}}' | armorer-guard policy explain`""",
        ) from None
    if not isinstance(call, dict) or not (isinstance(call.get("tool"), str) or isinstance(call.get("text"), str)):
        raise Failure("a call has a `tool` and its `args`, or a `text`")
    if unknown := sorted(set(call) - _CALL):
        raise Failure(f"nobody knows the member `{unknown[0]}` of a call", f"known are {', '.join(sorted(_CALL))}")
    try:
        guard = Guard(record=False, run_mode=call.get("run_mode"))
        if "text" in call:
            decision = guard.check_text(call["text"], surface=call.get("surface", "tool_result"))
        else:
            decision = guard.check(
                call["tool"],
                call.get("args", {}),
                cwd=call.get("cwd"),
                workspace=call.get("workspace"),
                agent=call.get("agent"),
                pin=call.get("pin"),
            )
        given = Given.model_validate(call.get("given", {}))
    except (InputError, TypeError) as error:
        raise Failure(f"the call cannot be judged: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, ("given", *first["loc"])))
        raise Failure(f"`{where}` of the call is wrong: {first['msg'][:1].lower()}{first['msg'][1:]}") from None
    facts: dict[str, Any] = json.loads(decision.to_json())["facts"]
    return as_given(facts, given)


def _print(found: dict[str, Any], facts: dict[str, Any], policy: dict[str, Any], *, everything: bool) -> None:
    from armorer_guard.policy.examples import understood

    observed = " (observed: nothing is held back)" if "observed" in found["obligations"] else ""
    print(f"{found['effect'].upper()}{observed}")
    print(f"understood  {_short(understood(facts))}")
    for entry in found["determining"]:
        unknown = ", because something is unknown" if entry["unknown"] else ""
        print(f"decided by  {entry['rule']} ({entry['effect']}{unknown})")
    rules = sorted(found["rules"], key=lambda rule: (not rule["speaks"], rule["rule"]))
    for rule in rules:
        source = rule["source"]
        said = (
            f"says {rule['effect']}"
            if rule["speaks"]
            else f"would say {rule['effect']}, but {rule['missing']} does not hold"
        )
        print(f"\n{rule['rule']}  {said}  [{source['layer']}, {source['file']}:{source['line']}]")
        print(f"  {rule['why']}")
        blocks = [rule["conditions"]] if everything else list(_telling(rule))
        for number, conditions in enumerate(blocks):
            if number:
                print("  or")
            for condition in conditions:
                print(f"  {_line(condition)}")
    if found["change"]:
        print("\nwhat would change the answer")
        for sentence in found["change"]:
            print(f"  {sentence}")


def _line(condition: dict[str, Any]) -> str:
    mark = {"yes": "+", "no": "-", "unknown": "?"}[condition["holds"]]
    where = "".join(f" of {name} {condition[name] + 1}" for name in ("action", "finding") if name in condition)
    wanted, got = _short(_json(condition["wanted"])), _short(_json(condition["got"]))
    return f"{mark} {condition['condition']}{where}: wanted {wanted}, got {got}"


def _telling(rule: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """The conditions of each block by which a rule spoke or nearly did, on what it spoke about or came nearest to."""
    for _, block in itertools.groupby(rule["conditions"], key=lambda condition: condition["block"]):
        shown: list[dict[str, Any]] = []
        misses = 0
        for kind, of_kind in itertools.groupby(block, key=_kind):
            things = [list(thing) for _, thing in itertools.groupby(of_kind, key=lambda one: one.get(kind))]
            if rule["speaks"] and kind != "call":
                things = [thing for thing in things if thing[0][kind] in rule[f"{kind}s"]] or things
            least = min(map(_misses, things))
            nearest = [thing for thing in things if _misses(thing) == least]
            shown += itertools.chain.from_iterable(nearest if rule["speaks"] else nearest[:1])
            misses += least
        if misses == (0 if rule["speaks"] else 1):
            yield shown


def _kind(condition: dict[str, Any]) -> str:
    return next((kind for kind in ("action", "finding") if kind in condition), "call")


def _misses(conditions: list[dict[str, Any]]) -> int:
    return sum(condition["holds"] == "no" for condition in conditions)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _short(text: str) -> str:
    """One line that moves no cursor, cut when it is long."""
    text = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
