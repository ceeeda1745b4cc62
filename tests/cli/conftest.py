"""Runs the real front as a process, as hosts and people do."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import random
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


def front_path() -> Path:
    """The binary under test: `ARMORER_GUARD_BIN`, else the one installed beside this Python."""
    named = os.environ.get("ARMORER_GUARD_BIN")
    found = Path(named) if named else Path(sys.executable).with_name("armorer-guard")
    if not found.is_file():
        pytest.fail(f"the native front is not at {found}; set ARMORER_GUARD_BIN")
    return found


@dataclass(frozen=True)
class Result:
    """What a process left: exit status and both streams."""

    code: int
    out: bytes
    err: str

    @property
    def answer(self) -> dict[str, Any]:
        """The one JSON object on standard output; anything before or after it is a failure."""
        assert self.out.count(b"\n") == 1 and self.out.endswith(b"\n"), self
        found = json.loads(self.out)
        assert isinstance(found, dict), self
        return found

    @property
    def answers(self) -> list[dict[str, Any]]:
        """The JSON objects on standard output, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Front:
    """The front with a home and a working directory of its own."""

    path: Path
    home: Path
    cwd: Path

    @property
    def environment(self) -> dict[str, str]:
        """An environment that holds nothing of the machine's."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.cwd.parent),
            "USER": "tester",
            "ARMORER_GUARD_HOME": str(self.home),
        }

    def __call__(
        self,
        *arguments: str,
        stdin: bytes | str = b"",
        env: dict[str, str] | None = None,
        prepare: Callable[[], None] | None = None,
        timeout: float = 60,
    ) -> Result:
        done = subprocess.run(
            [self.path, *arguments],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            cwd=self.cwd,
            env={**self.environment, **(env or {})},
            preexec_fn=prepare,
            timeout=timeout,
            check=False,
        )
        assert "panicked" not in done.stderr.decode(errors="replace")
        return Result(done.returncode, done.stdout, done.stderr.decode(errors="replace"))

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        """The front as a running process with pipes."""
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(
            [self.path, *arguments], cwd=self.cwd, env=self.environment, bufsize=0, **{**pipes, **options}
        )

    def records(self) -> list[dict[str, Any]]:
        """Every record of every run, as it is stored."""
        return [
            json.loads(line)
            for path in sorted((self.home / "store").rglob("runs/*.jsonl"))
            for line in path.read_text(encoding="utf-8").splitlines()
        ]


@pytest.fixture
def front(tmp_path: Path) -> Front:
    cwd = tmp_path / "user" / "project"
    cwd.mkdir(parents=True)
    return Front(front_path(), tmp_path / "state", cwd)


def call(command: str, **members: Any) -> str:
    """A request to run a command, as JSON."""
    return json.dumps({"tool": "Bash", "args": {"command": command}, **members})


def event(name: str = "PreToolUse", **members: Any) -> dict[str, Any]:
    """An event as Claude Code sends it."""
    sent: dict[str, Any] = {
        "session_id": "2f9c1d70-session",
        "transcript_path": "/t.jsonl",
        "cwd": "/work/project",
        "permission_mode": "default",
        "hook_event_name": name,
    }
    if name.startswith(("PreTool", "PostTool")):
        sent |= {"tool_name": "Bash", "tool_input": {"command": "ls"}, "tool_use_id": "toolu_1"}
    return sent | members


def without_python(path: Path) -> str:
    """A search path that has no Python."""
    path.mkdir()
    for name in ("sh", "env"):
        if found := shutil.which(name):
            (path / name).symlink_to(found)
    return str(path)


_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def github_token(seed: int = 0) -> str:
    """A token that verifies, another for each seed; put together here so that none stands in the repository."""
    chosen = random.Random(seed)
    body = "".join(chosen.choice(_ALPHABET) for _ in range(30))
    rest, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        digits = _ALPHABET[digit] + digits
    return "gh" + "p_" + body + digits


def on_a_terminal(front: Front, *arguments: str, stdin: Iterable[bytes] = ()) -> tuple[int, str]:
    """Exit status and what a person sees whose terminal is both outputs of the front."""
    ours, theirs = pty.openpty()
    with front.start(*arguments, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        assert process.stdin is not None
        for piece in stdin:
            process.stdin.write(piece)
        process.stdin.close()
        seen = b""
        # Linux ends a terminal whose other side is closed with an error, macOS with nothing.
        with contextlib.suppress(OSError):
            while piece := os.read(ours, 65536):
                seen += piece
        os.close(ours)
        return process.wait(timeout=60), seen.decode()
