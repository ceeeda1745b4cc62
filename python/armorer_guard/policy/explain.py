"""
Says how a decision came about: which rules spoke on which values, which nearly did, what would change the answer.

Uses the plain evaluator, so what is said here can be followed in `evaluate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from armorer_guard.policy.evaluate import (
    Truth,
    action_conditions,
    call_conditions,
    decide,
    finding_conditions,
    match_rule,
    settle,
    speaks_about_kind,
)

Json = Mapping[str, Any]


def explain(facts: Json, policy: Json) -> dict[str, Any]:
    """
    Everything about a decision, for programs.

    Returns:
        `effect`, `determining`, `near` and `obligations` as `evaluate.decide` gives them; `rules`: each rule that spoke
        or nearly did, with its source and its conditions; `change`: what would change the answer, in sentences.
    """
    verdict = decide(facts, policy)
    rules = []
    for rule in policy["rules"]:
        match = match_rule(rule, facts)
        spoken = settle(rule, match) if match.speaks else None
        if spoken is None and match.missing is None:
            continue
        rules.append(
            {
                "rule": rule["id"],
                "effect": spoken.effect if spoken else rule["effect"],
                "speaks": spoken is not None,
                "missing": None if spoken else match.missing,
                "source": {"layer": rule["layer"], "file": rule["file"], "line": rule["line"]},
                "why": rule["why"],
                "actions": list(spoken.actions) if spoken else [],
                "findings": list(spoken.findings) if spoken else [],
                "unknown": spoken.unknown if spoken else False,
                "conditions": conditions(rule, facts),
            }
        )
    return {**verdict, "rules": rules, "change": changes(facts, policy, verdict)}


def conditions(rule: Json, facts: Json) -> list[dict[str, Any]]:
    """Each condition of a rule on what it was asked about: what it wanted, what was there, whether it held."""
    found = []
    for number, block in enumerate(rule["when"]):
        if facts["phase"] not in block.get("phase", [facts["phase"]]):
            continue
        for name, truth in call_conditions(block, facts):
            found.append(_condition(number, name, block, _call_value(name, facts), truth, {}))
        for at, action in enumerate(facts["actions"]):
            if "action" in block and speaks_about_kind(block["action"], action["kind"], rule["effect"]):
                if "kind" in block["action"]:
                    found.append(_condition(number, "action.kind", block, action["kind"], Truth.YES, {"action": at}))
                for name, truth in action_conditions(block["action"], action, facts["context"]):
                    found.append(_condition(number, name, block, _action_value(name, action), truth, {"action": at}))
        for at, finding in enumerate(facts["findings"]):
            if "finding" in block and finding["kind"] in block["finding"].get("kind", [finding["kind"]]):
                for name, truth in finding_conditions(block["finding"], finding):
                    value = finding.get({"finding.confidence": "confidence_pm"}.get(name, name.partition(".")[2]))
                    found.append(_condition(number, name, block, value, truth, {"finding": at}))
    return found


def _condition(
    block_number: int, name: str, block: Json, value: object, truth: Truth, about: dict[str, int]
) -> dict[str, Any]:
    first, _, rest = name.partition(".")
    held = block.get(first)
    wanted = held.get({"confidence": "confidence_pm"}.get(rest, rest)) if rest and isinstance(held, Mapping) else held
    return {
        "block": block_number,
        "condition": name,
        "wanted": wanted,
        "got": value,
        "holds": truth.name.lower(),
        **about,
    }


def _call_value(name: str, facts: Json) -> object:
    caller = facts["caller"]
    values = {
        "surface": facts["surface"],
        "tool": facts["tool"],
        "server": facts.get("server"),
        "runtime": caller["runtime"],
        "agent": caller["agent"] or "main",
        "host_mode": caller["host_mode"],
        "run_mode": caller.get("run_mode"),
        "principal": facts["context"]["user"],
        "pin": facts.get("pin"),
        "sends": facts.get("sends"),
        "depth": caller["depth"],
        "arg": facts["args"],
        "label": facts["state"]["labels"],
        "counter": facts["state"]["counters"],
        "time": facts["now"],
    }
    return values[name]


def _action_value(name: str, action: Json) -> object:
    target = action["target"]
    values = {
        "action.target": target["value"],
        "action.place": target.get("place"),
        "action.host": target.get("host"),
        "action.has": action.get("attributes", []),
        "action.certainty": action["certainty"],
        "action.exact": target["exact"],
        "action.remote": action.get("on") is not None,
        "action.on": action.get("on"),
        "action.by": action["by"],
    }
    return values[name]


def changes(facts: Json, policy: Json, verdict: Json) -> list[str]:
    """What would change the answer, in sentences."""
    rules = {rule["id"]: rule for rule in policy["rules"]}
    said = []
    for answer in verdict["determining"]:
        rule = rules.get(answer["rule"])
        if answer["effect"] == "allow":
            continue
        if rule is None:
            kinds = sorted({facts["actions"][at]["kind"] for at in answer["actions"]})
            said.append(
                f"no rule allows {', '.join(f'`{kind}`' for kind in kinds) or 'this'}: one that does would let it pass"
            )
        elif answer["effect"] == "ask" and rule["effect"] == "ask":
            said.append(
                f"a rule of yours that allows exactly this and says `overrides: [{rule['id']}]` "
                "would let it pass without a question"
            )
        elif answer["unknown"]:
            said.append(
                f"`{rule['id']}` counts something unknown against the call: said more plainly, it may not speak"
            )
        elif rule["layer"] == "builtin":
            said.append(
                f"a denial cannot be overridden; `without: [{rule['id']}]` in your own policy takes the rule out "
                "for every call"
            )
        else:
            said.append(f"a denial cannot be overridden; the rule is in {rule['file']}:{rule['line']}")
        if rule is not None and rule.get("safer"):
            said.append(f"safer: {rule['safer']}")
    for near in verdict["near"]:
        said.append(f"`{near['rule']}` would say `{near['effect']}` if `{near['missing'][0]}` held too")
    return said
