"""The policies that ship keep what their examples and tests promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from armorer_guard import Guard
from armorer_guard.policy import examples, layers
from armorer_guard.policy.lint import lint

POLICIES = Path(__file__).parent.parent.parent / "rules" / "policies"
understands = pytest.mark.skipif(
    not Guard(record=False).check("Bash", {"command": "rm -rf /"}).actions,
    reason="this build of the core has no catalogue of commands",
)


@understands
@pytest.mark.parametrize("name", layers.BUILTIN)
def test_every_example_and_test_holds(name: str):
    loaded = layers.compile_builtin(POLICIES / f"{name}.yaml")

    assert [str(problem) for problem in examples.problems(examples.run(loaded.layers, loaded.policy))] == []


UNTOUCHED = {"ask.told", "leak.finding", "text.secret", "text.smuggled"}
"""Rules about secrets and hidden messages: an example would have to hold one, and no file of ours does."""


@understands
@pytest.mark.parametrize("name", layers.BUILTIN)
def test_every_rule_is_shown_by_an_example_or_a_test(name: str):
    loaded = layers.compile_builtin(POLICIES / f"{name}.yaml")
    touched = {rule for result in examples.run(loaded.layers, loaded.policy) for rule in result.rules}

    own = {rule.id for layer in loaded.layers for rule in layer.model.rules}
    assert own - touched == own & UNTOUCHED


@pytest.mark.parametrize("name", layers.BUILTIN)
def test_lint_has_nothing_to_say_but_for_missing_examples(name: str):
    loaded = layers.compile_builtin(POLICIES / f"{name}.yaml")

    assert {problem.kind for problem in lint(loaded.layers, loaded.policy)} <= {"examples_missing", "without_used"}


def test_a_stricter_policy_stands_on_the_default_one():
    """Everything that the default policy denies, strict denies too, and observe says the same."""
    default, strict, observe = (layers.builtin(name) for name in layers.BUILTIN)
    assert default and strict and observe

    assert [rule for rule in default["rules"] if rule["effect"] != "allow"] == [
        rule for rule in strict["rules"] if rule["effect"] != "allow" and not rule["id"].startswith("strict.")
    ]
    assert observe["rules"] == default["rules"]
    assert (default["mode"], observe["mode"]) == ("enforce", "observe")
