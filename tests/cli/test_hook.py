"""`armorer-guard hook claude-code`: replies compared whole, and the records they leave."""

from __future__ import annotations

import json
import re

import pytest

from .conftest import Front, call, event

REASON = re.compile(
    r"armorer-guard (?:denied this|wants a person to confirm this): .+ \[[a-z0-9._-]+\]\. .*"
    r"\(decision [0-9a-f-]{36}; `armorer-guard records show [0-9a-f-]{36}` tells more\)"
)


def reply(front: Front, **members: object) -> tuple[int, object, str]:
    """Exit status, JSON and standard error, with the reason cut out where it has its form."""
    got = front("hook", "claude-code", stdin=json.dumps(event(**members)))
    return got.code, shortened(got.answer), "REASON\n" if REASON.fullmatch(got.err.rstrip("\n")) else got.err


def shortened(value: object) -> object:
    """The value, with each string that is a reason replaced by a word."""
    if isinstance(value, dict):
        return {name: shortened(held) for name, held in value.items()}
    if isinstance(value, str) and REASON.fullmatch(value):
        return "REASON"
    return value


def bash(command: str) -> dict[str, str]:
    return {"command": command}


def test_an_allowed_call_gets_no_decision_so_that_the_hosts_prompts_stay_in_force(front: Front):
    assert reply(front, tool_input=bash("ls")) == (0, {}, "")


def test_a_denial_is_said_three_times(front: Front):
    assert reply(front, tool_input=bash("rm -rf ~")) == (
        2,
        {
            "hookSpecificOutput": {
                "hookEventName": "PreToolUse",
                "permissionDecision": "deny",
                "permissionDecisionReason": "REASON",
            }
        },
        "REASON\n",
    )


def test_a_question_is_put_to_the_person(front: Front):
    assert reply(front, tool_input=bash("git push --force origin topic")) == (
        0,
        {
            "hookSpecificOutput": {
                "hookEventName": "PreToolUse",
                "permissionDecision": "ask",
                "permissionDecisionReason": "REASON",
            }
        },
        "",
    )


@pytest.mark.parametrize("name", ["Stop", "SubagentStart", "SubagentStop", "Notification", "SomethingNew"])
def test_events_that_bring_nothing_to_judge_are_answered_with_nothing(front: Front, name: str):
    assert reply(front, name=name) == (0, {}, "")
    assert front.records() == []


def test_a_call_under_an_unknown_event_is_denied(front: Front):
    code, _, said = reply(front, name="BeforeTool", tool_name="Bash", tool_input=bash("ls"))

    assert code == 2
    assert "[error.event_unknown]" in said


def test_the_decision_is_recorded_with_what_the_host_said_about_itself(front: Front):
    reply(front, tool_input=bash("ls"), agent_id="sub-1", permission_mode="bypassPermissions", tool_use_id="toolu_9")

    (decision,) = [record for record in front.records() if record["kind"] == "decision"]
    caller = decision["facts"]["caller"]
    assert caller == {
        "run": "2f9c1d70-session",
        "runtime": "claude-code",
        "call_id": "toolu_9",
        "agent": "sub-1",
        "depth": 1,
        "host_mode": "bypassPermissions",
    }


def test_the_workspace_is_the_hosts_project_and_else_the_directory(front: Front):
    def places(env: dict[str, str]) -> tuple[str, str]:
        front("hook", "claude", stdin=json.dumps(event(cwd="/work/project/sub")), env=env)
        context = [record for record in front.records() if record["kind"] == "decision"][-1]["facts"]["context"]
        return context["cwd"], context["workspace"]

    assert places({"CLAUDE_PROJECT_DIR": "/work/project"}) == ("/work/project/sub", "/work/project")
    assert places({}) == ("/work/project/sub", "/work/project/sub")


def test_events_of_one_session_are_one_run(front: Front):
    for number in range(3):
        reply(front, tool_use_id=f"toolu_{number}")
    reply(front, session_id="another")

    runs = [record["run"] for record in front.records() if record["kind"] == "decision"]
    assert sorted(runs.count(run) for run in set(runs)) == [1, 3]


def test_what_came_of_a_call_closes_its_decision(front: Front):
    reply(front, tool_input=bash("ls"), tool_use_id="toolu_1")
    answered = reply(
        front,
        name="PostToolUse",
        tool_use_id="toolu_1",
        tool_response={"stdout": "a\nb", "stderr": "", "interrupted": False},
        duration_ms=12,
    )

    assert answered == (0, {}, "")
    decision = next(record for record in front.records() if record["kind"] == "decision")
    (outcome,) = [record for record in front.records() if record["kind"] == "outcome"]
    assert (outcome["of"], outcome["result"], outcome["run"]) == (decision["id"], "ok", decision["run"])


@pytest.mark.parametrize(("interrupted", "result"), [(False, "error"), (True, "cancelled")])
def test_a_failure_is_an_outcome_too(front: Front, interrupted: bool, result: str):
    reply(front, tool_use_id="toolu_1")
    answered = reply(front, name="PostToolUseFailure", tool_use_id="toolu_1", error="exit 1", is_interrupt=interrupted)

    assert answered == (0, {}, "")
    (outcome,) = [record for record in front.records() if record["kind"] == "outcome"]
    assert outcome["result"] == result


def test_the_options_of_the_hook_are_read_before_and_after_the_runtime(front: Front):
    for arguments in (("hook", "--home", str(front.cwd / "h"), "claude"), ("hook", "claude", "--home", "h")):
        assert front(*arguments, stdin=json.dumps(event())).code == 0
    assert (front.cwd / "h" / "store").is_dir()
    assert not front.home.exists()


def test_the_same_call_is_judged_the_same_by_hook_and_check(front: Front):
    for command in ("ls", "git push --force origin topic", "rm -rf ~"):
        asked = front("check", "--json", stdin=call(command, cwd="/work/project")).answer["effect"]
        code, answer, _ = reply(front, tool_input=bash(command))
        said = answer.get("hookSpecificOutput", {}).get("permissionDecision", "allow")  # type: ignore[union-attr]
        assert (said, code == 2) == (asked, asked == "deny")
