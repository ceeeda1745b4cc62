"""
The narrowest permission for one recorded decision, as a policy rule that can be pasted; and whether it would do.

A rule is offered only after the recorded facts were decided again with it: what is offered allows that call. Of a
denial, which no rule overrides, and of a call that was not understood exactly, it says why there is none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

_DAYS: Final = 30
"""How long an exception holds that nobody thought longer about."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.-]+")
_ARGUMENTS: Final = ("command", "file_path", "path", "url", "query", "sql")


@dataclass(frozen=True)
class Narrow:
    """A rule to paste, or why there is none."""

    rule: str | None
    """YAML below `rules:`, or None."""
    why_not: str | None
    covers: str | None = None
    """What it would allow, in words."""


def narrow(record: Mapping[str, Any], policy: bytes, today: date) -> Narrow:
    """
    The narrowest permission for a decision.

    Args:
        record: A decision, whole.
        policy: The canonical bytes of the policy that decided.
        today: From when on the permission holds.
    """
    facts, verdict = record.get("facts"), record.get("verdict")
    if not isinstance(facts, dict) or not isinstance(verdict, dict):
        return Narrow(None, "the facts of the decision are not in the store any more")
    if verdict.get("effect") == "allow":
        return Narrow(None, "it is allowed already")
    rules = [rule for rule in verdict.get("rules", []) if isinstance(rule, dict)]
    denying = [str(rule.get("id")) for rule in rules if rule.get("effect") == "deny"]
    if any(name.startswith("error.") for name in denying):
        return Narrow(None, "repair what the reason names: no rule decided this")
    if denying:
        named = ", ".join(denying)
        return Narrow(
            None,
            f"no rule overrides a denial; do it yourself outside of the agent, or say `without: [{named}]` in your own "
            "policy, which takes the whole rule out for everything",
        )
    if any(rule.get("findings") for rule in rules):
        return Narrow(None, "it was asked because of what the text contains; a permission for that is never narrow")
    document = json.loads(policy)
    held = {str(rule.get("id")) for rule in document.get("rules", [])}
    overridden = [str(rule.get("id")) for rule in rules if rule.get("effect") == "ask" and str(rule.get("id")) in held]
    concerned = _concerned(facts, rules)
    for when, covers in _conditions(facts, concerned):
        text = _rule(record, overridden, when, today)
        if _would_allow(facts, document, text, today):
            return Narrow(text, None, covers)
    return Narrow(None, "the call is not understood exactly enough for a rule that would allow this and nothing else")


def _concerned(facts: Mapping[str, Any], rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    actions = [action for action in facts.get("actions", []) if isinstance(action, dict)]
    named = {at for rule in rules for at in rule.get("actions", []) if isinstance(at, int)}
    return [action for at, action in enumerate(actions) if at in named] or actions


def _conditions(facts: Mapping[str, Any], actions: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Conditions from the narrowest on: the exact argument, and exact targets."""
    found: list[tuple[str, str]] = []
    tool = f"tool: {_quoted(facts['tool'])}" if facts.get("tool") else "phase: pre"
    kinds = sorted({str(action.get("kind")) for action in actions})
    kind = f"kind: [{', '.join(map(_quoted, kinds))}]"
    args = facts.get("args")
    exact = next((name for name in _ARGUMENTS if isinstance(args, dict) and isinstance(args.get(name), str)), None)
    if exact is not None and isinstance(args, dict) and _literal(args[exact]) and kinds:
        when = f"{{{tool}, arg: {{/{exact}: {_quoted(args[exact])}}}, action: {{{kind}}}}}"
        found.append((when, f"`{facts.get('tool')}` with exactly this {exact}"))
    targets = [action.get("target", {}) for action in actions]
    if targets and all(target.get("exact") and _literal(target.get("value")) for target in targets):
        values = list(dict.fromkeys(str(target["value"]) for target in targets))
        when = f"{{{tool}, action: {{{kind}, target: [{', '.join(map(_quoted, values))}]}}}}"
        found.append((when, f"{', '.join(kinds)} of exactly {', '.join(values)}"))
    return found


def _literal(text: object) -> bool:
    """Whether a pattern of this text means this text alone, and a person can read it."""
    if not isinstance(text, str) or not 0 < len(text) <= 400:
        return False
    return text.isprintable() and not re.search(r"[*?$]|\[redacted:", text)


def _rule(record: Mapping[str, Any], overrides: list[str], when: str, today: date) -> str:
    identifier = str(record.get("id"))
    lines = [
        f"- id: allow.{identifier[-8:]}",
        "  effect: allow",
        *([f"  overrides: [{', '.join(map(_quoted, overrides))}]"] if overrides else []),
        f"  until: {today + timedelta(days=_DAYS)}",
        f"  why: {_quoted(f'seen and found right in decision {identifier}')}",
        f"  when: {when}",
    ]
    return "\n".join(lines)


def _would_allow(facts: Mapping[str, Any], below: Mapping[str, Any], text: str, today: date) -> bool:
    """Whether the recorded call would be allowed by the policy that decided it and this rule."""
    from armorer_guard._core import GuardError, canonical_json, decide_json
    from armorer_guard.policy.compiler import Layer, check, compile_layers
    from armorer_guard.policy.problems import PolicyProblems
    from armorer_guard.policy.source import parse

    body = "".join(f"  {line}\n" for line in text.splitlines())
    try:
        source = parse(f"guard: 1\nid: narrow\nrules:\n{body}", file="narrow.yaml")
        policy = compile_layers([Layer("user", check(source), source)], below)
        # An old call is judged as if it came now: the exception holds from today on.
        again = json.loads(decide_json(canonical_json({**facts, "now": f"{today}T12:00:00.000000Z"}), policy.text))
    except (PolicyProblems, GuardError, ValueError, KeyError, TypeError):
        return False
    return bool(again.get("effect") == "allow")


def _quoted(text: object) -> str:
    """A YAML scalar: plain where nothing could be misread, else in double quotes."""
    word = str(text)
    if _PLAIN.fullmatch(word) and word.lower() not in ("true", "false", "null", "yes", "no", "on", "off", "none"):
        return word if not re.fullmatch(r"[0-9.+-]+", word) else json.dumps(word)
    return json.dumps(word, ensure_ascii=False)
