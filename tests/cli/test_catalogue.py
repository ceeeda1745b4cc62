"""`catalogue`: what is known about a command, what a line would do and why, and whether a catalogue will do."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Front

OWN = """
[[command]]
name = "frobnicate"
summary = "polishes widgets"
flags = ["-w --wipe"]

[[command.effect]]
do = "fs.delete"
to = "operands"
when = ["-w"]

[command.examples]
"frobnicate --wipe old" = ["fs.delete /w/old"]
"frobnicate old" = []
"""


def test_the_list_has_every_entry_once_and_says_the_same_in_both_forms(front: Front):
    entries = front("catalogue", "list", "--json").answer["entries"]
    names = [entry["name"] for entry in entries]

    assert len(names) == len(set(names)) >= 400
    assert all(list(entry) == ["name", "summary", "file"] and all(entry.values()) for entry in entries)

    lines = front("catalogue", "list").out.decode().splitlines()
    assert lines[-1] == f"{len(names)} entries"
    assert [line.strip().split("  ")[0] for line in lines[:-1] if line.startswith("  ")] == names


def test_an_entry_is_shown_with_what_it_does_its_options_and_its_proof(front: Front):
    shown = front("catalogue", "show", "git", "push", "--json").answer

    assert list(shown) == [
        "name",
        "summary",
        "file",
        "line",
        "aliases",
        "harmless",
        "harmless_when",
        "options",
        "effects",
        "unlisted",
        "otherwise",
        "subcommands",
        "examples",
    ]
    assert (shown["name"], shown["file"], shown["harmless"]) == ("git push", "commands/git.toml", False)
    assert {"-n", "--help"} <= set(shown["harmless_when"])
    force = next(option for option in shown["options"] if "--force" in option["spellings"])
    assert force["value"] == "none" and not force["inherited"]
    assert {"vcs.rewrite", "vcs.rewrite (force)", "no vcs.push"} <= set(force["changes"])
    inherited = next(option for option in shown["options"] if "-C" in option["spellings"])
    assert inherited["inherited"] and inherited["value"] == "value"
    kinds = [effect["does"] for effect in shown["effects"]]
    assert {"vcs.push", "vcs.rewrite"} <= set(kinds)
    assert [effect["from"] for effect in shown["effects"] if "from" in effect][:1] == ["git"]
    assert {"line": "git push", "actions": ["vcs.push origin"]} in shown["examples"]

    source = Path(__file__).parents[2] / "rules" / shown["file"]
    assert source.read_text().splitlines()[shown["line"] - 1] == 'name = "git push"'

    text = front("catalogue", "show", "git", "push").out.decode()
    assert text.startswith(f"git push: {shown['summary']}\n  written in  rules/commands/git.toml:{shown['line']}\n")
    for option in shown["options"]:
        assert " ".join(option["spellings"]) in text
    for example in shown["examples"]:
        assert example["line"] in text


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["rm"], "rm"),
        (["/bin/rm"], "rm"),
        (["git push"], "git push"),
        (["docker", "container", "rm"], "docker rm"),
        (["aws", "s3api", "delete-bucket"], "aws * delete-*"),
    ],
)
def test_an_entry_is_found_by_path_alias_and_pattern(front: Front, given: list[str], found: str):
    assert front("catalogue", "show", *given, "--json").answer["name"] == found


@pytest.mark.parametrize("given", [["no-such-program"], ["git", "no-such-subcommand"]])
def test_a_name_that_is_none_is_an_error(front: Front, given: list[str]):
    got = front("catalogue", "show", *given)

    assert (got.code, got.out) == (2, b"")
    assert got.err.splitlines()[0] == f"armorer-guard: `{' '.join(given)}` is not in the catalogue"


def test_a_line_is_explained_by_entry_effect_and_option(front: Front):
    (held,) = front("catalogue", "show", "--json", "--", "git", "push", "--force", "origin", "main").answer["actions"]

    assert held["sentence"] == "would rewrite history of origin main (force, protected_branch)"
    assert held["action"]["kind"] == "vcs.rewrite"
    because = held["because"]
    assert (because["by"], because["entry"]) == ("git push", "git push")
    assert because["place"].startswith("rules/commands/git.toml:")
    assert because["says"] == "vcs.rewrite of join operands | text origin"
    assert (because["given"], because["holds"]) == (["-f --force"], ["-f"])

    text = front("catalogue", "show", "--", "git", "push", "--force", "origin", "main").out.decode()
    assert text.splitlines()[0] == held["sentence"] and because["place"] in text


def test_a_text_is_explained_command_by_command_and_nothing_is_run(front: Front):
    (front.cwd / "kept").write_text("x")
    command = "sudo timeout 9 rm -rf kept; git push --dry-run; frobnicate; git frob"
    shown = front("catalogue", "show", "--json", "--", command).answer

    assert (front.cwd / "kept").exists()
    assert [(held["action"]["kind"], held["because"].get("entry")) for held in shown["actions"]] == [
        ("exec.privileged", "sudo"),
        ("fs.delete", "rm"),
        ("exec.local", None),
        ("unknown", "git"),
    ]
    (proof,) = shown["proofs"]
    assert (proof["entry"], proof["holds"]) == ("git push", ["-n"])


def test_a_line_runs_where_it_is_said_to(front: Front):
    (held,) = front("catalogue", "show", "--cwd", "/srv/x", "--json", "--", "rm", "a b").answer["actions"]

    assert held["action"]["target"]["value"] == "/srv/x/a b"


def test_what_ships_holds(front: Front):
    checked = front("catalogue", "check", "--all", "--json", timeout=300).answer

    assert checked["errors"] == []
    assert {file["file"].split("/")[0] for file in checked["files"]} == {"commands", "tools", "places"}
    assert sum(file["examples"] for file in checked["files"]) > 1500


def test_a_catalogue_that_holds_is_said_to(front: Front):
    (front.cwd / "own.toml").write_text(OWN)
    got = front("catalogue", "check", "own.toml", timeout=300)

    assert (got.code, got.out, got.err) == (0, b"own.toml: 1 entry holds, 2 examples\n", "")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            '["fs.delete /w/old"]',
            '["fs.delete /w/new"]',
            "own.toml: `frobnicate`: example `frobnicate --wipe old` gives",
        ),
        ('name = "frobnicate"', 'name = "rm"', "own.toml: `rm` is also in coreutils.toml"),
        ('when = ["-w"]', 'when = ["-x"]', "own.toml: `frobnicate`: `-x`"),
        ('"fs.delete"', '"fs.remove"', "own.toml: `frobnicate`: `fs.remove` is not an action kind"),
        ("flags =", "flag =", "own.toml: TOML parse error at line 5, column 1"),
        ("[[command]]", "[[commands]]", "own.toml: has neither [[command]] nor [[tool]]"),
    ],
)
def test_a_catalogue_is_refused_as_the_build_would(front: Front, old: str, new: str, said: str):
    assert old in OWN
    text = OWN.replace(old, new, 1)
    if new == "[[commands]]":
        text = '[[commands]]\nname = "x"\n'
    (front.cwd / "own.toml").write_text(text)
    got = front("catalogue", "check", "own.toml", timeout=300)

    assert (got.code, got.out) == (1, b"")
    assert said in got.err
    refused = front("catalogue", "check", "own.toml", "--json", timeout=300)
    assert refused.code == 1 and any(said in error for error in refused.answer["errors"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["catalogue"], "`catalogue` is told what to do with it"),
        (["catalogue", "show"], "`catalogue show` takes the name of a program"),
        (["catalogue", "show", "--"], "`catalogue show` takes the name of a program"),
        (["catalogue", "check"], "`catalogue check` says nothing of what"),
        (["catalogue", "check", "x.toml", "--all"], "`catalogue check` takes files, or `--all`"),
        (["catalogue", "list", "rm"], "`catalogue list` takes nothing more"),
        (["catalogue", "list", "--all"], "`--all` goes with `check`"),
        (["catalogue", "show", "rm", "--cwd", "/"], "`--cwd` goes with a command line"),
        (["catalogue", "frob"], "`catalogue frob` is nothing that can be done"),
        (["catalogue", "check", "no-such.toml"], "`no-such.toml` was not read"),
    ],
)
def test_what_cannot_be_done_is_said(front: Front, arguments: list[str], said: str):
    got = front(*arguments)

    assert (got.code, got.out) == (2, b"")
    assert got.err.startswith(f"armorer-guard: {said}")
