"""
What the language promises about rules and layers, sentence by sentence, held against both evaluators.

The names of the tests are the sentences; `the answer` is written down here a third time, in the fewest words.
"""

from __future__ import annotations

import itertools
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from armorer_guard import Guard
from armorer_guard._core import PolicyError, decide_json
from armorer_guard.policy import activation, canonical, layers
from armorer_guard.policy.compiler import compile_layers
from armorer_guard.policy.evaluate import decide
from armorer_guard.policy.problems import PolicyProblems
from armorer_guard.policy.vocabulary import EFFECTS, LAYERS

from .policy_facts import FACTS as ANY
from .policy_generator import Generator

FS = {"action": {"kind": ["fs.delete"]}}
ACTION: dict[str, Any] = {
    "kind": "fs.delete",
    "target": {"value": "/w/x", "exact": True, "place": "workspace"},
    "certainty": "certain",
    "by": "rm",
    "at": "/command",
}
FACTS = {**ANY, "actions": [ACTION]}
HIDDEN = {**FACTS, "actions": [{**ACTION, "target": {"value": "", "exact": False, "place": "unknown"}}]}


def rule(layer: str, effect: str, when: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": layer,
        "effect": effect,
        "layer": layer,
        "file": "p.yaml",
        "line": 1,
        "why": "because",
        "when": [when or FS],
        **more,
    }


def policy(rules: list[dict[str, Any]], default: str = "ask", mode: str = "enforce") -> dict[str, Any]:
    return {
        "format": "armorer-policy/1",
        "id": "t",
        "mode": mode,
        "default": {phase: {"effect": default, "layer": "builtin"} for phase in ("pre", "post", "text")},
        "rules": sorted(rules, key=lambda said: said["id"]),
    }


def answer(facts: dict[str, Any], document: dict[str, Any]) -> tuple[str, list[str]]:
    """Effect and determining rules, of which both evaluators say the same."""
    core = json.loads(decide_json(json.dumps(facts).encode(), canonical.canonical(document)))
    plain = decide(facts, document)
    told = [(found["effect"], sorted(said["rule"] for said in found["determining"])) for found in (core, plain)]
    assert told[0] == told[1]
    return told[0]


def choices() -> Iterator[tuple[list[dict[str, Any]], str]]:
    """In each layer no rule or one of any effect, and every default."""
    for chosen in itertools.product((None, *EFFECTS), repeat=len(LAYERS)):
        rules = [rule(layer, effect) for layer, effect in zip(LAYERS, chosen, strict=True) if effect is not None]
        for default in EFFECTS:
            yield rules, default


def test_every_matching_rule_in_every_layer_is_collected_and_deny_outweighs_ask_allow_and_the_default():
    for rules, default in choices():
        effects = [said["effect"] for said in rules]
        strictest = max(effects, key=EFFECTS.index, default="allow")
        # What no rule permits gets the default; a question is no permission.
        unpermitted = not effects or ("allow" not in effects and EFFECTS.index(default) > EFFECTS.index(strictest))
        expected = (
            (default, ["default.action"])
            if unpermitted
            else (strictest, sorted(said["id"] for said in rules if said["effect"] == strictest))
        )
        assert answer(FACTS, policy(rules, default)) == expected


def test_the_order_of_rules_never_matters(tmp_path: Path):
    """Not in the file, nor for the plain evaluator, whatever it meets first; the core takes one order alone."""
    for seed in range(300):
        generator = Generator(seed)
        document, facts = generator.policy(), generator.facts()
        expected = decide(facts, document)
        shuffled = {**document, "rules": random.Random(seed).sample(document["rules"], len(document["rules"]))}
        again = decide(facts, shuffled)
        assert (again["effect"], sorted_rules(again)) == (expected["effect"], sorted_rules(expected)), seed
        if shuffled["rules"] != document["rules"]:
            with pytest.raises(PolicyError, match="rules are sorted by id"):
                decide_json(json.dumps(facts).encode(), canonical.canonical(shuffled))
    rules = [
        f"  - {{id: r{at}, effect: {effect}, why: w, when: {{action: {{kind: fs.delete}}}}}}\n"
        for at, effect in enumerate(EFFECTS)
    ]
    texts = [
        [{**said, "line": 0} for said in compiled.rules]
        for order in itertools.permutations(rules)
        for compiled in [layers.compile_files(user=write(tmp_path, "p", f"rules:\n{''.join(order)}")).policy]
    ]
    assert all(text == texts[0] for text in texts)


def sorted_rules(verdict: dict[str, Any]) -> list[str]:
    return sorted(said["rule"] for said in verdict["determining"])


