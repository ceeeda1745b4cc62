"""
Writing a command differently never makes a decision weaker: every example of the catalogue in every form.

`tests/eval/shell.py --metamorphic` holds labelled commands against the same.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from armorer_guard import Guard

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests" / "eval"))

import rewrites  # noqa: E402

tomllib = pytest.importorskip("tomllib")

STRICTNESS = {"allow": 0, "ask": 1, "deny": 2}
#: How many fallen forms a failure lists.
LISTED = 40


def entries() -> Iterator[dict[str, Any]]:
    """Every entry of the catalogue, as written."""
    for path in sorted((ROOT / "rules" / "commands").glob("*.toml")):
        yield from tomllib.loads(path.read_text(encoding="utf-8"))["command"]


def examples() -> dict[str, list[str]]:
    """The command lines that prove the catalogue, each with the flags of the entry that holds it."""
    held: dict[str, list[str]] = {}
    for entry in entries():
        flags = entry.get("flags", []) if entry.get("style", "gnu") == "gnu" else []
        for text in entry.get("examples", {}):
            held.setdefault(text, flags)
    return held


@pytest.fixture(scope="module")
def judge():
    """What the default policy says about a shell text."""
    guard = Guard(record=False)
    known: dict[str, str] = {}

    def effect(text: str) -> str:
        if text not in known:
            known[text] = guard.check("Bash", {"command": text}, cwd="/w", workspace="/w").effect
        return known[text]

    previous = os.environ.get("HOME")
    os.environ["HOME"] = "/home/u"
    yield effect
    if previous is not None:
        os.environ["HOME"] = previous


def told(fallen: dict[str, list[str]]) -> str:
    """A failure as it is read: how many by rewrite, then the first of each."""
    counted = ", ".join(f"{name} {len(held)}" for name, held in sorted(fallen.items()))
    shown = [held[at] for at in range(LISTED) for held in fallen.values() if at < len(held)][:LISTED]
    return "\n".join([counted, *shown])


def test_there_are_enough_rewrites_and_each_is_of_use():
    used = {name for text in examples() for name, _ in rewrites.all_of(text)}

    assert used == set(rewrites.REWRITES) and len(used) >= 60
    assert set(rewrites.REWRITES) >= rewrites.HARMLESS


def test_no_rewrite_makes_a_decision_weaker(judge):
    fallen: dict[str, list[str]] = defaultdict(list)
    count = 0
    for text in examples():
        before = judge(text)
        for name, written in rewrites.all_of(text):
            count += 1
            after = judge(written)
            if STRICTNESS[after] < STRICTNESS[before]:
                fallen[name].append(f"[{name}] {before} -> {after}: {text!r} as {written!r}")

    assert not fallen, told(fallen)
    assert count > 50_000


def test_other_spellings_of_options_come_to_the_same(judge):
    fallen: dict[str, list[str]] = defaultdict(list)
    count = 0
    for text, flags in examples().items():
        before = judge(text)
        for name, written in rewrites.option_forms(text, flags):
            count += 1
            after = judge(written)
            if after != before:
                fallen[name].append(f"[{name}] {before} -> {after}: {text!r} as {written!r}")

    assert not fallen, told(fallen)
    assert count > 250


def test_careful_wrapping_gets_no_ordinary_command_denied(judge):
    fallen: dict[str, list[str]] = defaultdict(list)
    for text in examples():
        if judge(text) != "allow":
            continue
        for name, written in rewrites.all_of(text):
            if name in rewrites.HARMLESS and judge(written) == "deny":
                fallen[name].append(f"[{name}] {text!r} as {written!r}")

    assert not fallen, told(fallen)
