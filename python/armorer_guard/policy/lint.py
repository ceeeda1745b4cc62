"""
What is allowed and yet probably not meant: rules that say nothing, permissions that are wider than they look.

Static: looks at rules, never at calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from armorer_guard.policy import canonical
from armorer_guard.policy.compiler import CompiledPolicy, Layer
from armorer_guard.policy.evaluate import fits
from armorer_guard.policy.problems import Problem
from armorer_guard.policy.vocabulary import EFFECTS, KINDS


def lint(layers: Sequence[Layer], policy: CompiledPolicy) -> list[Problem]:
    """Everything about the rules of these files that a careful reader would ask about."""
    found: list[Problem] = []
    compiled = {rule["id"]: rule for rule in policy.rules}
    for layer in layers:
        for at, rule in enumerate(layer.model.rules):
            line = layer.source.line(("rules", at))
            for kind, message, hint in _of_rule(layer, compiled[rule.id], rule.examples, list(compiled.values())):
                found.append(Problem(layer.source.file, line, kind, f"rule `{rule.id}` {message}", hint))
        used = _variables_used(layer)
        for name in layer.model.vars:
            if name not in used:
                found.append(
                    Problem(
                        layer.source.file,
                        layer.source.line(("vars", name)),
                        "variable_unused",
                        f"variable `{name}` is never used",
                    )
                )
        if layer.model.without:
            found.append(
                Problem(
                    layer.source.file,
                    layer.source.line(("without",)),
                    "without_used",
                    f"takes out {len(layer.model.without)} built-in rules for every call",
                    "an exception with `overrides` is narrower, where the rule asks",
                )
            )
    return found


def _of_rule(
    layer: Layer, rule: dict[str, Any], examples: Any, rules: list[dict[str, Any]]
) -> Iterator[tuple[str, str, str | None]]:
    if not examples.match and _can_have_examples(rule):
        yield "examples_missing", "has no example that it matches", "add `examples: {match: [COMMAND]}`"
    if rule["effect"] == "allow":
        if layer.name == "project" and "until" not in rule:
            yield "allow_without_end", "allows without an `until`", "a project's exceptions should run out"
        for block in rule["when"]:
            if "action" not in block and "finding" not in block:
                if not ({"tool", "server", "arg"} & set(block)):
                    yield (
                        "allow_broad",
                        "allows every call that its few conditions hold for",
                        "name the actions it allows",
                    )
                break
            if "action" in block and not block["action"]:
                yield "allow_broad", "allows every action", "name the kinds it allows"
                break
            if any(pattern == "*" for pattern in block.get("action", {}).get("kind", [])):
                yield "allow_broad", "allows every kind of action", "name the kinds it allows"
                break
    for block in rule["when"]:
        for pattern in block.get("action", {}).get("kind", []):
            if not any(fits(pattern, kind) for kind in KINDS):
                yield "never_matches", f"speaks about the kind `{pattern}`, which no action has", None
        for name in ("depth",):
            bounds = block.get(name, {})
            if bounds.get("gte", 0) > bounds.get("lte", 2**63):
                yield "never_matches", f"wants a `{name}` that no number is", None
    blocks = [canonical.canonical(block) for block in rule["when"]]
    for other in rules:
        if other["id"] == rule["id"]:
            continue
        theirs = [canonical.canonical(block) for block in other["when"]]
        if set(blocks) <= set(theirs) and EFFECTS.index(other["effect"]) >= EFFECTS.index(rule["effect"]):
            same = blocks == theirs and other["effect"] == rule["effect"]
            if same and other["id"] < rule["id"]:
                yield "duplicate", f"says what `{other['id']}` says", "drop one of them"
            elif not same and EFFECTS.index(other["effect"]) > EFFECTS.index(rule["effect"]):
                yield (
                    "shadowed",
                    f"never decides: `{other['id']}` says `{other['effect']}` wherever it speaks",
                    "drop it, or narrow the other",
                )


_NOT_OF_A_CALL = frozenset(
    {
        "label",
        "counter",
        "time",
        "agent",
        "depth",
        "host_mode",
        "run_mode",
        "principal",
        "pin",
        "runtime",
    }
)
"""Conditions on what an example does not say; a test with `given` does."""


def _can_have_examples(rule: dict[str, Any]) -> bool:
    """Rules about the state of a run, callers or clocks cannot be shown by a call alone."""
    return not any(
        set(block) & _NOT_OF_A_CALL for block in rule["when"]
    )


def _variables_used(layer: Layer) -> set[str]:
    import re

    text = repr([rule.model_dump(exclude_unset=True) for rule in layer.model.rules])
    return set(re.findall(r"\$\{?([a-z][a-z0-9_]*)", text))