@pytest.mark.parametrize("layer", LAYERS)
def test_a_condition_on_something_unknown_counts_against_the_call(layer: str):
    at_home = {"action": {"kind": ["fs.delete"], "place": ["home"]}}
    assert answer(HIDDEN, policy([rule(layer, "deny", at_home)], "allow")) == ("deny", [layer])
    assert answer(HIDDEN, policy([rule(layer, "ask", at_home)], "allow"))[0] == "ask"
    assert answer(HIDDEN, policy([rule(layer, "allow", at_home)], "deny")) == ("deny", ["default.action"])
    # The same of what is known and elsewhere says nothing.
    assert answer(FACTS, policy([rule(layer, "deny", at_home)], "allow")) == ("allow", ["default.action"])


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(f"guard: 1\nid: {name}\n{text}", encoding="utf-8")
    return path


def test_the_order_of_files_never_matters(tmp_path: Path):
    """Which layer a file is decides what it may say; where it stands in the list decides nothing."""
    said = {
        "user": "rules:\n  - {id: u, effect: allow, why: w, when: {action: {kind: fs.delete}}}\n",
        "project": "rules:\n  - {id: p, effect: ask, why: w, when: {action: {kind: fs.delete}}}\n",
        "managed": "mode: enforce\nrules:\n  - {id: m, effect: deny, why: w, when: {action: {kind: fs.delete}}}\n",
    }
    files = [layers.layer_of(write(tmp_path, name, text), name) for name, text in said.items()]
    below = layers.builtin("default")
    texts = {compile_layers(list(order), below).text for order in itertools.permutations(files)}
    assert len(texts) == 1


@pytest.mark.parametrize("broken", ["no pointer", "no policy", "not the policy it is named by"])
def test_an_error_denies_with_its_reason(tmp_path: Path, broken: str):
    loaded = layers.compile_files(user=write(tmp_path, "p", "rules: []\n"))
    home = tmp_path / "home"
    digest = activation.activate(loaded.policy, home)
    pointer, text = activation.pointer_path(home), activation.object_path(home, digest)
    if broken == "no pointer":
        pointer.write_text("{")
    elif broken == "no policy":
        for path in (home / "store" / "objects").rglob("*"):
            if path.is_file():
                path.unlink()
    else:
        for path in (home / "store" / "objects").rglob("*"):
            if path.is_file():
                path.write_bytes(text.read_bytes() + b" ")
    guard = Guard(home=home, record=False)
    ran = guard.check("Bash", {"command": "make install"}, cwd="/w")
    assert (ran.effect, [reason.rule for reason in ran.reasons]) == ("deny", ["error.policy"])
    assert "the active policy cannot be used" in ran.reasons[0].message


def test_a_project_only_tightens_until_its_digest_is_trusted(tmp_path: Path):
    """Whatever an untrusted project says: it is refused, or no call is answered more mildly than without it."""
    below = layers.builtin("default")
    without = compile_layers([], below).document
    said = {
        "deny": "rules:\n  - {id: p, effect: deny, why: w, when: {action: {kind: fs.read}}}\n",
        "ask": "rules:\n  - {id: p, effect: ask, why: w, when: {tool: Bash}}\n",
        "label": "labels:\n  - {id: p, add: secret, when: {tool: Bash}}\n",
        "allow": "rules:\n  - {id: p, effect: allow, why: w, when: {action: {kind: fs.delete}}}\n",
        "mode": "mode: observe\n",
        "default": "default: {pre: allow}\n",
        "without": "without: [ask.push]\n",
        "builtin": "builtin: observe\n",
        "tools": "tools:\n  - {names: [x], summary: s, harmless: true, examples: {'x {}': []}}\n",
        "commands": "commands:\n  - {name: acme-x, summary: s, harmless: true}\n",
    }
    refused = set()
    facts = [Generator(seed).facts() for seed in range(200)]
    for name, text in said.items():
        path = write(tmp_path, name, text)
        try:
            document = layers.compile_files(project=path).policy.document
        except PolicyProblems:
            refused.add(name)
            continue
        for held in facts:
            assert EFFECTS.index(answer(held, document)[0]) >= EFFECTS.index(answer(held, without)[0]), name
    assert refused == said.keys() - {"deny", "ask", "label"}

    path, home = write(tmp_path, "allow", said["allow"]), tmp_path / "home"
    layers.trust(path, home)
    assert layers.compile_files(project=path, trusted_at=home).policy.rules[-1]["effect"]
    path.write_text(path.read_text() + "# another\n")
    with pytest.raises(PolicyProblems, match="is not trusted"):
        layers.compile_files(project=path, trusted_at=home)


