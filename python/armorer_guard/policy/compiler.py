"""
Models to the compiled form: variables replaced, `any_of` expanded, layers merged, sorted, canonical, with a digest.

Pure: reads no file. What it writes is the whole input of a decision besides the facts, so it says nothing that a reader
of the source could not find there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from armorer_guard.policy import canonical
from armorer_guard.policy.evaluate import speaks_about_kind
from armorer_guard.policy.model import Action, Finding, Hours, Label, LabelRule, Number, PolicyFile, Rule, When
from armorer_guard.policy.problems import PolicyProblems, Problem
from armorer_guard.policy.source import Source, Step
from armorer_guard.policy.vocabulary import BASES, DAYS, KINDS, LAYERS, PHASES, PLACES

FORMAT = "armorer-policy/1"
MAX_BLOCKS = 64
"""Most blocks one rule may expand into; more is no longer read by anybody."""
OWN_LABELS = frozenset({"secret", "untrusted"})
"""Labels that the built-in policies speak about, and never to permit something."""
DEFAULTS = {"pre": "ask", "post": "allow", "text": "allow"}
"""Defaults of a policy in which nobody sets any."""


@dataclass(frozen=True)
class Layer:
    """One checked policy file and where it stands."""

    name: str
    """`builtin`, `user`, `project` or `managed`."""
    model: PolicyFile
    source: Source
    trusted: bool = True
    """Whether a project may also permit."""


@dataclass(frozen=True)
class CompiledPolicy:
    """A policy that can be evaluated."""

    document: dict[str, Any]

    @property
    def text(self) -> bytes:
        """Canonical JSON."""
        return canonical.canonical(self.document)

    @property
    def digest(self) -> str:
        """`sha256:…` of the canonical text."""
        return canonical.digest(self.text)

    @property
    def rules(self) -> list[dict[str, Any]]:
        """The rules in their compiled form, sorted by id."""
        rules: list[dict[str, Any]] = self.document["rules"]
        return rules


def check(source: Source) -> PolicyFile:
    """
    Check the form of one file.

    Raises:
        PolicyProblems: Everything that is wrong with it, each with its line.
    """
    try:
        return PolicyFile.model_validate(source.data)
    except ValidationError as error:
        from armorer_guard.policy.wording import problems

        raise PolicyProblems(problems(error, source)) from None


def compile_layers(layers: Sequence[Layer], below: Mapping[str, Any] | None = None) -> CompiledPolicy:
    """
    Merge layers into one policy: which layer a file is says where it stands, whatever their order here.

    Args:
        layers: The checked files.
        below: The compiled built-in policy that they stand on.

    Raises:
        PolicyProblems: Everything that is wrong between and inside them.
    """
    layers = sorted(layers, key=lambda layer: LAYERS.index(layer.name))
    problems: list[Problem] = []
    builtin: dict[str, dict[str, Any]] = {rule["id"]: rule for rule in (below or {}).get("rules", [])}
    builtin_labels: dict[str, dict[str, Any]] = {rule["id"]: rule for rule in (below or {}).get("labels", [])}
    removed = {name for layer in layers if layer.name != "project" for name in layer.model.without}
    rules = {name: rule for name, rule in builtin.items() if name not in removed}
    labels = {name: rule for name, rule in builtin_labels.items() if name not in removed}
    for layer in layers:
        problems += _may(layer)
        written: list[tuple[Rule | LabelRule, tuple[Step, ...]]] = [
            *((rule, ("rules", at)) for at, rule in enumerate(layer.model.rules)),
            *((rule, ("labels", at)) for at, rule in enumerate(layer.model.labels)),
        ]
        for rule, where in written:
            if (held := rules.get(rule.id) or labels.get(rule.id)) is not None:
                problems.append(
                    Problem(
                        layer.source.file,
                        layer.source.line((*where, "id")),
                        "rule_twice",
                        f"rule `{rule.id}` is already in {held['file']}:{held['line']}",
                        "give it another id; every rule of every layer applies, so none replaces another",
                    )
                )
                continue
            try:
                made = _Compiler(layer, rule, where).rule()
            except _Wrong as wrong:
                problems.append(wrong.problem)
            else:
                (labels if isinstance(rule, LabelRule) else rules)[rule.id] = made
    own = _own(layers)
    # Of two pins for one tool, that of the highest layer counts.
    pins = {tool: digest for layer in layers for tool, digest in layer.model.pins.items()}
    problems += _check_own(layers, own)
    problems += _check_overrides(layers, rules)
    problems += _check_without(layers, {**builtin, **builtin_labels})
    if problems:
        raise PolicyProblems(problems)
    ids = [layer.model.id for layer in layers] or [str((below or {})["id"])]
    # The highest layer that says so decides.
    modes = [(layer.model.mode, layer.name) for layer in layers if layer.model.mode is not None]
    mode, mode_layer = modes[-1] if modes else ((below or {}).get("mode", "enforce"), "builtin")
    return CompiledPolicy(
        {
            **({"own": own} if own else {}),
            **({"pins": pins} if pins else {}),
            **({"labels": [labels[name] for name in sorted(labels, key=str.encode)]} if labels else {}),
            # Said where it matters: only the administrator can have what he denies observed.
            **({"mode_layer": mode_layer} if mode == "observe" and mode_layer == "managed" else {}),
            "format": FORMAT,
            "id": "+".join(ids),
            "mode": mode,
            "default": {phase: _default(layers, below, phase) for phase in PHASES},
            "rules": [rules[name] for name in sorted(rules, key=str.encode)],
        }
    )


def _may(layer: Layer) -> list[Problem]:
    """What a layer says that it may not say."""
    model, source = layer.model, layer.source
    found: list[Problem] = []

    def refuse(path: tuple[Step, ...], kind: str, message: str, hint: str | None = None) -> None:
        found.append(Problem(source.file, source.line(path), kind, message, hint))

    if model.layer is not None and model.layer != layer.name:
        refuse(
            ("layer",),
            "layer_misplaced",
            f"says `layer: {model.layer}`, but lies where the layer `{layer.name}` is read",
        )
    if layer.name == "project":
        for key, given in (("without", model.without), ("mode", model.mode), ("builtin", model.builtin)):
            if given:
                refuse(
                    (key,),
                    "project_loosens",
                    f"`{key}` is not for a project's policy to say",
                    "move it to your own policy",
                )
        if model.default.model_fields_set:
            refuse(
                ("default",),
                "project_loosens",
                "`default` is not for a project's policy to set",
                "move it to your own policy",
            )
        for key, says in (
            ("tools", "says what calls do"),
            ("commands", "says what calls do"),
            ("pins", "says which tools are known"),
        ):
            if getattr(model, key) and not layer.trusted:
                refuse(
                    (key,),
                    "project_loosens",
                    f"`{key}` {says}, and this project's policy is not trusted",
                    "trust it first: `armorer-guard policy trust FILE`",
                )
        for at, label in enumerate(model.labels):
            for name in () if layer.trusted else sorted({*label.add} - OWN_LABELS):
                refuse(
                    ("labels", at, "add"),
                    "project_loosens",
                    f"label rule `{label.id}` adds `{name}`, which may permit something elsewhere",
                    f"a project that is not trusted may add {' and '.join(f'`{own}`' for own in sorted(OWN_LABELS))}",
                )
        for at, rule in enumerate(model.rules):
            demanded = {item.label for item in rule.then if isinstance(item, Label)}
            for name in () if layer.trusted else sorted(demanded - OWN_LABELS):
                refuse(
                    ("rules", at, "then"),
                    "project_loosens",
                    f"rule `{rule.id}` adds the label `{name}`, which may permit something elsewhere",
                    f"a project that is not trusted may add {' and '.join(f'`{own}`' for own in sorted(OWN_LABELS))}",
                )
            if rule.effect == "allow" and not layer.trusted:
                refuse(
                    ("rules", at),
                    "project_loosens",
                    f"rule `{rule.id}` allows, but this project's policy is not trusted",
                    "a project may only ask and deny until you trust it: `armorer-guard policy trust FILE`",
                )
    return found


def _own(layers: Sequence[Layer]) -> dict[str, Any]:
    """What tools and programs of one's own do; of several that fit, that of the highest layer counts."""
    tools = [
        tool.model_dump(exclude_none=True, exclude_defaults=True)
        for layer in reversed(layers)
        for tool in layer.model.tools
    ]
    commands = [command for layer in reversed(layers) for command in layer.model.commands]
    return {name: held for name, held in (("commands", commands), ("tools", tools)) if held}


