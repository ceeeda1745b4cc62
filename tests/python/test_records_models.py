"""Models of records: the golden store is read whole, nothing is lost, and the published schema is current."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from armorer_guard import Guard
from armorer_guard.records import models

GOLDEN = Path(__file__).parents[1] / "data" / "records" / "golden" / "store"
LINES = [line for path in sorted(GOLDEN.rglob("*.jsonl")) for line in path.read_bytes().splitlines()]


def changed(index: int, **members: Any) -> bytes:
    """A golden line with other members."""
    return json.dumps({**json.loads(LINES[index]), **members}).encode()


def test_the_golden_store_is_read_as_the_kinds_it_holds():
    assert [type(models.parse(line)).__name__ for line in LINES] == [
        "JournalRunStartRecord",
        "RunStartRecord",
        "DecisionRecord",
        "DecisionRecord",
        "OutcomeRecord",
        "RecoveryRecord",
        "OtherRecord",
    ]


@pytest.mark.parametrize("line", LINES)
def test_reading_and_writing_back_loses_nothing(line: bytes):
    assert models.stored_form(models.parse(line)) == json.loads(line)


@pytest.mark.parametrize("index", range(len(LINES)))
def test_unknown_members_are_kept_at_every_level(index: int):
    source = {**json.loads(LINES[index])["src"], "later": [1, {"a": None}]}
    line = changed(index, later="x", src=source)

    assert models.stored_form(models.parse(line)) == json.loads(line)


@pytest.mark.parametrize(("version", "accepted"), [("1.0", True), ("1.7", True), ("2.0", False), ("10.0", False)])
def test_another_major_version_is_refused_and_a_minor_one_is_not(version: str, accepted: bool):
    if accepted:
        assert models.parse(changed(2, v=version)).v == version
    else:
        with pytest.raises(ValidationError, match=f"format version `{version}`, this program reads 1.x"):
            models.parse(changed(2, v=version))


def test_members_that_were_moved_to_objects_are_read_as_what_they_are():
    digest = "sha256:" + "a" * 64
    record = models.parse(changed(2, facts={"$blob": digest, "bytes": 70_000}, blobs=["/facts"]))

    assert isinstance(record, models.DecisionRecord)
    assert record.facts == models.Blob(digest=digest, bytes=70_000)
    assert record.blobs == ["/facts"]


@pytest.mark.parametrize("broken", [b"", b"[]", b"{}", b"null", b"\xff", b'{"kind":1}', LINES[2][:-1]])
def test_what_is_no_record_is_refused(broken: bytes):
    with pytest.raises(ValidationError):
        models.parse(broken)


def test_a_decision_has_its_record_with_and_without_a_store(tmp_path: Path):
    stored = Guard(home=tmp_path).check("Bash", {"command": "ls"}, cwd="/work/project", run="r")
    unstored = Guard(record=False).check("Bash", {"command": "ls"}, cwd="/work/project", run="r")

    assert isinstance(stored.record, models.DecisionRecord)
    assert models.stored_form(stored.record) == json.loads(stored.to_json())
    assert (stored.record.id, stored.record.seq) == (stored.id, 1)
    assert (unstored.record.id, unstored.record.seq, unstored.record.hash) == (unstored.id, None, None)


def test_the_published_schema_is_that_of_the_models():
    published = Path(models.__file__).with_name("record.schema.json")
    current = json.dumps(models.json_schema(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    if "ARMORER_UPDATE_GOLDEN" in os.environ:
        published.write_text(current, encoding="utf-8")

    assert published.read_text(encoding="utf-8") == current


def test_every_kind_has_a_model():
    kinds = [
        variant["properties"]["kind"]
        for variant in models.json_schema()["$defs"].values()
        if "kind" in variant.get("properties", {}) and "store" in variant["properties"]
    ]
    assert {name for kind in kinds for name in [*kind.get("enum", []), kind.get("const")] if name} == models.KINDS
