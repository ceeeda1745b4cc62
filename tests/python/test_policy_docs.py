"""The examples of the language's description are policies."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from armorer_guard.policy import layers


def test_the_policy_in_the_description_compiles(tmp_path: Path):
    text = (files("armorer_guard.policy") / "LANGUAGE.md").read_text(encoding="utf-8")
    example = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)[0]
    path = tmp_path / "policy.yaml"
    path.write_text(example, encoding="utf-8")

    assert {"acme.no-production", "acme.images"} <= {r["id"] for r in layers.compile_files(user=path).policy.rules}


def test_every_condition_is_described():
    from armorer_guard.policy.model import Action, Finding, When

    text = (files("armorer_guard.policy") / "LANGUAGE.md").read_text(encoding="utf-8")
    names = [*(set(When.model_fields) - {"action", "finding", "any_of"})]
    names += [f"action.{name}" for name in Action.model_fields] + [f"finding.{name}" for name in Finding.model_fields]
    assert [name for name in names if f"`{name}`" not in text] == []


def test_the_policy_of_the_readme_is_good_and_changes_something(tmp_path: Path):
    from armorer_guard import Guard
    from armorer_guard.policy import activation, examples, lint

    text = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(guard: 1\n.*?)```", text, flags=re.DOTALL)
    path = tmp_path / "my.yaml"
    path.write_text(example, encoding="utf-8")
    loaded = layers.compile_files(user=path)

    assert [str(problem) for problem in examples.problems(examples.run(loaded.layers, loaded.policy))] == []
    assert [str(problem) for problem in lint.lint(loaded.layers, loaded.policy)] == []
    activation.activate(loaded.policy, tmp_path / "home", loaded.layers)
    calls = {"cat customers/list.csv": "deny", "docker push registry.acme.dev/app:1": "allow", "npm publish": "ask"}
    guard = Guard(home=tmp_path / "home", record=False)
    assert {call: guard.check("Bash", {"command": call}, cwd="/w/p").effect for call in calls} == calls


def test_the_policy_of_the_description_is_good(tmp_path: Path):
    from armorer_guard.policy import examples

    text = (files("armorer_guard.policy") / "LANGUAGE.md").read_text(encoding="utf-8")
    example = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)[0]
    path = tmp_path / "policy.yaml"
    path.write_text(example, encoding="utf-8")
    loaded = layers.compile_files(user=path)

    assert [str(problem) for problem in examples.problems(examples.run(loaded.layers, loaded.policy))] == []
