"""The verifier: every change of a store is found and called by its name, and no bytes make it fail."""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from armorer_guard import _core
from armorer_guard.records import verify, verify_chain, verify_lines, verify_plain
from armorer_guard.records.verify import Anchor, Problem, Report, verify_store
from armorer_guard.records.verify_chain import Follower

from .conftest import GOLDEN, OTHER_RUN, RUN, STORE, HandMade, Log, canonical, digest, seal


def found(report: Report) -> list[tuple[str, int | None, str]]:
    """What is wrong, as verdict, line and sentence."""
    return [(problem.verdict, problem.line, problem.sentence) for problem in report.problems]


def plain(root: Path) -> list[str]:
    """What the small verifier says is wrong."""
    return verify_plain.verify(root)[1]


def test_the_golden_store_is_sound(golden: Path):
    report = verify_store(golden)

    assert (report.verdict.name, report.records, report.problems) == ("ok", 7, [])
    assert [(chain.chain, chain.records, chain.recovered) for chain in report.chains] == [
        ("journal", 1, 0),
        (RUN, 6, 1),
    ]
    assert [note.verdict for note in report.notes] == ["unsealed_tail"]
    assert plain(golden) == []


def test_a_store_written_from_the_format_alone_is_sound(store: HandMade):
    assert (found(verify_store(store.root)), plain(store.root)) == ([], [])


@pytest.mark.parametrize("name", ["run_path", "journal_path"])
def test_no_byte_of_a_log_can_change_unseen(store: HandMade, name: str):
    path = getattr(store, name)
    chain = RUN if name == "run_path" else "journal"
    whole = path.read_bytes()
    unseen = []
    for at in range(len(whole)):
        for bit in (0x01, 0x80):
            changed = bytearray(whole)
            changed[at] ^= bit
            path.write_bytes(changed)
            report = verify.verify_file(path, STORE, chain)
            if not report.problems:
                unseen.append((at, bit))
    assert unseen == []


def test_no_byte_of_the_golden_store_can_change_unseen(golden: Path):
    unseen = []
    for path in sorted(golden.rglob("*.jsonl")):
        whole = path.read_bytes()
        chain = "journal" if path.name == "journal.jsonl" else path.stem
        for at in range(len(whole)):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            if not verify.verify_file(path, STORE, chain).problems:
                unseen.append((path.name, at))
        path.write_bytes(whole)
    assert unseen == []
    (golden / "id").write_text("f" + STORE[1:] + "\n")
    assert verify_store(golden).verdict.name == "rewritten"


def test_a_cut_inside_a_line_is_a_torn_tail_and_one_between_lines_shows_only_against_an_anchor(store: HandMade):
    whole = store.run.bytes()
    (head,) = [anchor for anchor in verify_store(store.root).heads if anchor.chain == RUN]
    for cut in range(len(whole) + 1):
        store.run_path.write_bytes(whole[:cut])
        lines = whole[:cut].count(b"\n")
        torn = bool(whole[:cut]) and whole[cut - 1] != ord("\n")
        bare = verify.verify_file(store.run_path, STORE, RUN)
        assert [problem.verdict for problem in bare.problems] == ["torn_tail"] * torn, cut
        assert (bare.records, bare.bytes) == (lines, cut)
        anchored = verify.verify_file(store.run_path, STORE, RUN, anchors=[head])
        wanted = ["torn_tail"] * torn + ["truncated"] * (lines < 6)
        assert [problem.verdict for problem in anchored.problems] == wanted, cut


def test_a_torn_tail_says_where(store: HandMade):
    with store.run_path.open("ab") as file:
        file.write(b'{"action_digest":"sha2')
    assert verify_store(store.root).problems == [
        Problem(
            "torn_tail",
            RUN,
            str(store.run_path),
            "the last 22 bytes are no whole line",
            line=7,
            byte=len(store.run.bytes()),
            seq=6,
        )
    ]


def edited_then_sealed_again(store: HandMade) -> list[bytes]:
    lines = list(store.run.lines)
    lines[2] = seal({**verify.members(lines[2]), "note": "another"})  # type: ignore[dict-item]
    return lines


