"""
Decides again what was decided, from the record alone: the same facts under the same policy must give the same verdict.

Pure: no tool is called, nothing is fetched, no clock is read. What a decision depended on stands in the recorded facts,
redacted *before* policy saw them, so that nothing has to be guessed where a secret was. The core decides, and so does
the plain evaluator (`armorer_guard.policy.evaluate`); a replay says at which stage they first part from the record.
Replaying re-derives the decision, not the model and not what the call would have done to the world.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from armorer_guard._core import GuardError, canonical_json, decide_json
from armorer_guard.records.store import Store

STAGES: Final = ("facts", "effect", "rules", "messages", "near", "obligations", "plain effect", "plain rules")
"""What is compared, in this order. The plain evaluator writes no sentences, so that it has no stage of them."""

_SHIPPED: Final = ("default", "strict", "observe")


class CannotReplay(Exception):
    """A decision that cannot be taken again; the message says why."""


@dataclass(frozen=True)
class Divergence:
    """The first stage at which a replay gave something else, and both values."""

    stage: str
    recorded: object
    replayed: object


@dataclass(frozen=True)
class Replay:
    """What came of one decision."""

    id: str
    recorded: str
    """The effect as it was recorded."""
    replayed: str
    """The effect now."""
    policy: str
    """Digest of the policy that decided now."""
    rules: tuple[str, ...]
    """The rules that decided now."""
    unknown: bool
    """Whether a rule decided now on something that is not known: a redacted argument, a host that is computed."""
    divergence: Divergence | None


class Policies:
    """Compiled policies by digest: from the store, else those that ship with this version."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: dict[str, bytes] = {}

    def text(self, digest: object) -> bytes:
        """
        A policy's canonical bytes.

        Raises:
            CannotReplay: They are nowhere to be found.
        """
        if not isinstance(digest, str) or not digest:
            raise CannotReplay("no policy decided: none could be used")
        if digest not in self._held:
            found = self._store.object(digest) or self._shipped(digest)
            if found is None:
                raise CannotReplay(f"the policy {digest} is neither in the store nor part of this version")
            self._held[digest] = found
        return self._held[digest]

    @staticmethod
    def _shipped(digest: str) -> bytes | None:
        from armorer_guard._core import builtin_policy

        for name in _SHIPPED:
            text: bytes = builtin_policy(name)
            if f"sha256:{hashlib.sha256(text).hexdigest()}" == digest:
                return text
        return None


def replay(record: Mapping[str, Any], policy: bytes, *, plain: bool = True) -> Replay:
    """
    Decide again under the policy that decided.

    Args:
        record: A decision, whole: nothing in it may still lie in objects.
        policy: The policy's canonical bytes.
        plain: Also ask the evaluator in plain Python.

    Raises:
        CannotReplay: The record has no facts, or the core cannot read them or the policy.
    """
    facts, recorded = canonical_json(facts_of(record)[0]), record["verdict"]
    rules = [_rule(rule, "id") for rule in recorded["rules"]]
    again = _decide(facts, policy)
    stages: list[tuple[str, object, object]] = [
        ("facts", record.get("facts_digest"), f"sha256:{hashlib.sha256(facts).hexdigest()}"),
        ("effect", recorded["effect"], again["effect"]),
        (
            "rules",
            [_rule(rule, "id") for rule in recorded["rules"]],
            [_rule(rule, "rule") for rule in again["determining"]],
        ),
        ("messages", _messages(recorded["rules"]), _messages(again["determining"])),
        ("near", [_near(rule, "id") for rule in recorded["near"]], [_near(rule, "rule") for rule in again["near"]]),
        ("obligations", recorded["obligations"], again["obligations"]),
    ]
    if plain:
        from armorer_guard.policy.evaluate import decide

        said = decide(record["facts"], _document(policy))
        stages += [
            ("plain effect", recorded["effect"], said["effect"]),
            ("plain rules", rules, [_rule(rule, "rule") for rule in said["determining"]]),
        ]
    first = next((Divergence(*stage) for stage in stages if stage[1] != stage[2]), None)
    return _result(record, again, policy, first)


def under(record: Mapping[str, Any], policy: bytes) -> Replay:
    """
    What another policy would have decided. That it differs is no divergence.

    Raises:
        CannotReplay: As `replay`.
    """
    return _result(record, _decide(canonical_json(facts_of(record)[0]), policy), policy, None)


def facts_of(record: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """
    Facts and verdict of a decision.

    Raises:
        CannotReplay: The record does not hold them, or not the arguments.
    """
    facts, verdict = record.get("facts"), record.get("verdict")
    if not isinstance(facts, dict) or not isinstance(verdict, dict) or "$blob" in facts or "$blob" in verdict:
        raise CannotReplay("the facts of the decision are not in the store any more")
    args = facts.get("args")
    if isinstance(args, dict) and args.keys() == {"$blob", "bytes"}:
        raise CannotReplay("the arguments of the call are not in the store any more")
    return facts, verdict


@lru_cache(maxsize=8)
def _document(policy: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(policy)
    return found


def _decide(facts: bytes, policy: bytes) -> dict[str, Any]:
    try:
        verdict: dict[str, Any] = json.loads(decide_json(facts, policy))
    except (GuardError, ValueError) as error:
        raise CannotReplay(f"this version cannot decide on it: {error}") from None
    return verdict


def _rule(rule: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {"rule": rule[name], **{key: rule[key] for key in ("effect", "layer", "actions", "findings", "unknown")}}


def _messages(rules: list[dict[str, Any]]) -> list[object]:
    return [rule["message"] for rule in rules]


def _near(rule: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {"rule": rule[name], "effect": rule["effect"], "missing": rule["missing"]}


def _result(record: Mapping[str, Any], again: Mapping[str, Any], policy: bytes, first: Divergence | None) -> Replay:
    return Replay(
        id=str(record.get("id")),
        recorded=str(record["verdict"].get("effect")),
        replayed=str(again["effect"]),
        policy=f"sha256:{hashlib.sha256(policy).hexdigest()}",
        rules=tuple(rule["rule"] for rule in again["determining"]),
        unknown=any(rule["unknown"] for rule in again["determining"]),
        divergence=first,
    )
