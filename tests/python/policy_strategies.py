"""Facts and policies for property tests: small vocabularies, so that rules often meet what they speak about."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from armorer_guard.policy.vocabulary import (
    CERTAINTIES,
    CHECKSUMS,
    EFFECTS,
    FAMILIES,
    LAYERS,
    PHASES,
    PLACES,
    SEVERITIES,
    SURFACES,
)

KINDS = ("fs.delete", "fs.read", "net.send", "vcs.push", "credential.read", "exec.remote_code", "mcp.call", "unknown")
KIND_PATTERNS = (*KINDS, "fs.*", "net.*", "*", "*.read", "mcp.?all")
ATTRIBUTES = ("force", "recursive", "secret")
VALUES = ("", "/", "/w/p", "/w/p/x", "/w/p/src/a.rs", "/w/px", "/home/u/.ssh/id", "/etc/*", "main", "é/ü", "/w/p/$X")
TARGET_PATTERNS = (
    "/w/p/**",
    "/w/*",
    "**/.ssh/**",
    "${workspace}/**/*.rs",
    "${home}/**",
    "${workspace}",
    "${guard_home}/**",
    "/e?c/**",
    "main",
    "*/?",
    "*src*",
    "m?in",
    "**",
)
FOLDERS = ("/w/p", "${workspace}/src", "${home}", "/", "/etc/", "${guard_home}")
HOSTS = ("x.io", "a.x.io", "localhost")
HOST_PATTERNS = ("*.x.io", "x.io", "local*", "*")
NAMES = ("Bash", "Write", "mcp__s__t", "main", "sub-1", "rm", "git push", "ssh:h")
NAME_PATTERNS = ("Bash", "mcp__*", "*", "ma?n", "sub-*", "git *", "ssh:*")
LABELS = ("secret", "untrusted")
CLOCKS = (
    "2026-11-25T10:00:00.000000Z",
    "2026-11-28T23:30:00.000000Z",
    "2026-02-29T10:00:00Z",
    "",
    "yesterday, at noon",
    "2026-11-25 10:00:00Z",
)
POINTERS = ("/command", "/n", "/list/0", "/a~1b", "", "/nothing")


def some(values: tuple[Any, ...], least: int = 1) -> st.SearchStrategy[list[Any]]:
    """A sorted list of different values."""
    return st.lists(st.sampled_from(values), min_size=least, max_size=2, unique=True).map(
        lambda held: sorted(held) if all(isinstance(item, str) for item in held) else held
    )


def without_empty(value: dict[str, Any]) -> dict[str, Any]:
    """Leaves out what says nothing."""
    return {name: held for name, held in value.items() if held is not None and held != []}


def globs(patterns: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    """A condition on a name."""
    return st.fixed_dictionaries({}, optional={"any": some(patterns), "none": some(patterns)}).filter(bool)


WORDS_OF_RUN = st.fixed_dictionaries({}, optional={name: some(LABELS) for name in ("any", "all", "none")}).filter(bool)
ATTRIBUTE_WORDS = st.fixed_dictionaries({}, optional={n: some(ATTRIBUTES) for n in ("any", "all", "none")}).filter(bool)
RANGES = st.fixed_dictionaries({}, optional={"gte": st.integers(0, 3), "lte": st.integers(0, 3)}).filter(bool)
WINDOWS = st.fixed_dictionaries(
    {
        "days": st.lists(st.integers(0, 6), min_size=1, max_size=4, unique=True).map(sorted),
        "from_min": st.sampled_from((0, 600, 1320)),
        "to_min": st.sampled_from((360, 601, 1440)),
        "offset_min": st.sampled_from((-300, 0, 60)),
        "outside": st.booleans(),
    }
)
ARGS = st.fixed_dictionaries(
    {}, optional={"exists": st.booleans(), "any": some(("rm *", "7", "true", "*")), "none": some(("rm *", "x"))}
).filter(bool)
TARGETS = st.fixed_dictionaries(
    {},
    optional={
        "any": some(TARGET_PATTERNS),
        "none": some(TARGET_PATTERNS),
        "under": some(FOLDERS),
        "outside": some(FOLDERS),
    },
).filter(bool)
ACTION_CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "kind": some(KIND_PATTERNS),
        "target": TARGETS,
        "place": some(PLACES),
        "host": globs(HOST_PATTERNS),
        "has": ATTRIBUTE_WORDS,
        "certainty": some(CERTAINTIES),
        "exact": st.booleans(),
        "remote": st.booleans(),
        "on": globs(NAME_PATTERNS),
        "by": globs(NAME_PATTERNS),
    },
)
FINDING_CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "rule": globs(("secrets.*", "secrets.a", "pii.?")),
        "kind": some(FAMILIES),
        "severity": st.sampled_from(SEVERITIES),
        "checksum": some(CHECKSUMS),
        "confidence_pm": st.fixed_dictionaries({"gte": st.sampled_from((0, 500, 1000))}),
    },
)
CALL_CONDITIONS = {
    "phase": some(PHASES),
    "surface": some(SURFACES),
    "tool": globs(NAME_PATTERNS),
    "server": globs(NAME_PATTERNS),
    "runtime": globs(NAME_PATTERNS),
    "agent": globs(NAME_PATTERNS),
    "host_mode": globs(NAME_PATTERNS),
    "depth": RANGES,
    "arg": st.dictionaries(st.sampled_from(POINTERS), ARGS, min_size=1, max_size=2),
    "label": WORDS_OF_RUN,
    "counter": st.dictionaries(st.sampled_from(("calls", "other")), RANGES, min_size=1, max_size=2),
    "time": WINDOWS,
}


@st.composite
def blocks(draw: st.DrawFn, effect: str) -> dict[str, Any]:
    """A block that a rule of that effect may have: mostly about actions or findings."""
    block = draw(
        st.one_of(
            st.builds(lambda action: {"action": action}, ACTION_CONDITIONS),
            st.builds(lambda action: {"action": action}, ACTION_CONDITIONS),
            st.builds(lambda finding: {"finding": finding}, FINDING_CONDITIONS),
            st.just({}),
        )
    )
    if effect != "allow" and "action" in block and draw(st.booleans()):
        block = {**block, "finding": draw(FINDING_CONDITIONS)}
    names = draw(st.lists(st.sampled_from(sorted(CALL_CONDITIONS)), max_size=2, unique=True))
    if not block and not names:
        names = ["tool"]
    return {**block, **{name: draw(CALL_CONDITIONS[name]) for name in names}}


@st.composite
def policies(draw: st.DrawFn, mode: str | None = None) -> dict[str, Any]:
    """A compiled policy."""
    rules = []
    for number in range(draw(st.integers(0, 6))):
        effect = draw(st.sampled_from(EFFECTS))
        rule: dict[str, Any] = {
            "id": f"r{number}",
            "effect": effect,
            "layer": draw(st.sampled_from(LAYERS)),
            "file": "p.yaml",
            "line": number + 1,
            "why": "because",
            "when": draw(st.lists(blocks(effect), min_size=1, max_size=3)),
        }
        if effect == "deny" and draw(st.booleans()):
            rule["unknown"] = "ask"
        if draw(st.integers(0, 4)) == 0:
            rule["until"] = draw(st.sampled_from(("2026-11-25", "2026-11-27")))
        if draw(st.integers(0, 2)) == 0:
            rule["then"] = draw(some(("redact", "warn", "label:x")))
        rules.append(rule)
    for rule in rules:
        asked = [
            held["id"]
            for held in rules
            if held["effect"] == "ask" and LAYERS.index(held["layer"]) <= LAYERS.index(rule["layer"])
        ]
        if rule["effect"] == "allow" and asked and draw(st.booleans()):
            rule["overrides"] = asked
    labels = [
        {
            "id": f"l{number}",
            "layer": draw(st.sampled_from(LAYERS)),
            "file": "p.yaml",
            "line": number + 1,
            "add": draw(some(("secret", "untrusted", "x"))),
            "when": draw(st.lists(blocks("ask"), min_size=1, max_size=2)),
        }
        for number in range(draw(st.integers(0, 2)))
    ]
    mode = mode or draw(st.sampled_from(("enforce", "enforce", "observe")))
    more: dict[str, Any] = {"labels": labels} if labels else {}
    if mode == "observe" and draw(st.booleans()):
        more["mode_layer"] = "managed"
    default = st.builds(
        lambda effect, layer: {"effect": effect, "layer": layer}, st.sampled_from(EFFECTS), st.sampled_from(LAYERS)
    )
    return {
        "format": "armorer-policy/1",
        "id": "generated",
        "mode": mode,
        **more,
        "default": {phase: draw(default) for phase in PHASES},
        "rules": rules,
    }


@st.composite
def actions(draw: st.DrawFn) -> dict[str, Any]:
    """An action."""
    target = {
        "value": draw(st.sampled_from(VALUES)),
        "exact": draw(st.booleans()),
        "place": draw(st.sampled_from((*PLACES, None))),
        "host": draw(st.sampled_from((*HOSTS, None))),
    }
    return without_empty(
        {
            "kind": draw(st.sampled_from(KINDS)),
            "target": without_empty(target),
            "attributes": draw(some(ATTRIBUTES, 0)),
            "certainty": draw(st.sampled_from(CERTAINTIES)),
            "on": draw(st.sampled_from(("ssh:h", "docker:web", None))),
            "by": draw(st.sampled_from(NAMES)),
            "at": "/command",
        }
    )


@st.composite
def findings(draw: st.DrawFn) -> dict[str, Any]:
    """A finding."""
    return without_empty(
        {
            "rule": draw(st.sampled_from(("secrets.a", "pii.b"))),
            "kind": draw(st.sampled_from(FAMILIES)),
            "severity": draw(st.sampled_from(SEVERITIES)),
            "confidence_pm": draw(st.sampled_from((100, 500, 1000))),
            "at": draw(st.sampled_from(("/command", "/n", ""))),
            "span": {"start": 0, "end": 4},
            "checksum": draw(st.sampled_from(("valid", "mismatch", None))),
            "redact": draw(st.booleans()),
        }
    )


@st.composite
def grants(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Grants that cover a call, those for exactly it first, as the core hands them to a decision."""
    exact = [{"id": "g-exact", "scope": draw(st.sampled_from(("once", "run")))}] if draw(st.integers(0, 5)) == 0 else []
    rules = draw(some(("r0", "r1", "r2", "default.action", "default.unknown"), 0)) if draw(st.booleans()) else []
    return exact + [{"id": f"g-{rule}", "scope": "rule", "rule": rule} for rule in rules]


