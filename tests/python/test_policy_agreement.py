"""The core and the plain evaluator, written from the definition and not from the core, give the same decisions."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from armorer_guard._core import decide_json
from armorer_guard.policy.canonical import canonical
from armorer_guard.policy.evaluate import (
    Truth,
    action_conditions,
    call_conditions,
    decide,
    finding_conditions,
    speaks_about_kind,
)

from .policy_generator import Generator

CASES = 10_000
ALWAYS_KNOWN = {
    "surface", "tool", "server", "runtime", "agent", "host_mode", "depth", "label", "counter", "action.certainty",
    "action.exact", "action.remote", "action.on", "action.by", "finding.rule", "finding.severity", "finding.checksum",
    "finding.confidence",
}  # fmt: skip
"""Conditions on what every fact document says, so that they are never unknown."""


def core(document: dict[str, Any], policy: dict[str, Any]) -> dict[str, Any]:
    """The core's verdict, without the sentences and the digest, which only the core writes."""
    verdict = json.loads(decide_json(json.dumps(document).encode(), canonical(policy)))
    for answer in (*verdict["determining"], *verdict.get("labels", [])):
        del answer["message"]
    del verdict["policy_digest"]
    return dict(verdict)


def truths(document: dict[str, Any], policy: dict[str, Any]) -> list[tuple[str, Truth]]:
    """Every condition of the policy on everything that it is asked about."""
    found: list[tuple[str, Truth]] = []
    for rule in policy["rules"]:
        for block in rule["when"]:
            found += call_conditions(block, document)
            for action in document["actions"] if "action" in block else ():
                if speaks_about_kind(block["action"], action["kind"], rule["effect"]):
                    found += action_conditions(block["action"], action, document["context"])
            for finding in document["findings"] if "finding" in block else ():
                found += finding_conditions(block["finding"], finding)
    return found


def test_ten_thousand_policies_and_facts_are_decided_alike():
    """Effect, rules, what they spoke about, near misses and obligations are the same in both."""
    effects: dict[str, int] = defaultdict(int)
    softened = overriding = 0
    seen: dict[str, set[Truth]] = defaultdict(set)
    for seed in range(CASES):
        generator = Generator(seed)
        document, policy = generator.facts(), generator.policy()
        said = decide(document, policy)
        assert core(document, policy) == said, f"case {seed}: {json.dumps({'facts': document, 'policy': policy})}"
        effects[said["determining"][0]["effect"]] += 1
        softened += any(answer["unknown"] for answer in said["determining"])
        overriding += any("overrides" in rule for rule in policy["rules"])
        if seed < CASES // 4:
            for name, truth in truths(document, policy):
                seen[name].add(truth)

    # What the agreement is worth: every answer came about often, and every condition was true, false and not known.
    assert min(effects[effect] for effect in ("allow", "ask", "deny")) > CASES // 20, effects
    assert softened > CASES // 20
    assert overriding > CASES // 20
    every = {
        "arg",
        "principal",
        "run_mode",
        "pin",
        "sends",
        "time",
        "action.target",
        "action.place",
        "action.host",
        "action.has",
    }
    assert set(seen) == every | ALWAYS_KNOWN
    assert {name: held for name, held in seen.items() if held != set(Truth) and name not in ALWAYS_KNOWN} == {}
    assert {name: held for name, held in seen.items() if len(held) < 2} == {}
