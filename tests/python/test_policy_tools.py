"""Tools and programs of one's own: what a policy says they do is what rules see, and takes nothing away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from armorer_guard import Guard
from armorer_guard.policy import examples
from armorer_guard.policy.activation import activate
from armorer_guard.policy.layers import Loaded, compile_files
from armorer_guard.policy.problems import PolicyProblems

POLICY = """
guard: 1
id: acme
tools:
  - names: ["mcp__crm__purge_*"]
    summary: deletes customers
    effect: [{do: db.delete, to: arg id, with: [all]}]
    examples: {'mcp__crm__purge_customer {"id": "7"}': ["db.delete 7 (all)"]}
commands:
  - name: acme-release
    summary: releases to customers
    flags: ["--dry-run"]
    harmless_when: ["--dry-run"]
    effect: [{do: cloud.deploy, to: operand 1}]
    examples: {"acme-release web": ["cloud.deploy web"], "acme-release --dry-run web": []}
rules:
  - id: acme.no-purge
    effect: deny
    why: customers are not for agents
    when: {action: {kind: db.delete, by: "mcp__crm__*"}}
    examples: {match: [{tool: mcp__crm__purge_all, args: {id: x}}], not_match: [acme-release web]}
tests:
  - {name: a release asks, call: acme-release web, expect: {effect: ask, rule: ask.release}}
"""


def compiled(tmp_path: Path, text: str, **more: Any) -> Loaded:
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    return compile_files(**(more or {"user": path}))


def test_own_tools_are_judged_by_what_is_said_of_them_also_in_the_hooks_process(tmp_path: Path):
    loaded = compiled(tmp_path, POLICY)
    assert examples.problems(examples.run(loaded.layers, loaded.policy)) == []
    home = tmp_path / "home"
    activate(loaded.policy, home)
    guard = Guard(home=home)
    purge = guard.check("mcp__crm__purge_all", {"id": "x"}, cwd="/w")
    assert purge.effect == "deny"
    assert [action["kind"] for action in json.loads(purge.to_json())["facts"]["actions"]] == ["db.delete"]
    assert guard.check("Bash", {"command": "acme-release --dry-run web"}, cwd="/w").effect == "allow"
    assert guard.check("Bash", {"command": "sudo rm -rf /"}, cwd="/w").effect == "deny"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('["db.delete 7 (all)"]', '["db.read 7"]', 'gives ["db.delete 7 (all)"], not ["db.read 7"]'),
        ("do: db.delete", "do: db.vanish", "db.vanish"),
        ("name: acme-release", "name: rm", "`rm` is known already"),
        ("to: operand 1", "to: operant 1", "operant"),
        ("flags:", "flaggs:", "flaggs"),
    ],
)
def test_what_is_wrong_with_them_is_told_and_nothing_is_compiled(tmp_path: Path, old: str, new: str, told: str):
    with pytest.raises(PolicyProblems) as failure:
        compiled(tmp_path, POLICY.replace(old, new))
    assert {problem.kind for problem in failure.value.problems} == {"tools_wrong"}
    assert told in failure.value.problems[0].message


def test_a_project_that_is_not_trusted_says_nothing_about_tools(tmp_path: Path):
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    with pytest.raises(PolicyProblems) as failure:
        compile_files(project=path)
    assert {problem.kind for problem in failure.value.problems} == {"project_loosens"}
    assert compile_files(project=path, project_trusted=True).policy.document["own"]["tools"]


def test_a_policy_whose_tools_cannot_be_used_is_an_unusable_policy(tmp_path: Path):
    """A damaged object cannot weaken anything: calls would be understood otherwise than the policy was tested with."""
    loaded = compiled(tmp_path, POLICY)
    document = {**loaded.policy.document, "own": {"tools": [{"names": ["x"]}]}}
    home = tmp_path / "home"
    activate(type(loaded.policy)(document), home)
    decision = Guard(home=home).check("Bash", {"command": "make test"}, cwd="/w")
    assert decision.effect == "deny"
    assert [reason.rule for reason in decision.reasons] == ["error.policy"]
