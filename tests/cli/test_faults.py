"""What is answered, and what is said afterwards, when the disk, the clock or another process is against the guard."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from armorer_guard import Guard
from armorer_guard.records.verify import verify_store

from .conftest import Front, call, event
from .test_run_end import journal, kill_while_it_answers
from .test_store import full

needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or sys.platform != "linux", reason="only root can mount a disk"
)


@pytest.fixture
def mounted(front: Front) -> Iterator[Path]:
    """The guard's home on a disk of its own."""
    front.home.mkdir(mode=0o700)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k,mode=700", "tmpfs", front.home], capture_output=True, check=False
    )
    if made.returncode != 0:
        pytest.skip("nothing can be mounted here")
    try:
        yield front.home
    finally:
        subprocess.run(["umount", "--lazy", front.home], check=True)


def remount(home: Path, how: str) -> None:
    """Mount the disk again."""
    subprocess.run(["mount", "-o", f"remount,{how}", home], check=True)


def gaps(front: Front) -> list[dict[str, Any]]:
    return [record["gap"] for record in journal(front) if record["kind"] == "gap"]


def sound(front: Front) -> bool:
    return verify_store(front.home / "store", thorough=True).verdict.name == "ok"


@needs_root
def test_a_full_disk_denies_and_is_said_while_it_is_full(front: Front, mounted: Path):
    assert front("check", "--run", "r", stdin=call("ls")).code == 0
    with (mounted / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(b"x" * 4096)
    answers = []
    # The page that a log ends in takes some more records.
    while not answers or answers[-1].answer["recorded"]:
        assert len(answers) < 20
        answers.append(front("check", "--json", "--run", "r", stdin=call("make install")))
    assert (answers[-1].code, answers[-1].answer["effect"]) == (20, "deny")
    assert [(gap["count"], gap["errors"], gap["answered"]) for gap in gaps(front)] == [
        (1, {"store_full": 1}, {"deny": 1})
    ]
    assert not (mounted / "store" / "reserve").exists()

    (mounted / "filler").unlink()
    assert front("check", "--json", "--run", "r", stdin=call("ls")).answer["recorded"]
    recorded = sum(one.answer["recorded"] for one in answers) + 2
    assert sum(record["kind"] == "decision" for record in front.records()) == recorded
    assert sound(front)


@needs_root
def test_space_is_held_back_again_once_a_gap_was_said(front: Front, mounted: Path):
    assert front("check", "--run", "r", stdin=call("ls")).code == 0
    reserve = mounted / "store" / "reserve"
    assert reserve.stat().st_size == 65_536
    reserve.unlink()
    (mounted / "gaps").mkdir(0o700)
    (mounted / "gaps" / "1700000000000000.018f.store_full.deny").touch()
    assert front("check", "--run", "r", stdin=call("ls")).code == 0
    assert [gap["answered"] for gap in gaps(front)] == [{"deny": 1}]
    assert reserve.stat().st_size == 65_536


@needs_root
def test_a_disk_that_may_only_be_read_denies_and_a_guard_that_lives_on_says_so_later(front: Front, mounted: Path):
    assert front("check", "--run", "r", stdin=call("ls")).code == 0
    remount(mounted, "ro")
    living = Guard(home=mounted, runtime="check")
    for command, effect in (("make install", "deny"), ("cat README.md", "allow")):
        decision = living.check("Bash", {"command": command}, cwd="/work", run="r")
        assert (decision.effect, decision.recorded) == (effect, False)
        assert "gap" in decision.obligations
        answer = front("check", "--json", "--run", "r", stdin=call(command)).answer
        assert (answer["effect"], answer["recorded"]) == (effect, False)
    hooked = front("hook", "claude", stdin=json.dumps(event(tool_input={"command": "make install"})))
    assert (hooked.code, hooked.answer["hookSpecificOutput"]["permissionDecision"]) == (2, "deny")

    remount(mounted, "rw")
    assert living.check("Bash", {"command": "ls"}, cwd="/work", run="r").recorded
    # What the processes that ended did not get said is lost with them; nothing could be written anywhere.
    assert [(gap["errors"], gap["answered"]) for gap in gaps(front)] == [
        ({"store_unwritable": 2}, {"allow": 1, "deny": 1})
    ]
    assert sound(front)


@needs_root
@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare")
def test_a_clock_that_steps_back_is_a_note_and_nothing_is_lost(front: Front):
    """In a namespace whose time since boot is a day ahead, the wall clock seems to have been set back by a day."""
    assert front("check", "--run", "r", stdin=call("ls")).code == 0
    stepped = subprocess.run(
        ["unshare", "--time", "--boottime", "86400", front.path, "check", "--run", "r"],
        input=call("make install").encode(),
        env=front.environment,
        capture_output=True,
        check=False,
    )
    if b"unshare" in stepped.stderr:
        pytest.skip("no namespace of time can be made here")
    assert stepped.returncode == 0, stepped.stderr
    assert front("check", "--run", "r", stdin=call("rm -rf ~")).code == 20
    report = verify_store(front.home / "store", thorough=True)
    assert (report.verdict.name, report.strict_verdict().name) == ("ok", "clock_step")
    assert ["back" in note.sentence for note in report.notes if note.verdict == "clock_step"] == [True, False]
    decisions = [record["verdict"]["effect"] for record in front.records() if record["kind"] == "decision"]
    assert decisions == ["allow", "allow", "deny"]


def test_a_child_that_is_forked_while_threads_write_goes_on_by_itself(front: Front):
    code = """
import os, signal, sys, threading
from armorer_guard import Guard
guard = Guard(home=sys.argv[1], runtime="check")
def judge(count):
    for _ in range(count):
        assert guard.check("Read", {"file_path": "a"}, cwd="/", run="r").recorded
judge(1)
threads = [threading.Thread(target=judge, args=(400,)) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(12):
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        judge(3)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
for thread in threads:
    thread.join()
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, front.home], capture_output=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert sound(front)
    assert sum(record["kind"] == "decision" for record in front.records()) == 1 + 3 * 400 + 12 * 3


def test_what_was_allowed_by_a_hook_that_was_killed_is_ambiguous_when_the_session_ends(front: Front):
    kill_while_it_answers(front, {**event("PreToolUse"), "tool_input": {"command": "ls"}, "tool_use_id": "t1"})
    end = {"session_id": event()["session_id"], "cwd": "/", "hook_event_name": "SessionEnd"}
    front("hook", "claude", stdin=json.dumps({**event("PostToolUse"), "tool_use_id": "other", "tool_response": "x"}))
    assert front("hook", "claude", stdin=json.dumps(end)).code == 0
    outcomes = [(record["enforced"], record["result"]) for record in front.records() if record["kind"] == "outcome"]
    assert outcomes == [("bypassed", "ok"), ("unknown", "ambiguous")]


@pytest.mark.parametrize(
    ("setting", "effects"),
    [
        ("", {"make install": "deny", "cat README.md": "allow", "rm -rf ~": "deny"}),
        ("deny-changes", {"make install": "deny", "cat README.md": "allow", "rm -rf ~": "deny"}),
        ("deny", {"make install": "deny", "cat README.md": "deny", "rm -rf ~": "deny"}),
        ("decide", {"make install": "allow", "cat README.md": "allow", "rm -rf ~": "deny"}),
        # A slip of the pen is the strictest.
        ("alow", {"make install": "deny", "cat README.md": "deny", "rm -rf ~": "deny"}),
    ],
)
def test_what_is_answered_without_a_record_can_be_chosen(front: Front, setting: str, effects: dict[str, str]):
    options = {**full(front), "env": {"ARMORER_GUARD_UNRECORDED": setting}}
    for command, effect in effects.items():
        answer = front("check", "--json", "--run", "r", stdin=call(command), **options).answer
        assert (answer["effect"], answer["recorded"]) == (effect, False), command
        assert "error.store" in [reason["rule"] for reason in answer["reasons"]] or effect == "deny"
    front("check", "--run", "r", stdin=call("ls"))
    assert [gap["answered"] for gap in gaps(front)] == [dict(Counter(effects.values()))]