LINES = {
    "a line is dropped": (
        lambda store: [*store.run.lines[:2], *store.run.lines[3:]],
        [("missing", 3, "record 2 is missing before line 3")],
    ),
    "three lines are dropped": (
        lambda store: [*store.run.lines[:1], *store.run.lines[4:]],
        [("missing", 2, "records 1 to 3 are missing before line 2")],
    ),
    "the first line is dropped": (
        lambda store: store.run.lines[1:],
        [
            ("missing", 1, "record 0 is missing before line 1"),
        ],
    ),
    "a line stands twice": (
        lambda store: [*store.run.lines[:3], *store.run.lines[2:]],
        [("forked", 4, "record 2 stands here a second time")],
    ),
    "two lines are exchanged": (
        lambda store: [*store.run.lines[:2], store.run.lines[3], store.run.lines[2], *store.run.lines[4:]],
        [
            ("missing", 3, "record 2 is missing before line 3"),
            ("forked", 4, "a second record 2 continues the same record"),
            ("missing", 5, "record 3 is missing before line 5"),
        ],
    ),
    "a line is changed": (
        lambda store: [
            *store.run.lines[:2],
            store.run.lines[2].replace(b"note 1", b"note 9"),
            *store.run.lines[3:],
        ],
        [("edited", 3, "record 2 was changed: its bytes do not give its hash")],
    ),
    "a line is changed and sealed again": (
        edited_then_sealed_again,
        [("rewritten", 4, "record 2 was replaced: what follows continues another one")],
    ),
    "a line is replaced by something else": (
        lambda store: [*store.run.lines[:2], b"nothing\n", *store.run.lines[3:]],
        [("edited", 3, "line 3 is no record; record 2 should stand here")],
    ),
    "a line is put in": (
        lambda store: [*store.run.lines[:2], b"nothing\n", *store.run.lines[2:]],
        [("edited", 3, "line 3 is no record; record 2 should stand here")],
    ),
    "an empty line is put in": (
        lambda store: [*store.run.lines[:2], b"\n", *store.run.lines[2:]],
        [("edited", 3, "line 3 is empty; record 2 should stand here")],
    ),
    "a line is longer than any record": (
        lambda store: [b"x" * 300_000 + b"\n", *store.run.lines],
        [("edited", 1, "line 1 is longer than any record; record 0 should stand here")],
    ),
    "two writers forked the chain": (
        lambda store: [*store.run.lines[:3], fork(store), *store.run.lines[3:]],
        [
            ("forked", 5, "a second record 3 continues the same record"),
        ],
    ),
}


def fork(store: HandMade) -> bytes:
    other = Log(RUN, lines=store.run.lines[:3])
    other.add(note="of another writer")
    return other.lines[-1]


@pytest.mark.parametrize(("make", "expected"), LINES.values(), ids=LINES)
def test_what_was_done_to_a_log_is_called_by_its_name(store: HandMade, make, expected):
    store.write_run(*make(store))
    report = verify_store(store.root)

    assert [entry for entry in found(report) if "journal" not in entry[2]] == expected
    assert plain(store.root) != []


def test_positions_are_right_behind_a_line_that_is_longer_than_any_record(store: HandMade):
    long = b"x" * 1_000_000 + b"\n"
    store.write_run(*store.run.lines[:2], long, b"nothing\n", *store.run.lines[2:], b"torn")
    before = sum(map(len, store.run.lines[:2]))
    report = verify.verify_file(store.run_path, STORE, RUN)

    assert [(problem.verdict, problem.line, problem.byte) for problem in report.problems] == [
        ("edited", 3, before),
        ("edited", 4, before + len(long)),
        ("torn_tail", 9, before + len(long) + 8 + sum(map(len, store.run.lines[2:]))),
    ]
    assert report.bytes == store.run_path.stat().st_size


