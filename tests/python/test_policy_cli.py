"""`armorer-guard policy`: what people read, what programs read, and exit codes."""

from __future__ import annotations

import argparse
import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from armorer_guard import Guard
from armorer_guard._core import builtin_policy
from armorer_guard.cli import policy
from armorer_guard.policy import canonical

GOOD = """\
guard: 1
id: mine
rules:
  - id: mine.tools
    effect: deny
    why: that server is not for agents
    when: {tool: "mcp__billing__*"}
    examples:
      match: [{tool: mcp__billing__refund, args: {amount: 3}}]
      not_match: [{tool: mcp__notes__add, args: {}}, ls]
tests:
  - name: refunds are denied
    call: {tool: mcp__billing__refund, args: {}}
    expect: {effect: deny, rule: mine.tools}
"""


class Policy:
    """Runs `policy` in this process, with a home of its own."""

    def __init__(self, home: Path, capture: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self.home, self._capture, self._patch = home, capture, patch
        patch.setenv("ARMORER_GUARD_HOME", str(home))

    def __call__(self, *arguments: str | Path, stdin: str = "") -> Any:
        parser = argparse.ArgumentParser(prog="armorer-guard policy")
        policy.add_commands(parser)
        self._patch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(stdin.encode())))
        code = policy.run(parser.parse_args([str(word) for word in arguments]))
        out, err = self._capture.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    def json(self, *arguments: str | Path, stdin: str = "") -> Any:
        got = self(*arguments, "--json", stdin=stdin)
        assert got.err == "", got
        return json.loads(got.out)


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Policy:
    return Policy(tmp_path / "home", capsys, monkeypatch)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.yaml"
    path.write_text(GOOD, encoding="utf-8")
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.yaml"
    path.write_text(GOOD.replace("effect: deny\n    why", "effect: dney\n    why"), encoding="utf-8")
    return path


def test_a_good_policy_is_said_to_be_good(run: Policy, good: Path):
    got = run("check", good)

    assert (got.code, got.err) == (0, "")
    assert got.out == f"{good}: good, 1 rules, 4 examples and tests hold\n"


def test_a_mistake_is_told_with_its_line(run: Policy, bad: Path):
    got = run("check", bad)

    assert (got.code, got.out) == (1, "")
    assert got.err == (
        f"{bad}:5: `rules.effect`: got `dney`; expected one of `allow`, `ask`, `deny`\n"
        "  hint: did you mean `deny`?\n1 problem\n"
    )
    assert run.json("check", bad)["problems"] == [
        {
            "file": str(bad),
            "line": 5,
            "kind": "value_unknown",
            "message": "`rules.effect`: got `dney`; expected one of `allow`, `ask`, `deny`",
            "hint": "did you mean `deny`?",
        }
    ]


def test_a_policy_whose_examples_fail_does_not_load(run: Policy, good: Path):
    good.write_text(GOOD.replace("mcp__billing__*", "mcp__payments__*"), encoding="utf-8")

    for command in ("check", "activate", "compile", "test"):
        got = run(command, good)
        assert got.code == 1
        assert f"{good}:9: rule `mine.tools` does not match its own example 1: `mcp__billing__refund" in got.err
    assert not (run.home / "policy" / "active.json").exists()


def test_a_file_that_is_not_there_is_a_problem_of_its_own(run: Policy, tmp_path: Path):
    got = run("check", tmp_path / "none.yaml")

    assert got.code == 1
    assert got.err == f"{tmp_path / 'none.yaml'}: cannot be read: No such file or directory\n1 problem\n"


def test_what_is_compiled_has_its_digest(run: Policy, good: Path, tmp_path: Path):
    out = tmp_path / "out.json"
    got = run("compile", good, "--out", out)

    assert got.out == f"{canonical.digest(out.read_bytes())}  {out}\n"
    assert run("compile", good).out.encode() == out.read_bytes() + b"\n"
    assert run("compile", good, "--out", tmp_path / "no" / "out.json").code == 2


