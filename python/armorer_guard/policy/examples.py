"""
Runs the examples of rules and the tests of policies: the core understands the call, the plain evaluator and the core
judge it.

A policy whose examples fail does not load. Nothing is recorded and nothing runs: a call is only understood.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from armorer_guard import Guard
from armorer_guard._core import decide_json, understand_again
from armorer_guard.policy import canonical
from armorer_guard.policy.compiler import CompiledPolicy, Layer
from armorer_guard.policy.evaluate import in_force, match_rule, settle
from armorer_guard.policy.explain import conditions
from armorer_guard.policy.model import CallExample, Case, Example, Given, LabelRule, Rule, TextExample
from armorer_guard.policy.problems import Problem
from armorer_guard.policy.source import Step

NOW = "2026-01-05T12:00:00.000000Z"
"""The clock of examples and of tests that set none: a Monday noon, UTC."""

PRINCIPAL = "user"
"""Who makes the calls of examples and tests that name nobody."""


@dataclass(frozen=True)
class Result:
    """One example or test, and what came of it."""

    name: str
    file: str
    line: int | None
    problem: Problem | None
    rules: tuple[str, ...]
    """Rules that spoke."""
    note: Problem | None = None
    """What holds and is probably not meant: a rule that allows what another one goes on asking about."""


class Judge:
    """Turns examples into facts. Calls happen in a project below the home directory of whoever runs this."""

    def __init__(self, own: Mapping[str, Any] | None = None) -> None:
        # What the policy that is tested says about tools, not what the one in force says.
        self._own = canonical.canonical(own).decode() if own else ""
        self._guard = Guard(record=False, runtime="test", own=canonical.canonical(own or {}).decode())
        self._project = Path.home() / "project"

    def facts(self, example: Example, given: Given | None = None) -> dict[str, Any]:
        """What the core understands of a call, with the clock and the run's state that a test sets."""
        if isinstance(example, TextExample):
            decision = self._guard.check_text(example.text, surface=example.surface)
        else:
            tool, args = (
                (example.tool, example.args) if isinstance(example, CallExample) else ("Bash", {"command": example})
            )
            decision = self._guard.check(tool, args, cwd=self._project)
        facts: dict[str, Any] = json.loads(decision.to_json())["facts"]
        # What the machine that runs the tests says of itself is not part of them.
        facts["caller"].pop("run_mode", None)
        facts["context"]["user"] = PRINCIPAL
        given = given or Given()
        facts["state"] = {"labels": [], "counters": []}
        if given.fetched or given.laden:
            fetched = [
                self._known(path, **({} if host is None else {"host": host})) for path, host in given.fetched.items()
            ]
            laden = [self._known(path, written=True) for path in given.laden]
            facts["state"]["fetched"] = sorted([*fetched, *laden], key=lambda file: str(file["path"]))
            facts = json.loads(understand_again(json.dumps(facts).encode(), own=self._own))
        return as_given(facts, given.model_copy(update={"now": given.now or NOW}))

    def _known(self, path: str, **more: object) -> dict[str, object]:
        return {"at": NOW, "path": str(self._project / path), "record": "", **more}


def as_given(facts: dict[str, Any], given: Given) -> dict[str, Any]:
    """The facts with what a test sets besides the call."""
    made = {**facts, "caller": dict(facts["caller"]), "context": dict(facts["context"]), "state": dict(facts["state"])}
    if given.now is not None:
        made["now"] = given.now
    if given.labels:
        made["state"]["labels"] = sorted(given.labels)
    if given.counters:
        made["state"]["counters"] = sorted([name, count] for name, count in given.counters.items())
    for name in ("agent", "depth", "host_mode", "run_mode", "runtime"):
        if (value := getattr(given, name)) is not None:
            made["caller"][name] = value
    if given.sends is not None:
        made["sends"] = {"bytes": given.sends, "exact": True}
    if given.pin is not None:
        made["pin"] = given.pin
    if given.principal is not None:
        made["context"]["user"] = given.principal
    return made


def shown(example: Example) -> str:
    """An example in one line."""
    if isinstance(example, str):
        return example.replace("\n", "\\n")
    if isinstance(example, TextExample):
        return f"text {example.text[:80]!r}"
    return f"{example.tool} {json.dumps(example.args, ensure_ascii=False)}"


def run(layers: Sequence[Layer], policy: CompiledPolicy, judge: Judge | None = None) -> Iterator[Result]:
    """Run every example and test of these files, in their order."""
    judge = judge or Judge(policy.document.get("own"))
    # What is unknown counts for a label as it does for a question.
    labels = [{**rule, "effect": "ask"} for rule in policy.document.get("labels", [])]
    compiled = {rule["id"]: rule for rule in (*policy.rules, *labels)}
    for layer in layers:
        written: list[tuple[Rule | LabelRule, str, int]] = [
            *((rule, "rules", at) for at, rule in enumerate(layer.model.rules)),
            *((rule, "labels", at) for at, rule in enumerate(layer.model.labels)),
        ]
        for rule, section, at in written:
            for list_name, wanted in (("match", True), ("not_match", False)):
                for position, example in enumerate(getattr(rule.examples, list_name)):
                    path = (section, at, "examples", list_name, position)
                    yield _example(layer, policy, compiled[rule.id], example, wanted, path, position, judge)
        for at, case in enumerate(layer.model.tests):
            yield _case(layer, policy, case, ("tests", at), judge)