def test_every_line_end_changed_by_an_editor_is_listed_only_so_far(store: HandMade):
    for _ in range(200):
        store.run.add(note="more")
    store.write_run(*(line.replace(b"\n", b"\r\n") for line in store.run.lines))
    (journal, run) = verify_store(store.root).chains

    assert journal.problems == []
    assert (len(run.problems), run.more_problems) == (50, 156)


def test_a_log_of_another_store_or_run_is_not_taken_for_this_one(store: HandMade):
    for other in (Log(RUN, store="f" * 32), Log(OTHER_RUN)):
        other.add("run.start", id=verify.members(store.run.lines[0])["id"])  # type: ignore[index]
        other.add()
        store.write_run(*other.lines)
        report = verify_store(store.root)

        assert report.verdict.name == "rewritten"
        assert found(report)[0] == (
            "rewritten",
            1,
            "the log begins with a record of another chain: what follows continues another one",
        )
        assert plain(store.root) != []


def test_a_missing_and_an_emptied_run_are_noticed_through_the_journal(store: HandMade):
    sentence = (
        f"run {RUN} is named in the journal and {{}}: it was removed, or its first writer was killed before it had "
        "answered"
    )
    store.run_path.write_bytes(b"")
    assert found(verify_store(store.root)) == [("missing", 1, sentence.format("holds no record"))]
    assert plain(store.root) != []
    store.run_path.unlink()
    assert found(verify_store(store.root)) == [("missing", 1, sentence.format("has no file"))]
    assert plain(store.root) != []


def test_a_run_that_was_removed_and_began_again_is_noticed(store: HandMade):
    again = Log(RUN)
    first = again.add("run.start", id="019ab000-0000-7000-8000-0000000000ff")
    store.journal.add("run.start", run=RUN, first=first["id"], agent="test", policy=None)
    store.write()
    store.write_run(*again.lines)
    report = verify_store(store.root)

    assert [(problem.verdict, problem.line) for problem in report.problems] == [("missing", 2)]
    assert f"run {RUN} began 2 times" in report.problems[0].sentence
    assert plain(store.root) != []


def test_a_run_that_was_exchanged_for_another_is_noticed(store: HandMade):
    other = Log(RUN)
    other.add("run.start", id="019ab000-0000-7000-8000-0000000000ff")
    store.write_run(*other.lines)

    assert found(verify_store(store.root)) == [
        ("rewritten", 1, f"run {RUN} begins with another record than the journal names")
    ]


def test_a_run_that_the_journal_does_not_name_is_noticed(store: HandMade):
    store.journal_path.unlink()
    report = verify_store(store.root)

    assert [problem.verdict for problem in report.problems] == ["unreadable", "missing"] or [
        problem.verdict for problem in report.problems
    ] == ["missing", "unreadable"]
    assert report.verdict.name == "missing"


def test_what_a_writer_noticed_is_a_verdict(store: HandMade):
    hash_of = "sha256:" + "0" * 64
    store.run.add("gap", gap={"reason": "shortened", "expected_seq": 9, "expected_hash": hash_of})
    store.run.add("recovery", recovery={"reason": "torn_tail", "moved_to": "x", "offset": 1, "bytes": 1})
    store.run.add("recovery", recovery={"reason": "unreadable", "moved_to": "y", "offset": 1, "bytes": 1})
    store.write()
    report = verify_store(store.root)

    assert found(report) == [
        ("truncated", 7, "records up to 9 had been written before line 7 and were cut off"),
        (
            "edited",
            9,
            "whole lines that were no records stood before line 9; the writer moved them to `recovery/y`",
        ),
    ]
    assert report.chains[1].recovered == 2


def test_a_clock_that_was_set_is_noted_and_fails_only_when_asked(store: HandMade):
    store.run.add(ts="2026-11-22T08:00:00.000000Z")
    store.run.add(ts="2026-11-22T08:00:01.000000Z")
    store.write()
    report = verify_store(store.root)

    assert (report.verdict.name, report.strict_verdict().name) == ("ok", "clock_step")
    assert [note.sentence for note in report.notes if note.verdict == "clock_step"] == [
        "the wall clock was set back by 3606.0 s between records 5 and 6"
    ]


