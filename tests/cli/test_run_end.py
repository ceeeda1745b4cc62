"""A session from its beginning to its end through the hook, and what is said about calls that did not wait for it."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from armorer_guard.records.verify import verify_store

from .conftest import Front, call, event
from .test_store import no_file_may_grow


def said(front: Front, name: str, **members: Any) -> Any:
    return front("hook", "claude", stdin=json.dumps({**event(name), **members}))


def kinds(front: Front) -> list[tuple[str, object]]:
    return [(record["kind"], record.get("enforced")) for record in front.records()]


def journal(front: Front) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (front.home / "store" / "journal.jsonl").read_bytes().splitlines()]


def test_a_session_that_ends_is_closed_and_sealed(front: Front):
    session = {"session_id": event()["session_id"], "cwd": "/work"}
    began = front("hook", "claude", stdin=json.dumps({**session, "hook_event_name": "SessionStart", "model": "m-1"}))
    assert (began.code, began.answer) == (0, {})
    said(front, "PreToolUse", tool_input={"command": "ls"}, tool_use_id="t1")
    said(front, "PostToolUse", tool_response={"stdout": ""}, tool_use_id="t1")
    said(front, "PreToolUse", tool_input={"command": "rm -rf ~"}, tool_use_id="t2")
    said(front, "PostToolUse", tool_response={"stdout": ""}, tool_use_id="t3")
    ended = front("hook", "claude", stdin=json.dumps({**session, "hook_event_name": "SessionEnd", "reason": "logout"}))
    assert (ended.code, ended.answer) == (0, {})

    assert kinds(front) == [
        ("run.start", None),
        ("decision", None),
        ("outcome", "enforced"),
        ("decision", None),
        ("outcome", "bypassed"),
        ("outcome", "not_attempted"),
        ("run.stop", None),
    ]
    records = front.records()
    assert records[0]["model"] == {"model": "m-1"}
    assert records[-1]["stop"]["reason"] == "logout"
    summary = records[-1]["summary"]
    assert (summary["bypassed"], summary["not_attempted"], summary["ambiguous"]) == (1, 1, 0)
    report = verify_store(front.home / "store", thorough=True)
    assert (report.strict_verdict().name, report.checkpoints) == ("ok", 1)


def test_a_session_in_which_nothing_was_called_has_no_end(front: Front):
    got = front("hook", "claude", stdin=json.dumps({"session_id": "s", "cwd": "/", "hook_event_name": "SessionEnd"}))
    assert (got.code, got.answer) == (0, {})
    assert not (front.home / "store" / "journal.jsonl").exists()


def test_an_end_that_cannot_be_recorded_is_said(front: Front):
    said(front, "PreToolUse", tool_input={"command": "ls"})
    end = json.dumps({"session_id": event()["session_id"], "cwd": "/", "hook_event_name": "SessionEnd"})
    got = front("hook", "claude", stdin=end, prepare=no_file_may_grow)
    assert got.code == 1
    assert "could not record that the session ended" in got.err
    assert front("hook", "claude", stdin=end).code == 0
    assert verify_store(front.home / "store").verdict.name == "ok"


def test_a_mode_that_changes_in_the_middle_begins_an_epoch(front: Front):
    for mode in ("default", "default", "bypassPermissions"):
        said(front, "PreToolUse", tool_input={"command": "ls"}, permission_mode=mode)
    records = front.records()
    assert [record["kind"] for record in records] == ["run.start", "decision", "decision", "run.epoch", "decision"]
    assert (records[3]["changed"], records[3]["perms"], records[4]["epoch"]) == (
        ["perms"],
        {"host_mode": "bypassPermissions"},
        1,
    )


def test_a_configuration_that_changes_in_the_middle_begins_an_epoch(front: Front, tmp_path: Path):
    settings = tmp_path / "project" / ".claude" / "settings.json"
    settings.parent.mkdir(parents=True)
    session = {"session_id": "s", "cwd": str(tmp_path / "project")}
    for name, content in (("SessionStart", "{}"), ("ConfigChange", "{}"), ("ConfigChange", '{"hooks":{}}')):
        settings.write_text(content)
        front("hook", "claude", stdin=json.dumps({**session, "hook_event_name": name}))
    records = front.records()
    assert [record["kind"] for record in records] == ["run.start", "run.epoch"]
    assert records[1]["changed"] == ["config"]
    assert records[1]["config"]["digest"] != records[0]["config"]["digest"]
    assert "./.claude/settings.json" in [file["path"] for file in records[1]["config"]["files"]]


def test_a_hook_that_is_killed_between_decision_and_answer_has_failed_open(front: Front):
    """
    Its standard output is a pipe that is full, so that it hangs with the answer in its hand; then it is killed. Without
    the mark that follows an answer, what ran would be called overridden: as after the second hook, which answers.
    """
    for number, killed in enumerate((True, False)):
        call_event = {**event("PreToolUse"), "tool_input": {"command": "rm -rf ~"}, "tool_use_id": f"t{number}"}
        if killed:
            kill_while_it_answers(front, call_event)
        else:
            assert front("hook", "claude", stdin=json.dumps(call_event)).code == 2
        said(front, "PostToolUse", tool_response={"stdout": ""}, tool_use_id=f"t{number}")
    assert [enforced for kind, enforced in kinds(front) if kind == "outcome"] == ["failed_open", "overridden"]


def kill_while_it_answers(front: Front, call_event: dict[str, Any]) -> None:
    reading, writing = os.pipe()
    try:
        fcntl.fcntl(writing, fcntl.F_SETFL, os.O_NONBLOCK)
        try:
            while True:
                os.write(writing, b"x" * 4096)
        except BlockingIOError:
            pass
        fcntl.fcntl(writing, fcntl.F_SETFL, 0)
        process = subprocess.Popen(
            [front.path, "hook", "claude"],
            stdin=subprocess.PIPE,
            stdout=writing,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "ARMORER_GUARD_HOME": str(front.home)},
        )
        assert process.stdin
        process.stdin.write(json.dumps(call_event).encode())
        process.stdin.close()
        while not any(record["kind"] == "decision" for record in front.records()):
            time.sleep(0.01)
        time.sleep(0.1)
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    finally:
        os.close(reading)
        os.close(writing)


def test_what_a_full_disk_kept_out_of_the_record_is_said_once_it_works_again(front: Front):
    assert front("check", "--run", "r", stdin=call("ls")).code == 0
    for _ in range(3):
        assert front("check", "--run", "r", stdin=call("make install"), prepare=no_file_may_grow).code == 20
    assert [record["kind"] for record in journal(front)] == ["run.start"]
    for _ in range(2):
        front("check", "--run", "r", stdin=call("ls"))
    gaps = [record["gap"] for record in journal(front) if record["kind"] == "gap"]
    assert [(gap["reason"], gap["count"], gap["errors"]) for gap in gaps] == [("unrecorded", 3, {"store_full": 3})]
    assert verify_store(front.home / "store").verdict.name == "ok"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be two users")
def test_the_store_of_another_user_is_not_written(front: Front):
    assert front("check", "--run", "r", stdin=call("ls")).code == 0

    def nobody() -> None:
        os.setgid(65534)
        os.setuid(65534)

    for path in (front.home, front.home / "store", *front.home.parents):
        if str(path).startswith("/tmp"):
            path.chmod(path.stat().st_mode | 0o055)
    before = len(front.records())
    got = front("check", "--json", "--run", "r", stdin=call("make install"), prepare=nobody)
    if got.code == 2 or not got.out:
        pytest.skip("another user cannot run the front from here")
    assert (got.code, got.answer["recorded"]) == (20, False)
    assert len(front.records()) == before


def test_a_process_that_forks_while_it_writes_keeps_one_chain(front: Front):
    code = """
