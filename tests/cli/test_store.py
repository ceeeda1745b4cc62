"""When the guard cannot keep its record or read its policy, it says so, and what does harm is denied."""

from __future__ import annotations

import json
import os
import resource
import signal
from pathlib import Path

import pytest

from .conftest import Front, call, event


def no_file_may_grow() -> None:
    """As on a full disk: every write to a file fails."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def unwritable(front: Front) -> dict[str, object]:
    """A home that no user can write to, root included."""
    return {"env": {"ARMORER_GUARD_HOME": "/dev/null/home"}}


def full(front: Front) -> dict[str, object]:
    """A store that exists, on a disk that is full."""
    assert front("check", "--run", "r", stdin=call("ls")).code == 0
    return {"prepare": no_file_may_grow}


@pytest.mark.parametrize("breakage", [unwritable, full])
def test_without_a_record_harm_is_denied_and_a_read_passes_with_a_gap(front: Front, breakage):
    options = breakage(front)
    ran = front("check", "--json", "--run", "r", stdin=call("make install"), **options)
    assert (ran.code, ran.answer["effect"], ran.answer["recorded"]) == (20, "deny", False)
    assert "error.store" in [reason["rule"] for reason in ran.answer["reasons"]]

    read = front("check", "--json", "--run", "r", stdin=call("cat README.md"), **options)
    assert (read.code, read.answer["effect"], read.answer["recorded"]) == (0, "allow", False)
    assert "error.store" in [reason["rule"] for reason in read.answer["reasons"]]


@pytest.mark.parametrize("breakage", [unwritable, full])
def test_the_hook_denies_harm_and_tells_the_person_about_a_gap(front: Front, breakage):
    options = breakage(front)
    ran = front("hook", "claude", stdin=json.dumps(event(tool_input={"command": "make install"})), **options)
    assert (ran.code, ran.answer["hookSpecificOutput"]["permissionDecision"]) == (2, "deny")
    assert "[error.store]" in ran.err

    read = front("hook", "claude", stdin=json.dumps(event(tool_input={"command": "cat README.md"})), **options)
    assert (read.code, list(read.answer)) == (0, ["systemMessage"])
    assert read.answer["systemMessage"].startswith("armorer-guard let this pass without a record: ")


@pytest.mark.parametrize("breakage", [unwritable, full])
def test_an_outcome_that_is_lost_is_said(front: Front, breakage):
    options = breakage(front)
    sent = event("PostToolUse", tool_response={"stdout": "x"})
    got = front("hook", "claude", stdin=json.dumps(sent), **options)

    assert (got.code, got.answer["decision"]) == (2, "block")
    assert got.err.startswith("armorer-guard could not record what came of this call: ")


def test_a_store_that_was_full_goes_on_where_it_stopped(front: Front):
    options = full(front)
    assert front("check", "--run", "r", stdin=call("make install"), **options).code == 20
    got = front("check", "--json", "--run", "r", stdin=call("make install"))

    assert got.answer["recorded"] is True
    assert [record["seq"] for record in front.records()] == list(range(len(front.records())))


def test_without_any_home_nothing_is_judged_unless_nothing_is_to_be_recorded(front: Front):
    """The account's own home would do; here nothing may be found, so the environment names a broken one."""
    got = front("check", stdin=call("ls"), env={"ARMORER_GUARD_HOME": "", "HOME": "", "XDG_STATE_HOME": ""})
    # With a home directory in the account file there is a place after all.
    assert got.code in (0, 2)


BROKEN_POLICIES = {
    "empty": b"",
    "not JSON": b"rules: []",
    "no policy": b"[]",
    "cut off": b'{"rules":[',
    "not UTF-8": b"\xff",
}


@pytest.mark.parametrize("content", BROKEN_POLICIES.values(), ids=BROKEN_POLICIES)
def test_with_a_broken_policy_harm_is_denied_and_a_read_passes(front: Front, content: bytes):
    active = policy_file(front)
    active.parent.mkdir(parents=True)
    active.write_bytes(content)

    ran = front("check", "--json", stdin=call("make install"))
    assert (ran.code, [reason["rule"] for reason in ran.answer["reasons"]]) == (20, ["error.policy"])
    read = front("check", "--json", stdin=call("cat README.md"))
    assert (read.code, [reason["rule"] for reason in read.answer["reasons"]]) == (0, ["error.policy"])
    hooked = front("hook", "claude", stdin=json.dumps(event(tool_input={"command": "make install"})))
    assert (hooked.code, hooked.answer["hookSpecificOutput"]["permissionDecision"]) == (2, "deny")


def test_a_policy_that_cannot_be_read_is_not_a_missing_one(front: Front):
    policy_file(front).mkdir(parents=True)

    assert front("check", stdin=call("make install")).code == 20


def policy_file(front: Front) -> Path:
    """Where the active policy lies."""
    return front.home / "policy" / "active.json"


def test_a_lock_that_is_never_given_back_ends_in_a_denial_in_time(front: Front):
    """An agent could hold the store's lock to make the hook hang until the host runs the call anyway."""
    import fcntl

    front("hook", "claude", stdin=json.dumps(event()))
    held = [os.open(path, os.O_RDWR) for path in front.home.rglob("*") if path.is_file()]
    try:
        for descriptor in held:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        got = front("hook", "claude", "--deadline-ms", "1000", stdin=json.dumps(event()), timeout=20)
    finally:
        for descriptor in held:
            os.close(descriptor)
    assert (got.code, got.answer["hookSpecificOutput"]["permissionDecision"]) == (2, "deny")


def test_hooks_that_are_killed_leave_a_store_that_works(front: Front):
    for _ in range(20):
        with front.start("hook", "claude") as process:
            assert process.stdin
            process.stdin.write(json.dumps(event()).encode())
            process.stdin.close()
            process.send_signal(signal.SIGKILL)
            process.wait(10)
    got = front("hook", "claude", stdin=json.dumps(event()))

    assert (got.code, got.answer) == (0, {})
    assert [record["seq"] for record in front.records()] == list(range(len(front.records())))


def test_hooks_at_once_all_keep_their_record(front: Front):
    running = [front.start("hook", "claude") for _ in range(16)]
    for number, process in enumerate(running):
        assert process.stdin
        process.stdin.write(json.dumps(event(tool_use_id=f"toolu_{number}")).encode())
        process.stdin.close()
    assert [process.wait(30) for process in running] == [0] * 16
    for process in running:
        assert process.stdout and process.stderr
        process.stdout.close()
        process.stderr.close()

    decisions = [record for record in front.records() if record["kind"] == "decision"]
    assert sorted(record["facts"]["caller"]["call_id"] for record in decisions) == sorted(
        f"toolu_{number}" for number in range(16)
    )