def test_an_anchor_shows_a_rewritten_log(store: HandMade):
    heads = verify_store(store.root).heads
    again = Log(RUN)
    again.add("run.start")
    for _ in range(9):
        again.add(note="never happened")
    store.write_run(*again.lines)

    assert found(verify_store(store.root)) == []
    assert found(verify_store(store.root, anchors=heads)) == [
        ("rewritten", 6, "record 5 is not the one that the anchor knows")
    ]
    assert [entry[0] for entry in found(verify_store(store.root, anchors=[Anchor(OTHER_RUN, 0, "x")]))] == ["missing"]


def test_objects_hold_what_they_are_named_for(store: HandMade):
    content = b"x" * 70_000
    name = digest(content)
    store.run.add(large={"$blob": name, "bytes": len(content)}, blobs=["/large"])
    store.write()
    assert [entry[0] for entry in found(verify_store(store.root))] == ["missing"]
    assert plain(store.root) != []

    path = store.root / "objects" / name[7:9] / name[7:]
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    report = verify_store(store.root)
    assert (found(report), report.objects, plain(store.root)) == ([], 1, [])

    path.write_bytes(content[:-1] + b"y")
    assert found(verify_store(store.root)) == [("edited", None, "an object does not hold the bytes its name says")]
    assert plain(store.root) != []


def test_a_file_that_is_no_file_is_unreadable_and_not_followed(store: HandMade, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    store.run_path.rename(elsewhere)
    store.run_path.symlink_to(elsewhere)
    assert [entry[0] for entry in found(verify_store(store.root))] == ["unreadable"]
    store.run_path.unlink()
    os.mkfifo(store.run_path)
    assert [entry[0] for entry in found(verify_store(store.root))] == ["unreadable"]


def hostile() -> list[bytes]:
    """Lines that look like records and are none, or are records of somebody who knows the format."""
    log = Log(RUN)
    genesis = log.prev
    made: list[dict[str, object]] = [
        {"prev": genesis, "seq": value} for value in (-1, True, None, "0", 1.5, [], {}, 10**18, 10**4000)
    ]
    made += [{"prev": value, "seq": 0} for value in ("", "sha256:", "é", "x" * 60_000)]
    lines = [seal({"prev": str(record["prev"]), **record}) for record in made]
    deep = b'{"prev":"' + genesis.encode() + b'","seq":0,"src":' + b"[" * 20_000 + b"]" * 20_000
    lines.append(deep + b',"hash":"' + digest(b"armorer-record/1\n" + genesis.encode() + deep).encode() + b'"}\n')
    lines += [b"", b"\n", b"\0" * 100, b"\xff\xfe\n", b"{}\n", b"[]\n", b'{"a":' * 5_000 + b"\n", b"x" * 200_000]
    lines += [canonical({"seq": 0, "prev": genesis, "hash": digest(b"")}) + b"\n"]
    lines += [b'{"seq":' + b"9" * 10_000 + b',"hash":"sha256:' + b"0" * 64 + b'"}\n']
    return lines


@pytest.mark.parametrize("thorough", [False, True])
def test_no_bytes_make_the_verifiers_fail(store: HandMade, thorough: bool):
    for line in hostile():
        for lines in ([line], [line, *store.run.lines], [*store.run.lines, line], [line, line]):
            for path in (store.run_path, store.journal_path):
                store.write()
                path.write_bytes(b"".join(lines))
                report = verify_store(store.root, thorough=thorough)
                unchanged = path == store.run_path and b"".join(lines) == store.run.bytes()
                assert bool(report.problems) != unchanged
                plain(store.root)


def change(chance: random.Random, lines: list[bytes], how: int) -> None:
    """Do one thing to one of these lines: leave it out, put one in again, turn a bit, exchange two, cut it short."""
    at = chance.randrange(len(lines))
    match how:
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, lines[chance.randrange(len(lines))])
        case 2:
            line = bytearray(lines[at])
            line[chance.randrange(len(line))] ^= 1 << chance.randrange(8)
            lines[at] = bytes(line)
        case 3:
            other = chance.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        case _:
            lines[at] = lines[at][: chance.randrange(len(lines[at]))]


