"""A person at a terminal of their own allows exactly what an agent was asked about."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from armorer_guard.policy.activation import activate
from armorer_guard.policy.layers import compile_files
from armorer_guard.records import verify

from .conftest import Front, event

PUSH = "git push origin main"
COMMAND = "import sys; from armorer_guard.cli.main import main; sys.exit(main(sys.argv[1:]))"


def decide(front: Front, command: str = PUSH, **more: Any) -> dict[str, Any]:
    """The record of one call, decided by a process that no agent started."""
    sent = json.dumps(event(tool_input={"command": command}, session_id="s", cwd=str(front.cwd)) | more)
    # A shell that leads its session is a person's: the agent is then nobody, and this test may answer.
    subprocess.run(
        ["setsid", "sh", "-c", '"$0" hook claude-code; true', front.path],
        input=sent.encode(),
        capture_output=True,
        env=front.environment,
        cwd=front.cwd,
        check=True,
    )
    return [record for record in front.records() if record["kind"] == "decision"][-1]


def person(front: Front, *arguments: str, typed: bytes = b"") -> tuple[int, str]:
    """A command at a terminal: exit status, and what both outputs say."""
    ours, theirs = pty.openpty()
    environment = {**front.environment, "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        cwd=front.cwd,
    ) as process:
        os.close(theirs)
        if typed:
            os.write(ours, typed)
        assert process.stdout is not None
        said = process.stdout.read().decode()
        code = process.wait(timeout=60)
    os.close(ours)
    return code, said


def verdict(record: dict[str, Any]) -> tuple[str, list[str]]:
    return record["verdict"]["effect"], [rule["id"] for rule in record["verdict"]["rules"]]


pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


def test_a_question_is_listed_allowed_once_and_asked_again(front: Front):
    asked = decide(front)
    assert verdict(asked) == ("ask", ["ask.push"])
    code, said = person(front, "pending")
    assert code == 0 and asked["id"] in said and "would push to" in said and "[ask.push]" in said

    code, said = person(front, "approve", asked["id"][-12:], typed=b"y\n")
    assert code == 0, said
    assert person(front, "pending")[1].strip() == "nobody waits for an answer"

    allowed = decide(front)
    (grant,) = allowed["approval"]["grants"]
    assert verdict(allowed) == ("allow", ["grant.once"])
    assert grant in allowed["verdict"]["rules"][0]["message"] and grant in said
    assert verdict(decide(front)) == ("ask", ["ask.push"])
    kinds = [record["kind"] for record in front.records()]
    assert kinds[2:5] == ["approval.request", "approval.result", "grant"]
    assert verify.verify_store(front.home / "store").verdict.name in ("ok", "unsealed_tail")


def test_another_action_another_directory_and_a_denial_are_not_covered(front: Front):
    asked = decide(front)
    assert person(front, "approve", asked["id"], "--scope", "run", "--yes")[0] == 0
    assert verdict(decide(front))[0] == "allow"
    assert verdict(decide(front))[0] == "allow"
    assert verdict(decide(front, "git push origin main --tags"))[0] == "ask"
    assert verdict(decide(front, PUSH, cwd=str(front.cwd.parent)))[0] == "ask"
    assert verdict(decide(front, PUSH, session_id="another"))[0] == "ask"
    assert verdict(decide(front, f"{PUSH} && rm -rf ~"))[0] == "deny"


def test_a_grant_ends_by_being_taken_back_and_by_time(front: Front):
    asked = decide(front)
    assert person(front, "approve", asked["id"], "--scope", "until", "--minutes", "5", "--yes")[0] == 0
    assert verdict(decide(front))[0] == "allow"
    (held,) = json.loads(person(front, "grants", "--json")[1])
    assert held["scope"] == "until" and held["expires"] > asked["ts"]
    assert person(front, "revoke", held["id"], "--reason", "enough")[0] == 0
    assert verdict(decide(front))[0] == "ask"
    assert person(front, "grants")[1].strip() == "nothing is allowed beyond the policy"


def test_a_rule_is_answered_as_a_whole_only_where_nothing_grave_is_asked(front: Front):
    asked = decide(front)
    assert person(front, "approve", asked["id"], "--scope", "rule", "--rule", "ask.push", "--yes")[0] == 0
    assert verdict(decide(front, "git push origin main --tags")) == ("allow", ["grant.rule"])
    grave = decide(front, "kubectl delete pod web-1")
    code, said = person(front, "approve", grave["id"], "--scope", "rule", "--rule", grave["verdict"]["rules"][0]["id"])
    assert code == 2 and "cannot be undone" in said


def test_a_no_is_recorded_and_allows_nothing(front: Front):
    asked = decide(front)
    assert person(front, "deny", asked["id"])[0] == 0
    assert person(front, "pending")[1].strip() == "nobody waits for an answer"
    assert verdict(decide(front))[0] == "ask"
    code, said = person(front, "approve", asked["id"], typed=b"n\n")
    assert code == 1 and "nothing was allowed" in said


def test_an_agent_does_not_answer_itself(front: Front):
    # The hook was started by this very process, and so would the answer be.
    sent = event(tool_input={"command": PUSH}, session_id="s", cwd=str(front.cwd))
    front("hook", "claude-code", stdin=json.dumps(sent))
    asked = [record for record in front.records() if record["kind"] == "decision"][-1]
    assert asked["asker"][0][0] == os.getpid()
    code, said = person(front, "approve", asked["id"], "--yes")
    assert code == 2 and "started by the agent that asked" in said
    # Nor does anything that has no terminal.
    other = decide(front, "git push origin main --tags")
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "approve", other["id"], "--yes"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**front.environment, "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        check=False,
    )
    assert done.returncode == 2 and b"given at a terminal" in done.stderr
    # And the command is one that the guard denies to agents.
    assert verdict(decide(front, f"armorer-guard approve {other['id']} --yes"))[0] == "deny"


def test_ids_that_fit_nothing_and_choices_that_go_not_together_are_told(front: Front):
    assert person(front, "approve", "019b0000-nothing")[0] == 1
    asked = decide(front)
    for more in (["--scope", "rule"], ["--scope", "until"], ["--minutes", "0"], ["--scope", "rule", "--rule", "x.y"]):
        code, said = person(front, "approve", asked["id"], "--yes", *more)
        assert code == 2 and "armorer-guard: " in said, more
    assert person(front, "revoke", "g-0000")[0] == 1


SCRIPTS = """
guard: 1
id: scripts
rules:
  - {id: s.ask, effect: ask, why: a person looks first, when: {action: {kind: exec.local, target: "**/deploy.sh"}}}