def test_what_is_activated_decides(run: Policy, good: Path):
    got = run("activate", good)

    assert got.code == 0
    assert Guard(record=False).policy_digest == got.out.strip()
    assert Guard(record=False).check("mcp__billing__refund", {}).effect == "deny"
    assert run("activate", "--off").out == "the built-in default policy decides\n"
    assert Guard(record=False).policy_digest == canonical.digest(builtin_policy("default"))


def test_nothing_to_activate_is_said(run: Policy):
    got = run("activate")

    assert (got.code, got.err.splitlines()) == (
        2,
        ["armorer-guard: what should be put in force?", "hint: give a FILE, or `--builtin strict`, or `--off`"],
    )


def test_a_built_in_policy_is_activated_by_name(run: Policy):
    assert run("activate", "--builtin", "strict").code == 0
    assert run.json("show")["id"] == "armorer-guard/strict"
    assert run("activate", "--builtin", "strickt").code == 1


def test_show_names_the_source_of_each_rule(run: Policy, good: Path):
    run("activate", good)
    lines = run("show").out.splitlines()

    assert lines[0] == "policy   mine"
    assert lines[2:4] == ["mode     enforce", "default  post allow, pre ask, text allow"]
    (mine,) = [line for line in lines if "mine.tools" in line]
    assert mine.split() == [
        "deny",
        "mine.tools",
        "that",
        "server",
        "is",
        "not",
        "for",
        "agents",
        "[user,",
        f"{good}:4]",
    ]
    assert any("[builtin, builtin/default.yaml:" in line for line in lines)


def test_one_rule_is_shown_in_full(run: Policy):
    lines = run("show", "ask.push").out.splitlines()

    assert [line.split()[0] for line in lines] == ["rule", "effect", "source", "why", "safer", "when"]
    assert run("show", "ask.pusch").err.splitlines() == [
        "armorer-guard: the policy has no rule `ask.pusch`",
        "hint: did you mean `ask.push`?",
    ]


def test_tests_are_counted_and_untouched_rules_named(run: Policy, good: Path, tmp_path: Path):
    more = "\n  - {id: mine.unseen, effect: ask, why: w, when: {label: secret}}\ntests:"
    good.write_text(GOOD.replace("\ntests:", more), encoding="utf-8")
    report = tmp_path / "junit.xml"
    got = run("test", good, "--junit", report)

    assert got.code == 0
    assert got.out.splitlines() == [
        "4 of 4 examples and tests hold",
        "1 of 2 rules are touched by one",
        "rules that none of them touches: mine.unseen",
    ]
    assert run("test", good, "--fail-untouched").code == 1
    suite = ElementTree.parse(report).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("4", "0")
    assert suite.findall("testcase")[3].get("name") == "refunds are denied"


def test_a_failed_test_says_what_was_got(run: Policy, good: Path):
    good.write_text(GOOD.replace("expect: {effect: deny, rule", "expect: {effect: ask, rule"), encoding="utf-8")
    got = run("test", good)

    assert got.code == 1
    assert f"{good}:12: test `refunds are denied`: expected `ask`, got `deny` by `mine.tools`" in got.err


def test_an_explanation_names_rules_conditions_and_what_would_change_it(run: Policy, good: Path):
    run("activate", good)
    call = json.dumps({"tool": "mcp__billing__refund", "args": {}})
    got = run("explain", stdin=call)

    assert got.code == 0
    lines = got.out.splitlines()
    assert lines[0] == "DENY"
    assert "decided by  mine.tools (deny)" in lines
    assert f"mine.tools  says deny  [user, {good}:4]" in lines
    assert '  + tool: wanted {"any": ["mcp__billing__*"]}, got "mcp__billing__refund"' in lines
    assert f"  a denial cannot be overridden; the rule is in {good}:4" in lines
    found = run.json("explain", stdin=call)
    assert (found["effect"], [rule["rule"] for rule in found["rules"] if rule["speaks"]]) == (
        "deny",
        ["ask.release", "mine.tools"],
    )