def test_random_changes_never_pass_and_never_raise(store: HandMade):
    """Sequences of edits of bytes and lines; the seed is fixed, so that a failure can be seen again."""
    chance = random.Random(20261122)
    whole = store.run.lines
    for _ in range(600):
        lines = list(whole)
        for _ in range(chance.randint(1, 4)):
            change(chance, lines, chance.randrange(5))
            if not lines:
                break
        store.write_run(*lines)
        content = b"".join(lines)
        report = verify.verify_file(store.run_path, STORE, RUN)
        prefix = store.run.bytes().startswith(content) and (not content or content.endswith(b"\n"))
        assert bool(report.problems) != prefix, lines


@pytest.fixture
def ordinary(store: HandMade) -> HandMade:
    """A run of decisions and outcomes as the core writes them, which are followed in few steps."""
    _, decision, _, outcome, *_ = map(json.loads, (GOLDEN / "runs" / f"{RUN}.jsonl").read_bytes().splitlines())
    given = {"id", "mono", "prev", "run", "seq", "store", "ts", "v", "hash", "kind"}
    members = [{name: value for name, value in one.items() if name not in given} for one in (decision, outcome)]
    store.run.lines = store.run.lines[:1]
    for number in range(40):
        asked = {"asker": [[number, 7]]} if number % 7 == 3 else {}
        store.run.add("decision", **{**members[0], **asked})
        if number % 3:
            store.run.add("outcome", **{**members[1], "labels": [{"label": "secret"}]} if number % 5 else members[1])
    store.write()
    return store


