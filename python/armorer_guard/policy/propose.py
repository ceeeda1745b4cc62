"""
Proposes a policy from what recorded runs did: permissions for exactly what was asked about and then ran, and no wider.

What was denied, not understood, known in part only or redacted is never proposed; comments tell of it. Every rule has
an end, names the targets that were seen, and shuts out the attributes that were not.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from armorer_guard._core import action_sentence, canonical_json, decide_json
from armorer_guard.policy.compiler import Layer as LayerOf
from armorer_guard.policy.compiler import check, compile_layers
from armorer_guard.policy.evaluate import decide
from armorer_guard.policy.examples import Judge
from armorer_guard.policy.model import CallExample, Example
from armorer_guard.policy.source import parse
from armorer_guard.policy.vocabulary import UNKNOWN_KIND

Json = Mapping[str, Any]

DAYS = 90
"""How long a proposed permission holds."""
MAX_TARGETS = 20
"""Most targets that one rule names."""
MAX_TOLD = 12
"""Most lines about what is not proposed."""
MAX_EXAMPLE = 200
"""Longest example, in characters."""
SHUT_OUT = (
    "admin", "all", "auto_approve", "database", "delete", "downloaded", "fetched", "force", "hard", "laden",
    "local_data", "metadata", "mirror", "no_where", "outside", "outside_data", "privileged", "protected_branch",
    "public", "recursive", "secret", "tautology", "tls_off", "unverified", "upload",
)  # fmt: skip
"""Attributes that a proposed rule shuts out unless they were seen."""
_VARS = {"unwanted": list(SHUT_OUT)}


@dataclass
class _Group:
    """Actions of one kind that one rule asked about."""

    asked_by: str
    kind: str
    named: bool
    """Whether they have a target at all."""
    times: int = 0
    runs: set[str] = field(default_factory=set)
    last: str = ""
    targets: Counter[str] = field(default_factory=Counter)
    by: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    elsewhere: set[str] = field(default_factory=set)
    here: bool = False
    calls: dict[str, Example] = field(default_factory=dict)

    def rule(self, identifier: str, until: date) -> dict[str, Any]:
        """The permission that covers them."""
        action: dict[str, Any] = {"kind": self.kind}
        listed = [name for name, _ in self.targets.most_common(MAX_TARGETS)]
        action["target"] = {"any": sorted(listed)} if self.named else {"none": ["?*"]}
        action["by"] = sorted(self.by)
        unseen = [name for name in SHUT_OUT if name not in self.attributes]
        action["has"] = {"none": "$unwanted" if len(unseen) == len(SHUT_OUT) else unseen}
        if not self.elsewhere:
            action["remote"] = False
        elif not self.here:
            action["on"] = sorted(self.elsewhere)
        made: dict[str, Any] = {"id": identifier, "effect": "allow"}
        if not self.asked_by.startswith("default."):
            made["overrides"] = [self.asked_by]
        times = "once" if self.times == 1 else f"{self.times} times"
        return {
            **made,
            "until": until.isoformat(),
            "why": f"it was asked about and ran {times}",
            "when": {"action": action},
        }


class Proposal:
    """
    Collects decisions and makes a policy of them.

    Args:
        name: The policy's id, and the beginning of its rules' ids.
        builtin: The built-in policy it stands on.
        document: That policy in its compiled form.
        today: Permissions end `DAYS` days after it.
    """

    def __init__(self, name: str, builtin: str, document: Json, today: date) -> None:
        self.name, self.builtin, self.document, self.today = name, builtin, document, today
        self.decisions = self.flowing = 0
        self._text = canonical_json(document)
        self._runs: set[str] = set()
        self._groups: dict[tuple[str, str, bool], _Group] = {}
        self._denied: Counter[tuple[str, str]] = Counter()
        self._denied_calls: dict[tuple[str, str], Example] = {}
        self._left: Counter[str] = Counter()

    def add(self, record: Json, *, ran: bool) -> None:
        """
        Take a decision into account.

        Args:
            record: The decision, whole.
            ran: Whether the call was made in the end.
        """
        facts = record.get("facts")
        if not isinstance(facts, dict) or "$blob" in facts or facts.get("phase") != "pre":
            return
        run, now = str(record.get("run")), str(facts["now"])[:10]
        self.decisions += 1
        self._runs.add(run)
        verdict = json.loads(decide_json(canonical_json(facts), self._text))
        said, answers = verdict["determining"][0]["effect"], verdict["determining"]
        if said == "allow":
            self.flowing += 1
        elif said == "deny":
            about = (answers[0]["rule"], _sentence(facts, answers[0]["actions"]))
            self._denied[about] += 1
            if (example := _example(facts)) is not None:
                self._denied_calls.setdefault(about, example)
        elif not ran:
            self._left["asked about and not known to have run"] += 1
        elif (why := _not_narrow(facts, answers)) is not None:
            self._left[why] += 1
        else:
            for answer in answers:
                for at in answer["actions"]:
                    self._take(answer["rule"], facts, facts["actions"][at], run, now)

    def _take(self, rule: str, facts: Json, action: Json, run: str, now: str) -> None:
        value = _pattern(action["target"]["value"], facts["context"])
        key = (rule, action["kind"], bool(value))
        group = self._groups.setdefault(key, _Group(*key))
        group.times += 1
        group.runs.add(run)
        group.last = max(group.last, now)
        if value:
            group.targets[value] += 1
        group.by.add(action["by"])
        group.attributes.update(action.get("attributes", []))
        if action.get("on") is None:
            group.here = True
        else:
            group.elsewhere.add(action["on"])
        if (example := _example(facts)) is not None:
            group.calls.setdefault(json.dumps(_plain(example)), example)

    def text(self, judge: Judge | None = None) -> str:
        """The policy as YAML, its examples and tests tried."""
        groups = sorted(self._groups.values(), key=lambda group: (-group.times, group.kind, group.asked_by))
        names: Counter[str] = Counter()
        rules: list[tuple[_Group, dict[str, Any]]] = []
        for group in groups:
            slug = f"{self.name}.{group.kind.replace('.', '-').replace('_', '-')}"
            names[slug] += 1
            name = slug if names[slug] == 1 else f"{slug}-{names[slug]}"
            rules.append((group, group.rule(name, self.today + timedelta(days=DAYS))))
        self._try_examples(rules, judge or Judge())
        return self._written(rules)

    def _try_examples(self, rules: list[tuple[_Group, dict[str, Any]]], judge: Judge) -> None:
        """Keeps the calls that are understood the same way where examples are judged: not all paths are everywhere."""
        written = {"guard": 1, "id": self.name, "vars": _VARS, "rules": [rule for _, rule in rules]}
        source = parse(json.dumps(written), file="init")
        policy = compile_layers([LayerOf("user", check(source), source)], self.document).document
        self._tests: list[dict[str, Any]] = []
        for group, rule in rules:
            kept: list[Example] = []
            for example in list(group.calls.values())[:8]:
                verdict = decide(judge.facts(example), policy)
                spoke = rule["id"] in [answer["rule"] for answer in verdict["determining"]]
                if verdict["effect"] == "allow" and spoke and len(kept) < 3:
                    kept.append(example)
            if kept:
                rule["examples"] = {"match": [_plain(example) for example in kept]}
                self._tests.append(
                    {"name": f"{rule['id']} as it ran", "call": _plain(kept[0]), "expect": {"effect": "allow"}}
                )
        for (name, _), denied in list(self._denied_calls.items())[:5]:
            verdict = decide(judge.facts(denied), policy)
            if verdict["effect"] == "deny" and name in [answer["rule"] for answer in verdict["determining"]]:
                expected = {"effect": "deny", "rule": name}
                self._tests.append(
                    {"name": f"{name} still denies {len(self._tests)}", "call": _plain(denied), "expect": expected}
                )

    def _written(self, rules: list[tuple[_Group, dict[str, Any]]]) -> str:
        decisions, runs = _count(self.decisions, "decision"), _count(len(self._runs), "run")
        lines = [
            f"# Proposed on {self.today} from {decisions} in {runs}. Read it before you put it in force.",
            f"# It stands on the built-in policy `{self.builtin}`, which allows {self.flowing} of them by itself.",
            "guard: 1",
            f"id: {self.name}",
            *([f"builtin: {self.builtin}"] if self.builtin != "default" else []),
            *(["vars:", f"  unwanted: {_flow(_VARS['unwanted'])}"] if "$unwanted" in repr(rules) else []),
            "",
            "rules:" if rules else "rules: []",
        ]
        for group, rule in rules:
            asker = "no rule allowed it" if group.asked_by.startswith("default.") else f"`{group.asked_by}` asked"
            times, among = _count(group.times, "time"), _count(len(group.runs), "run")
            lines.append(f"  # {times} in {among}, last on {group.last}; {asker}.")
            if len(group.targets) > MAX_TARGETS:
                lines.append(f"  # The {MAX_TARGETS} most frequent of {len(group.targets)} targets.")
            if "examples" not in rule:
                lines.append("  # Without an example: what ran is understood in its own place only.")
            lines += _entry(rule)
        lines += ["", "tests:" if self._tests else "tests: []"]
        for test in self._tests:
            lines += _entry(test)
        left = [
            f"denied by `{rule}`: {said} ({_count(times, 'time')})"
            for (rule, said), times in self._denied.most_common(MAX_TOLD)
        ]
        left += [f"{why} ({_count(times, 'time')})" for why, times in self._left.most_common()]
        if left:
            lines += ["", "# Not proposed, and so answered as before:", *(f"#   {line}" for line in left)]
        return "\n".join(lines) + "\n"


def _entry(value: Json) -> list[str]:
    """One item of a YAML list, a key a line; what is nested deeper in YAML's flow style, which JSON is."""
    written = [f"{name}: {_flow(held)}" for name, held in value.items() if name not in ("when", "examples")]
    lines = [f"  {'-' if at == 0 else ' '} {line}" for at, line in enumerate(written)]
    if "when" in value:
        lines += ["    when:", "      action:"]
        lines += [f"        {name}: {_flow(held)}" for name, held in value["when"]["action"].items()]
    if "examples" in value:
        lines += ["    examples:", "      match:"]
        lines += [f"        - {_flow(held)}" for held in value["examples"]["match"]]
    return lines


