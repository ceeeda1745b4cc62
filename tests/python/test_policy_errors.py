"""
Every mistake is told with its line, what was expected, and a hint. Compared as people read it.

`tests/policy/errors.toml` holds the mistakes, `errors.txt` what is said; remove that file and it is written again, to
be read. A message without a case fails the last tests.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from armorer_guard import Guard, PolicyError
from armorer_guard._core import decide_json
from armorer_guard.cli import main
from armorer_guard.policy import activation, examples, layers
from armorer_guard.policy.compiler import compile_layers
from armorer_guard.policy.lint import lint
from armorer_guard.policy.problems import PolicyProblems

from .policy_facts import FACTS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent.parent
DATA = ROOT / "tests" / "policy"
ALL: dict[str, list[dict[str, Any]]] = tomllib.loads((DATA / "errors.toml").read_text(encoding="utf-8"))
GOOD = "guard: 1\nid: good\nrules: []\n"


def content(case: dict[str, Any]) -> bytes:
    """The bytes of the policy's file."""
    if "hex" in case:
        return bytes.fromhex(case["hex"])
    if "size" in case:
        return b"#" * int(case["size"])
    if "nested" in case:
        return b"guard: 1\nid: a\nrules: " + b"[" * case["nested"] + b"]" * case["nested"]
    return str(case["text"]).removeprefix("\n").encode()


def problems_of(case: dict[str, Any], folder: Path) -> list[Any]:
    """What is wrong with the policy of a case."""
    path = folder / ("policy.toml" if case.get("toml") else "policy.yaml")
    if not case.get("missing"):
        path.write_bytes(content(case))
    if "mode" in case:
        path.chmod(int(case["mode"], 8))
    layer = case.get("layer", "user")
    try:
        if "managed" in case:
            (folder / "managed.yaml").write_text(case["managed"].removeprefix("\n"), encoding="utf-8")
            both = [layers.layer_of(path, "user"), layers.layer_of(folder / "managed.yaml", "managed")]
            compile_layers(both, layers.builtin("default"))
            pytest.fail(f"nothing is wrong with `{case['name']}`")
        paths: dict[str, Any] = {layer: path}
        loaded = layers.compile_files(**paths, project_trusted=case.get("trusted", False), below=case.get("builtin"))
    except PolicyProblems as found:
        return list(found.problems)
    if case.get("examples"):
        results = list(examples.run(loaded.layers, loaded.policy))
        return [*examples.problems(results), *examples.notes(results)]
    return lint(loaded.layers, loaded.policy, today=case.get("today"))


def said(case: dict[str, Any], folder: Path) -> str:
    """What the author of this policy is told."""
    found = problems_of(case, folder)
    assert found, f"nothing is wrong with `{case['name']}`"
    # Lines of what ships move with it.
    return re.sub(r"(builtin/default\.yaml):\d+", r"\1:N", shown("\n".join(map(str, found)), folder))


def shown(text: str, folder: Path) -> str:
    """Without what differs from machine to machine."""
    return text.replace(f"{folder}/", "").replace(str(folder), "TMP")


def answered(case: dict[str, Any], folder: Path, patch: pytest.MonkeyPatch) -> str:
    """What a command says on standard error, and its exit code."""
    (folder / "good.yaml").write_text(GOOD, encoding="utf-8")
    home = folder / "home"
    patch.setenv("ARMORER_GUARD_HOME", str(home))
    decision = ""
    if case.get("lost"):
        # What does not fit into a line lies in an object, which goes away here.
        decision = Guard(home=home).check("Bash", {"command": "ls", "description": "x" * 99_999}, run="r").id
        for kept in (home / "store" / "objects").glob("*/*"):
            kept.unlink()
    if case.get("recorded"):
        Guard(home=home).check("Bash", {"command": "ls"}, run="r")
    if case.get("empty"):
        Guard(home=home).check_text("hello", run="r")
    put(case, home)
    if case.get("blocked"):
        home.write_text("a file where a folder should be", encoding="utf-8")
    patch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(case.get("stdin", "").encode())))
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
        try:
            code = main.main(
                [
                    "policy",
                    *(word.replace("{tmp}", str(folder)).replace("{decision}", decision) for word in case["run"]),
                ]
            )
        except SystemExit as ended:
            code = int(ended.code or 0)
    last = [line for line in errors.getvalue().splitlines() if not line.startswith(("usage:", " "))]
    return shown("\n".join([*last, f"exit {code}"]), folder)


def put(case: dict[str, Any], home: Path) -> None:
    """Puts a pointer and an object where the guard looks for them."""
    pointer = activation.pointer_path(home)
    if {"pointer", "long", "folder"} & set(case):
        pointer.parent.mkdir(parents=True)
    if case.get("folder"):
        pointer.mkdir()
    elif case.get("long"):
        pointer.write_text(" " * 5000, encoding="utf-8")
    elif "pointer" in case:
        pointer.write_text(case["pointer"], encoding="utf-8")
    if "object" in case:
        kept = activation.object_path(home, f"sha256:{'1' * 64}")
        kept.parent.mkdir(parents=True)
        kept.write_text(case["object"], encoding="utf-8")