def notes(results: Iterable[Result]) -> list[Problem]:
    """What holds and is probably not meant."""
    return [result.note for result in results if result.note is not None]


def problems(results: Iterable[Result]) -> list[Problem]:
    """What failed."""
    return [result.problem for result in results if result.problem is not None]


def _example(
    layer: Layer,
    policy: CompiledPolicy,
    rule: dict[str, Any],
    example: Example,
    wanted: bool,
    path: tuple[Step, ...],
    position: int,
    judge: Judge,
) -> Result:
    file, line = layer.source.file, layer.source.line(path)
    facts = judge.facts(example)
    spoke = speaks(rule, facts)
    problem = None
    if spoke != wanted:
        does = "does not match its own example" if wanted else "matches what it must not match:"
        number = f" {position + 1}:" if wanted else ""
        problem = Problem(
            file,
            line,
            "example_missed" if wanted else "example_matched",
            f"rule `{rule['id']}` {does}{number} `{shown(example)}`",
            f"it was understood as: {understood(facts)}{_why_not(rule, facts)}",
        )
    note = None
    if spoke and wanted and rule["effect"] == "allow":
        note = _not_allowed(layer, policy, rule["id"], facts, line, position)
    return Result(f"{rule['id']}: {shown(example)}", file, line, problem, (rule["id"],) if spoke else (), note)


def _not_allowed(
    layer: Layer, policy: CompiledPolicy, rule: str, facts: Mapping[str, Any], line: int | None, position: int
) -> Problem | None:
    """That other rules are stricter about the example of a permission."""
    verdict: dict[str, Any] = json.loads(decide_json(json.dumps(facts).encode(), policy.text))
    effect, others = verdict["determining"][0]["effect"], [answer["rule"] for answer in verdict["determining"]]
    if effect == "allow" or rule in others:
        return None
    does = "still asks about it" if effect == "ask" else "denies it"
    said = f"rule `{rule}` allows its example {position + 1}, and {_listed(others)} {does}"
    return Problem(layer.source.file, line, "still_strict", said, _way_out(effect, others))


def _listed(rules: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in rules)


def _way_out(effect: str, rules: Iterable[str]) -> str | None:
    """How a rule would allow what these rules ask about or deny."""
    if effect == "deny":
        return "nothing overrides a denial"
    asked = [name for name in rules if not name.startswith("default.")]
    return f"a rule that allows says `overrides: [{', '.join(asked)}]` to take the question back" if asked else None


def _why_not(rule: dict[str, Any], facts: Mapping[str, Any]) -> str:
    """The one condition that did not hold, with what it wanted and what was there."""
    missing = match_rule(rule, facts).missing
    if missing is None:
        return ""
    for condition in conditions(rule, facts):
        if condition["condition"] == missing and condition["holds"] == "no":
            wanted, got = (_short(condition[name]) for name in ("wanted", "got"))
            return f"; `{missing}` did not hold: wanted {wanted}, got {got}"
    return f"; `{missing}` did not hold"


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else f"{text[:99]}…"


def speaks(rule: dict[str, Any], facts: dict[str, Any]) -> bool:
    """Whether a rule says something about a call, and has not run out."""
    match = match_rule(rule, facts)
    return in_force(rule, facts["now"]) and match.speaks and settle(rule, match) is not None


def _case(layer: Layer, policy: CompiledPolicy, case: Case, path: tuple[Step, ...], judge: Judge) -> Result:
    file, line = layer.source.file, layer.source.line(path)
    facts = judge.facts(case.call, case.given)
    verdict: dict[str, Any] = json.loads(decide_json(json.dumps(facts).encode(), policy.text))
    rules = tuple(answer["rule"] for answer in verdict["determining"])
    spoke = tuple(rule["id"] for rule in policy.rules if speaks(rule, facts))
    # A policy that observes is tested for what it would have said.
    effect = verdict["determining"][0]["effect"]
    missing = [name for name in case.expect.rule or () if name not in rules]
    said = None
    if effect != case.expect.effect:
        said = f"expected `{case.expect.effect}`, got `{effect}` by {', '.join(f'`{name}`' for name in rules)}"
    elif missing:
        said = f"expected rule `{missing[0]}` to determine the answer, got {', '.join(f'`{name}`' for name in rules)}"
    elif case.expect.obligations is not None and sorted(case.expect.obligations) != verdict["obligations"]:
        said = f"expected the obligations {sorted(case.expect.obligations)}, got {verdict['obligations']}"
    problem = None
    if said is not None:
        hint = f"it was understood as: {understood(facts)}"
        if (case.expect.effect, effect) == ("allow", "ask") and (way := _way_out(effect, rules)) is not None:
            hint += f"; {way}"
        problem = Problem(file, line, "test_failed", f"test `{case.name}`: {said}", hint)
    return Result(case.name, file, line, problem, spoke)


def understood(facts: dict[str, Any]) -> str:
    """What the core understood of a call, in a few words."""
    parts = []
    for action in facts["actions"][:4]:
        target = action["target"]
        words = [action["kind"], target["value"] or "(not known)"]
        if target.get("place"):
            words.append(f"place {target['place']}")
        if not target["exact"]:
            words.append("not exact")
        if action.get("attributes"):
            words.append(f"({', '.join(action['attributes'])})")
        parts.append(" ".join(words))
    parts += [f"finding {finding['rule']}" for finding in facts["findings"][:3]]
    return "; ".join(parts) if parts else "nothing that reaches outside its own process"
