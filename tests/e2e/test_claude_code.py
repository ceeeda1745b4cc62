"""
The hook inside a real Claude Code, driven by a scripted model on the loopback interface. Nothing leaves the machine.

What is asserted is what happened: whether the file is there, what the model was told, what the record says.
The dangerous calls are such that they could only reach the test's own home directory if they ran.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .scripted_model import ScriptedModel, ToolUse

pytestmark = pytest.mark.e2e


@dataclass(frozen=True)
class Session:
    """What one session of the client left behind."""

    told: dict[str, str]
    said: dict[str, Any]
    records: list[dict[str, Any]]

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """Records of one kind, in order."""
        return [record for record in self.records if record["kind"] == kind]


def client_path() -> Path:
    """The client that `claude-agent-sdk` brings along, or a named one."""
    if named := os.environ.get("CLAUDE_BIN"):
        return Path(named)
    spec = importlib.util.find_spec("claude_agent_sdk")
    if spec is None or spec.origin is None:
        pytest.skip("Claude Code is not installed: pip install 'claude-agent-sdk==0.2.187' (380 MB), or set CLAUDE_BIN")
    bundled = Path(spec.origin).parent / "_bundled" / "claude"
    if not bundled.is_file():
        pytest.skip("this claude-agent-sdk brings no client for this platform; set CLAUDE_BIN")
    return bundled


def front_path() -> Path:
    """The binary under test: `ARMORER_GUARD_BIN`, else the one installed beside this Python."""
    return Path(os.environ.get("ARMORER_GUARD_BIN") or Path(sys.executable).with_name("armorer-guard"))


def settings(front: Path) -> dict[str, Any]:
    """The client's settings with the guard's entry, as the README shows it."""
    entry = {
        "matcher": "*",
        "hooks": [
            {
                "type": "command",
                "command": str(front),
                "args": ["hook", "claude-code"],
                "timeout": 10,
                "onFailure": "block",
            }
        ],
    }
    return {"hooks": {name: [entry] for name in ("PreToolUse", "PostToolUse", "PostToolUseFailure")}}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "user" / "project"
    project.mkdir(parents=True)
    return project


def run_session(project: Path, turns: list[list[ToolUse]], *, mode: str = "bypassPermissions") -> Session:
    """Let the client work through the turns with the hook installed in its user settings."""
    client, front, home, state = client_path(), front_path(), project.parent, project.parent.parent / "state"
    configuration = home / ".claude" / "settings.json"
    configuration.parent.mkdir(exist_ok=True)
    configuration.write_text(json.dumps(settings(front)), encoding="utf-8")
    with ScriptedModel(turns) as model:
        done = subprocess.run(
            [client, "-p", "go", "--output-format", "json", "--permission-mode", mode],
            cwd=project,
            env={
                "HOME": str(home),
                "PATH": os.environ["PATH"],
                "IS_SANDBOX": "1",
                "ANTHROPIC_BASE_URL": model.url,
                "ANTHROPIC_API_KEY": "none",
                "DISABLE_AUTOUPDATER": "1",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                "ARMORER_GUARD_HOME": str(state),
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr + done.stdout
    records = [
        json.loads(line)
        for path in sorted((state / "store" / "runs").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return Session(told=model.seen, said=json.loads(done.stdout), records=records)


def bash(command: str) -> ToolUse:
    return ToolUse("Bash", {"command": command, "description": "a step"})


def test_a_dangerous_call_does_not_run_and_a_harmless_one_does(project: Path):
    precious = project.parent / "documents" / "thesis.txt"
    precious.parent.mkdir()
    precious.write_text("years of work")

    session = run_session(project, [[bash("rm -rf ~/documents ~/")], [bash("echo made > made.txt && cat made.txt")]])

    assert precious.read_text() == "years of work"
    assert (project / "made.txt").read_text() == "made\n"
    denied, allowed = session.told["toolu_0_0"], session.told["toolu_1_0"]
    assert "armorer-guard denied this: " in denied
    assert "Do not try to reach the same effect another way" in denied
    assert allowed == "made"
    assert session.said["result"] == "DONE"


def test_every_call_has_its_decision_and_what_ran_its_outcome(project: Path):
    session = run_session(project, [[bash("rm -rf ~")], [bash("echo one"), bash("echo two")], [bash("exit 3")]])

    decisions = {record["facts"]["caller"]["call_id"]: record for record in session.of_kind("decision")}
    effects = {call: decision["verdict"]["effect"] for call, decision in decisions.items() if call}
    assert effects == {"toolu_0_0": "deny", "toolu_1_0": "allow", "toolu_1_1": "allow", "toolu_2_0": "allow"}
    results = {record["of"]: record["result"] for record in session.of_kind("outcome")}
    assert results == {
        decisions["toolu_1_0"]["id"]: "ok",
        decisions["toolu_1_1"]["id"]: "ok",
        decisions["toolu_2_0"]["id"]: "error",
    }
    assert {record["run"] for record in session.records} == {decisions["toolu_0_0"]["run"]}
    assert decisions["toolu_0_0"]["facts"]["caller"]["run"] == session.said["session_id"]


def test_what_needs_a_person_does_not_run_where_there_is_none(project: Path):
    session = run_session(project, [[bash("git push --force origin topic")]])

    (decision,) = session.of_kind("decision")
    assert decision["verdict"]["effect"] == "ask"
    assert "armorer-guard wants a person to confirm this" in session.told["toolu_0_0"]
    assert session.of_kind("outcome") == []


def test_an_allowed_call_still_meets_the_clients_own_permissions(project: Path):
    """In the default mode, without a person, the client refuses to write; the guard's `allow` must not change that."""
    target = project / "new.txt"
    session = run_session(project, [[ToolUse("Write", {"file_path": str(target), "content": "x"})]], mode="default")

    (decision,) = session.of_kind("decision")
    assert decision["verdict"]["effect"] == "allow"
    assert not target.exists()
    assert "permission" in session.told["toolu_0_0"]
