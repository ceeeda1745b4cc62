"""`why` offers a rule that was tried, `show RUN` says what is not recorded, `stats` what a rule is worth."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from armorer_guard import Guard, _core
from armorer_guard.cli.main import main
from armorer_guard.policy.compiler import Layer, check, compile_layers
from armorer_guard.policy.source import parse
from armorer_guard.records.narrow import narrow

from .conftest import OTHER_RUN, RUN, HandMade, Log
from .test_index import decision

TODAY = date(2026, 11, 22)
ASKED = [
    ("Read", {"file_path": "/home/user/.ssh/id_rsa"}),
    ("Bash", {"command": "ssh web.example.com 'systemctl restart app'"}),
    ("Bash", {"command": "git push --force origin topic"}),
]


def record_of(home: Path, tool: str, args: dict[str, Any]) -> dict[str, Any]:
    """The decision about a call, as it is recorded."""
    guard = Guard(home=home)
    found = guard.check(tool, args, cwd="/work/project", run="r")
    record: dict[str, Any] = json.loads(found.to_json())
    return record


@pytest.mark.parametrize(("tool", "args"), ASKED, ids=str)
def test_a_rule_that_is_offered_allows_this_call_and_no_other(tmp_path: Path, tool: str, args: dict[str, Any]):
    record = record_of(tmp_path, tool, args)
    policy = _core.builtin_policy("default")
    assert record["verdict"]["effect"] == "ask"
    way = narrow(record, policy, TODAY)
    if way.rule is None:
        assert "not understood exactly" in str(way.why_not)
        return
    body = "".join(f"  {line}\n" for line in way.rule.splitlines())
    source = parse(f"guard: 1\nid: mine\nrules:\n{body}", file="mine.yaml")
    with_rule = compile_layers([Layer("user", check(source), source)], json.loads(policy)).text

    def effect(facts: dict[str, Any]) -> str:
        said = _core.decide_json(_core.canonical_json({**facts, "now": f"{TODAY}T12:00:00.000000Z"}), with_rule)
        return str(json.loads(said)["effect"])

    assert effect(record["facts"]) == "allow"
    other = record_of(tmp_path, tool, {name: value + ".other" for name, value in args.items()})
    assert effect(other["facts"]) == other["verdict"]["effect"]
    assert f"until: {date(2026, 12, 22)}" in way.rule


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ({"command": "rm -rf /"}, "no rule overrides a denial; .* `without: \\[destroy.system\\]`"),
        ({"command": "ls"}, "it is allowed already"),
    ],
)
def test_where_no_rule_is_offered_it_says_why(tmp_path: Path, args: dict[str, Any], why: str):
    import re

    way = narrow(record_of(tmp_path, "Bash", args), _core.builtin_policy("default"), TODAY)

    assert way.rule is None
    assert re.search(why, str(way.why_not))


@pytest.mark.parametrize("text", ["/a/*", "/a/$x", "/a/\n", "/a/\u202e", "x" * 500, "/a/[redacted:secrets.x]"])
def test_a_pattern_that_would_mean_more_is_never_offered(text: str):
    facts = {
        "phase": "pre",
        "tool": "Read",
        "args": {"file_path": text},
        "actions": [{"kind": "credential.read", "target": {"value": text, "exact": True}}],
    }
    record = {"facts": facts, "verdict": {"effect": "ask", "rules": [{"id": "ask.credential", "effect": "ask"}]}}

    assert narrow(record, _core.builtin_policy("default"), TODAY).rule is None


@pytest.mark.parametrize("record", [{}, {"facts": {}, "verdict": {"effect": "ask", "rules": [3]}}, {"facts": 1}])
def test_records_of_any_shape_get_an_answer(record: dict[str, Any]):
    assert narrow(record, _core.builtin_policy("default"), TODAY).rule is None


@pytest.fixture
def said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs `armorer-guard records …` on a small store of real decisions."""
    guard = Guard(home=tmp_path)
    for number in range(12):
        found = guard.check("Read", {"file_path": "/home/user/.ssh/id_rsa"}, cwd="/work", run="r", call_id=f"c{number}")
        guard.outcome(found, "ok")
    denied = guard.check("Bash", {"command": "rm -rf /"}, cwd="/work", run="r", agent="helper")
    guard.outcome(denied, "ok")

    def run(*arguments: str) -> str:
        assert main(["records", *arguments, "--home", str(tmp_path)]) == 0
        return capsys.readouterr().out

    return run