def test_of_a_rule_with_alternatives_only_those_that_hold_or_nearly_do_are_shown(run: Policy, tmp_path: Path):
    policy = tmp_path / "two.yaml"
    policy.write_text(
        """guard: 1
id: two
rules:
  - id: two.ways
    effect: deny
    why: either is too much
    when:
      any_of:
        - {action: {kind: fs.delete, has: recursive, place: workspace}}
        - {action: {kind: fs.delete, has: force, place: workspace}}
        - {action: {kind: fs.delete, has: recursive, place: home}}
    examples: {match: [rm -rf build], not_match: [ls]}
""",
        encoding="utf-8",
    )
    run("activate", policy)

    def told(command: str) -> list[str]:
        call = json.dumps({"tool": "Bash", "args": {"command": command}, "cwd": "/home/u/p"})
        lines = run("explain", stdin=call).out.splitlines()
        start = next(at for at, line in enumerate(lines) if line.startswith("two.ways"))
        rest = lines[start + 2 :]
        return rest[: rest.index("")] if "" in rest else rest

    kind = '+ action.kind of action 1: wanted ["fs.delete"], got "fs.delete"'
    place = '+ action.place of action 1: wanted ["workspace"], got "workspace"'
    both = told("rm -rf build")
    assert [line.strip() for line in both if "has" not in line] == [kind, place, "or", kind, place]
    assert all(line.startswith("  +") or line == "  or" for line in both)
    near = told("rm build")
    assert sum(line.startswith("  -") for line in near) == near.count("  or") + 1 == 2


@pytest.mark.parametrize("stdin", ["", "ls", "[]", '{"args":{}}', '{"tool":7}'])
def test_what_is_no_call_is_not_explained(run: Policy, stdin: str):
    got = run("explain", stdin=stdin)

    assert (got.code, got.out) == (2, "")
    assert got.err.startswith("armorer-guard: ")


def test_a_recorded_decision_is_explained_under_its_own_policy(run: Policy, good: Path):
    run("activate", good)
    decision = Guard().check("mcp__billing__refund", {"amount": 1})
    run("activate", "--off")

    found = run.json("explain", decision.id)
    assert (found["effect"], found["policy"]) == ("deny", decision.policy_digest)
    assert run.json("explain", decision.id, "--policy", "default")["effect"] != "deny"
    assert run("explain", "01a00000-0000-7000-8000-000000000000").code == 2


def test_a_diff_tells_the_direction(run: Policy, good: Path):
    assert run("diff", "default", good).out == "stricter  rule mine.tools added\n"
    assert run("diff", "default", "default").out == "both say the same\n"
    assert run("diff", good, "default", "--fail-looser").code == 1
    assert run("diff", "default", "sha256:00").code == 2


def test_lint_ends_with_one_when_it_has_something_to_say(run: Policy, good: Path):
    assert (run("lint", good).code, run("lint", good).out) == (0, "nothing to say\n")
    good.write_text(
        GOOD.replace('when: {tool: "mcp__billing__*"}', "when: {action: {kind: net.scan}}").split("    examples")[0]
    )
    assert (run("lint", good).code, run.json("lint", good)["problems"][0]["kind"]) == (1, "examples_missing")


def test_the_schema_accepts_what_the_models_accept(run: Policy):
    schema = json.loads(run("schema").out)

    assert schema["title"] == "armorer-guard policy"
    assert set(schema["properties"]) == {
        "guard", "id", "layer", "builtin", "without", "mode", "default", "vars", "labels", "rules", "tests",
        "tools", "commands", "pins",
    }  # fmt: skip


def test_the_policy_to_begin_with_is_good(run: Policy, tmp_path: Path):
    path = tmp_path / "new.yaml"
    path.write_text(run("new").out, encoding="utf-8")

    assert run("check", path).code == 0


def test_every_command_documents_its_exit_codes(capsys: pytest.CaptureFixture[str]):
    parser = argparse.ArgumentParser(prog="armorer-guard policy")
    policy.add_commands(parser)
    for command in policy.MODULES:
        with pytest.raises(SystemExit) as ended:
            parser.parse_args([command, "--help"])
        assert ended.value.code == 0
        assert "exit codes: 0 done" in capsys.readouterr().out


def test_the_command_line_loads_neither_pydantic_nor_yaml(capsys: pytest.CaptureFixture[str]):
    import subprocess

    code = "import sys, armorer_guard.cli.policy; print([n for n in ('pydantic', 'yaml') if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
