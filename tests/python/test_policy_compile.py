"""The compiled form: what shipped is what the sources say, layers merge as promised, activation is whole or nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from armorer_guard import Guard
from armorer_guard._core import PolicyError, builtin_policy, canonical_json, decide_json
from armorer_guard.policy import activation, canonical, layers, vocabulary
from armorer_guard.policy.compiler import compile_layers
from armorer_guard.policy.diff import diff
from armorer_guard.policy.lint import lint
from armorer_guard.policy.problems import PolicyProblems

from .policy_facts import FACTS

ROOT = Path(__file__).parent.parent.parent
POLICIES = ROOT / "rules" / "policies"


def write(folder: Path, text: str, name: str = "policy.yaml") -> Path:
    path = folder / name
    path.write_text(f"guard: 1\nid: {path.stem}\n{text}", encoding="utf-8")
    return path


def push(**more: Any) -> dict[str, Any]:
    """Facts of a push to the main branch."""
    action = {
        "kind": "vcs.push",
        "target": {"value": "origin/main", "exact": True},
        "attributes": ["protected_branch"],
        "certainty": "certain",
        "by": "git push",
        "at": "/command",
    }
    return {**FACTS, "actions": [{**action, **more}]}


def effect(facts: dict[str, Any], text: bytes) -> str:
    return str(json.loads(decide_json(json.dumps(facts).encode(), text))["effect"])


@pytest.mark.parametrize("name", layers.BUILTIN)
def test_what_ships_is_the_compile_of_its_source(name: str):
    """`make policies` writes it again."""
    compiled = layers.compile_builtin(POLICIES / f"{name}.yaml").policy

    assert (POLICIES / f"{name}.json").read_bytes() == compiled.text
    assert builtin_policy(name) == compiled.text


def test_the_digest_is_that_of_the_canonical_text():
    compiled = layers.compile_builtin(POLICIES / "default.yaml").policy

    assert canonical_json(compiled.document) == compiled.text
    assert Guard(home=ROOT / "no-such-home", record=False).policy_digest == compiled.digest


def test_the_vocabulary_is_the_cores():
    source = (ROOT / "src" / "actions" / "kinds.rs").read_text(encoding="utf-8")
    assert tuple(re.findall(r'^    \w+ = "([a-z_.]+)", "', source, flags=re.MULTILINE)) == vocabulary.KINDS

    place = (ROOT / "src" / "actions" / "action.rs").read_text(encoding="utf-8")
    assert set(re.findall(r'Self::\w+ => "([a-z_]+)"', place)) == {*vocabulary.PLACES, *vocabulary.CERTAINTIES}


def test_an_own_rule_stands_beside_the_built_in_ones(tmp_path: Path):
    own = write(
        tmp_path, "rules:\n  - {id: mine, effect: deny, why: no, when: {action: {kind: vcs.push, target: '*main*'}}}\n"
    )
    compiled = layers.compile_files(user=own).policy

    assert effect(push(), builtin_policy("default")) == "ask"
    assert effect(push(), compiled.text) == "deny"
    (rule,) = [rule for rule in compiled.rules if rule["id"] == "mine"]
    assert (rule["layer"], rule["file"], rule["line"]) == ("user", str(own), 4)


def test_a_named_override_takes_back_a_question_and_nothing_else(tmp_path: Path):
    own = write(
        tmp_path,
        "rules:\n  - {id: mine, effect: allow, why: yes, overrides: [ask.push],"
        " when: {action: {kind: vcs.push, target: origin/main, has: {none: force}}}}\n",
    )
    text = layers.compile_files(user=own).policy.text

    assert effect(push(), text) == "allow"
    assert effect(push(attributes=["force", "protected_branch"]), text) == "deny"
    assert effect(push(target={"value": "origin/release", "exact": True}), text) == "ask"


def test_a_built_in_rule_can_be_taken_out_by_name(tmp_path: Path):
    text = layers.compile_files(user=write(tmp_path, "without: [destroy.history]\n")).policy.text

    assert effect(push(attributes=["force", "protected_branch"]), text) == "ask"


def test_a_project_only_tightens_until_it_is_trusted(tmp_path: Path):
    home = tmp_path / "home"
    project = write(
        tmp_path,
        "rules:\n  - {id: ours, effect: allow, why: yes, overrides: [ask.push], when: {action: {kind: vcs.push}}}\n",
    )
    with pytest.raises(PolicyProblems, match="is not trusted"):
        layers.compile_files(project=project, project_trusted=layers.is_trusted(project, home))

    layers.trust(project, home)
    assert layers.is_trusted(project, home)
    assert effect(push(), layers.compile_files(project=project, project_trusted=True).policy.text) == "allow"
    project.write_text(project.read_text() + "# more\n")
    assert not layers.is_trusted(project, home)


def test_a_managed_denial_stands_above_every_permission(tmp_path: Path):
    user = write(
        tmp_path,
        "without: [ask.push]\nrules:\n  - {id: mine, effect: allow, why: yes, when: {action: {kind: vcs.push}}}\n",
        "user.yaml",
    )
    managed = layers.layer_of(
        write(
            tmp_path, "rules:\n  - {id: theirs, effect: deny, why: no, when: {action: {kind: vcs.push}}}\n", "m.yaml"
        ),
        "managed",
    )
    compiled = compile_layers([layers.layer_of(user, "user"), managed], layers.builtin("default"))

    assert effect(push(), compiled.text) == "deny"
    with pytest.raises(PolicyProblems, match="only a question can be overridden"):
        user.write_text(user.read_text().replace("why: yes", "overrides: [theirs], why: yes"))
        compile_layers([layers.layer_of(user, "user"), managed], layers.builtin("default"))


def test_a_question_of_a_higher_layer_cannot_be_overridden(tmp_path: Path):
    user = write(
        tmp_path,
        "rules:\n  - {id: mine, effect: allow, why: yes, overrides: [theirs], when: {action: {kind: vcs.push}}}\n",
    )
    managed = write(
        tmp_path, "rules:\n  - {id: theirs, effect: ask, why: no, when: {action: {kind: vcs.push}}}\n", "m.yaml"
    )
    with pytest.raises(PolicyProblems, match="outranks it"):
        compile_layers([layers.layer_of(user, "user"), layers.layer_of(managed, "managed")], layers.builtin("default"))


def test_a_managed_policy_that_others_may_write_is_refused(tmp_path: Path):
    managed = write(tmp_path, "rules: []\n")
    managed.chmod(0o666)
    with pytest.raises(PolicyProblems, match="does not belong to root, or others may write it"):
        layers.compile_files(managed=managed)


def test_the_highest_layer_sets_mode_and_defaults(tmp_path: Path):
    user = layers.layer_of(write(tmp_path, "mode: observe\ndefault: {pre: allow, text: ask}\n", "u.yaml"), "user")
    managed = layers.layer_of(write(tmp_path, "mode: enforce\ndefault: {pre: deny}\n", "m.yaml"), "managed")
    document = compile_layers([user, managed], layers.builtin("default")).document

    assert document["mode"] == "enforce"
    assert document["default"] == {
        "pre": {"effect": "deny", "layer": "managed"},
        "post": {"effect": "allow", "layer": "builtin"},
        "text": {"effect": "ask", "layer": "user"},
    }


def test_toml_says_the_same_as_yaml(tmp_path: Path):
    yaml = write(tmp_path, "rules:\n  - {id: r, effect: ask, why: w, when: {tool: 'mcp__*', depth: 2}}\n", "p.yaml")
    toml = tmp_path / "p.toml"
    toml.write_text(
        'guard = 1\nid = "p"\n\n[[rules]]\nid = "r"\neffect = "ask"\nwhy = "w"\nwhen = {tool = "mcp__*", depth = 2}\n'
    )
    one, other = (layers.compile_files(user=path).policy.document["rules"] for path in (yaml, toml))
    for rules in (one, other):
        for rule in rules:
            rule.pop("file"), rule.pop("line")

    assert one == other


def test_conditions_compile_to_their_spelled_out_form(tmp_path: Path):
    """Variables are replaced, lists sorted, `~` is the home directory, bounds are inside, hosts are lower case."""
    path = write(
        tmp_path,
        """