def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every line be looked at by itself."""
    monkeypatch.setattr(Follower, "_plain", lambda _, block, begin, number: (begin, number))


@pytest.mark.parametrize("plain", [verify_lines.follow_plain, _core.follow_plain], ids=["python", "core"])
@pytest.mark.parametrize("block", [1_024, 1 << 16])
def test_the_common_case_finds_what_looking_at_every_line_finds(
    ordinary: HandMade, monkeypatch: pytest.MonkeyPatch, block: int, plain: verify_lines.Plain
):
    monkeypatch.setattr(verify_chain, "BLOCK", block)
    chance, whole = random.Random(20261129), ordinary.run.lines
    for trial in range(250):
        lines = list(whole)
        for _ in range(trial and chance.randint(1, 3)):
            how = chance.randrange(6)
            if how < 5:
                change(chance, lines, how)
                continue
            # What it says is changed and the line sealed again.
            at = chance.randrange(len(lines))
            with contextlib.suppress(ValueError, KeyError):
                lines[at] = seal({**json.loads(lines[at]), "answer": {"form": "allow", "to": "x"}})
        ordinary.write_run(*lines)
        known = [Anchor(RUN, chance.randrange(70), "sha256:" + "0" * 64) for _ in range(trial % 3)]
        fast = verify.verify_file(ordinary.run_path, STORE, RUN, anchors=known, plain=plain)
        with monkeypatch.context() as patch:
            slowly(patch)
            slow = verify.verify_file(ordinary.run_path, STORE, RUN, anchors=known)
        assert bool(fast.problems) == bool(known or lines != whole) or whole[: len(lines)] == lines
        assert (fast.problems, fast.records, fast.bytes, fast.head) == (
            slow.problems,
            slow.records,
            slow.bytes,
            slow.head,
        )


def test_plain_lines_are_followed_alike_by_python_and_core(ordinary: HandMade):
    chance, (first, *whole) = random.Random(20261130), ordinary.run.lines
    prev = first[-74:-3]
    assert verify_lines.follow_plain(b"".join(whole), 0, prev, b"", 1 << 60)[:2] == (len(b"".join(whole)), len(whole))
    for trial in range(400):
        lines = list(whole)
        for _ in range(trial % 3):
            change(chance, lines, chance.randrange(5))
            lines = [line for line in lines if line]
        block = b"--\n" + b"".join(lines)
        stamp, most = chance.choice([b"", b"2026-11-22T09:00:20.000000Z"]), chance.choice([5, 1 << 60])
        python = verify_lines.follow_plain(block, 3, prev, stamp, most)
        assert python == _core.follow_plain(block, 3, prev, stamp, most)


def test_the_common_case_looks_for_objects_and_at_the_clock(ordinary: HandMade):
    line = json.loads(ordinary.run.lines[-2])
    given = {name: value for name, value in line.items() if name not in ("prev", "seq", "hash", "kind", "ts")}
    facts = {"$blob": "sha256:" + "1" * 64, "bytes": 7}
    decision = json.loads(ordinary.run.lines[1])
    moved = {name: decision[name] for name in ("action_digest", "answer", "approval", "boot")}
    ordinary.run.add("decision", **moved, asker=[[1, 2]], blobs=["/facts"], facts=facts)
    ordinary.run.add("outcome", **given, ts="2026-11-22T08:00:00.000000Z")
    ordinary.write()
    report = verify_store(ordinary.root)
    assert [(found.verdict, found.line) for found in report.problems] == [("missing", len(ordinary.run.lines) - 1)]
    assert "clock_step" in [note.verdict for note in report.notes]


def test_only_the_runs_that_are_asked_for_are_followed(store: HandMade):
    other = Log(OTHER_RUN)
    first = other.add("run.start")
    store.journal.add("run.start", run=OTHER_RUN, first=first["id"], agent="test", policy=None)
    store.write()
    (store.root / "runs" / f"{OTHER_RUN}.jsonl").write_bytes(b"broken\n")

    assert verify_store(store.root, runs=[RUN]).verdict.name == "ok"
    assert verify_store(store.root, runs=[OTHER_RUN]).verdict.name == "edited"


def test_several_processes_say_what_one_says(store: HandMade, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(verify, "_WORTH_A_PROCESS", 0)
    other = Log(OTHER_RUN)
    first = other.add("run.start")
    store.journal.add("run.start", run=OTHER_RUN, first=first["id"], agent="test", policy=None)
    store.write()
    (store.root / "runs" / f"{OTHER_RUN}.jsonl").write_bytes(other.bytes() + b"broken\n")
    told: list[int] = []

    assert verify_store(store.root, jobs=2, progress=told.append).problems == verify_store(store.root).problems
    assert sum(told) == sum(path.stat().st_size for path in store.root.rglob("*.jsonl"))


def test_every_verdict_has_its_own_exit_code_and_meaning():
    codes = [kind.exit_code for kind in verify.VERDICTS.values()]

    assert len(set(codes)) == len(codes)
    assert not {1, 2} & set(codes)
    assert all(kind.meaning for kind in verify.VERDICTS.values())


def test_the_verifiers_need_nothing_but_the_standard_library(golden: Path):
    for name in ("verify.py", "verify_plain.py"):
        source = Path(verify.__file__).with_name(name)
        # The package itself brings the core; its place is taken, so that only what the verifier asks for is loaded.
        code = (
            "import sys, types; package = types.ModuleType('armorer_guard'); sys.modules['armorer_guard'] = package\n"
            f"package.__path__ = [{str(source.parents[1])!r}]\n"
            f"import armorer_guard.records.{source.stem}; print(*sys.modules)"
        )
        done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
        assert not {"armorer_guard._core", "pydantic", "yaml", "sqlite3"} & set(done.stdout.split())
    assert len(source.read_text(encoding="utf-8").splitlines()) < 200
    done = subprocess.run([sys.executable, "-I", source, golden], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"{golden}: 7 records, nothing wrong\n")


def test_the_small_verifier_finds_every_change_of_a_byte_too(golden: Path):
    chance = random.Random(1)
    for path in sorted(golden.rglob("*.jsonl")):
        whole = path.read_bytes()
        for at in chance.sample(range(len(whole)), 200):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            assert plain(golden) != [], (path.name, at)
        path.write_bytes(whole)
    assert plain(golden) == []
    assert sorted(GOLDEN.rglob("*.jsonl"))
