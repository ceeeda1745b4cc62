"""What policies can speak about, what the core can say, and what is written about it are the same."""

from __future__ import annotations

import re
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

from armorer_guard._core import finding_rules, tool_names
from armorer_guard.policy import vocabulary

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent.parent
LANGUAGE = (files("armorer_guard.policy") / "LANGUAGE.md").read_text(encoding="utf-8")
CORE = (ROOT / "src" / "actions" / "attributes.rs").read_text(encoding="utf-8")


def words_of_the_core() -> dict[str, str]:
    """The core's own table, which its build holds every entry of the catalogue against."""
    table = CORE.split("ATTRIBUTES", 1)[1].split("];", 1)[0]
    return dict(re.findall(r'\(\s*"(\w+)",\s*"([^"]*)",?\s*\)', table))


def set_by_the_catalogue(value: Any, name: str = "") -> set[str]:
    """Every attribute that an entry of the catalogue sets."""
    if isinstance(value, dict):
        return {word for key, held in value.items() for word in set_by_the_catalogue(held, key)}
    if isinstance(value, list) and name in ("with", "attributes", "read_with"):
        return {str(word).split(":", 1)[0] for word in value}
    return {word for held in value for word in set_by_the_catalogue(held)} if isinstance(value, list) else set()


def test_every_attribute_of_the_core_is_in_the_vocabulary_and_described():
    described = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", LANGUAGE.split("## Attributes", 1)[1], re.MULTILINE))

    assert words_of_the_core() == vocabulary.ATTRIBUTES
    assert described == vocabulary.ATTRIBUTES


def test_every_attribute_is_set_by_somebody():
    """A word that nothing sets would be a condition that never holds."""
    entries = [path for folder in ("commands", "tools", "places") for path in (ROOT / "rules" / folder).glob("*.toml")]
    by_data = {word for path in entries for word in set_by_the_catalogue(tomllib.loads(path.read_text("utf-8")))}
    sources = [
        path for path in (ROOT / "src" / "actions").rglob("*.rs") if path.name not in ("attributes.rs", "tests.rs")
    ]
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources)

    pushed = set(re.findall(r'attributes\.push\((?:String::from\()?"(\w+)"', code))

    assert by_data | pushed <= set(vocabulary.ATTRIBUTES)
    assert [word for word in vocabulary.ATTRIBUTES if word not in by_data and f'"{word}"' not in code] == []


def test_every_attribute_that_a_shipped_policy_asks_for_is_known():
    from armorer_guard.policy import layers

    asked = set()
    for name in layers.BUILTIN:
        document = layers.builtin(name)
        assert document is not None
        for rule in document["rules"]:
            for block in rule["when"]:
                has = block.get("action", {}).get("has", {})
                asked |= {word for words in has.values() for word in words}

    assert asked <= set(vocabulary.ATTRIBUTES)


def test_kinds_and_places_are_described():
    assert [kind for kind in vocabulary.KINDS if f"`{kind}`" not in LANGUAGE] == []
    assert [place for place in vocabulary.PLACES if f"`{place}`" not in LANGUAGE] == []


def test_the_core_names_its_tools_and_rules():
    assert {"Bash", "Write", "read_file"} <= set(tool_names())
    assert "secrets.github-token" in finding_rules()