vars: {hosts: ["*.ACME.dev", x.io], one: [prod]}
rules:
  - id: r
    effect: ask
    why: w
    when:
      depth: {gt: 1, lt: 4}
      time: {days: [fri, mon], from: "22:00", to: "06:00", utc_offset: "-03:30"}
      action: {kind: net.*, host: {none: $hosts}}
      any_of:
        - action: {target: ["~/.ssh/**", "db-${one}"]}
        - action: {place: {none: [workspace, temp]}}
""",
    )
    (rule,) = [rule for rule in layers.compile_files(user=path).policy.rules if rule["id"] == "r"]

    common = {
        "depth": {"gte": 2, "lte": 3},
        "time": {"days": [0, 4], "from_min": 1320, "to_min": 360, "offset_min": -210, "outside": False},
    }
    about = {"kind": ["net.*"], "host": {"none": ["*.acme.dev", "x.io"]}}
    others = sorted(set(vocabulary.PLACES) - {"workspace", "temp", "unknown"})
    assert sorted(rule["when"], key=str) == sorted(
        [
            {**common, "action": {**about, "target": {"any": ["${home}/.ssh/**", "db-prod"]}}},
            {**common, "action": {**about, "place": others}},
        ],
        key=str,
    )


def test_what_is_activated_decides_and_what_is_broken_denies(tmp_path: Path):
    own = write(tmp_path, "default: {pre: deny}\n")
    compiled = layers.compile_files(user=own).policy
    digest = activation.activate(compiled, tmp_path / "home")

    assert digest == compiled.digest == Guard(home=tmp_path / "home", record=False).policy_digest
    assert activation.active_digest(tmp_path / "home") == digest
    assert activation.load(tmp_path / "home", digest) == compiled.document

    for kept in (tmp_path / "home" / "store" / "objects").rglob("*"):
        if kept.is_file():
            kept.write_bytes(kept.read_bytes()[:-1])
    with pytest.raises(PolicyError, match="is damaged"):
        _ = Guard(home=tmp_path / "home", record=False).policy_digest
    activation.activate(compiled, tmp_path / "home")
    assert Guard(home=tmp_path / "home", record=False).policy_digest == digest
    assert activation.deactivate(tmp_path / "home")
    assert Guard(home=tmp_path / "home", record=False).policy_digest == canonical.digest(builtin_policy("default"))


def test_a_failed_activation_leaves_the_old_policy_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    home = tmp_path / "home"
    old = activation.activate(layers.compile_files(below="strict").policy, home)

    def full(descriptor: int) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space left"):
        activation.activate(layers.compile_files(below="observe").policy, home)

    assert Guard(home=home, record=False).policy_digest == old
    assert [path.name for path in (home / "policy").iterdir()] == ["active.json"]


def test_a_diff_says_what_became_looser():
    before, after = (json.loads(builtin_policy("default")) for _ in range(2))
    after["rules"] = [rule for rule in after["rules"] if rule["id"] != "run.computed"]
    after["default"]["pre"]["effect"] = "allow"
    next(rule for rule in after["rules"] if rule["id"] == "ask.push")["effect"] = "deny"

    assert [(entry["name"], entry["change"], entry["direction"]) for entry in diff(before, after)] == [
        ("pre", "changed", "looser"),
        ("ask.push", "changed", "stricter"),
        ("run.computed", "removed", "looser"),
    ]
    assert diff(before, before) == []
    label = {"id": "seen", "layer": "user", "file": "f", "line": 1, "add": ["seen"], "when": [{"tool": {"any": ["a"]}}]}
    with_label = {**before, "labels": [*before.get("labels", []), label]}
    assert [
        (entry["what"], entry["name"], entry["change"], entry["direction"]) for entry in diff(before, with_label)
    ] == [("label", "seen", "added", "unclear")]
    assert diff(with_label, with_label) == []


@pytest.mark.parametrize(
    ("allowed", "told"),
    [("net.fetch", True), ("net.*", False), ("'*'", False)],
)
def test_lint_says_of_a_question_that_the_default_denies_it(tmp_path: Path, allowed: str, told: bool):
    path = write(
        tmp_path,
        f"""
