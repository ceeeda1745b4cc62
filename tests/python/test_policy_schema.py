"""The published schema says what the models say: an editor accepts what the guard accepts."""

from __future__ import annotations

import os
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from armorer_guard.policy import schema as published
from armorer_guard.policy.source import parse, read

ROOT = Path(__file__).parent.parent.parent
SCHEMA = published.schema()
LANGUAGE = (files("armorer_guard.policy") / "LANGUAGE.md").read_text(encoding="utf-8")


def accepts(schema: dict[str, Any], value: Any) -> bool:
    """The part of JSON Schema that pydantic writes, read from the specification and nothing else."""
    if "$ref" in schema:
        return accepts(SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], value)
    if "anyOf" in schema:
        return any(accepts(one, value) for one in schema["anyOf"])
    if "const" in schema and value != schema["const"]:
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    kinds = {
        "string": str, "object": dict, "array": list, "boolean": bool, "integer": int, "null": type(None),
    }  # fmt: skip
    wanted = schema.get("type")
    if wanted is not None and (
        not isinstance(value, kinds[wanted]) or (wanted == "integer" and isinstance(value, bool))
    ):
        return False
    if isinstance(value, str):
        if len(value) < schema.get("minLength", 0) or len(value) > schema.get("maxLength", len(value)):
            return False
        return "pattern" not in schema or re.search(schema["pattern"], value) is not None
    if isinstance(value, list):
        return len(value) >= schema.get("minItems", 0) and all(accepts(schema.get("items", {}), item) for item in value)
    if isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        named = schema.get("patternProperties", {})
        if not set(schema.get("required", ())) <= set(value):
            return False
        for name, held in value.items():
            if name in properties:
                if not accepts(properties[name], held):
                    return False
            elif named:
                if not any(re.search(form, name) and accepts(one, held) for form, one in named.items()):
                    return False
            elif others is False or (isinstance(others, dict) and not accepts(others, held)):
                return False
    if isinstance(value, int) and not isinstance(value, bool):
        return bool(value >= schema.get("minimum", value))
    return True


def test_the_published_schema_is_that_of_the_models():
    path = Path(published.__file__).with_name("policy.schema.json")
    if "ARMORER_UPDATE_GOLDEN" in os.environ:
        path.write_text(published.published(), encoding="utf-8")

    assert path.read_text(encoding="utf-8") == published.published()


@pytest.mark.parametrize("path", sorted((ROOT / "rules" / "policies").glob("*.yaml")), ids=lambda path: path.stem)
def test_an_editor_accepts_what_ships(path: Path):
    assert accepts(SCHEMA, read(path).data)


def test_an_editor_accepts_the_policy_of_the_description():
    example = re.findall(r"```yaml\n(.*?)```", LANGUAGE, flags=re.DOTALL)[0]

    assert accepts(SCHEMA, parse(example, file="LANGUAGE.md").data)


@pytest.mark.parametrize(
    "when",
    [
        {"tool": "mcp__*"},
        {"tool": ["a", "b"], "depth": 2},
        {"depth": {"gte": 1}},
        {"arg": {"/x": True, "/y": 7, "/z": "a*", "/l/*": {"none": "b"}}},
        {"action": {"place": "home", "has": "force", "target": {"under": "~"}}},
        {"action": {"place": {"none": "temp"}}},
        {"run_mode": "headless", "pin": ["new", "changed"], "principal": "root"},
        {"any_of": [{"tool": "a"}, {"tool": "b"}]},
    ],
)
def test_an_editor_accepts_every_abbreviation(when: dict[str, Any]):
    rule = {"id": "r", "effect": "deny", "why": "no", "when": when}

    assert accepts(SCHEMA, {"guard": 1, "id": "a", "rules": [rule]})


@pytest.mark.parametrize(
    "when", [{"tols": "a"}, {"action": {"place": "hme"}}, {"depth": "2"}, {"arg": {"x": "y"}}, {"phase": []}]
)
def test_an_editor_refuses_what_the_guard_refuses(when: dict[str, Any]):
    rule = {"id": "r", "effect": "deny", "why": "no", "when": when}

    assert not accepts(SCHEMA, {"guard": 1, "id": "a", "rules": [rule]})
