"""
Understands a recorded call again with the core of today, and says what differs from what was understood then.

The arguments are those of the record, redacted. Where a mark stands for a value that could matter, a difference proves
nothing about the core: it is said to be indeterminate, never guessed. What a mark stands for is taken from the record:
that a secret was found is known, although it cannot be found again. What the policy and the person's own commands said
then is asked again; the person's own packs are not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from armorer_guard._core import GuardError, canonical_json, decide_json, understand_again
from armorer_guard.records.intake import part, parts
from armorer_guard.records.replay import CannotReplay, facts_of

SAME, CHANGED, INDETERMINATE = "same", "changed", "indeterminate"
_MARK: Final = "[redacted:"
_TOLD: Final = ("kind", "target", "attributes", "certainty", "on", "by")
"""What is compared of an action; positions are those of the text before it was redacted."""


@dataclass(frozen=True)
class Difference:
    """A stage at which today's core says something else."""

    stage: str
    """`actions`, `findings`, `effect` or `rules`."""
    verdict: str
    """`changed`, or `indeterminate` where a redacted value may be why."""
    recorded: object
    now: object


@dataclass(frozen=True)
class Deep:
    """What came of one decision."""

    id: str
    recorded: str
    """The effect as it was recorded."""
    now: str
    """The effect of today's core under the same policy."""
    differences: tuple[Difference, ...] = field(default=())

    @property
    def verdict(self) -> str:
        """`same`, `changed`, or `indeterminate` where nothing else than redacted values can be the reason."""
        if any(difference.verdict == CHANGED for difference in self.differences):
            return CHANGED
        return INDETERMINATE if self.differences else SAME


def deep(record: Mapping[str, Any], policy: bytes, commands: bytes | None = None) -> Deep:
    """
    Understand and decide again.

    Args:
        record: A decision, whole.
        policy: Canonical bytes of the policy that decided, or of another one.
        commands: The person's own commands as the store kept them; None when there were none.

    Raises:
        CannotReplay: The record has no facts or arguments, or the core cannot read them or the policy.
    """
    facts, verdict = facts_of(record)
    try:
        own = json.loads(policy).get("own")
        again: dict[str, Any] = json.loads(
            understand_again(canonical_json(facts), own=canonical_json(own).decode() if own else "", commands=commands)
        )
        told = [finding for finding in parts(facts, "findings") if finding.get("redact")]
        again["findings"] = _sorted([*(found for found in again["findings"] if not found.get("redact")), *told])
        decided = json.loads(decide_json(canonical_json(again), policy))
    except (GuardError, ValueError, KeyError, TypeError) as error:
        raise CannotReplay(f"this version cannot understand it: {error}") from None
    hidden = _holds_mark(facts.get("args")) or _holds_mark(facts.get("context"))
    return Deep(
        id=str(record.get("id")),
        recorded=str(verdict.get("effect")),
        now=str(decided["effect"]),
        differences=tuple(_differences(facts, verdict, again, decided, hidden)),
    )


def _differences(
    facts: Mapping[str, Any],
    verdict: Mapping[str, Any],
    again: Mapping[str, Any],
    decided: Mapping[str, Any],
    hidden: bool,
) -> Iterator[Difference]:
    stages = (
        ("actions", _actions(facts), _actions(again)),
        ("findings", _findings(facts), _findings(again)),
        ("effect", verdict.get("effect"), decided.get("effect")),
        (
            "rules",
            sorted(str(rule.get("id")) for rule in parts(dict(verdict), "rules")),
            sorted(str(rule.get("rule")) for rule in parts(dict(decided), "determining")),
        ),
    )
    for stage, recorded, now in stages:
        if recorded != now:
            yield Difference(stage, INDETERMINATE if hidden else CHANGED, recorded, now)


def _actions(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {name: action[name] for name in _TOLD if action.get(name) is not None}
        for action in parts(dict(facts), "actions")
    ]


def _findings(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Findings that were not redacted: those that were cannot be found again, and are no difference."""
    found = (finding for finding in parts(dict(facts), "findings") if not finding.get("redact"))
    told = [{name: finding.get(name) for name in ("rule", "at", "confidence_pm")} for finding in found]
    return sorted(told, key=lambda finding: json.dumps(finding, sort_keys=True))


def _sorted(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """In the order of the core: by argument, then by position."""
    return sorted(findings, key=lambda found: (str(found.get("at")), part(found, "span").get("start", 0)))


def _holds_mark(value: object) -> bool:
    if isinstance(value, str):
        return _MARK in value
    if isinstance(value, dict):
        return any(_MARK in name or _holds_mark(held) for name, held in value.items())
    return isinstance(value, list) and any(map(_holds_mark, value))
