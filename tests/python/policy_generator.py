"""
Policies and facts from a seed, by the thousand: every condition and operator, layers, overrides, what is not known.

Plain `random` instead of hypothesis: ten thousand cases in seconds, and a case is told by its number. The words are
those of `policy_strategies`.
"""

from __future__ import annotations

from random import Random
from typing import Any

from armorer_guard.policy import vocabulary as words

from . import policy_strategies as small

STEPS = ("/command", "/n", "/list/0", "/list/*", "/*", "/a~1b", "/deep/*/name", "/deep/*/*", "", "/nothing", "/deep/-")
USERS = ("u", "root")
ARGUMENTS: tuple[Any, ...] = (
    {"command": "rm x", "n": 7, "list": [True, "rm y"], "a/b": 1.5, "deep": [{"name": "x"}, {"name": "rm z"}]},
    {"command": None, "list": [], "deep": {"one": {"name": 7}, "a~b": {"name": ["x"]}}},
    {"command": "[redacted:secrets.a]", "n": True, "deep": [["rm q"]]},
    {},
    "a text",
)
TOKEN_PLACES = ("/command", "/n", "/list/1", "/deep/0/name", "")


class Generator:
    """One case. The same seed gives the same case."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def some(self, values: tuple[Any, ...], least: int = 1, most: int = 2) -> list[Any]:
        """A sorted list of different values."""
        return sorted(self.random.sample(values, self.random.randint(least, min(most, len(values)))))

    def one(self, values: tuple[Any, ...]) -> Any:
        """One of these."""
        return self.random.choice(values)

    def often(self, chance: float = 0.5) -> bool:
        """A coin."""
        return self.random.random() < chance

    def names(self, patterns: tuple[str, ...], *members: str) -> dict[str, Any]:
        """A condition with one or more of these members (`any` and `none` when nothing is said)."""
        kept = self.some(members or ("any", "none"), 1, 3)
        return {name: self.some(patterns) for name in kept}

    def bounds(self, most: int = 4) -> dict[str, int]:
        """A range; one that nothing lies in too."""
        return {name: self.random.randint(0, most) for name in self.some(("gte", "lte"))}

    # conditions

    def target(self) -> dict[str, Any]:
        """A condition on a target."""
        return {
            name: self.some(small.TARGET_PATTERNS if name in ("any", "none") else small.FOLDERS)
            for name in self.some(("any", "none", "under", "outside"))
        }

    def argument(self) -> dict[str, Any]:
        """A condition on an argument."""
        made: dict[str, Any] = {
            name: self.some(("rm *", "7", "true", "*", "x", "?")) for name in self.some(("any", "none"), 0)
        }
        if not made or self.often(0.3):
            made["exists"] = self.often()
        return made

    def action_conditions(self) -> dict[str, Any]:
        """Conditions on an action."""
        every = {
            "kind": lambda: self.some(small.KIND_PATTERNS),
            "target": self.target,
            "place": lambda: self.some(words.PLACES, 1, 6),
            "host": lambda: self.names(small.HOST_PATTERNS),
            "has": lambda: self.names(small.ATTRIBUTES, "any", "all", "none"),
            "certainty": lambda: self.some(words.CERTAINTIES),
            "exact": self.often,
            "remote": self.often,
            "on": lambda: self.names(small.NAME_PATTERNS),
            "by": lambda: self.names(small.NAME_PATTERNS),
        }
        return {name: every[name]() for name in self.some(tuple(every), 0, 3)}

    def finding_conditions(self) -> dict[str, Any]:
        """Conditions on a finding."""
        every = {
            "rule": lambda: self.names(("secrets.*", "secrets.a", "pii.?")),
            "kind": lambda: self.some(words.FAMILIES, 1, 3),
            "severity": lambda: self.one(words.SEVERITIES),
            "checksum": lambda: self.some(words.CHECKSUMS),
            "confidence_pm": lambda: {"gte": self.one((0, 500, 1000))},
        }
        return {name: every[name]() for name in self.some(tuple(every), 0, 2)}

    def call_conditions(self) -> dict[str, Any]:
        """Conditions on the call."""
        every = {
            "phase": lambda: self.some(words.PHASES),
            "surface": lambda: self.some(words.SURFACES, 1, 4),
            "tool": lambda: self.names(small.NAME_PATTERNS),
            "server": lambda: self.names(small.NAME_PATTERNS),
            "runtime": lambda: self.names(small.NAME_PATTERNS),
            "agent": lambda: self.names(small.NAME_PATTERNS),
            "host_mode": lambda: self.names(small.NAME_PATTERNS),
            "run_mode": lambda: self.some(words.RUN_MODES),
            "principal": lambda: self.names(("u", "ro*", "*")),
            "pin": lambda: self.some(words.PINS, 1, 3),
            "depth": self.bounds,
            "sends": self.bounds,
            "arg": lambda: {pointer: self.argument() for pointer in self.some(STEPS)},
            "label": lambda: self.names(small.LABELS, "any", "all", "none"),
            "counter": lambda: {name: self.bounds() for name in self.some(("calls", "other"))},
            "time": lambda: {
                "days": self.some((0, 1, 2, 3, 4, 5, 6), 1, 4),
                "from_min": self.one((0, 600, 1320)),
                "to_min": self.one((360, 601, 1440)),
                "offset_min": self.one((-300, 0, 60)),
                "outside": self.often(),
            },
        }
        return {name: every[name]() for name in self.some(tuple(every), 0, 2)}

    def block(self, effect: str) -> dict[str, Any]:
        """A block that a rule of that effect may have: mostly about actions or findings."""
        about = self.one(("action", "action", "finding", "call", "both"))
        made: dict[str, Any] = {}
        if about in ("action", "both"):
            made["action"] = self.action_conditions()
        if about == "finding" or (about == "both" and effect != "allow"):
            made["finding"] = self.finding_conditions()
        made |= self.call_conditions()
        return made or {"tool": {"any": ["Bash"]}}

    # a policy

    def policy(self) -> dict[str, Any]:
        """A compiled policy of up to eight rules."""
        rules = [self.rule(number) for number in range(self.random.randint(0, 8))]
        for rule in rules:
            asked = [
                held["id"]
                for held in rules
                if held["effect"] == "ask"
                and words.LAYERS.index(held["layer"]) <= words.LAYERS.index(rule["layer"])
                and self.often(0.7)
            ]
            if rule["effect"] == "allow" and asked:
                rule["overrides"] = asked
        more: dict[str, Any] = {}
        if self.often(0.3):
            more["labels"] = [self.label_rule(number) for number in range(self.random.randint(1, 2))]
        if self.often(0.2):
            more["mode_layer"] = self.one(words.LAYERS)
        return {
            **more,
            "format": "armorer-policy/1",
            "id": "generated",
            "mode": self.one(("enforce", "enforce", "observe")),
            "default": {
                phase: {"effect": self.one(words.EFFECTS), "layer": self.one(words.LAYERS)} for phase in words.PHASES
            },
            "rules": rules,
        }

    def label_rule(self, number: int) -> dict[str, Any]:
        """A rule that gives labels."""
        return {
            "id": f"l{number}",
            "layer": self.one(words.LAYERS),
            "file": "p.yaml",
            "line": number + 1,
            "add": self.some(("secret", "untrusted", "x")),
            "when": [self.block("ask") for _ in range(self.random.randint(1, 2))],
        }

    def grants(self) -> list[dict[str, Any]]:
        """Grants that cover a call; one for exactly it comes first."""
        found: list[dict[str, Any]] = [{"id": "g0", "scope": "once"}] if self.often(0.1) else []
        for rule in self.some(("r0", "r1", "r2", "default.action"), 0) if self.often(0.2) else []:
            found.append({"id": f"g-{rule}", "scope": "rule", "rule": rule})
        return found

    def rule(self, number: int) -> dict[str, Any]:
        """A rule without overrides."""
        effect = self.one(words.EFFECTS)
        made: dict[str, Any] = {
            "id": f"r{number}",
            "effect": effect,
            "layer": self.one(words.LAYERS),
            "file": "p.yaml",
            "line": number + 1,
            "why": self.one(("because", "{sentence}", "of {target} on {host} by {by}", "")),
            "when": [self.block(effect) for _ in range(self.random.randint(1, 3))],
        }
        if effect == "deny" and self.often():
            made["unknown"] = "ask"
        if self.often(0.2):
            made["until"] = self.one(("2026-11-25", "2026-11-27"))
        if self.often(0.3):
            made["then"] = self.some(("redact", "warn", "snapshot", "label:x"))
        if self.often(0.2):
            made["safer"] = "do {target} yourself"
        return made

    # facts

    def action(self) -> dict[str, Any]:
        """An action, its target often known in part only."""
        target = {
            "value": self.one(small.VALUES),
            "exact": self.often(0.6),
            "place": self.one((*words.PLACES, None)),
            "host": self.one((*small.HOSTS, None)),
        }
        return small.without_empty(
            {
                "kind": self.one(small.KINDS),
                "target": small.without_empty(target),
                "attributes": self.some(small.ATTRIBUTES, 0),
                "certainty": self.one(words.CERTAINTIES),
                "on": self.one(("ssh:h", "docker:web", None)),
                "by": self.one(small.NAMES),
                "at": "/command",
            }
        )

    def finding(self) -> dict[str, Any]:
        """A finding; one that redacts makes its argument unknown."""
        return small.without_empty(
            {
                "rule": self.one(("secrets.a", "pii.b")),
                "kind": self.one(words.FAMILIES),
                "severity": self.one(words.SEVERITIES),
                "confidence_pm": self.one((100, 500, 1000)),
                "at": self.one(TOKEN_PLACES),
                "span": {"start": 0, "end": 4},
                "checksum": self.one(("valid", "mismatch", None)),
                "redact": self.often(),
            }
        )

    def facts(self) -> dict[str, Any]:
        """A fact document."""
        made = {
            "phase": self.one(("pre", "pre", "post", "text")),
            "tool": self.one((*small.NAMES[:3], "")),
            "server": self.one(("main", "s", None)),
            "pin": self.one((*words.PINS, None)),
            "surface": self.one(words.SURFACES),
        }
        caller = {
            "run": None,
            "runtime": self.one(("claude-code", "main")),
            "call_id": None,
            "agent": self.one(("sub-1", None)),
            "depth": self.random.randint(0, 3),
            "host_mode": self.one(("main", None)),
        }
        if (mode := self.one((*words.RUN_MODES, None))) is not None:
            caller["run_mode"] = mode
        if self.often(0.4):
            made["sends"] = {"bytes": self.random.randint(0, 4), "exact": self.often()}
        return small.without_empty(made) | {
            "actions": [self.action() for _ in range(self.random.randint(0, 4))],
            "findings": [self.finding() for _ in range(self.random.randint(0, 3))],
            "args": self.one(ARGUMENTS),
            "context": {
                "cwd": self.one(("/w/p", None)),
                "workspace": self.one(("/w/p", "/w/p/", "/", None)),
                "home": self.one(("/home/u", None)),
                "user": self.one((*USERS, None)),
                "guard_home": None,
            },
            "caller": caller,
            "state": {
                **small.without_empty({"grants": self.grants()}),
                "labels": self.some(small.LABELS, 0),
                "counters": [[name, self.random.randint(0, 4)] for name in self.some(("calls", "x"), 0)],
            },
            "now": self.one(small.CLOCKS),
        }