def _check_own(layers: Sequence[Layer], own: Mapping[str, Any]) -> Iterable[Problem]:
    if not own:
        return
    from armorer_guard._core import check_own

    layer = next(layer for layer in reversed(layers) if layer.model.tools or layer.model.commands)
    line = layer.source.line(("tools",) if layer.model.tools else ("commands",))
    for error in check_own(canonical.canonical(own).decode()):
        yield Problem(
            layer.source.file,
            line,
            "tools_wrong",
            error.removeprefix("policy: "),
            "tools and programs are described as in `rules/tools` and `rules/commands`",
        )


def _default(layers: Sequence[Layer], below: Mapping[str, Any] | None, phase: str) -> dict[str, str]:
    found: dict[str, str] = {"effect": DEFAULTS[phase], "layer": "builtin"}
    if below is not None:
        found = dict(below["default"][phase])
    for layer in layers:
        given = getattr(layer.model.default, phase)
        if given is not None:
            found = {"effect": given, "layer": layer.name}
    return found


def _check_overrides(layers: Sequence[Layer], rules: dict[str, dict[str, Any]]) -> Iterable[Problem]:
    for layer in layers:
        for at, rule in enumerate(layer.model.rules):
            for position, name in enumerate(rule.overrides):
                line = layer.source.line(("rules", at, "overrides", position))
                if (asked := rules.get(name)) is None:
                    near = nearest(name, rules)
                    yield Problem(
                        layer.source.file,
                        line,
                        "override_unknown",
                        f"rule `{rule.id}` overrides `{name}`, which is no rule",
                        f"did you mean `{near}`?" if near else None,
                    )
                elif asked["effect"] != "ask":
                    yield Problem(
                        layer.source.file,
                        line,
                        "override_strict",
                        f"rule `{rule.id}` overrides `{name}`, which says `{asked['effect']}`; "
                        "only a question can be overridden",
                    )
                elif LAYERS.index(asked["layer"]) > LAYERS.index(layer.name):
                    yield Problem(
                        layer.source.file,
                        line,
                        "override_outranked",
                        f"rule `{rule.id}` of the layer `{layer.name}` overrides `{name}` of `{asked['layer']}`, "
                        "which outranks it",
                    )


