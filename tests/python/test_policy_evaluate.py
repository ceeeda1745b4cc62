"""What a decision is: the core and the plain evaluator give the same one, and it keeps its promises on any input."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from armorer_guard._core import decide_json
from armorer_guard.policy.canonical import canonical
from armorer_guard.policy.evaluate import decide
from armorer_guard.policy.vocabulary import EFFECTS

from .policy_strategies import actions, facts, findings, policies

MANY = settings(max_examples=400, deadline=None)
SOME = settings(max_examples=100, deadline=None)


def core(document: dict[str, Any], policy: dict[str, Any]) -> dict[str, Any]:
    """The core's verdict, without the sentences and the digest, which only the core writes."""
    verdict = json.loads(decide_json(json.dumps(document).encode(), canonical(policy)))
    for answer in (*verdict["determining"], *verdict.get("labels", [])):
        assert answer.pop("message")
    assert verdict.pop("policy_digest").startswith("sha256:")
    return dict(verdict)


def strictness(verdict: dict[str, Any]) -> int:
    """How strict an answer is, also where it is only observed."""
    return max(EFFECTS.index(answer["effect"]) for answer in verdict["determining"])


@MANY
@given(document=facts(), policy=policies())
def test_the_core_and_the_plain_evaluator_agree(document: dict[str, Any], policy: dict[str, Any]):
    """Effect, rules, what they spoke about, near misses and obligations are the same in both."""
    assert core(document, policy) == decide(document, policy)


@SOME
@given(document=facts(), policy=policies(), data=st.data())
def test_the_order_of_blocks_and_patterns_never_matters(
    document: dict[str, Any], policy: dict[str, Any], data: st.DataObject
):
    """Rules are sorted by the compiler; everything inside them may be written in any order."""
    shuffled = {
        **policy,
        "rules": [{**rule, "when": data.draw(st.permutations(rule["when"]))} for rule in policy["rules"]],
    }

    assert core(document, policy) == core(document, shuffled)


@SOME
@given(document=facts(), policy=policies(mode="enforce"), added=actions())
def test_another_action_never_relaxes_a_decision(
    document: dict[str, Any], policy: dict[str, Any], added: dict[str, Any]
):
    with_more = {**document, "actions": [*document["actions"], added]}

    assert strictness(core(with_more, policy)) >= strictness(core(document, policy))


@SOME
@given(document=facts(), policy=policies(mode="enforce"), added=findings())
def test_another_finding_never_relaxes_a_decision(
    document: dict[str, Any], policy: dict[str, Any], added: dict[str, Any]
):
    """A finding that redacts makes its argument unknown, which counts against the call too."""
    with_more = {**document, "findings": [*document["findings"], added]}

    assert strictness(core(with_more, policy)) >= strictness(core(document, policy))


@SOME
@given(document=facts(), policy=policies(mode="enforce"))
def test_a_denial_outweighs_everything(document: dict[str, Any], policy: dict[str, Any]):
    """A rule that denies every call decides it, whatever else is in the policy."""
    deny = {
        "id": "z",
        "effect": "deny",
        "layer": "user",
        "file": "p.yaml",
        "line": 1,
        "why": "because",
        "when": [{"phase": ["post", "pre", "text"]}],
    }
    got = core(document, {**policy, "rules": [*policy["rules"], deny]})

    assert got["effect"] == "deny"
    assert "z" in [answer["rule"] for answer in got["determining"]]


@SOME
@given(document=facts(), policy=policies(mode="enforce"))
def test_knowing_less_never_relaxes_a_decision(document: dict[str, Any], policy: dict[str, Any]):
    """With every target and place forgotten, the answer is as strict or stricter, as long as no rule asks for that."""
    for rule in policy["rules"]:
        for block in rule["when"]:
            conditions = block.get("action", {})
            if "exact" in conditions or "unknown" in conditions.get("place", []):
                return
        if rule.get("unknown"):
            return
    forgotten = {
        **document,
        "actions": [
            {**action, "target": {"value": "", "exact": False, "place": "unknown"}} for action in document["actions"]
        ],
    }

    assert strictness(core(forgotten, policy)) >= strictness(core(document, policy))


@SOME
@given(document=facts(), policy=policies())
def test_an_observing_policy_allows_everything_and_says_what_it_would_have_said(
    document: dict[str, Any], policy: dict[str, Any]
):
    enforced, observed = (core(document, {**policy, "mode": mode}) for mode in ("enforce", "observe"))
    managed = [rule["effect"] for rule in policy["rules"] if rule["layer"] == "managed"]
    managed += [default["effect"] for default in policy["default"].values() if default["layer"] == "managed"]

    if not managed or policy.get("mode_layer") == "managed":
        assert observed["effect"] == "allow"
    assert EFFECTS.index(observed["effect"]) <= EFFECTS.index(enforced["effect"])
    assert observed["determining"] == enforced["determining"]
    assert ("observed" in observed["obligations"]) == (enforced["effect"] != observed["effect"])


@SOME
@given(document=facts(), policy=policies(mode="observe"))
def test_what_the_administrator_denies_is_not_for_others_to_observe(document: dict[str, Any], policy: dict[str, Any]):
    deny = {
        "id": "z",
        "effect": "deny",
        "layer": "managed",
        "file": "p.yaml",
        "line": 1,
        "why": "because",
        "when": [{"phase": ["post", "pre", "text"]}],
    }
    policy = {**policy, "rules": [*policy["rules"], deny]}
    said = {**policy, "mode_layer": "managed"}
    policy.pop("mode_layer", None)

    assert core(document, policy)["effect"] == "deny"
    assert core(document, said)["effect"] == "allow"


@SOME
@given(document=facts(), policy=policies(mode="enforce"))
def test_a_grant_answers_questions_and_never_a_denial(document: dict[str, Any], policy: dict[str, Any]):
    """The most that any grant does is to make a question a permission, and then it is named."""
    without = {**document, "state": {**document["state"], "grants": []}}
    every = {**document, "state": {**document["state"], "grants": [{"id": "g", "scope": "once"}]}}
    plain, granted = core(without, policy), core(every, policy)

    if plain["effect"] == "ask":
        assert (granted["effect"], granted["grants"]) == ("allow", ["g"])
        assert [answer["rule"] for answer in granted["determining"]] == ["grant.once"]
    else:
        assert granted == plain


@SOME
@given(document=facts(), policy=policies(), data=st.data())
def test_the_order_of_actions_findings_and_grants_never_matters(
    document: dict[str, Any], policy: dict[str, Any], data: st.DataObject
):
    """Neither for the effect, nor for the rules, labels and grants that are named."""
    shuffled = {
        **document,
        "actions": data.draw(st.permutations(document["actions"])),
        "findings": data.draw(st.permutations(document["findings"])),
    }
    one, other = core(document, policy), core(shuffled, policy)

    assert one["effect"] == other["effect"]
    assert [answer["rule"] for answer in one["determining"]] == [answer["rule"] for answer in other["determining"]]
    assert [label["label"] for label in one.get("labels", [])] == [label["label"] for label in other.get("labels", [])]
    assert one.get("grants") == other.get("grants")
