"""The index: derived, caught up whenever it is opened, and never believed over the logs."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import sqlite3
import stat
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from armorer_guard import Guard
from armorer_guard.records import intake
from armorer_guard.records.index import Filters, Index, micros
from armorer_guard.records.store import Store, StoreMissing, guard_home
from armorer_guard.records.verify import verify_store

from .conftest import GOLDEN, OTHER_RUN, RUN, HandMade, Log, digest


def opened(made: HandMade) -> Store:
    """The store, as readers open it."""
    return Store.open(made.root.parent)


def ends(store: Store, **filters: Any) -> list[str]:
    """The last digits of the ids that are found, newest first."""
    with Index.open(store) as index:
        return [row.id[-2:] for row in index.find(Filters(**{"record_kind": None, **filters}))]


def decision(log: Log, number: int, effect: str = "deny", rule: str = "r", **members: Any) -> dict[str, Any]:
    """Append a decision as the golden store has them."""
    made = json.loads((GOLDEN / "runs" / f"{RUN}.jsonl").read_bytes().splitlines()[1])
    made["verdict"]["effect"] = effect
    made["verdict"]["rules"][0]["id"] = rule
    for name in ("seq", "prev", "hash", "kind", "store", "run", "ts"):
        made.pop(name)
    return log.add("decision", **{**made, "id": f"019ab000-0000-7000-8000-00000000aa{number:02x}", **members})


def test_what_is_appended_is_found_without_reading_the_rest_again(store: HandMade, monkeypatch: pytest.MonkeyPatch):
    reader = opened(store)
    assert ends(reader) == ["05", "04", "03", "02", "01", "00"]
    read: list[bytes] = []
    original = intake.index_rows

    def index_rows(block: bytes, **place: Any) -> Any:
        read.append(block)
        return original(block, **place)

    monkeypatch.setattr(intake, "index_rows", index_rows)
    store.run.add(note="more")
    store.write()

    assert ends(reader)[0] == "06"
    assert read == [store.run.lines[-1]]


def test_logs_at_rest_are_looked_at_again_once_their_directory_has_changed(
    store: HandMade, monkeypatch: pytest.MonkeyPatch
):
    looked: list[str] = []
    original = intake.Intake._logs_named

    def named(self: intake.Intake, names: Iterable[str]) -> Any:
        names = list(names)
        looked.extend(name for name in names if name != "journal")
        return original(self, names)

    def rest() -> None:
        os.utime(store.run_path, ns=(long_ago, long_ago))
        os.utime(store.run_path.parent, ns=(long_ago, long_ago))

    monkeypatch.setattr(intake.Intake, "_logs_named", named)
    now = time.time_ns()
    long_ago = now - 3 * 24 * 60 * 60 * 10**9
    rest()
    for _ in range(3):
        with Index.open(opened(store)) as index:
            assert len(index.find(Filters(record_kind=None))) == 6
    assert looked == []

    # A writer says in the directory that it goes on with such a log.
    store.run.add(note="more")
    store.run_path.write_bytes(store.run.bytes())
    os.utime(store.run_path.parent)
    with Index.open(opened(store)) as index:
        assert len(index.find(Filters(record_kind=None))) == 7
    # One that does not is found after an hour all the same, and so is one after the clock was set back.
    for passed in (2 * 60 * 60 * 10**9, -(10**9)):
        rest()
        for _ in range(2):
            with Index.open(opened(store)):
                pass
        store.run.add(note="more")
        store.run_path.write_bytes(store.run.bytes())
        os.utime(store.run_path.parent, ns=(long_ago, long_ago))
        monkeypatch.setattr(time, "time_ns", lambda passed=passed: now + passed)
        with Index.open(opened(store)) as index:
            assert len(index.find(Filters(record_kind=None))) == len(store.run.lines)
        monkeypatch.setattr(time, "time_ns", lambda: now)


def test_what_the_core_appends_to_a_log_at_rest_is_found(tmp_path: Path):
    found: list[int] = []
    for _ in range(3):
        Guard(home=tmp_path).check("Read", {"file_path": "a"}, cwd="/work", run="r")
        found_store = Store.open(tmp_path)
        for _ in range(2):
            with Index.open(found_store) as index:
                found.append(len(index.find(Filters())))
        (log,) = found_store.runs().values()
        for path in (log, log.parent):
            os.utime(path, ns=(time.time_ns() - 3 * 24 * 60 * 60 * 10**9,) * 2)
        for _ in range(2):
            with Index.open(found_store):
                pass
    assert found == [1, 1, 2, 2, 3, 3]


def test_a_run_is_found_by_any_part_of_its_names(store: HandMade):
    for session in ("abc", "abd"):
        digits = hashlib.sha256(session.encode()).hexdigest()
        log = Log(f"{digits[:8]}-1111-8222-8333-{digits[8:20]}")
        log.add("run.start", agent={"name": "a"}, input={"session": session})
        (store.root / "runs" / f"{log.chain}.jsonl").write_bytes(log.bytes())
    with Index.open(opened(store)) as index:
        every = [run.name for run in index.runs()]
        assert len(every) == 3
        for name in every:
            for text in (name, name[:5], name[:20], name[-4:], name[-8:], name[-20:]):
                assert [run.name for run in index.runs(text)] == [name], text
        assert sorted(str(run.session) for run in index.runs("ab")) == ["abc", "abd"]
        assert [run.session for run in index.runs("abc")] == ["abc"]
        assert index.runs("nobody") == index.runs("x" * 40) == []


def test_a_log_that_was_cut_or_exchanged_is_read_anew(store: HandMade):
    reader = opened(store)
    ends(reader)
    store.write_run(*store.run.lines[:3])
    assert ends(reader) == ["02", "01", "00"]

    other = Log(RUN)
    for number in range(9):
        other.add("run.start" if number == 0 else "note", id=f"019ab000-0000-7000-8000-0000000000b{number}")
    store.write_run(*other.lines)
    assert ends(reader) == [f"b{number}" for number in range(8, -1, -1)]
    store.run_path.unlink()
    assert ends(reader) == []


def test_a_line_that_is_not_finished_waits_for_its_end(store: HandMade):
    reader = opened(store)
    ends(reader)
    store.run.add(note="torn")
    whole = store.run.lines.pop()
    store.write_run(*store.run.lines, whole[:50])
    assert ends(reader)[0] == "05"
    store.write_run(*store.run.lines, whole)
    assert ends(reader)[0] == "06"


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 5000])
def test_an_index_that_is_none_is_made_anew(store: HandMade, content: bytes):
    path = store.root / "index.sqlite"
    path.write_bytes(content)

    assert len(ends(opened(store))) == 6
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sqlite3.connect(path).execute("SELECT count(*) FROM record").fetchone() == (7,)


def test_an_index_of_another_version_is_made_anew(store: HandMade):
    reader = opened(store)
    ends(reader)
    with sqlite3.connect(store.root / "index.sqlite") as database:
        database.execute("PRAGMA user_version = 1")
        database.execute("DELETE FROM record")

    assert len(ends(reader)) == 6


def test_the_index_is_for_its_owner_alone(store: HandMade):
    with Index.open(opened(store)):
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in store.root.glob("index.sqlite*")}
    assert set(modes.values()) == {0o600}
    assert "index.sqlite" in modes


def test_an_index_that_is_a_link_is_not_written_through(store: HandMade, tmp_path: Path):
    target = tmp_path / "precious"
    target.write_text("precious")
    (store.root / "index.sqlite").symlink_to(target)

    assert len(ends(opened(store))) == 6
    assert target.read_text() == "precious"


def test_a_store_that_cannot_be_written_is_read_all_the_same(store: HandMade):
    (store.root / "index.sqlite").mkdir()

    assert len(ends(opened(store))) == 6


def test_an_outcome_closes_its_decision_in_the_index(store: HandMade):
    reader = opened(store)
    made = decision(store.run, 1)
    store.write()
    assert ends(reader, record_kind="decision", outcome="none") == ["01"]
    store.run.add("outcome", of=made["id"], enforced="overridden", result="ok", subject={"tool": "Bash"})
    store.run.add("outcome", of=None, enforced="bypassed", result="ok", subject={"tool": "Bash"})
    store.write()

    assert ends(reader, record_kind="decision", outcome="none") == []
    assert ends(reader, record_kind="decision", outcome="overridden") == ["01"]
    with Index.open(reader) as index:
        (run,) = index.runs()
        assert (run.denied, run.outcomes, run.odd) == (1, 2, 2)
        assert [row.kind for row in index.outcomes_of(made["id"])] == ["outcome"]
        (use,) = index.rules()
        assert (use.rule, use.denied, use.overridden, use.open) == ("r", 1, 1, 0)


def test_runs_and_rules_are_counted_apart(store: HandMade):
    other = Log(OTHER_RUN)
    first = other.add("run.start", input={"session": "s2"})
    for number in range(3):
        decision(other, number, effect="ask", rule="asking")
    decision(store.run, 9, rule="denying")
    store.journal.add("run.start", run=OTHER_RUN, first=first["id"], agent="test", policy=None)
    store.write()
    (store.root / "runs" / f"{OTHER_RUN}.jsonl").write_bytes(other.bytes())

    with Index.open(opened(store)) as index:
        assert [(use.rule, use.asked, use.denied) for use in index.rules()] == [("asking", 3, 0), ("denying", 0, 1)]
        assert [use.rule for use in index.rules(run=RUN)] == ["denying"]
        assert [run.name for run in index.runs("s2")] == [OTHER_RUN]
        assert [run.name for run in index.runs("1111")] == [OTHER_RUN]
        assert index.totals(OTHER_RUN) == {"none": 3}
        assert len(index.find(Filters(run=OTHER_RUN))) == 3


def _read_often(home: Path, count: Any) -> None:
    for _ in range(20):
        with Index.open(Store.open(home)) as index:
            found = len(index.find(Filters(record_kind=None)))
        with count.get_lock():
            count.value = max(count.value, found)


def test_readers_at_once_agree(store: HandMade):
    context = multiprocessing.get_context("fork")
    count = context.Value("i", 0)
    readers = [context.Process(target=_read_often, args=(store.root.parent, count)) for _ in range(4)]
    for reader in readers:
        reader.start()
    for _ in range(50):
        store.run.add(note="more")
        store.write()
    for reader in readers:
        reader.join(60)

    assert [reader.exitcode for reader in readers] == [0] * 4
    assert len(ends(opened(store))) == 56
    with sqlite3.connect(store.root / "index.sqlite") as database:
        assert database.execute(
            "SELECT count(*), count(DISTINCT line) FROM record r JOIN chain c ON c.n = r.chain WHERE c.name = ?", (RUN,)
        ).fetchone() == (56, 56)


# reading the store itself


def test_lines_say_where_they_stand(store: HandMade):
    content = store.run_path.read_bytes()
    store.run_path.write_bytes(content + b"x" * 70_000 + b"\n" + store.run.lines[1] + b"torn")
    for stored in opened(store).lines(RUN):
        held = store.run_path.read_bytes()[stored.offset :]
        assert held.startswith(stored.line + b"\n")
    assert [stored.number for stored in opened(store).lines(RUN)] == [1, 2, 3, 4, 5, 6, 8]


def test_members_in_objects_are_put_back(store: HandMade):
    reader = opened(store)
    content = json.dumps({"command": "x" * 9}).encode()
    name = digest(content)
    path = store.root / "objects" / name[7:9] / name[7:]
    record = {"facts": {"args": {"$blob": name, "bytes": len(content)}, "tool": "Bash"}, "blobs": ["/facts/args"]}
    assert reader.whole(record) == (record, ["/facts/args"])
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    whole, lost = reader.whole(record)
    assert (whole["facts"], lost) == ({"args": {"command": "x" * 9}, "tool": "Bash"}, [])
    assert record["facts"]["args"] == {"$blob": name, "bytes": len(content)}
    path.write_bytes(b"{}")
    assert reader.whole(record)[1] == ["/facts/args"]


def test_what_was_moved_twice_is_put_back_and_verified(store: HandMade):
    reader = opened(store)

    def put(value: object) -> dict[str, object]:
        content = json.dumps(value).encode()
        name = digest(content)
        path = store.root / "objects" / name[7:9] / name[7:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return {"$blob": name, "bytes": len(content)}

    args = put({"command": "ls"})
    record = store.run.add("x", facts=put({"args": args, "tool": "Bash"}), blobs=["/facts/args", "/facts"])
    store.write()
    whole, lost = reader.whole(record)
    assert (whole["facts"], lost) == ({"args": {"command": "ls"}, "tool": "Bash"}, [])
    assert verify_store(store.root).verdict.name == "ok"
    name = str(args["$blob"])
    (store.root / "objects" / name[7:9] / name[7:]).unlink()
    assert verify_store(store.root).verdict.name == "missing"
    assert reader.whole(record)[1] == ["/facts/args"]


@pytest.mark.parametrize("blobs", [["x"], [""], [3], ["/facts/args/deeper"], "x", {"a": 1}, [None, "/"], ["/a/b/c/d"]])
def test_pointers_that_lead_nowhere_are_said_to_be_lost(store: HandMade, blobs: object):
    whole, lost = opened(store).whole({"facts": {"args": "text"}, "blobs": blobs})

    assert whole["facts"] == {"args": "text"} or lost
    assert bool(lost) == isinstance(blobs, list)


def test_a_home_is_where_the_core_finds_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "h"))
    for named, state, expected in (
        ("/abs", "/state", Path("/abs")),
        ("rel", "/state", tmp_path / "rel"),
        ("", "/state", Path("/state/armorer-guard")),
        ("", "rel", tmp_path / "h/.local/state/armorer-guard"),
        ("", "", tmp_path / "h/.local/state/armorer-guard"),
    ):
        monkeypatch.setenv("ARMORER_GUARD_HOME", named)
        monkeypatch.setenv("XDG_STATE_HOME", state)
        assert guard_home() == expected
    with pytest.raises(StoreMissing, match="there are no records in"):
        Store.open(tmp_path)


def test_times_of_records_are_whole_microseconds():
    assert micros("2026-11-22T09:41:07.123456Z") == 1_795_340_467_123_456
    assert [micros(broken) for broken in (None, 3, "", "x", [], "9999-99-99")] == [0] * 6


def test_a_decision_is_found_by_what_was_moved_to_objects(store: HandMade):
    made = decision(store.run, 1)
    store.run.lines.pop()
    content = json.dumps(made["verdict"]).encode()
    name = digest(content)
    path = store.root / "objects" / name[7:9] / name[7:]
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    stub = {"$blob": name, "bytes": len(content), "effect": "deny"}
    decision(store.run, 1, verdict=stub, blobs=["/verdict"])
    store.write()

    assert ends(opened(store), record_kind="decision", effect="deny", rule="r") == ["01"]
    path.unlink()
    (store.root / "index.sqlite").unlink()
    assert ends(opened(store), record_kind="decision", effect="deny") == ["01"], "the effect stays in the line"