def core(case: dict[str, Any]) -> str:
    """What the core says of a compiled policy."""
    default = json.dumps({phase: {"effect": "ask", "layer": "builtin"} for phase in ("pre", "post", "text")})
    written = (
        f'{{"format":"{case.get("format", "armorer-policy/1")}","id":"a","mode":"enforce","default":{default},'
        f'"rules":{case.get("rules", "[]")},"labels":{case.get("labels", "[]")}}}'
    ).replace("LONG", "?" * 300)
    with pytest.raises(PolicyError) as found:
        decide_json(case.get("facts", json.dumps(FACTS)).encode(), case.get("policy", written).encode())
    return f"{found.value.kind}: {found.value}"


def in_force(case: dict[str, Any], folder: Path) -> str:
    """What the core says of the policy in force."""
    put(case, folder / "home")
    with pytest.raises(PolicyError) as found:
        _ = Guard(home=folder / "home", record=False).policy_digest
    return shown(f"{found.value.kind}: {found.value}", folder)


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Everything that is said about every mistake."""
    return "".join(f"--- {name}\n{text}\n" for name, text in everything(tmp_path, monkeypatch))


def everything(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """Name of each case, and what is said."""
    for section, cases in ALL.items():
        for number, case in enumerate(cases):
            scratch = folder / f"{section}-{number}"
            scratch.mkdir()
            if section == "case":
                yield case["name"], said(case, scratch)
            elif section == "command":
                yield case["name"], answered(case, scratch, patch)
            elif section == "core":
                yield f"the core: {case['name']}", core(case)
            else:
                yield f"in force: {case['name']}", in_force(case, scratch)


def test_every_mistake_is_told_as_expected(told: str):
    if not (DATA / "errors.txt").exists():
        (DATA / "errors.txt").write_text(told, encoding="utf-8")
        pytest.fail("there was no snapshot: it was written, read it")
    assert told == (DATA / "errors.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", ALL["case"], ids=[case["name"] for case in ALL["case"]])
def test_a_sentence_has_the_form_of_a_sentence(case: dict[str, Any], tmp_path: Path):
    """Lower case, no final period, no name of an internal type."""
    for line in said(case, tmp_path).splitlines():
        sentence = line.split(": ", 1)[1]
        assert not sentence.endswith("."), line
        assert sentence[:1] == sentence[:1].lower() or "YAML" in line or "TOML" in line, line
        assert "Error" not in sentence and "pydantic" not in sentence and "Input should" not in sentence, line


# Every message in the sources stands in the snapshot.

SAYS = {"Problem", "_one", "wrong", "refuse", "ValueError", "Failure", "ArgumentTypeError", "_nobody"}
"""What makes a message, by its name; in `lint`, what is yielded too."""
UNHEARD = {
    "set ARMORER_GUARD_HOME",
    "nobody says where the guard keeps its state",  # only where nothing at all names a home directory
    "the call is longer than",
    "the policy cannot be used",  # the core refuses what the compiler made: a fault of ours
    "the policy could not be taken back below",
    "is not YAML:",
    "the form `",  # every form has words; a test of `wording` would have to break it
    "`{path}` is damaged",
}
"""Messages that no input brings about, each with its reason."""


def messages(path: Path) -> Iterator[str]:
    """The longest fixed part of each message that a module can say."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        given: list[ast.expr] = []
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            given = [*node.args, *(word.value for word in node.keywords)] if name in SAYS else []
        elif isinstance(node, ast.Yield) and path.name == "lint.py" and isinstance(node.value, ast.Tuple):
            given = list(node.value.elts)
        for value in given:
            for text in (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,):
                parts = [
                    part.value
                    for part in (text.values if isinstance(text, ast.JoinedStr) else [text])
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                ]
                longest = max(parts, key=len, default="")
                if " " in longest.strip():
                    yield longest.strip()


def test_every_message_of_the_tools_has_a_case():
    package = ROOT / "python" / "armorer_guard"
    modules = [package / "policy" / f"{name}.py" for name in (
        "activation", "compiler", "examples", "layers", "lint", "model", "source", "wording",
    )] + sorted((package / "cli").glob("policy*.py"))  # fmt: skip
    told = (DATA / "errors.txt").read_text(encoding="utf-8")

    untold = {f"{path.name}: {text}" for path in modules for text in messages(path) if text not in told}
    assert {line for line in untold if not any(unheard in line for unheard in UNHEARD)} == set()


def test_every_message_of_the_cores_policy_reader_has_a_case():
    told = (DATA / "errors.txt").read_text(encoding="utf-8")
    texts = []
    for name in ("compile", "load", "mod"):
        source = (ROOT / "src" / "policy" / f"{name}.rs").read_text(encoding="utf-8").split("#[cfg(test)]\nmod")[0]
        source = re.sub(r"\\\n\s*", "", source)
        texts += re.findall(r'(?:format!|String::from)\(\s*"((?:[^"\\]|\\.)*)"', source)
    longest = {max(re.split(r"\{[^}]*\}", text), key=len).strip() for text in texts}

    # What only a broken build or a full memory could bring about.
    unheard = {
        "the built-in policy cannot be read:",
        "the policy has too many different blocks",  # 65,536 of them, beyond the largest policy that is read
        "the policy's table cannot be written:",
        "the verdict cannot be written:",
    }
    assert {text for text in longest if " " in text and text not in told} - unheard == set()
