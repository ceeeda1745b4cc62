"""The command line itself: help, names, and the way to the commands that run in Python."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from .conftest import Front, without_python


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        ((), "armorer-guard: judges what AI agents"),
        (("--help",), "armorer-guard: judges what AI agents"),
        (("-h",), "armorer-guard: judges what AI agents"),
        (("help",), "armorer-guard: judges what AI agents"),
        (("check", "--help"), "armorer-guard check: "),
        (("check", "--jsonl", "-h"), "armorer-guard check: "),
        (("help", "check"), "armorer-guard check: "),
        (("hook", "--help"), "armorer-guard hook: "),
        (("hook", "claude", "-h"), "armorer-guard hook: "),
        (("help", "hook"), "armorer-guard hook: "),
        (("redact", "--help"), "armorer-guard redact: "),
        (("redact", "a", "--check", "-h"), "armorer-guard redact: "),
        (("help", "redact"), "armorer-guard redact: "),
        (("scan", "--help"), "armorer-guard scan: "),
        (("scan", "a", "--json", "-h"), "armorer-guard scan: "),
        (("help", "scan"), "armorer-guard scan: "),
        (("rules", "--help"), "armorer-guard rules: "),
        (("rules", "list", "-h"), "armorer-guard rules: "),
        (("help", "rules"), "armorer-guard rules: "),
        (("catalogue", "--help"), "armorer-guard catalogue: "),
        (("catalogue", "show", "rm", "-h"), "armorer-guard catalogue: "),
        (("help", "catalogue"), "armorer-guard catalogue: "),
        (("--version",), "armorer-guard 0."),
        (("-V",), "armorer-guard 0."),
    ],
)
def test_help_is_everywhere(front: Front, arguments: tuple[str, ...], start: str):
    got = front(*arguments)

    assert (got.code, got.err) == (0, "")
    assert got.out.decode().startswith(start)
    assert max(len(line) for line in got.out.decode().splitlines()) <= 120


def test_the_help_of_the_hook_names_every_runtime(front: Front):
    assert "  claude-code, claude Claude Code (tried with " in front("hook", "--help").out.decode()


def test_an_unknown_command_is_met_with_the_nearest_name(front: Front):
    said = {name: front(name).err.splitlines()[-1] for name in ("recrods", "hok", "polcy", "transmogrify")}

    assert said == {
        "recrods": "hint: did you mean `armorer-guard records`?",
        "hok": "hint: did you mean `armorer-guard hook`?",
        "polcy": "hint: did you mean `armorer-guard policy`?",
        "transmogrify": "hint: `armorer-guard --help` lists the commands",
    }


def python_that_prints(folder: Path) -> Path:
    """A Python that has the package and prints how it was started."""
    folder.mkdir()
    python = folder / "python3"
    python.write_text('#!/bin/sh\n[ "$1" = -c ] && exit 0\nfor word in "$@"; do echo "[$word]"; done\nexit 7\n')
    python.chmod(0o755)
    return python


def copied(front: Front) -> Front:
    """The front in a folder that has no Python."""
    alone = front.cwd / "alone" / "armorer-guard"
    alone.parent.mkdir()
    shutil.copy2(front.path, alone)
    return Front(alone, front.home, front.cwd)


def test_python_commands_are_passed_on_with_every_argument(front: Front, tmp_path: Path):
    python = python_that_prints(tmp_path / "named")
    got = copied(front)("records", "show", "a b", "", "--x=*", env={"ARMORER_GUARD_PYTHON": str(python)})

    assert got.code == 7
    assert got.out.decode().splitlines() == [
        "[-m]",
        "[armorer_guard.cli]",
        "[records]",
        "[show]",
        "[a b]",
        "[]",
        "[--x=*]",
    ]


def test_a_python_on_the_path_will_do(front: Front, tmp_path: Path):
    python = python_that_prints(tmp_path / "path")

    assert copied(front)("policy", "show", env={"PATH": str(python.parent)}).code == 7


def test_the_python_beside_the_front_comes_first(front: Front, tmp_path: Path):
    beside = copied(front)
    python_that_prints(tmp_path / "made").replace(beside.path.parent / "python3")

    assert beside("records", env={"ARMORER_GUARD_PYTHON": "/nowhere"}).code == 7


def test_without_a_python_that_has_the_package_the_error_says_what_was_tried(front: Front, tmp_path: Path):
    empty = tmp_path / "empty"
    empty.mkdir()
    useless = empty / "python3"
    useless.write_text("#!/bin/sh\nexit 1\n")
    useless.chmod(0o755)
    alone = copied(front)

    got = alone("records", env={"PATH": str(empty)})
    assert (got.code, got.out) == (2, b"")
    assert got.err.splitlines() == [
        f"armorer-guard: no Python here has the package `armorer_guard` (tried `{useless}`)",
        "hint: install it with `pip install armorer-guard`, or set ARMORER_GUARD_PYTHON to a Python that has it",
    ]
    assert "there is none" in alone("records", env={"PATH": without_python(tmp_path / "bare")}).err


def test_the_front_knows_exactly_the_commands_that_python_has(front: Front):
    main = pytest.importorskip("armorer_guard.cli.main")
    listed = re.findall(r"^  ([a-z]+) ", front("--help").out.decode(), flags=re.MULTILINE)

    assert sorted(listed) == sorted(["check", "hook", "scan", "redact", "rules", "catalogue", "help", *main.COMMANDS])


def test_the_installed_front_reaches_the_python_command_line(front: Front):
    pytest.importorskip("armorer_guard.cli.main")
    got = front("records", "--help", env={"ARMORER_GUARD_PYTHON": sys.executable})

    assert got.code == 0
    assert got.out.decode().startswith("usage: armorer-guard records")