def test_the_page_of_a_run_has_every_field_and_says_what_is_not_recorded(said: Callable[..., str]):
    fields = json.loads(said("show", "r", "--json"))["fields"]

    assert [found["field"] for found in fields] == [
        "identity",
        "agent",
        "model",
        "tools",
        "inputs",
        "decisions",
        "approvals",
        "changes",
        "stop",
        "evidence",
    ]
    for found in fields:
        assert found["items"], found["field"]
        for item in found["items"]:
            assert (item["value"] is None) == (item["why"] is not None)
    page = said("show", "r")
    assert "model      not recorded: the runtime does not report it to the guard" in page
    assert "agents     helper (1 decision)" in page
    assert "overridden 1: the call ran although it was denied" in page
    assert "stopped    not recorded: no end of the run was reported" in page


def test_the_page_quotes_what_the_person_said_and_names_what_ran_against_a_decision(
    tmp_path: Path, said: Callable[..., str]
):
    guard = Guard(home=tmp_path)
    for text in ("fix the login test", "and\x1b[31m push it", "x" * 400):
        guard.check_text(text, surface="user", run="r")
        guard.check_text("ok", surface="tool_result", run="r")
    page = said("show", "r")
    assert "  prompt     fix the login test  [" in page
    assert "  latest     " + "x" * 20 in page and "x" * 400 not in page.replace("\n             ", "")
    assert "delete / (force, recursive)  [" in page.partition("overridden 1")[2].splitlines()[1]
    listed = said("list", "-n", "0")
    assert "the person said: fix" in listed and "a tool answered: ok" in listed
    assert "\x1b" not in page + listed
    # Only what the person said stands there, and where nothing is, that is said.
    other = Guard(home=tmp_path)
    other.check_text("ok", surface="tool_result", run="other")
    assert "prompt     not recorded: none was brought to the guard" in said("show", "other")


def test_why_names_rule_and_line_and_a_rule_to_paste(said: Callable[..., str]):
    (asked,) = json.loads(said("list", "--effect", "ask", "-n", "1", "--json"))
    page = said("why", asked["id"])

    assert "ask        ask.credential (builtin/default.yaml:" in page
    assert "overrides: [ask.credential]" in page
    assert f"armorer-guard replay {asked['id'][-8:]}" in page
    assert "by the runtime's own prompt" in page
    answer = json.loads(said("why", asked["id"], "--json"))
    assert answer["allow"]["covers"] == "`Read` with exactly this file_path"


def test_a_question_that_was_answered_with_no_is_told_as_stopped(tmp_path: Path, said: Callable[..., str]):
    guard = Guard(home=tmp_path)
    ids = []
    for result in ("ok", "cancelled", None):
        asked = guard.check("Read", {"file_path": "/home/user/.ssh/id_rsa"}, cwd="/work", run="asked", call_id=result)
        ids.append(asked.id)
        if result is not None:
            guard.outcome(asked, result)
    page = said("show", "asked").replace("\n             ", " ")
    assert "3 calls asked about: 1 went on, 1 were stopped, of 1 no outcome is known" in page
    went, stopped, unknown = (said("why", each).replace("\n             ", " ") for each in ids)
    assert "by the runtime's own prompt: the call went on" in went
    assert "by the runtime's own prompt: the call was stopped" in stopped
    assert "the runtime was told to ask in its own way; what was answered is not recorded" in unknown


def test_of_a_text_nobody_asks_whether_it_ran(tmp_path: Path, said: Callable[..., str]):
    text = Guard(home=tmp_path).check_text("fix the test", surface="user", run="r")
    for page in (said("why", text.id), said("show", text.id)):
        assert "a text does not run" in page and "whether the call ran" not in page


@pytest.mark.parametrize("columns", ["70", "80", "200"])
def test_tables_of_runs_and_rules_keep_to_the_width(
    said: Callable[..., str], monkeypatch: pytest.MonkeyPatch, columns: str
):
    monkeypatch.setenv("COLUMNS", columns)
    for page in (said("list", "--runs"), said("stats").partition("\n(")[0]):
        assert max(map(len, page.splitlines()[:3])) <= int(columns)
    assert ("ENFORCED" in said("stats")) == (columns == "200")


def test_stats_say_which_rules_are_worth_a_look(said: Callable[..., str]):
    page = said("stats")

    assert "ask.credential: it asked 12 times and people nearly always went on" in page
    assert "destroy.system: the runtime ran 1 call that it had denied" in page
    never = json.loads(said("stats", "--json"))["never"]
    assert "destroy.disk" in [rule["rule"] for rule in never]
    assert not {"ask.credential", "destroy.system"} & {rule["rule"] for rule in never}
    assert "destroy.disk" in said("stats", "--never")


