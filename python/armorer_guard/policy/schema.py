"""The JSON Schema of the language, for editors."""

from __future__ import annotations

from typing import Any


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a policy file."""
    from armorer_guard.policy.model import PolicyFile

    made = PolicyFile.model_json_schema(by_alias=True)
    made["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    made["title"] = "armorer-guard policy"
    return made