_MARKS = str.maketrans("", "", ".-_ ")


def _flow(value: object) -> str:
    if isinstance(value, str) and value == "$unwanted":
        return value
    if isinstance(value, str) and value.isascii() and value == value.strip() and value.translate(_MARKS).isalpha():
        return value if value not in ("true", "false", "null") else json.dumps(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_flow(held)}" for name, held in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    return json.dumps(value, ensure_ascii=True)


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _plain(example: Example) -> Any:
    return example if isinstance(example, str) else example.model_dump(exclude_unset=True)


def _sentence(facts: Json, actions: Sequence[int]) -> str:
    """What the first of these actions would do, in one line that ends no comment."""
    if not actions:
        return "the call as a whole"
    said = action_sentence(canonical_json(facts["actions"][actions[0]])) or facts["actions"][actions[0]]["kind"]
    said = json.dumps(said[:120], ensure_ascii=True)[1:-1]
    return said.removeprefix("would ")


def _not_narrow(facts: Json, answers: Sequence[Json]) -> str | None:
    """Why no narrow permission can cover what was asked about; None when one can."""
    for answer in answers:
        if answer["findings"] or not answer["actions"]:
            return f"`{answer['rule']}` asked about more than actions"
        for at in answer["actions"]:
            action = facts["actions"][at]
            value = action["target"]["value"]
            if action["kind"] == UNKNOWN_KIND:
                return "not understood"
            if not action["target"]["exact"] or any(char in value for char in "*?$"):
                return "its target is known in part only"
            if "[redacted:" in value or "[redacted:" in action["by"] or "[redacted:" in (action.get("on") or ""):
                return "its target holds a secret"
            if answer["unknown"]:
                return f"`{answer['rule']}` asked because something was unknown"
    return None


def _pattern(value: str, context: Json) -> str:
    """A target as a pattern that holds in other places too: below the workspace, below the home directory."""
    for base, name in (("workspace", "${workspace}"), ("home", "~")):
        folder = (context.get(base) or "").rstrip("/")
        if folder and (value == folder or value.startswith(folder + "/")):
            return name + value[len(folder) :]
    return value


def _example(facts: Json) -> Example | None:
    """The call as an example; None when it is long or holds a mark."""
    args = facts["args"]
    if not isinstance(args, dict):
        return None
    written = json.dumps(args, ensure_ascii=False)
    if "[redacted:" in written or "$blob" in args or len(written) > 2 * MAX_EXAMPLE:
        return None
    command = args.get("command")
    if facts["tool"] == "Bash" and isinstance(command, str) and command:
        return command if len(command) <= MAX_EXAMPLE else None
    return CallExample(tool=facts["tool"], args=args)