@st.composite
def facts(draw: st.DrawFn) -> dict[str, Any]:
    """A fact document."""
    return without_empty(
        {
            "phase": draw(st.sampled_from(PHASES)),
            "tool": draw(st.sampled_from((*NAMES[:3], ""))),
            "server": draw(st.sampled_from(("main", "s", None))),
            "surface": draw(st.sampled_from(SURFACES)),
        }
    ) | {
        "actions": draw(st.lists(actions(), max_size=4)),
        "findings": draw(st.lists(findings(), max_size=3)),
        "args": draw(
            st.sampled_from(
                ({"command": "rm x", "n": 7, "list": [True], "a/b": 1.5}, {"command": None, "list": []}, "a text")
            )
        ),
        "context": {
            "cwd": "/w/p",
            "workspace": draw(st.sampled_from(("/w/p", "/w/p/", "/", None))),
            "home": draw(st.sampled_from(("/home/u", None))),
            "user": "u",
            "guard_home": None,
        },
        "caller": {
            "run": None,
            "runtime": draw(st.sampled_from(("claude-code", "main"))),
            "call_id": None,
            "agent": draw(st.sampled_from(("sub-1", None))),
            "depth": draw(st.integers(0, 3)),
            "host_mode": draw(st.sampled_from(("main", None))),
        },
        "state": {
            **without_empty({"grants": draw(grants())}),
            "labels": draw(some(LABELS, 0)),
            "counters": draw(
                st.lists(st.tuples(st.sampled_from(("calls", "x")), st.integers(0, 4)), max_size=2)
            ).copy(),
        },
        "now": draw(st.sampled_from(CLOCKS)),
    }
