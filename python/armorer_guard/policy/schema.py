"""The JSON Schema of the language, for editors. Published beside this module as `policy.schema.json`."""

from __future__ import annotations

import json
from typing import Any


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a policy file, with every abbreviation that authors may use."""
    from armorer_guard.policy.model import PolicyFile

    made = PolicyFile.model_json_schema(by_alias=True, mode="validation")
    made["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    made["title"] = "armorer-guard policy"
    return made


def published() -> str:
    """The text of `policy.schema.json`."""
    return json.dumps(schema(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
