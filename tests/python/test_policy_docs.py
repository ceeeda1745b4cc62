"""The examples of the language's description are policies."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from armorer_guard.policy import layers


def test_the_policy_in_the_description_compiles(tmp_path: Path):
    text = (files("armorer_guard.policy") / "LANGUAGE.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    path = tmp_path / "policy.yaml"
    path.write_text(example, encoding="utf-8")

    assert {"acme.no-production", "acme.docs-branch"} <= {r["id"] for r in layers.compile_files(user=path).policy.rules}


def test_every_condition_is_described():
    from armorer_guard.policy.model import Action, Finding, When

    text = (files("armorer_guard.policy") / "LANGUAGE.md").read_text(encoding="utf-8")
    names = [*(set(When.model_fields) - {"action", "finding", "any_of"})]
    names += [f"action.{name}" for name in Action.model_fields] + [f"finding.{name}" for name in Finding.model_fields]
    assert [name for name in names if f"`{name}`" not in text] == []
