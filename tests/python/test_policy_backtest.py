"""A policy against recorded runs, and one made from them: nothing is guessed, nothing is wider than what ran."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from armorer_guard import Guard
from armorer_guard._core import canonical_json, decide_json
from armorer_guard.cli import main
from armorer_guard.policy import layers
from armorer_guard.policy.backtest import Backtest, without_arguments
from armorer_guard.policy.vocabulary import EFFECTS
from armorer_guard.records.store import Store

from .policy_generator import Generator

PUSH = "git push origin main"
RULES = """\
guard: 1
id: mine
rules:
  - id: mine.no-pushes
    effect: deny
    why: a person pushes here
    when: {action: {kind: vcs.push}}
    examples: {match: [git push origin main]}
"""


class Cli:
    """The command line in this process, with a home of its own."""

    def __init__(self, home: Path, capture: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self.home, self._capture, self._patch = home, capture, patch
        patch.setenv("ARMORER_GUARD_HOME", str(home))
        patch.setenv("COLUMNS", "200")

    def __call__(self, *words: str | Path, stdin: str = "") -> Any:
        self._patch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(stdin.encode())))
        code = main.main([str(word) for word in words])
        out, err = self._capture.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    def json(self, *words: str | Path) -> Any:
        return json.loads(self(*words, "--json").out)


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    return Cli(tmp_path / "home", capsys, monkeypatch)


@pytest.fixture
def recorded(cli: Cli) -> Cli:
    """Two runs: one push that ran in each, reading, and a denial."""
    guard = Guard(home=cli.home)
    for run in ("one", "two"):
        for command in (PUSH, "ls -la", "rm -rf ~"):
            decision = guard.check("Bash", {"command": command}, cwd="/w/p", run=run)
            if decision.effect != "deny":
                guard.outcome(decision, "ok")
    return cli


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(RULES, encoding="utf-8")
    return path


def document(path: Path) -> dict[str, Any]:
    return layers.compile_files(user=path).policy.document


def facts(**more: Any) -> dict[str, Any]:
    """Facts of a call that does nothing, of a tool that nobody knows."""
    return {
        **Generator(0).facts(),
        "phase": "pre",
        "actions": [],
        "findings": [],
        "now": "2026-11-25T10:00:00.000000Z",
        **more,
    }


def record(effect: str, **more: Any) -> dict[str, Any]:
    return {"id": "d", "run": "r", "verdict": {"effect": effect, "obligations": []}, "facts": facts(**more)}


def test_what_would_have_changed_is_counted_and_shown(recorded: Cli, policy: Path):
    got = recorded("policy", "backtest", policy)

    assert got.code == 0
    assert got.out.splitlines()[-1] == "6 decisions: 2 newly denied, 4 the same"
    assert got.out.splitlines()[1].split()[:4] == ["2", "ask", "deny", "Bash"]
    assert "mine.no-pushes" in got.out
    assert got.err == ""


def test_a_limit_of_the_command_line_has_an_exit_code_of_its_own(recorded: Cli, policy: Path):
    got = recorded("policy", "backtest", policy, "--max-new-deny", "1")

    assert (got.code, got.out.splitlines()[-1]) == (3, "2 newly denied, at most 1 permitted")
    assert recorded("policy", "backtest", policy, "--max-new-deny", "2", "--max-indeterminate", "0").code == 0
    assert recorded("policy", "backtest", "strict", "--max-new-ask", "0").code in (0, 3)


def test_one_run_and_a_stretch_of_time_can_be_chosen(recorded: Cli, policy: Path):
    assert recorded.json("policy", "backtest", policy, "--run", "one")["decisions"] == 3
    assert recorded.json("policy", "backtest", policy, "--since", "1h")["decisions"] == 6
    assert recorded.json("policy", "backtest", policy, "--since", "2100-01-01")["decisions"] == 0


def test_programs_get_every_change(recorded: Cli, policy: Path):
    found = recorded.json("policy", "backtest", policy)

    assert {name: value for name, value in found.items() if name not in ("changes", "policy")} == {
        "ok": True, "decisions": 6, "denied": 2, "asked": 0, "allowed": 0, "same": 4, "indeterminate": 0,
    }  # fmt: skip
    assert [(change["was"], change["now"], change["rules"]) for change in found["changes"]] == [
        ("ask", ["deny"], ["mine.no-pushes"])
    ] * 2


def test_the_policy_that_decided_changes_nothing(recorded: Cli):
    assert recorded.json("policy", "backtest", "default")["same"] == 6


def test_arguments_that_are_lost_are_judged_in_every_way_they_may_have_been(tmp_path: Path):
    path = tmp_path / "p.yaml"
    path.write_text(
        "guard: 1\nid: a\nrules:\n"
        '  - {id: r, effect: deny, why: no, when: {tool: Bash, arg: {/command: "rm *"}}}\n'
        "  - {id: s, effect: deny, why: no, when: {tool: Write, phase: pre}}\n",
        encoding="utf-8",
    )
    backtest = Backtest(document(path))
    gone = {"$blob": f"sha256:{'0' * 64}", "bytes": 9}

    open_question = backtest.judge(record("allow", tool="Bash", server=None, args=gone), ["/facts/args"])
    assert (open_question.kind, open_question.now) == ("indeterminate", ("deny", "allow"))
    # What no argument has a say in is known all the same.
    assert backtest.judge(record("allow", tool="Write", args=gone), ["/facts/args"]).kind == "denied"
    assert backtest.judge(record("allow", tool="Read", args=gone), ["/facts/args"]).kind == "same"
    assert backtest.judge({"id": "d", "verdict": {"effect": "deny"}, "facts": {"$blob": "…"}}).kind == "indeterminate"
    assert backtest.judge({"id": "d", "facts": facts()}).kind == "indeterminate"
    assert backtest.judge(record("deny", now=7)).kind == "indeterminate"


def test_the_bounds_hold_whatever_the_arguments_were():
    """No arguments get a stricter answer than the strict bound, or a milder one than the mild bound."""
    for seed in range(600):
        generator = Generator(seed)
        policy = {**generator.policy(), "mode": "enforce"}
        # A finding that redacts an argument is a fact of its own: what is lost here are the values.
        held = {**generator.facts(), "findings": []}
        strict, mild = (without_arguments(policy, strict=way) for way in (True, False))

        def answer(policy: dict[str, Any], held: dict[str, Any] = held) -> int:
            verdict = json.loads(decide_json(canonical_json(held), canonical_json(policy)))
            return EFFECTS.index(verdict["effect"])

        assert answer(mild) <= answer(policy) <= answer(strict), seed


def test_labels_that_the_policy_itself_gives_are_carried_on(tmp_path: Path):
    """The record of then does not hold a label that only the rule of now would have given."""
    path = tmp_path / "p.yaml"
    path.write_text(
        "guard: 1\nid: a\nrules:\n"
        "  - {id: r, effect: allow, why: yes, then: [{label: seen}], when: {tool: Read}}\n"
        "  - {id: s, effect: deny, why: no, when: {tool: Write, label: seen}}\n",
        encoding="utf-8",
    )
    backtest = Backtest(document(path))

    assert backtest.judge(record("allow", tool="Write", state={"labels": [], "counters": []})).now == ("allow",)
    assert backtest.judge(record("allow", tool="Read", state={"labels": [], "counters": []})).now == ("allow",)
    assert backtest.judge(record("allow", tool="Write", state={"labels": [], "counters": []})).now == ("deny",)
    other = {**record("allow", tool="Write", state={"labels": [], "counters": []}), "run": "another"}
    assert backtest.judge(other).now == ("allow",)


# a policy from what ran


def test_a_proposal_permits_what_ran_and_is_good(recorded: Cli, tmp_path: Path):
    out = tmp_path / "init.yaml"
    assert recorded("policy", "init", "--out", out).code == 0
    text = out.read_text(encoding="utf-8")

    assert recorded("policy", "check", out).code == 0
    assert recorded("policy", "lint", out).code == 0
    found = recorded.json("policy", "backtest", out)
    assert (found["allowed"], found["denied"], found["asked"], found["same"]) == (2, 0, 0, 4)
    (rule,) = [rule for rule in document(out)["rules"] if rule["layer"] == "user"]
    assert (rule["effect"], rule["overrides"]) == ("allow", ["ask.push"])
    assert rule["when"][0]["action"]["target"] == {"any": ["origin main"]}
    assert "# 2 times in 2 runs" in text
    assert "denied by `destroy.system`" in text


def test_a_proposal_is_no_wider_than_what_ran(recorded: Cli, tmp_path: Path):
    out = tmp_path / "init.yaml"
    recorded("policy", "init", "--out", out)
    recorded("policy", "activate", out)
    guard = Guard(home=recorded.home, record=False)

    answers = {
        command: guard.check("Bash", {"command": command}, cwd="/w/p").effect
        for command in (PUSH, "git push origin release", "git push --force origin main", "git push upstream main")
    }
    assert answers == {
        PUSH: "allow",
        "git push origin release": "ask",
        "git push --force origin main": "deny",
        "git push upstream main": "ask",
    }


def test_what_was_not_understood_or_did_not_run_is_never_proposed(cli: Cli):
    guard = Guard(home=cli.home)
    for command, ran in (("$X --all", True), ("docker push ghcr.io/a/$X", True), (PUSH, False)):
        decision = guard.check("Bash", {"command": command}, cwd="/w/p", run="r")
        if ran:
            guard.outcome(decision, "ok")
    text = cli("policy", "init").out

    assert "rules: []" in text
    assert "not understood (1 time)" in text
    assert "its target is known in part only (1 time)" in text
    assert "asked about and not known to have run (1 time)" in text


def test_recorded_text_ends_no_comment_and_begins_no_rule(cli: Cli):
    """A call can name its targets as it likes: the proposal stays one policy with the same rules."""
    guard = Guard(home=cli.home)
    evil = "x\n  - id: evil\n    effect: allow"
    for tool, args in (
        ("Write", {"file_path": f"/home/other/{evil}", "content": "x"}),
        ("Bash", {"command": f"git push 'o{evil}' m"}),
    ):
        guard.outcome(guard.check(tool, args, cwd="/w/p", run="r"), "ok")
    out = cli.home / "init.yaml"
    out.write_text(cli("policy", "init").out, encoding="utf-8")

    assert all(rule["id"].startswith("mine.") for rule in document(out)["rules"] if rule["layer"] == "user")
    assert cli("policy", "check", out).code == 0


# what is in force is recorded


def journal(cli: Cli) -> list[dict[str, Any]]:
    return [line.members or {} for line in Store.open(cli.home).lines("journal")]


def test_an_activation_is_recorded_with_its_files(cli: Cli, policy: Path):
    digest = cli("policy", "activate", policy).out.strip()
    cli("policy", "activate", "--off")
    first, second = (line for line in journal(cli) if line["kind"] == "policy.activate")

    default = first["policy"]["previous"]
    assert first["policy"]["digest"] == digest == second["policy"]["previous"]
    assert second["policy"]["digest"] == default
    assert first["policy"]["layers"] == [{"layer": "user", "file": str(policy), "digest": layers.source_digest(policy)}]
    assert cli("records", "verify").code == 0


def test_the_mode_is_changed_and_recorded(cli: Cli, policy: Path):
    cli("policy", "activate", policy)
    assert cli("mode").out.startswith("enforce  mine sha256:")
    assert cli("mode", "observe", "--reason", "to see what it says").code == 0

    guard = Guard(home=cli.home, record=False)
    assert guard.check("Bash", {"command": PUSH}).effect == "allow"
    assert cli.json("mode")["mode"] == "observe"
    assert cli("mode", "observe").out.startswith("observe, as before")
    assert cli("mode", "enforce").code == 0
    assert Guard(home=cli.home, record=False).check("Bash", {"command": PUSH}).effect == "deny"
    changes = [line for line in journal(cli) if line["kind"] == "mode.change"]
    assert [(line["previous"], line["mode"], line["reason"]) for line in changes] == [
        ("enforce", "observe", "to see what it says"),
        ("observe", "enforce", None),
    ]


def test_the_built_in_policy_can_be_observed_too(cli: Cli):
    cli("mode", "observe")

    assert Guard(home=cli.home, record=False).check("Bash", {"command": "rm -rf ~"}).effect == "allow"


def test_the_administrators_mode_stands(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    managed = tmp_path / "managed.yaml"
    managed.write_text("guard: 1\nid: machine\nmode: enforce\n", encoding="utf-8")
    monkeypatch.setattr(layers, "MANAGED", managed)
    monkeypatch.setattr(layers, "_demand_root_owned", lambda path: None)
    got = cli("mode", "observe")

    assert got.code == 2
    assert got.err.startswith(f"armorer-guard: the machine's policy `{managed}` says `mode: enforce`\nhint: ")


def test_trust_is_recorded(cli: Cli, policy: Path):
    cli("policy", "trust", policy)
    (note,) = [line for line in journal(cli) if line["kind"] == "note"]

    assert note["note"] == {"trusted": str(policy), "digest": layers.source_digest(policy)}


def test_what_cannot_be_recorded_is_not_put_in_force(cli: Cli, policy: Path):
    cli.home.mkdir()
    (cli.home / "store").mkdir()
    (cli.home / "store" / "journal.jsonl").mkdir()
    got = cli("policy", "activate", policy)

    assert got.code == 2
    assert not (cli.home / "policy" / "active.json").exists()
