"""Every mistake an author can make is told with its line, what was expected, and a hint. Compared as people read it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from armorer_guard.policy import layers
from armorer_guard.policy.problems import PolicyProblems

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DATA = Path(__file__).parent.parent / "policy"
CASES: list[dict[str, Any]] = tomllib.loads((DATA / "errors.toml").read_text(encoding="utf-8"))["case"]


def said(case: dict[str, Any], folder: Path) -> str:
    """What the author of this policy is told."""
    name = "policy.toml" if case.get("toml") else "policy.yaml"
    (folder / name).write_text(case["text"].removeprefix("\n"), encoding="utf-8")
    layer: Any = {case.get("layer", "user"): folder / name}
    with pytest.raises(PolicyProblems) as found:
        layers.compile_files(**layer)
    told = "\n".join(str(problem).replace(f"{folder}/", "") for problem in found.value.problems)
    # Lines of what ships move with it.
    return re.sub(r"(builtin/default\.yaml):\d+", r"\1:N", told)


def test_every_mistake_is_told_as_expected(tmp_path: Path):
    """`tests/policy/errors.txt` holds what is said; remove it and it is written again, to be read."""
    told = "".join(f"--- {case['name']}\n{said(case, tmp_path)}\n" for case in CASES)

    if not (DATA / "errors.txt").exists():
        (DATA / "errors.txt").write_text(told, encoding="utf-8")
        pytest.fail("there was no snapshot: it was written, read it")
    assert told == (DATA / "errors.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_sentence_has_the_form_of_a_sentence(case: dict[str, Any], tmp_path: Path):
    """Lower case, no final period, no name of an internal type."""
    for line in said(case, tmp_path).splitlines():
        sentence = line.split(": ", 1)[1]
        assert not sentence.endswith("."), line
        assert sentence[:1] == sentence[:1].lower(), line
        assert "Error" not in sentence and "pydantic" not in sentence and "Input should" not in sentence, line