"""


def test_a_grant_for_a_script_holds_while_the_script_is_the_same(front: Front, tmp_path: Path):
    """What a person looked at is what they allowed: another content is another question."""
    (tmp_path / "p.yaml").write_text(SCRIPTS)
    activate(compile_files(user=tmp_path / "p.yaml").policy, front.home)
    script = front.cwd / "deploy.sh"
    script.write_text("echo one\n")
    asked = decide(front, "./deploy.sh web")
    assert verdict(asked) == ("ask", ["s.ask"])
    digest = f"sha256:{hashlib.sha256(script.read_bytes()).hexdigest()}"
    code, said = person(front, "approve", asked["id"], "--scope", "run", typed=b"y\n")
    assert (code, f"runs    {script}, {digest[:19]}" in said) == (0, True), said
    records = {record["kind"]: record for record in front.records()}
    bound = [{"path": str(script), "digest": digest}]
    assert records["approval.request"]["binds"]["operands"] == bound
    assert records["grant"]["grant"]["match"]["operands"] == bound
    assert f"while {script} is as it was" in person(front, "grants")[1]

    assert verdict(decide(front, "./deploy.sh web"))[0] == "allow"
    script.write_text("echo two\n")
    assert verdict(decide(front, "./deploy.sh web")) == ("ask", ["s.ask"])
    script.unlink()
    assert verdict(decide(front, "./deploy.sh web")) == ("ask", ["s.ask"])
    os.mkfifo(script)
    assert verdict(decide(front, "./deploy.sh web")) == ("ask", ["s.ask"])
    script.unlink()
    script.write_text("echo one\n")
    assert verdict(decide(front, "./deploy.sh web"))[0] == "allow"


def test_a_script_that_nothing_can_be_bound_to_is_not_allowed(front: Front, tmp_path: Path):
    (tmp_path / "p.yaml").write_text(SCRIPTS)
    activate(compile_files(user=tmp_path / "p.yaml").policy, front.home)
    with (front.cwd / "deploy.sh").open("wb") as file:
        file.truncate((16 << 20) + 1)
    asked = decide(front, "./deploy.sh web")
    code, said = person(front, "approve", asked["id"], "--yes")
    assert (code, "larger than 16 MiB" in said) == (2, True), said