def test_what_is_trusted_is_what_is_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A file that is exchanged after its trust was looked up gains nothing by it."""
    home = tmp_path / "home"
    path = write(tmp_path, "p", "rules: []\n")
    layers.trust(path, home)
    original = layers.layer_of

    def exchanged(path: Path, name: str, **more: Any) -> Any:
        write(tmp_path, "p", "rules:\n  - {id: p, effect: allow, why: w, when: {action: {kind: fs.delete}}}\n")
        return original(path, name, **more)

    monkeypatch.setattr(layers, "layer_of", exchanged)
    with pytest.raises(PolicyProblems, match="is not trusted"):
        layers.compile_files(project=path, trusted_at=home)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files to root")
def test_a_managed_file_belongs_to_root_and_nobody_else_can_write_it_or_what_leads_to_it(tmp_path: Path):
    """Not the file, not a folder on its way, not a folder with the link that leads to it."""
    folder = tmp_path / "etc"
    folder.mkdir(mode=0o755)
    for part in (tmp_path, *tmp_path.parents):
        if not part.stat().st_mode & 0o1000:
            part.chmod(part.stat().st_mode & ~0o022)
    path = write(folder, "m", "rules: []\n")
    path.chmod(0o644)
    assert layers.compile_files(managed=path).layers[0].name == "managed"

    def is_refused(path: Path) -> bool:
        try:
            layers.compile_files(managed=path)
        except PolicyProblems as found:
            assert [problem.kind for problem in found.problems] == ["managed_writable"]
            return True
        return False

    for part, mode in ((path, 0o664), (path, 0o646), (folder, 0o775), (folder, 0o757)):
        before = part.stat().st_mode
        part.chmod(mode)
        assert is_refused(path), (part, oct(mode))
        part.chmod(before)
    for part in (path, folder):
        os.chown(part, 4242, -1)
        assert is_refused(path), part
        os.chown(part, 0, -1)
    assert not is_refused(path)
    links = tmp_path / "links"
    links.mkdir(mode=0o755)
    (links / "m.yaml").symlink_to(path)
    assert not is_refused(links / "m.yaml")
    os.chown(links, 4242, -1)
    assert is_refused(links / "m.yaml")


def test_no_layer_lowers_a_managed_denial(tmp_path: Path):
    theirs = "rules:\n  - {id: theirs, effect: deny, why: w, when: {action: {kind: fs.delete}}}\n"
    managed = layers.layer_of(write(tmp_path, "managed", theirs), "managed")
    mine = "rules:\n  - {id: mine, effect: allow, why: w, when: {action: {kind: fs.delete}}%s}\n"
    attempts = {
        "a permission": mine % "",
        "an override": mine % ", overrides: [theirs]",
        "taking it out": "without: [theirs]\n",
        "its own name": theirs.replace("deny", "allow"),
        "observing": "mode: observe\n",
        "the default": "default: {pre: allow}\n",
        "another policy below": "builtin: observe\n",
    }
    granted = {**FACTS, "state": {**FACTS["state"], "grants": [{"id": "g", "scope": "run"}]}}
    refused = set()
    for name, text in attempts.items():
        for layer in ("user", "project"):
            try:
                other = layers.layer_of(write(tmp_path, "other", text), layer, trusted=True)
                base = other.model.builtin or "default"
                document = compile_layers([other, managed], layers.builtin(base)).document
            except PolicyProblems:
                refused.add(name)
                continue
            for facts in (FACTS, granted):
                effect, rules = answer(facts, document)
                assert (effect, "theirs" in rules) == ("deny", True), (name, layer)
    assert {"an override", "taking it out", "its own name"} <= refused


def test_the_effective_policy_has_one_digest_and_its_text_is_kept_by_it(tmp_path: Path):
    """Any decision of the past names the policy that decided, whole, with the source of each rule."""
    home, texts = tmp_path / "home", {}
    for why in ("one", "other"):
        path = write(tmp_path, "mine", f"rules:\n  - {{id: mine, effect: deny, why: {why}, when: {{tool: Bash}}}}\n")
        loaded = layers.compile_files(user=path)
        texts[activation.activate(loaded.policy, home)] = loaded.policy.text
        guard = Guard(home=home)
        decided = guard.check("Bash", {"command": "ls"}, cwd="/w", run="r")
        assert decided.policy_digest == guard.policy_digest == list(texts)[-1]
    assert len(texts) == 2
    for digest, text in texts.items():
        assert activation.object_path(home, digest).read_bytes() == text
        assert canonical.digest(text) == digest == canonical.digest(canonical.canonical(json.loads(text)))
        (found,) = (said for said in json.loads(text)["rules"] if said["id"] == "mine")
        assert (found["layer"], found["line"], Path(found["file"]).name) == ("user", 4, "mine.yaml")
