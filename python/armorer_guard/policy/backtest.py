"""
A policy against recorded runs: what it would have answered to the calls that were really made.

Pure: takes records, gives judgements. A record keeps the very facts that the policy saw then, redacted before that, so
the core can decide again exactly; nothing is guessed. What a record no longer holds is judged in every way
it may have been, and where the ways part the answer is said to be indeterminate. Labels and counters are those that the
run would have had: a call that is denied leaves none, and what it answered was then never there. A grant that held is
taken to hold. What a call would have answered that is newly allowed nobody knows, and it counts for nothing.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from armorer_guard._core import GuardError, PolicyError, canonical_json, decide_json
from armorer_guard.policy.vocabulary import PHASES
from armorer_guard.records.state import State

Json = Mapping[str, Any]
Class = Literal["denied", "asked", "allowed", "same", "indeterminate"]
CLASSES: tuple[Class, ...] = ("denied", "asked", "allowed", "same", "indeterminate")
"""What became of a decision: newly denied, newly asked, newly allowed, the same, or not to be told."""

_NEWLY: dict[str, Class] = {"deny": "denied", "ask": "asked", "allow": "allowed"}
_LABEL = "label:"


@dataclass(frozen=True)
class Judged:
    """One recorded decision under the other policy."""

    id: str
    was: str
    """What was answered."""
    now: tuple[str, ...]
    """What would be answered; more than one answer when the record does not tell."""
    kind: Class
    rules: tuple[str, ...]
    """The rules that would determine it."""
    why: str | None = None
    """Why it is indeterminate."""


@dataclass
class Backtest:
    """
    Judges recorded decisions, each run's in their order. Where the other records of a run are taken too, from its first
    one on, counters are those that the run would have had; else those that were recorded.

    Args:
        policy: The compiled policy.
    """

    policy: Json
    _was_labelled: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _now_labelled: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _states: dict[str, State] = field(default_factory=dict)
    _never_ran: set[str] = field(default_factory=set)
    """Decisions that are newly denied."""

    @cached_property
    def _text(self) -> bytes:
        return canonical_json(self.policy)

    @cached_property
    def _bounds(self) -> tuple[bytes, bytes]:
        """The policy when lost arguments were as bad as can be, and when they were as good."""
        mildest, strictest = (canonical_json(without_arguments(self.policy, strict=s)) for s in (False, True))
        return strictest, mildest

    @cached_property
    def _counters(self) -> tuple[str, ...]:
        """The counters that the policy asks about."""
        rules = (*self.policy["rules"], *self.policy.get("labels", ()))
        return tuple(sorted({name for rule in rules for block in rule["when"] for name in block.get("counter", ())}))

    def take(self, record: Json) -> None:
        """Take a record that is not judged: what runs see of it counts."""
        run = str(record.get("run"))
        state = self._states.setdefault(run, State())
        if record.get("kind") == "outcome":
            if record.get("of") in self._never_ran:
                self._was_labelled[run] |= _given(record)
                return
            self._now_labelled[run] |= _given(record)
        state.take(record)

    def judge(self, record: Json, lost: Sequence[str] = ()) -> Judged:
        """
        What the policy would have answered.

        Args:
            record: A decision, with what was moved to objects put back.
            lost: JSON Pointers of what could not be put back.
        """
        identifier, was = str(record.get("id")), _answered(record)
        facts = record.get("facts")
        if not isinstance(facts, dict) or "$blob" in facts or was is None:
            return self._unclear(
                identifier, was or "unknown", "the facts of the decision are not in the store any more"
            )
        args = facts.get("args")
        gone = "/facts/args" in lost or (isinstance(args, dict) and args.keys() == {"$blob", "bytes"})
        policies: Sequence[bytes] = self._bounds if gone else (self._text,)
        run = str(record.get("run"))
        try:
            document = canonical_json(self._as_seen(run, {**facts, "args": {}} if gone else facts))
            verdicts = [json.loads(decide_json(document, policy)) for policy in policies]
        except (GuardError, KeyError, TypeError, ValueError) as error:
            if isinstance(error, PolicyError) and error.kind != "policy_facts":
                raise
            return self._unclear(identifier, was, f"this version cannot decide on it: {error}")
        self._remember(run, record, verdicts[0], was)
        now = tuple(dict.fromkeys(str(verdict["effect"]) for verdict in verdicts))
        rules = tuple(rule["rule"] for rule in verdicts[0]["determining"])
        if len(now) > 1:
            return Judged(identifier, was, now, "indeterminate", rules, "the arguments are not in the store any more")
        return Judged(identifier, was, now, "same" if now[0] == was else _NEWLY[now[0]], rules)

    def _unclear(self, identifier: str, was: str, why: str) -> Judged:
        return Judged(identifier, was, (), "indeterminate", (), why)

    def _as_seen(self, run: str, facts: dict[str, Any]) -> dict[str, Any]:
        """The facts with what this policy's own rules, not those of then, had left the run with."""
        held = set(facts["state"]["labels"])
        labels = (held - (self._was_labelled[run] - self._now_labelled[run])) | self._now_labelled[run]
        seen = {} if labels == held else {"labels": sorted(labels)}
        if self._counters and (state := self._states.get(run)) is not None:
            seen["counters"] = [[name, state.count(name, facts["now"])] for name in self._counters]
        return {**facts, "state": {**facts["state"], **seen}} if seen else facts

    def _remember(self, run: str, record: Json, verdict: Json, was: str) -> None:
        effect = verdict["effect"]
        if effect == "deny" and was != "deny":
            self._never_ran.add(str(record.get("id")))
        if (state := self._states.get(run)) is not None:
            state.take({**record, "verdict": {"effect": effect}})
        recorded = record.get("verdict")
        if isinstance(recorded, dict):
            self._was_labelled[run] |= _labels(recorded) | _labels(record)
        self._now_labelled[run] |= _labels(verdict)


def _answered(record: Json) -> str | None:
    verdict = record.get("verdict")
    effect = verdict.get("effect") if isinstance(verdict, dict) else None
    return effect if effect in _NEWLY else None


def _labels(said: Json) -> set[str]:
    """What a verdict leaves on its run; a call that is denied leaves nothing."""
    if said.get("effect") == "deny":
        return set()
    given = said.get("labels", [])
    demanded = [name for name in said.get("obligations", []) if name.startswith(_LABEL)]
    return {str(label["label"]) for label in given} | {name.removeprefix(_LABEL) for name in demanded}


def _given(outcome: Json) -> set[str]:
    return {str(label["label"]) for label in outcome.get("labels", ())}


def without_arguments(policy: Json, *, strict: bool) -> dict[str, Any]:
    """
    The policy as it would answer when every condition on an argument counted against the call (*strict*), or for it.

    No answer that the policy may give to arguments nobody knows is stricter than the one, or milder than the other.
    """
    rules = []
    for rule in policy["rules"]:
        holds = (rule["effect"] == "allow") != strict
        blocks = [
            {name: value for name, value in block.items() if name != "arg"} or {"phase": sorted(PHASES)}
            for block in rule["when"]
            if holds or "arg" not in block
        ]
        if blocks:
            rules.append({**rule, "when": blocks})
    kept = {rule["id"] for rule in rules}
    for rule in rules:
        if "overrides" in rule:
            rule["overrides"] = [name for name in rule["overrides"] if name in kept]
    return {**policy, "rules": rules}
