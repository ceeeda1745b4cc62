"""`armorer-guard policy explain`: how a decision about a call, or one that was recorded, comes about."""

from __future__ import annotations

import argparse
import json
import sys
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
        record = _recorded(home, arguments.decision)
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


def _recorded(home: Path, decision: str) -> dict[str, Any]:
    """The record of a decision."""
    wanted = decision.encode()
    for path in sorted((home / "store" / "runs").glob("*.jsonl")):
        with path.open("rb") as lines:
            for line in lines:
                if wanted in line:
                    record = json.loads(line)
                    if record.get("kind") == "decision" and record.get("id") == decision:
                        return dict(record)
    raise Failure(f"no decision `{decision}` is recorded below `{home}`", "`armorer-guard records list` lists them")


def _understood(raw: bytes) -> dict[str, Any]:
    """What the core understands of a call given as JSON."""
    from armorer_guard import Guard, InputError

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
    guard = Guard(record=False)
    try:
        if "text" in call:
            decision = guard.check_text(call["text"], surface=call.get("surface", "tool_result"))
        else:
            decision = guard.check(
                call["tool"], call.get("args", {}), cwd=call.get("cwd"), workspace=call.get("workspace")
            )
    except (InputError, TypeError) as error:
        raise Failure(f"the call cannot be judged: {error}") from None
    facts: dict[str, Any] = json.loads(decision.to_json())["facts"]
    return facts


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
        for condition in rule["conditions"]:
            if not everything and rule["speaks"] and not _about(condition, rule):
                continue
            mark = {"yes": "+", "no": "-", "unknown": "?"}[condition["holds"]]
            where = "".join(f" of {name} {condition[name] + 1}" for name in ("action", "finding") if name in condition)
            print(
                f"  {mark} {condition['condition']}{where}: wanted {_short(_json(condition['wanted']))}, "
                f"got {_short(_json(condition['got']))}"
            )
    if found["change"]:
        print("\nwhat would change the answer")
        for sentence in found["change"]:
            print(f"  {sentence}")


def _about(condition: dict[str, Any], rule: dict[str, Any]) -> bool:
    """Whether a condition belongs to what the rule spoke about."""
    if "action" in condition:
        return condition["action"] in rule["actions"] and condition["holds"] != "no"
    if "finding" in condition:
        return condition["finding"] in rule["findings"] and condition["holds"] != "no"
    return True


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _short(text: str) -> str:
    """One line that moves no cursor, cut when it is long."""
    text = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