def whole_run() -> Log:
    """A run with every kind of record that concerns one."""
    log = Log(RUN)
    log.add(
        "run.start",
        agent={"name": "claude-code", "version": "2.1.330", "exe": "/usr/bin/claude"},
        runtime={"guard_v": "0.1.0", "os": "linux", "arch": "x86_64", "kernel": "6.1"},
        model={"model": "m-1", "provider": "example"},
        config={"files": [{"path": "/home/u/.claude/settings.json"}]},
        tools={"count": 2, "servers": [{"name": "db", "tools": [{"name": "query"}, {"name": "drop"}]}]},
        perms={"host_mode": "default"},
        policy={"digest": None, "mode": "observe"},
        input={
            "cwd": "/work",
            "workspace": "/work",
            "session": "s-1",
            "trigger": "human",
            "parent_run": OTHER_RUN,
            "principal": {"user": "ada", "uid": 1000},
        },
        coverage={"gaps": ["the network is not seen"]},
    )
    log.add("run.epoch", epoch=1, reason="changed", changed=["model", "perms"], model={"model": "m-2"})
    asked = decision(log, 1, effect="ask", rule="asking")
    request = log.add("approval.request", decision=asked["id"])
    log.add("approval.result", request=request["id"], state="approved", by={"principal": "ada", "auth": "tty"})
    log.add("grant", grant={"id": "g", "scope": "run", "expires": "2026-12-01T00:00:00.000000Z"})
    log.add(
        "outcome",
        of=asked["id"],
        enforced="enforced",
        result="ok",
        subject={"tool": "Bash"},
        effects=[{"type": "file", "op": "write", "path": "/work/a"}],
        links=[{"rel": "pull-request", "url": "https://git.example/1"}],
    )
    log.add(
        "run.stop",
        stop={"state": "killed", "by": "person", "reason": "enough", "in_flight": [asked["id"]], "resumable": True},
        summary={"files": {"written": 3, "deleted": 1}, "hosts": ["a.example"], "commits": []},
    )
    return log


def test_a_run_with_everything_reported_is_told_whole(store: HandMade, capsys: pytest.CaptureFixture[str]):
    """Every kind of record that concerns a run has its place on the page."""
    store.run = whole_run()
    store.write()
    assert main(["records", "show", "s-1", "--home", str(store.root.parent)]) == 0
    page = capsys.readouterr().out

    for line in (
        "acts for   ada, uid 1000",
        "started by human",
        f"parent run {OTHER_RUN}",
        "runtime    claude-code 2.1.330",
        "program    /usr/bin/claude",
        "guard      armorer-guard 0.1.0 on linux, 6.1, x86_64",
        "model      m-2",
        "provider   example",
        "settings   /home/u/.claude/settings.json",
        "epoch 1    2026-11-22T09:00:01.000000Z: model changed to m-2, permission mode changed",
        "offered    db: query, drop",
        "permission default",
        "grant      run until 2026-12-01T00:00:00.000000Z",
        "directory  /work",
        "mode       observe: decided and recorded, not enforced",
        "asked for  1 approval: 1 approved",
        "answered   approved by ada by tty",
        "files      1 deleted, 3 written (as understood from the calls)",
        "hosts      a.example",
        "observed   file write /work/a",
        "stopped    killed by person",
        "in flight  1 call: 0000aa01",
        "resume     possible",
        "link       pull-request: https://git.example/1",
        "not seen   the network is not seen",
    ):
        assert line in page, line
    assert "enough" in page and "not recorded" not in page.split("5  Inputs")[0]


def test_why_names_the_record_that_brought_what_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    guard = Guard(home=tmp_path)
    brought = guard.check("Bash", {"command": "curl -so x https://get.example.dev/x"}, cwd="/work/project", run="r")
    asked = guard.check("Bash", {"command": "sh x"}, cwd="/work/project", run="r")

    for words in (["why", asked.id], ["show", asked.id]):
        assert main(["records", *words, "--home", str(tmp_path)]) == 0
        (line,) = [line for line in capsys.readouterr().out.splitlines() if line.strip().startswith("fetched ")]
        assert "/work/project/x from get.example.dev, " in line
        assert line.endswith(f"[{brought.id[-8:]}]")