def _check_without(layers: Sequence[Layer], builtin: Mapping[str, Any]) -> Iterable[Problem]:
    for layer in layers:
        for position, name in enumerate(layer.model.without):
            if layer.name != "project" and name not in builtin:
                near = nearest(name, builtin)
                yield Problem(
                    layer.source.file,
                    layer.source.line(("without", position)),
                    "without_unknown",
                    f"`without` names `{name}`, which is no built-in rule",
                    f"did you mean `{near}`?" if near else None,
                )


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that *name* was probably meant to be."""
    from difflib import get_close_matches

    found = get_close_matches(name, list(names), n=1)
    return found[0] if found else None


class _Wrong(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class _Compiler:
    """Compiles one rule."""

    def __init__(self, layer: Layer, rule: Rule | LabelRule, path: tuple[Step, ...]) -> None:
        self.layer = layer
        self.given = rule
        self.effect = rule.effect if isinstance(rule, Rule) else "ask"
        """What is unknown counts for a label as it does for a question."""
        self.path = path

    def wrong(self, path: tuple[Step, ...], kind: str, message: str, hint: str | None = None) -> _Wrong:
        source = self.layer.source
        return _Wrong(
            Problem(source.file, source.line((*self.path, *path)), kind, f"rule `{self.given.id}`: {message}", hint)
        )

    def rule(self) -> dict[str, Any]:
        rule = self.given
        blocks = self.blocks(rule.when, ("when",))
        for block in blocks:
            if not block:
                raise self.wrong(("when",), "when_empty", "has no conditions", "say at least `phase: pre`")
            if self.effect == "allow" and "action" in block and "finding" in block:
                raise self.wrong(
                    ("when",),
                    "allow_mixed",
                    "allows, so it may speak about actions or about findings, not about both",
                    "more findings must never make a call more allowed",
                )
        unique = {canonical.canonical(block): block for block in blocks}
        made: dict[str, Any] = {
            "id": rule.id,
            "layer": self.layer.name,
            "file": self.layer.source.file,
            "line": self.layer.source.line(self.path) or 0,
            "when": [unique[key] for key in sorted(unique)],
        }
        if isinstance(rule, LabelRule):
            return {**made, "add": sorted(set(rule.add))}
        made |= {"effect": rule.effect, "why": rule.why}
        if rule.unknown is not None:
            made["unknown"] = rule.unknown
        if rule.safer is not None:
            made["safer"] = rule.safer
        if rule.overrides:
            made["overrides"] = sorted(set(rule.overrides))
        if rule.until is not None:
            made["until"] = rule.until
        if rule.then:
            made["then"] = sorted({f"label:{item.label}" if isinstance(item, Label) else item for item in rule.then})
        return made

    def blocks(self, when: When, path: tuple[Step, ...]) -> list[dict[str, Any]]:
        """The blocks of conditions that a `when` stands for."""
        base = self.block(when, path)
        if when.any_of is None:
            return [base]
        found = [
            self.join(base, block, (*path, "any_of", at))
            for at, inner in enumerate(when.any_of)
            for block in self.blocks(inner, (*path, "any_of", at))
        ]
        if len(found) > MAX_BLOCKS:
            raise self.wrong(path, "when_large", f"expands into {len(found)} blocks; expected at most {MAX_BLOCKS}")
        return found

    def join(self, base: dict[str, Any], block: dict[str, Any], path: tuple[Step, ...]) -> dict[str, Any]:
        """Both, where each says other things."""
        joined = dict(base)
        for name, value in block.items():
            if name not in base:
                joined[name] = value
            elif name in ("action", "finding", "arg", "counter"):
                twice = set(base[name]) & set(value)
                if twice:
                    shown = f"{name}.{min(twice)}"
                    raise self.wrong(
                        path,
                        "condition_twice",
                        f"says `{shown}` inside and outside of `any_of`",
                        "say it in one of them",
                    )
                joined[name] = {**base[name], **value}
            else:
                raise self.wrong(
                    path, "condition_twice", f"says `{name}` inside and outside of `any_of`", "say it in one of them"
                )
        return joined

    def block(self, when: When, path: tuple[Step, ...]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name in ("phase", "surface", "run_mode", "pin"):
            if (values := getattr(when, name)) is not None:
                made[name] = sorted(set(values))
        for name in ("tool", "server", "runtime", "agent", "host_mode", "principal", "label"):
            if (value := getattr(when, name)) is not None:
                made[name] = self.lists(value, (*path, name))
        if when.depth is not None:
            made["depth"] = _range(when.depth)
        if when.sends is not None:
            made["sends"] = _range(when.sends)
        if when.counter is not None:
            made["counter"] = {name: _range(number) for name, number in when.counter.items()}
        if when.arg is not None:
            made["arg"] = {}
            for pointer, condition in when.arg.items():
                made["arg"][pointer] = self.lists(condition, (*path, "arg", pointer))
                if condition.exists is not None:
                    made["arg"][pointer]["exists"] = condition.exists
        if when.time is not None:
            made["time"] = _window(when.time)
        if when.action is not None:
            made["action"] = self.action(when.action, (*path, "action"))
        if when.finding is not None:
            made["finding"] = self.finding(when.finding, (*path, "finding"))
        return made

    def action(self, action: Action, path: tuple[Step, ...]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        if action.kind is not None:
            made["kind"] = self.expand(action.kind, (*path, "kind"))
            for pattern in made["kind"]:
                if not any(speaks_about_kind({"kind": [pattern]}, kind, self.effect) for kind in KINDS):
                    near = nearest(pattern, KINDS)
                    raise self.wrong(
                        (*path, "kind"),
                        "kind_unknown",
                        f"no action is of kind `{pattern}`",
                        f"did you mean `{near}`?" if near else "`armorer-guard policy schema` lists them",
                    )
        if action.target is not None:
            made["target"] = self.lists(action.target, (*path, "target"), paths=True)
        if isinstance(action.place, list):
            made["place"] = sorted(set(action.place))
        elif action.place is not None:
            # What is not known lies in no complement either.
            made["place"] = sorted(set(PLACES) - set(action.place.none) - {"unknown"})
        for name in ("host", "on", "by", "has"):
            if (value := getattr(action, name)) is not None:
                made[name] = self.lists(value, (*path, name), lower=name == "host")
        if action.certainty is not None:
            made["certainty"] = sorted(set(action.certainty))
        for name in ("exact", "remote"):
            if (flag := getattr(action, name)) is not None:
                made[name] = flag
        return made

    def finding(self, finding: Finding, path: tuple[Step, ...]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        if finding.rule is not None:
            made["rule"] = self.lists(finding.rule, (*path, "rule"))
        for name in ("kind", "checksum"):
            if (values := getattr(finding, name)) is not None:
                made[name] = sorted(set(values))
        if finding.severity is not None:
            made["severity"] = finding.severity
        if finding.confidence is not None:
            made["confidence_pm"] = _range(finding.confidence)
        return made

    def lists(
        self, model: BaseModel, path: tuple[Step, ...], *, paths: bool = False, lower: bool = False
    ) -> dict[str, Any]:
        """The lists of a condition, with their variables replaced."""
        made: dict[str, Any] = {}
        for name in ("any", "all", "none", "under", "outside"):
            if (values := getattr(model, name, None)) is not None:
                made[name] = self.expand(values, (*path, name), paths=paths, lower=lower)
        return made

    def expand(
        self, values: list[str], path: tuple[Step, ...], *, paths: bool = False, lower: bool = False
    ) -> list[str]:
        found: set[str] = set()
        for value in values:
            if value.startswith("$") and not value.startswith("${"):
                words = self.variable(value[1:], path)
            else:
                words = [self.filled(value, path, paths=paths)]
            for word in words:
                if paths and (word == "~" or word.startswith("~/")):
                    word = "${home}" + word[1:]
                found.add(word.lower() if lower else word)
        return sorted(found)

    def filled(self, value: str, path: tuple[Step, ...], *, paths: bool) -> str:
        """A text with its `${name}` replaced; what only a call knows stays, at the start of a path."""

        def word(found: re.Match[str]) -> str:
            name = found[1]
            if name in BASES:
                if not paths or found.start() != 0:
                    raise self.wrong(path, "variable_place", f"`${{{name}}}` may only begin a target pattern")
                return found[0]
            words = self.variable(name, path)
            if len(words) != 1:
                raise self.wrong(
                    path,
                    "variable_list",
                    f"`${{{name}}}` stands for {len(words)} words; expected one",
                    f"name the whole list as `${name}`",
                )
            return words[0]

        return re.sub(r"\$\{([^}]*)\}", word, value)

    def variable(self, name: str, path: tuple[Step, ...]) -> list[str]:
        known = self.layer.model.vars
        if name not in known:
            near = nearest(name, [*known, *BASES])
            raise self.wrong(
                path,
                "variable_unknown",
                f"`${name}` is no variable of this file",
                f"did you mean `{near}`?" if near else "define it under `vars`",
            )
        return known[name]


def _range(number: Number) -> dict[str, int]:
    made: dict[str, int] = {}
    lower = [bound for bound in (number.gte, None if number.gt is None else number.gt + 1) if bound is not None]
    upper = [bound for bound in (number.lte, None if number.lt is None else number.lt - 1) if bound is not None]
    if lower:
        made["gte"] = max(lower)
    if upper:
        made["lte"] = min(upper)
    return made


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _window(hours: Hours) -> dict[str, Any]:
    sign = -1 if hours.utc_offset.startswith("-") else 1
    return {
        "days": sorted({DAYS.index(day) for day in hours.days}),
        "from_min": _minutes(hours.from_),
        "to_min": _minutes(hours.to),
        "offset_min": sign * _minutes(hours.utc_offset[1:]),
        "outside": hours.outside,
    }
