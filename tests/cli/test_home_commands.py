"""Commands of one's own in the guard's home: asked by every command, named by every record, never silently absent."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from .conftest import Front, call, event

OWN = """
[[command]]
name = "acme-release"
summary = "releases to customers"
flags = ["--dry-run"]
harmless_when = ["--dry-run"]
effect = [{do = "cloud.deploy", to = "operand 1"}]
examples = {"acme-release web" = ["cloud.deploy web"], "acme-release --dry-run web" = []}
"""
BROKEN = {
    "not TOML": ("command = [", "TOML parse error"),
    "an example gives something else": (OWN.replace('["cloud.deploy web"]', "[]"), "example `acme-release web` gives"),
    "a program that ships": (OWN.replace("acme-release", "rm"), "`rm` is known already"),
    "a subcommand of one that ships": (OWN.replace("acme-release", "git acme"), "`git acme` is known already"),
    "an alias that ships": (OWN.replace("flags =", 'aliases = ["curl"]\nflags ='), "`curl` is known already"),
    "every program": (OWN.replace("acme-release", "acme-*"), "is about every program that fits"),
    "no example": (OWN[: OWN.index("examples")], "`acme-release` has no example"),
    "tools": ('[[tool]]\nnames = ["x"]\n', "unknown field `tool`"),
}


def put(front: Front, text: str, name: str = "acme.toml") -> Path:
    """Write the file into the guard's home."""
    folder = front.home / "commands"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def kinds(front: Front, command: str) -> list[str]:
    return [action["kind"] for action in front("check", "--json", stdin=call(command)).answer["actions"]]


def test_check_and_hook_know_what_they_say(front: Front):
    assert kinds(front, "acme-release web") == ["exec.local"]
    put(front, OWN)

    assert kinds(front, "sudo acme-release web") == ["exec.privileged", "cloud.deploy"]
    assert kinds(front, "acme-release --dry-run web") == []
    sent = event(tool_input={"command": "acme-release web"}, cwd=str(front.cwd))
    answer = front("hook", "claude-code", stdin=json.dumps(sent)).answer["hookSpecificOutput"]
    assert answer["permissionDecision"] == "ask"
    assert "cloud.deploy" in [kind for line in front.records() for kind in line.get("subject", {}).get("class", [])]


def test_what_ships_keeps_its_meaning_beside_them(front: Front):
    before = front("check", "--json", stdin=call("rm -rf / ; git push --force origin main")).answer["actions"]
    put(front, OWN)
    after = front("check", "--json", stdin=call("rm -rf / ; git push --force origin main")).answer["actions"]
    assert before == after


def test_records_name_them_and_the_store_keeps_them(front: Front):
    front("check", "--json", stdin=call("ls"))
    put(front, OWN)
    front("check", "--json", stdin=call("acme-release web"))
    put(front, OWN.replace("customers", "people"))
    front("check", "--json", stdin=call("acme-release web"))

    first, second, third = (line["policy"] for line in front.records() if line["kind"] == "decision")
    assert "commands" not in first
    assert second["commands"] != third["commands"]
    digest = second["commands"].removeprefix("sha256:")
    kept = (front.home / "store").rglob(f"objects/{digest[:2]}/{digest}")
    text = next(iter(kept)).read_bytes()
    assert hashlib.sha256(text).hexdigest() == digest
    assert json.loads(text) == [{"name": "acme.toml", "text": OWN}]


def test_examples_are_held_against_them_once(front: Front):
    path = put(front, OWN)
    for _ in range(2):
        front("check", "--json", stdin=call("ls"))
    assert len(list((path.parent / ".checked").iterdir())) == 1


@pytest.mark.parametrize(("text", "wrong"), BROKEN.values(), ids=BROKEN)
def test_a_broken_one_never_weakens_a_decision(front: Front, text: str, wrong: str):
    put(front, OWN.replace("acme-release", "acme-other"), "sound.toml")
    put(front, text)

    for _ in range(2):
        ran = front("check", "--json", stdin=call("make install"))
        assert (ran.code, [reason["rule"] for reason in ran.answer["reasons"]]) == (20, ["error.commands"])
        assert wrong in ran.answer["reasons"][0]["message"]
    read = front("check", "--json", stdin=call("cat README.md"))
    assert read.code == 0
    assert "error.commands" in [reason["rule"] for reason in read.answer["reasons"]]

    for command, code in ((("check",), 1), (("list",), 2), (("show", "rm"), 2), (("show", "--", "rm", "x"), 2)):
        said = front("catalogue", *command, timeout=300)
        assert (said.code, said.out, wrong in said.err) == (code, b"", True), command


@pytest.mark.parametrize("kind", ["a pipe", "a folder", "unreadable bytes"])
def test_what_is_no_file_of_text_is_a_broken_one_and_holds_nothing_up(front: Front, kind: str):
    path = put(front, OWN)
    path.unlink()
    if kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a folder":
        path.mkdir()
    else:
        path.write_bytes(b"\xff")
    ran = front("check", "--json", stdin=call("make install"), timeout=20)
    assert (ran.code, ran.answer["reasons"][0]["rule"]) == (20, "error.commands")


def test_an_agent_may_not_write_them(front: Front):
    put(front, OWN)
    for command in (f"rm {front.home}/commands/acme.toml", f"echo x > {front.home}/commands/new.toml"):
        asked = front("check", "--json", stdin=call(command))
        assert asked.code == 20
        assert "agent.guard" in [action["kind"] for action in asked.answer["actions"]]


def test_the_catalogue_lists_shows_and_checks_them(front: Front):
    none = front("catalogue", "check")
    assert (none.code, "says nothing of what" in none.err) == (2, True)
    path = put(front, OWN)

    entries = front("catalogue", "list", "--json").answer["entries"]
    assert entries[-1] == {"name": "acme-release", "summary": "releases to customers", "file": str(path)}
    shown = front("catalogue", "show", "acme-release").out.decode()
    assert shown.startswith(f"acme-release: releases to customers\n  written in  {path}:3\n")
    (held,) = front("catalogue", "show", "--json", "--", "acme-release web").answer["actions"]
    assert (held["action"]["kind"], held["because"]["place"]) == ("cloud.deploy", f"{path}:3")
    (proof,) = front("catalogue", "show", "--json", "--", "acme-release --dry-run web").answer["proofs"]
    assert (proof["entry"], proof["holds"]) == ("acme-release", ["--dry-run"])
    checked = front("catalogue", "check")
    assert (checked.code, checked.out) == (0, f"{path}: 1 entry holds, 2 examples\n".encode())


def test_a_file_that_holds_for_what_ships_is_said_not_to_for_the_home(front: Front):
    (front.cwd / "own.toml").write_text(OWN.replace("acme-release", "git acme"))
    got = front("catalogue", "check", "own.toml", timeout=300)
    assert got.code == 0
    assert "`git acme` is about a program that ships: not for `commands` in the guard's home" in got.err