import os, sys
from armorer_guard import Guard
guard = Guard(home=sys.argv[1], runtime="check")
guard.check("Read", {"file_path": "a"}, cwd="/", run="r")
children = []
while len(children) < 3 and 0 not in children:
    children.append(os.fork())
for _ in range(50):
    assert guard.check("Read", {"file_path": "a"}, cwd="/", run="r").recorded
if 0 in children:
    os._exit(0)
assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code, front.home], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    report = verify_store(front.home / "store", thorough=True)
    assert report.verdict.name == "ok"
    assert sum(record["kind"] == "decision" for record in front.records()) == 1 + 4 * 50


def test_the_servers_of_tools_that_a_session_is_told_to_start_are_in_its_record(front: Front):
    project, home = front.cwd, front.cwd.parent
    (project / ".mcp.json").write_text(
        json.dumps({"mcpServers": {"tracker": {"command": "npx", "args": ["tracker", "--key", "hunter2-hunter2"]}}})
    )
    local = {"mcpServers": {"tracker": {"command": "mine"}}}
    (home / ".claude.json").write_text(
        json.dumps({"mcpServers": {"docs": {"type": "http", "url": "https://u:p@docs.example/mcp?key=1"}}})
    )
    session = {"session_id": "s", "cwd": str(project)}

    def begin(name: str = "SessionStart") -> None:
        got = front("hook", "claude", stdin=json.dumps({**session, "hook_event_name": name}))
        assert (got.code, got.answer) == (0, {})

    begin()
    begin("ConfigChange")
    started = front.records()
    assert [record["kind"] for record in started] == ["run.start"]
    servers = started[0]["tools"]["servers"]
    assert [(server["name"], server["transport"], server["url"]) for server in servers] == [
        ("docs", "http", "https://docs.example/mcp"),
        ("tracker", "stdio", None),
    ]
    assert "of the tools only the configured servers are seen" in " ".join(started[0]["coverage"]["gaps"])
    assert "hunter2" not in json.dumps(started)

    (home / ".claude.json").write_text(json.dumps({"projects": {str(project): local}}))
    begin("ConfigChange")
    epoch = front.records()[-1]
    assert (epoch["kind"], epoch["changed"]) == ("run.epoch", ["tools"])
    assert [server["name"] for server in epoch["tools"]["servers"]] == ["tracker"]
    assert epoch["tools"]["servers"][0]["cmd_digest"] != servers[1]["cmd_digest"]