builtin: none
default: {{pre: deny}}
rules:
  - {{id: get, effect: allow, why: w, when: {{action: {{kind: {allowed}, by: curl}}}}}}
  - {{id: scan, effect: ask, why: w, when: {{action: {{kind: net.scan}}}}}}
""",
    )
    loaded = layers.compile_files(user=path)

    kinds = {problem.kind for problem in lint(loaded.layers, loaded.policy)}
    assert ("asked_in_vain" in kinds) is told


def test_lint_names_what_is_probably_not_meant(tmp_path: Path):
    path = write(
        tmp_path,
        """
vars: {unused: [a]}
rules:
  - {id: broad, effect: allow, why: w, when: {action: {kind: "*"}}, examples: {match: [ls]}}
  - {id: bare, effect: ask, why: w, when: {action: {kind: net.scan}}}
  - {id: dead, effect: ask, why: w, when: {action: {kind: net.listen}}}
  - {id: deadly, effect: deny, why: w, when: {action: {kind: net.listen}}}
""",
    )
    loaded = layers.compile_files(user=path)

    assert [(problem.line, problem.kind) for problem in lint(loaded.layers, loaded.policy)] == [
        (6, "allow_broad"),
        (7, "examples_missing"),
        (8, "examples_missing"),
        (8, "shadowed"),
        (9, "examples_missing"),
        (4, "variable_unused"),
    ]
