"""
What is allowed and yet probably not meant: rules that say nothing, permissions that are wider than they look.

Static: looks at rules, never at calls. What cannot be decided without a call is not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from armorer_guard._core import finding_rules, tool_names
from armorer_guard.policy.compiler import CompiledPolicy, Layer, nearest
from armorer_guard.policy.evaluate import fits
from armorer_guard.policy.problems import Problem
from armorer_guard.policy.vocabulary import ATTRIBUTES, COUNTED, COUNTERS, EFFECTS, KINDS
from armorer_guard.records.state import WINDOWS

Json = Mapping[str, Any]
Said = tuple[str, str, str | None]
"""Kind, what is said of the rule, hint."""

MAX_WILDCARDS = 12
"""More wildcards in one pattern are no longer understood by whoever reads it."""
OWN_LABELS = frozenset({"secret", "untrusted"})
"""Labels that a run gets without a rule of the file."""

_NOT_OF_A_CALL = frozenset(
    {"label", "counter", "time", "agent", "depth", "host_mode", "run_mode", "principal", "pin", "runtime"}
)
"""Conditions on what an example does not say; a test with `given` does."""


def lint(layers: Sequence[Layer], policy: CompiledPolicy, *, today: str | None = None) -> list[Problem]:
    """
    Everything about the rules of these files that a careful reader would ask about.

    Args:
        layers: The files.
        policy: What they compile to.
        today: The day as `2026-12-31`; rules that ended before it are told when it is given.
    """
    found: list[Problem] = []
    compiled = {rule["id"]: rule for rule in policy.rules}
    labels = OWN_LABELS | _labels_added(policy.document)
    for layer in layers:
        for at, rule in enumerate(layer.model.rules):
            line = layer.source.line(("rules", at))
            for kind, message, hint in _of_rule(layer, compiled[rule.id], bool(rule.examples.match), policy, labels):
                found.append(Problem(layer.source.file, line, kind, f"rule `{rule.id}` {message}", hint))
            if rule.until is not None and today is not None and rule.until < today:
                ended = f"rule `{rule.id}` ended on {rule.until}"
                found.append(Problem(layer.source.file, line, "ended", ended, "drop it, or give it another `until`"))
        used = _variables_used(layer)
        for name in layer.model.vars:
            if name not in used:
                line = layer.source.line(("vars", name))
                unused = f"variable `{name}` is never used"
                found.append(Problem(layer.source.file, line, "variable_unused", unused))
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
    layer: Layer, rule: Json, has_examples: bool, policy: CompiledPolicy, labels: frozenset[str]
) -> Iterator[Said]:
    if not has_examples and not any(set(block) & _NOT_OF_A_CALL for block in rule["when"]):
        yield "examples_missing", "has no example that it matches", "add `examples: {match: [COMMAND]}`"
    if rule["effect"] == "allow":
        if layer.name == "project" and "until" not in rule:
            yield "allow_without_end", "allows without an `until`", "a project's exceptions should run out"
        yield from _broad(rule)
    told: set[Said] = set()
    for block in rule["when"]:
        for said in (*_never(block), *_unknown_words(block, labels), *_complex(block)):
            if said not in told:
                told.add(said)
                yield said
    yield from _beside_others(rule, policy.rules)
    yield from _in_vain(rule, policy)


def _broad(rule: Json) -> Iterator[Said]:
    for block in rule["when"]:
        action, finding = block.get("action"), block.get("finding")
        if action is None and finding is None:
            if not ({"tool", "server", "arg"} & set(block)):
                said = "allows every call that its few conditions hold for"
                yield "allow_broad", said, "name the actions it allows"
                return
        elif action is not None and (not action or (action.keys() == {"kind"} and "*" in action["kind"])):
            said = "allows every kind of action" if action else "allows every action"
            yield "allow_broad", said, "name the kinds it allows"
            return
        elif action is not None and "kind" not in action and not ({"target", "host", "by", "on"} & set(action)):
            yield "allow_broad", "allows every kind of action that its few conditions hold for", "name the kinds"
            return


# ---- what no call can meet -----------------------------------------------------------------------------------------


def _never(block: Json) -> Iterator[Said]:
    """Conditions that no call can meet, whatever it is."""
    phases = block.get("phase")
    if phases == ["text"] and "action" in block:
        yield "never_matches", "wants an action of a text, which does nothing", None
    if phases == ["pre"] and "surface" in block and "tool_args" not in block["surface"]:
        surfaces = ", ".join(f"`{name}`" for name in block["surface"])
        yield "never_matches", f"wants the surface {surfaces} before a call, which is `tool_args` there", None
    for name, bounds in (
        ("depth", block.get("depth")),
        *(("counter", held) for held in block.get("counter", {}).values()),
    ):
        if bounds and bounds.get("gte", 0) > bounds.get("lte", 2**63):
            yield "never_matches", f"wants a `{name}` that no number is", None
    for name, condition in _named_conditions(block):
        wanted, unwanted = condition.get("any"), condition.get("none", [])
        if wanted and all(any(word == other or fits(other, word) for other in unwanted) for word in wanted):
            yield "never_matches", f"wants and refuses the same `{name}`", None
        if set(condition.get("all", [])) & set(unwanted):
            yield "never_matches", f"wants and refuses the same `{name}`", None
        if condition.get("exists") is False and (wanted or unwanted):
            yield "never_matches", f"wants a value of `{name}` that must not be there", None


def _named_conditions(block: Json) -> Iterator[tuple[str, Json]]:
    for name in ("tool", "server", "runtime", "agent", "host_mode", "principal", "label"):
        if name in block:
            yield name, block[name]
    yield from ((f"arg.{pointer}", condition) for pointer, condition in block.get("arg", {}).items())
    for holder, names in (("action", ("host", "on", "by", "has", "target")), ("finding", ("rule",))):
        yield from ((f"{holder}.{name}", block[holder][name]) for name in names if name in block.get(holder, {}))


def _unknown_words(block: Json, labels: frozenset[str]) -> Iterator[Said]:
    """Names of closed sets that nothing has."""
    has = block.get("action", {}).get("has", {})
    for word in _words(has):
        if word not in ATTRIBUTES:
            yield _nobody(f"the attribute `{word}`, which no action has", word, ATTRIBUTES)
    for word in _words(block.get("label", {})):
        if word not in labels:
            yield _nobody(f"the label `{word}`, which no rule gives a run", word, labels)
    for counter in block.get("counter", {}):
        base, _, window = counter.rpartition("/")
        name = base if window in WINDOWS and base else counter
        prefix, colon, what = name.partition(":")
        if name in COUNTERS or (colon and what and prefix in COUNTED and (prefix != "kind" or what in KINDS)):
            continue
        if prefix == "kind" and colon:
            yield _nobody(f"the counter `{counter}`, and no action is of that kind", what, KINDS)
        else:
            yield _nobody(f"the counter `{counter}`, which nothing counts", name, COUNTERS)
    tool = block.get("tool", {})
    for pattern in (*tool.get("any", ()), *tool.get("none", ())):
        # Servers and users have tools of their own; a bare name of ours that is nearly another is a slip.
        known = set(tool_names())
        is_bare = re.search(r"[*?]|__|[.:/]", pattern) is None
        if is_bare and pattern not in known and (near := nearest(pattern, known)) is not None:
            yield _nobody(f"the tool `{pattern}`, which is none that is known", pattern, (near,))
    rules = block.get("finding", {}).get("rule", {})
    for pattern in (*rules.get("any", ()), *rules.get("none", ())):
        ids = finding_rules()
        if not any(fits(pattern, name) for name in ids):
            yield _nobody(f"findings of `{pattern}`, which no rule of the scanner is", pattern, ids)


def _words(condition: Json) -> Iterator[str]:
    for name in ("any", "all", "none"):
        yield from condition.get(name, ())


def _nobody(what: str, word: str, known: Any) -> Said:
    near = nearest(word, known)
    return "never_matches", f"speaks about {what}", f"did you mean `{near}`?" if near else None


def _complex(block: Json) -> Iterator[Said]:
    for name, condition in _named_conditions(block):
        for pattern in (*condition.get("any", ()), *condition.get("none", ())):
            if len(re.findall(r"\*+|\?+", pattern)) > MAX_WILDCARDS:
                said = f"has a pattern of `{name}` with more than {MAX_WILDCARDS} wildcards"
                yield "pattern_complex", said, "several short patterns are easier to read"


# ---- rules beside other rules --------------------------------------------------------------------------------------


def _beside_others(rule: Json, rules: Sequence[Json]) -> Iterator[Said]:
    for other in rules:
        if other["id"] == rule["id"] or not _covers(other, rule):
            continue
        mine, theirs = EFFECTS.index(rule["effect"]), EFFECTS.index(other["effect"])
        if theirs > mine and other["id"] not in rule.get("overrides", []) and "unknown" not in other:
            said = f"never decides: `{other['id']}` says `{other['effect']}` wherever it speaks"
            yield "shadowed", said, "drop it, or narrow the other"
        elif theirs == mine and not rule.get("overrides") and not rule.get("then") and "unknown" not in other:
            same = _covers(rule, other)
            if same and other["id"] < rule["id"]:
                yield "duplicate", f"says what `{other['id']}` says", "drop one of them"
            elif not same and mine != EFFECTS.index("deny"):
                yield (
                    "dead",
                    f"adds nothing but its own reason: `{other['id']}` says the same of more calls",
                    "drop it, or let it deny" if other["layer"] == "builtin" else "drop it, or narrow the other",
                )


def _in_vain(rule: Json, policy: CompiledPolicy) -> Iterator[Said]:
    """A question is no permission: where the default denies, it is never asked about what no rule allows."""
    if rule["effect"] != "ask" or policy.document["default"]["pre"]["effect"] != "deny":
        return
    allowed: set[str] = set()
    for other in policy.rules:
        if other["effect"] == "allow":
            allowed.update(*(_kinds(block) for block in other["when"]))
    for block in rule["when"]:
        if "pre" in block.get("phase", ("pre",)) and not _kinds(block) & allowed:
            said = "asks about what no rule allows, and `default: {pre: deny}` denies that"
            yield "asked_in_vain", said, "allow it too: where one rule allows and another asks, it is asked"
            return


def _kinds(block: Json) -> set[str]:
    """The kinds of actions that a block may speak about."""
    patterns = block.get("action", {}).get("kind", ())
    return {kind for kind in KINDS if not patterns or any(fits(pattern, kind) for pattern in patterns)}


def _covers(wide: Json, narrow: Json) -> bool:
    """Whether one rule speaks wherever the other does. `False` where that cannot be told."""
    if wide.get("until", "9999") < narrow.get("until", "9999"):
        return False
    return all(any(_block_covers(outer, inner) for outer in wide["when"]) for inner in narrow["when"])


def _block_covers(wide: Json, narrow: Json) -> bool:
    return all(name in narrow and _condition_covers(name, condition, narrow[name]) for name, condition in wide.items())


def _condition_covers(name: str, wide: Any, narrow: Any) -> bool:
    if wide == narrow:
        return True
    if name in ("action", "finding"):
        return _block_covers(wide, narrow)
    if name == "kind" and "unknown" in narrow and "unknown" not in wide:
        # A permission must name what was not understood.
        return False
    if name == "kind" and wide and all("*" not in kind or kind in wide for kind in narrow):
        return all(any(kind == pattern or fits(pattern, kind) for pattern in wide) for kind in narrow)
    if isinstance(wide, list) and isinstance(narrow, list):
        return set(narrow) <= set(wide)
    if isinstance(wide, dict) and isinstance(narrow, dict):
        if wide.keys() <= {"gte", "lte"}:
            least, most = (narrow.get("gte", 0), narrow.get("lte", 2**63))
            return bool(wide.get("gte", 0) <= least and most <= wide.get("lte", 2**63))
        if name == "target" or not wide.keys() <= {"any", "all", "none"}:
            return False
        return (
            ("any" not in wide or ("any" in narrow and set(narrow["any"]) <= set(wide["any"])))
            and set(wide.get("all", ())) <= set(narrow.get("all", ()))
            and set(wide.get("none", ())) <= set(narrow.get("none", ()))
        )
    return False


def _labels_added(document: Json) -> frozenset[str]:
    demanded = {
        name.removeprefix("label:")
        for rule in document["rules"]
        for name in rule.get("then", ())
        if name.startswith("label:")
    }
    return frozenset(demanded | {label for rule in document.get("labels", ()) for label in rule["add"]})


def _variables_used(layer: Layer) -> set[str]:
    text = repr(layer.model.model_dump(exclude_unset=True, exclude={"vars", "tests"}))
    return set(re.findall(r"\$\{?([a-z][a-z0-9_]*)", text))
