"""
The decision procedure in plain Python, for whoever wants to know how a decision comes about.

Written from the definition of the language, not from the core; a test holds both to the same verdicts. It reads no
clock, file or environment: facts and a compiled policy go in, a verdict comes out.

How a decision comes about:

1. Every rule is asked; none is skipped because another spoke. A rule speaks when one of its blocks of conditions holds.
   Conditions about actions must hold for one and the same action, those about findings for one and the same finding.
2. A condition can be true, false or unknown. A rule that denies or asks also speaks when something is unknown; a rule
   that allows does not. A `deny` with `unknown: ask` asks as long as nothing that it speaks about is certain.
3. A question is dropped when permissions that override it cover all of what it asks about, or when a person has given a
   grant that is live for this call and nothing denies it.
4. Each action needs a permission that covers it, else the default of the phase applies to it; what was not understood
   (`unknown`) is asked about at least.
5. The strictest answer wins: deny, then ask, then allow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import IntEnum
from functools import lru_cache
from typing import Any

from armorer_guard.policy.vocabulary import EFFECTS, HOST_KINDS, PATH_KINDS, SEVERITIES, UNKNOWN_KIND

Json = Mapping[str, Any]

OBSERVED = "observed"
MAX_NEAR = 8


class Truth(IntEnum):
    """Whether a condition holds. `min` is "and", `max` is "or"."""

    NO = 0
    UNKNOWN = 1
    YES = 2

    @property
    def negated(self) -> Truth:
        """The truth of the opposite."""
        return Truth(2 - self)


def _truth(holds: bool) -> Truth:
    return Truth.YES if holds else Truth.NO


# ---- patterns ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _expression(pattern: str, path: bool) -> re.Pattern[str]:
    """`*` and `?` as a regular expression; in a path they stop at `/`, and `**` does not."""
    out, at = "", 0
    while at < len(pattern):
        char = pattern[at]
        if char == "*":
            end = at
            while end < len(pattern) and pattern[end] == "*":
                end += 1
            if not path:
                out += ".*"
            elif end - at == 1:
                out += "[^/]*"
            elif pattern[end : end + 1] == "/":
                out, end = out + "(?:.*/)?", end + 1
            else:
                out += ".*"
            at = end
            continue
        out += ("[^/]" if path else ".") if char == "?" else re.escape(char)
        at += 1
    return re.compile(out, re.DOTALL)


def fits(pattern: str, text: str, *, path: bool = False) -> bool:
    """Whether the whole text fits the pattern."""
    return _expression(pattern, path).fullmatch(text) is not None


def _fits_names(condition: Json, text: str) -> bool:
    wanted, unwanted = condition.get("any", []), condition.get("none", [])
    return (not wanted or any(fits(pattern, text) for pattern in wanted)) and not any(
        fits(pattern, text) for pattern in unwanted
    )


def _named(condition: Json, text: str | None, absent: Truth) -> Truth:
    return absent if text is None else _truth(_fits_names(condition, text))


def _among(words: Iterable[str], word: str | None, absent: Truth) -> Truth:
    return absent if word is None else _truth(word in words)


def _in_range(condition: Json, number: int) -> bool:
    return bool(condition.get("gte", 0) <= number <= condition.get("lte", 2**64 - 1))


def _holds_words(condition: Json, held: Iterable[str], absent: Truth) -> Truth:
    """A word that is not held is `absent`: false, or unknown where the set may be incomplete."""
    held = set(held)
    words = {
        name: [Truth.YES if word in held else absent for word in condition.get(name, [])]
        for name in ("any", "all", "none")
    }
    parts = []
    if words["any"]:
        parts.append(max(words["any"]))
    if words["all"]:
        parts.append(min(words["all"]))
    if words["none"]:
        parts.append(min(truth.negated for truth in words["none"]))
    return min(parts, default=Truth.YES)


# ---- conditions on the call ----------------------------------------------------------------------------------------


def _pointer(value: Any, pointer: str) -> tuple[bool, Any]:
    """The value at a JSON Pointer (RFC 6901), and whether there is one."""
    for step in pointer.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and re.fullmatch(r"0|[1-9][0-9]{0,17}", step) and int(step) < len(value):
            value = value[int(step)]
        else:
            return False, None
    return True, value


def _values(value: Any, pointer: str) -> Iterable[tuple[str, Any]]:
    """Everything at a JSON Pointer in which a step `*` stands for every member or item, with its own pointer."""
    head, star, rest = re.fullmatch(r"(.*?)(?:(/\*)(/.*)?)?", pointer, re.DOTALL).groups("")  # type: ignore[union-attr]
    there, value = _pointer(value, head)
    if there and not star:
        yield head, value
    elif there and isinstance(value, dict):
        for name, held in value.items():
            step = name.replace("~", "~0").replace("/", "~1")
            yield from ((f"{head}/{step}{at}", found) for at, found in _values(held, rest))
    elif there and isinstance(value, list):
        for position, held in enumerate(value):
            yield from ((f"{head}/{position}{at}", found) for at, found in _values(held, rest))


def _arg(condition: Json, pointer: str, facts: Json) -> Truth:
    found = dict(_values(facts["args"], pointer))
    if condition.get("exists", bool(found)) != bool(found):
        return Truth.NO
    if not condition.get("any") and not condition.get("none"):
        return Truth.YES
    if "*" not in pointer.split("/"):
        return _arg_text(condition, pointer, found.get(pointer), facts)
    return max((_arg_text(condition, at, value, facts) for at, value in found.items()), default=Truth.NO)


def _arg_text(condition: Json, pointer: str, value: Any, facts: Json) -> Truth:
    if any(finding["redact"] and finding["at"] == pointer for finding in facts["findings"]):
        return Truth.UNKNOWN  # A mark stands in its place.
    if isinstance(value, bool):
        return _truth(_fits_names(condition, "true" if value else "false"))
    if isinstance(value, (str, int)):
        return _truth(_fits_names(condition, str(value)))
    return Truth.NO


def _time(condition: Json, now: str) -> Truth:
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*Z", now, re.ASCII | re.DOTALL):
            raise ValueError(now)
        at = datetime.strptime(now[:16], "%Y-%m-%dT%H:%M").replace(tzinfo=timezone.utc)
    except ValueError:
        return Truth.UNKNOWN
    minutes = at.weekday() * 1440 + at.hour * 60 + at.minute + condition["offset_min"]
    day, minute = minutes // 1440, minutes % 1440
    days, start, end = condition["days"], condition["from_min"], condition["to_min"]
    if start < end:
        inside = day % 7 in days and start <= minute < end
    else:  # A night belongs to the day on which it begins.
        inside = (day % 7 in days and start <= minute) or ((day - 1) % 7 in days and minute < end)
    return _truth(inside != condition["outside"])


def _sends(condition: Json, sends: Json | None) -> Truth:
    if sends is None:
        return Truth.NO  # It sends nothing.
    least, upper = sends["bytes"], condition.get("lte", 2**64 - 1)
    if sends["exact"]:
        return _truth(_in_range(condition, least))
    # It may be any number from there on.
    if least > upper:
        return Truth.NO
    return Truth.YES if condition.get("gte", 0) <= least and upper == 2**64 - 1 else Truth.UNKNOWN


def call_conditions(block: Json, facts: Json) -> list[tuple[str, Truth]]:
    """Each condition on the call as a whole, with its truth. The phase selects blocks and is not among them."""
    caller, state = facts["caller"], facts["state"]
    found: list[tuple[str, Truth]] = []

    def add(name: str, truth: Callable[[Any], Truth]) -> None:
        if name in block:
            found.append((name, truth(block[name])))

    def named(value: str | None) -> Callable[[Any], Truth]:
        return lambda condition: _named(condition, value, Truth.NO)

    add("surface", lambda surfaces: _truth(facts["surface"] in surfaces))
    add("tool", named(facts["tool"] or None))
    add("server", named(facts.get("server")))
    add("runtime", named(caller["runtime"]))
    add("agent", named(caller["agent"] if caller["agent"] is not None else "main"))
    add("host_mode", named(caller["host_mode"]))
    add("principal", lambda condition: _named(condition, facts["context"]["user"], Truth.UNKNOWN))
    add("run_mode", lambda modes: _among(modes, caller.get("run_mode"), Truth.UNKNOWN))
    # Only tools of servers are pinned.
    unpinned = Truth.NO if facts.get("server") is None else Truth.UNKNOWN
    add("pin", lambda pins: _among(pins, facts.get("pin"), unpinned))
    add("depth", lambda condition: _truth(_in_range(condition, caller["depth"])))
    found += [("arg", _arg(condition, pointer, facts)) for pointer, condition in block.get("arg", {}).items()]
    add("label", lambda condition: _holds_words(condition, state["labels"], Truth.NO))
    # Of two entries with one name the first counts.
    counters = dict(reversed([(name, count) for name, count in state["counters"]]))
    found += [
        ("counter", _truth(_in_range(condition, counters.get(name, 0))))
        for name, condition in block.get("counter", {}).items()
    ]
    add("sends", lambda condition: _sends(condition, facts.get("sends")))
    add("time", lambda condition: _time(condition, facts["now"]))
    return found


# ---- conditions on an action ---------------------------------------------------------------------------------------


def _split_base(pattern: str, context: Json) -> tuple[str | None, str]:
    """What a target pattern begins with, as this call knows it (None when it does not), and the rest."""
    found = re.match(r"\$\{(\w+)\}", pattern)
    if found is None:
        return "", pattern
    base = context[found[1]]
    return (None if base is None else base.rstrip("/")), pattern[found.end() :]


def _may_begin(value: str, start: str) -> Truth:
    """Whether a value of which only the beginning or a pattern is known can begin so: false, or not known."""
    known = re.split(r"[*?\[{$`]", value, maxsplit=1)[0].encode()
    wanted = start.encode()
    length = min(len(known), len(wanted))
    return Truth.UNKNOWN if known[:length] == wanted[:length] else Truth.NO


def _fits_target(pattern: str, target: Json, context: Json) -> Truth:
    base, rest = _split_base(pattern, context)
    if base is None:
        return Truth.UNKNOWN
    value: str = target["value"]
    if not target["exact"]:
        return _may_begin(value, base + re.split(r"[*?]", rest, maxsplit=1)[0])
    # What does not look like a path is a name, in which `*` crosses every character: `origin/*`, `*.prod`.
    path = rest != pattern or rest.startswith(("/", "**/"))
    return _truth(value.startswith(base) and fits(rest, value[len(base) :], path=path))


def _lies_under(folder: str, target: Json, context: Json) -> Truth:
    base, rest = _split_base(folder, context)
    if base is None:
        return Truth.UNKNOWN
    value, whole = target["value"], base + rest.rstrip("/")
    if not target["exact"]:
        return _may_begin(value, whole)
    return _truth(value == whole or value.startswith(whole + "/"))


def _target(condition: Json, action: Json, context: Json) -> Truth:
    if action["kind"] == UNKNOWN_KIND:
        return Truth.UNKNOWN

    def either(patterns: str, folders: str) -> list[Truth]:
        return [_fits_target(pattern, action["target"], context) for pattern in condition.get(patterns, [])] + [
            _lies_under(folder, action["target"], context) for folder in condition.get(folders, [])
        ]

    wanted = max(either("any", "under"), default=Truth.YES)
    unwanted = max(either("none", "outside"), default=Truth.NO)
    return min(wanted, unwanted.negated)


def _place(places: list[str], action: Json) -> Truth:
    place = action["target"].get("place")
    not_known = action["kind"] == UNKNOWN_KIND or place == "unknown" or (place is None and action["kind"] in PATH_KINDS)
    if not_known:
        return Truth.YES if "unknown" in places else Truth.UNKNOWN
    return _truth(place in places)


def _host(condition: Json, action: Json) -> Truth:
    host = action["target"].get("host")
    if host is not None:
        return _truth(_fits_names(condition, host))
    not_known = action["kind"] == UNKNOWN_KIND or not action["target"]["exact"] or action["kind"] in HOST_KINDS
    return Truth.UNKNOWN if not_known else Truth.NO


def action_conditions(conditions: Json, action: Json, context: Json) -> list[tuple[str, Truth]]:
    """Each condition on one action, with its truth. The kind selects actions and is not among them."""
    on, by = action.get("on"), action["by"]
    not_understood = action["kind"] == UNKNOWN_KIND
    tests: dict[str, Callable[[Any], Truth]] = {
        "target": lambda given: _target(given, action, context),
        "place": lambda given: _place(given, action),
        "host": lambda given: _host(given, action),
        "has": lambda given: _holds_words(
            given, action.get("attributes", []), Truth.UNKNOWN if not_understood else Truth.NO
        ),
        "certainty": lambda given: _truth(action["certainty"] in given),
        "exact": lambda given: _truth(action["target"]["exact"] == given),
        "remote": lambda given: _truth((on is not None) == given),
        "on": lambda given: _truth(on is not None and _fits_names(given, on)),
        "by": lambda given: _truth(_fits_names(given, by)),
    }
    return [(f"action.{name}", test(conditions[name])) for name, test in tests.items() if name in conditions]


def speaks_about_kind(conditions: Json, kind: str, effect: str) -> bool:
    """Whether a block selects actions of that kind. A permission must name `unknown` itself."""
    patterns = conditions.get("kind", [])
    if kind == UNKNOWN_KIND and effect == "allow":
        return UNKNOWN_KIND in patterns
    return not patterns or any(fits(pattern, kind) for pattern in patterns)


# ---- conditions on a finding ---------------------------------------------------------------------------------------


def finding_conditions(conditions: Json, finding: Json) -> list[tuple[str, Truth]]:
    """Each condition on one finding, with its truth. The family selects findings and is not among them."""
    tests: dict[str, Callable[[Any], bool]] = {
        "rule": lambda given: _fits_names(given, finding["rule"]),
        "severity": lambda given: SEVERITIES.index(finding["severity"]) >= SEVERITIES.index(given),
        "checksum": lambda given: (finding.get("checksum") or "none") in given,
        "confidence_pm": lambda given: _in_range(given, finding["confidence_pm"]),
    }
    return [
        (f"finding.{name.removesuffix('_pm')}", _truth(test(conditions[name])))
        for name, test in tests.items()
        if name in conditions
    ]


# ---- rules ---------------------------------------------------------------------------------------------------------


@dataclass
class Match:
    """How far a rule speaks: what about, how surely, and which single condition kept it from speaking."""

    actions: dict[int, Truth] = field(default_factory=dict)
    findings: dict[int, Truth] = field(default_factory=dict)
    call: Truth | None = None
    missing: str | None = None

    @property
    def speaks(self) -> bool:
        """Whether there is anything that it may speak about."""
        return bool(self.actions or self.findings or self.call is not None)

    @property
    def truths(self) -> list[Truth]:
        """How sure each part is."""
        return [*self.actions.values(), *self.findings.values(), *([] if self.call is None else [self.call])]


def _failed(conditions: list[tuple[str, Truth]]) -> list[str]:
    return [name for name, truth in conditions if truth is Truth.NO]


def _all(conditions: list[tuple[str, Truth]]) -> Truth:
    return min((truth for _, truth in conditions), default=Truth.YES)


def match_rule(rule: Json, facts: Json) -> Match:
    """What a rule speaks about."""
    found = Match()
    for block in rule["when"]:
        _match_block(block, rule["effect"], facts, found)
    return found


def _match_block(block: Json, effect: str, facts: Json, found: Match) -> None:
    if facts["phase"] not in block.get("phase", [facts["phase"]]):
        return
    call = call_conditions(block, facts)
    actions = {
        at: action_conditions(block["action"], action, facts["context"])
        for at, action in enumerate(facts["actions"])
        if "action" in block and speaks_about_kind(block["action"], action["kind"], effect)
    }
    findings = {
        at: finding_conditions(block["finding"], finding)
        for at, finding in enumerate(facts["findings"])
        if "finding" in block and finding["kind"] in block["finding"].get("kind", [finding["kind"]])
    }
    if ("action" in block and not actions) or ("finding" in block and not findings):
        return
    call_truth = _all(call)
    best_action = max((_all(held) for held in actions.values()), default=Truth.YES)
    best_finding = max((_all(held) for held in findings.values()), default=Truth.YES)
    if min(call_truth, best_action, best_finding) > Truth.NO:
        for kept, held, others in (
            (found.actions, actions, best_finding),
            (found.findings, findings, best_action),
        ):
            for at, conditions in held.items():
                truth = min(call_truth, others, _all(conditions))
                if truth > Truth.NO:
                    kept[at] = max(kept.get(at, Truth.NO), truth)
        if "action" not in block and "finding" not in block:
            found.call = max(found.call or Truth.NO, call_truth)
        return
    if effect == "allow" or ("action" not in block and "finding" not in block and len(call) < 2):
        return
    # Nearly: exactly one condition of the nearest action and the nearest finding does not hold.
    nearest = [
        min(((len(failed), failed) for failed in map(_failed, held.values())), default=(0, []))
        for held in (actions, findings)
    ]
    failed = _failed(call) + [name for _, names in nearest for name in names]
    if len(failed) == 1:
        found.missing = min(failed[0], found.missing or failed[0])


@dataclass(frozen=True)
class Spoken:
    """A rule that speaks."""

    rule: Json
    effect: str
    actions: tuple[int, ...]
    findings: tuple[int, ...]
    call: bool
    unknown: bool


def settle(rule: Json, match: Match) -> Spoken | None:
    """What a match amounts to, or None when the rule is silent."""
    sure = Truth.YES in match.truths
    only_sure = rule["effect"] == "allow" or (sure and rule.get("unknown", rule["effect"]) != rule["effect"])
    least = Truth.YES if only_sure else Truth.UNKNOWN
    spoken = Spoken(
        rule=rule,
        effect=rule["effect"] if sure else rule.get("unknown", rule["effect"]),
        actions=tuple(at for at, truth in sorted(match.actions.items()) if truth >= least),
        findings=tuple(at for at, truth in sorted(match.findings.items()) if truth >= least),
        call=match.call is not None and match.call >= least,
        unknown=not only_sure and Truth.UNKNOWN in match.truths,
    )
    return spoken if spoken.actions or spoken.findings or spoken.call else None


def in_force(rule: Json, now: str) -> bool:
    """Whether a rule has not run out. An unreadable clock ends permissions, not prohibitions."""
    if "until" not in rule:
        return True
    if re.fullmatch(r"[0-9-]{10}", now[:10]):
        return bool(now[:10] <= rule["until"])
    return bool(rule["effect"] != "allow")


def is_overridden(question: Spoken, spoken: list[Spoken]) -> bool:
    """Whether permissions that name this question cover all of what it asks about."""
    permissions = [held for held in spoken if question.rule["id"] in held.rule.get("overrides", [])]
    if any(held.call for held in permissions):
        return True
    if question.call or not permissions:
        return False
    actions = {at for held in permissions for at in held.actions}
    findings = {at for held in permissions for at in held.findings}
    return bool(question.actions and actions.issuperset(question.actions)) or bool(
        question.findings and findings.issuperset(question.findings)
    )


# ---- the decision --------------------------------------------------------------------------------------------------


def decide(facts: Json, policy: Json) -> dict[str, Any]:
    """
    What a compiled policy says about facts.

    Returns:
        `effect`, `determining` (rule, effect, layer, actions, findings, unknown; without their sentences), `near`,
        `obligations`; where there are any, `labels` (what the call leaves on its run) and `grants` (by which a question
        became a permission); and `observes` under a policy that only observes.
    """
    spoken: list[Spoken] = []
    near: list[dict[str, Any]] = []
    for rule in policy["rules"]:
        if not in_force(rule, facts["now"]):
            continue
        match = match_rule(rule, facts)
        settled = settle(rule, match) if match.speaks else None
        if settled is not None:
            spoken.append(settled)
        elif match.missing is not None:
            near.append({"rule": rule["id"], "effect": rule["effect"], "missing": [match.missing]})
    spoken = [held for held in spoken if not is_overridden(held, spoken)]
    answers = [
        {
            "rule": held.rule["id"],
            "effect": held.effect,
            "layer": held.rule["layer"],
            "actions": list(held.actions),
            "findings": list(held.findings),
            "unknown": held.unknown,
        }
        for held in spoken
    ]
    answers += _defaults(facts, policy, spoken)
    grants = _grants(facts, answers)
    if grants:
        answers = _granted(facts, answers)
    effect = max((answer["effect"] for answer in answers), key=EFFECTS.index, default="allow")
    determining = _without_echoes([answer for answer in answers if answer["effect"] == effect])
    if not determining:
        name = "default.nothing" if facts["phase"] == "pre" else "default.text"
        determining = [_default_answer(name, "allow", "builtin", [], False)]
    determining.sort(key=lambda answer: answer["rule"].encode())
    obligations = {name for held in spoken for name in held.rule.get("then", [])}
    answer = _answer(policy, answers, effect)
    if answer != effect:
        obligations.add(OBSERVED)
    verdict = {
        "effect": answer,
        "determining": determining,
        "near": [rule for rule in near if EFFECTS.index(rule["effect"]) > EFFECTS.index(effect)][:MAX_NEAR],
        "obligations": sorted(obligations, key=str.encode),
    }
    # What there is nothing of is not said.
    more = {"labels": _labels(facts, policy, spoken), "grants": grants, "observes": policy["mode"] == "observe"}
    return {**verdict, **{name: value for name, value in more.items() if value}}


def _answer(policy: Json, answers: list[dict[str, Any]], effect: str) -> str:
    """
    The effect; under a policy that only observes, what of it holds all the same.

    What the administrator denies or asks about is not for others to observe only.
    """
    if policy["mode"] != "observe":
        return effect
    if policy.get("mode_layer") == "managed":
        return "allow"
    return max(
        (answer["effect"] for answer in answers if answer["layer"] == "managed"), key=EFFECTS.index, default="allow"
    )


def _labels(facts: Json, policy: Json, spoken: list[Spoken]) -> list[dict[str, Any]]:
    """What the call leaves on its run: by the rules for labels, and by what rules demand besides their effect."""
    found = []
    for rule in policy.get("labels", []):
        # What is unknown counts against the call, as in a question.
        match = match_rule({**rule, "effect": "ask"}, facts)
        if match.speaks:
            found += [(label, rule["id"], sorted(match.actions), sorted(match.findings)) for label in rule["add"]]
    for held in spoken:
        demanded = [name.removeprefix("label:") for name in held.rule.get("then", []) if name.startswith("label:")]
        found += [(label, held.rule["id"], list(held.actions), list(held.findings)) for label in demanded]
    found.sort(key=lambda item: (item[0].encode(), item[1].encode()))
    return [
        {"label": label, "rule": rule, "actions": actions, "findings": findings}
        for label, rule, actions, findings in found
    ]


def _questions(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [answer for answer in answers if answer["effect"] == "ask"]


def _grants(facts: Json, answers: list[dict[str, Any]]) -> list[str]:
    """
    Ids of the live grants that answer every question about the call; none where nothing asks or something denies.

    One for exactly this action comes first and answers them all; others answer the questions of one rule each.
    """
    live = facts["state"].get("grants", [])
    strictest = max((answer["effect"] for answer in answers), key=EFFECTS.index, default="allow")
    if not live or strictest != "ask":
        return []
    if live[0].get("rule") is None:
        return [live[0]["id"]]
    found = set()
    questions = _questions(answers)
    told = {at for question in questions if not question["rule"].startswith("default.") for at in question["actions"]}
    for question in questions:
        # A default that asks about nothing else is answered with the rule.
        if question["rule"].startswith("default.") and question["actions"] and told.issuperset(question["actions"]):
            continue
        grant = next((grant for grant in live if grant.get("rule") == question["rule"]), None)
        if grant is None:
            return []
        found.add(grant["id"])
    return sorted(found, key=str.encode)


def _granted(facts: Json, answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The one permission that stands where the questions were."""
    questions = _questions(answers)
    scope = facts["state"]["grants"][0]["scope"]
    actions, findings = ({at for question in questions for at in question[name]} for name in ("actions", "findings"))
    answer = _default_answer(f"grant.{scope}", "allow", "user", sorted(actions), False)
    return [{**answer, "findings": sorted(findings)}]


def _without_echoes(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A default gives no reason for actions for which a rule of the same effect gives one."""
    told = {at for answer in answers if not answer["rule"].startswith("default.") for at in answer["actions"]}
    kept = []
    for answer in answers:
        if answer["rule"].startswith("default.") and answer["actions"]:
            left = [at for at in answer["actions"] if at not in told]
            if not left:
                continue
            answer = {**answer, "actions": left}
        kept.append(answer)
    return kept


def _default_answer(rule: str, effect: str, layer: str, actions: list[int], unknown: bool) -> dict[str, Any]:
    return {
        "rule": rule,
        "effect": effect,
        "layer": layer,
        "actions": actions,
        "findings": [],
        "unknown": unknown,
    }


def _defaults(facts: Json, policy: Json, spoken: list[Spoken]) -> list[dict[str, Any]]:
    """What the default of the phase says about what no permission covers."""
    permissions = [held for held in spoken if held.rule["effect"] == "allow"]
    if any(held.call for held in permissions):
        return []
    phase: str = facts["phase"]
    default, layer = policy["default"][phase]["effect"], policy["default"][phase]["layer"]
    covered = {at for held in permissions for at in held.actions}
    uncovered = [at for at in range(len(facts["actions"])) if at not in covered]
    unknown = [at for at in uncovered if facts["actions"][at]["kind"] == UNKNOWN_KIND]
    understood = [at for at in uncovered if at not in unknown]
    answers = []
    if phase != "pre" and default != "allow":
        answers.append(_default_answer(f"default.{phase}", default, layer, [], False))
    if understood:
        answers.append(_default_answer("default.action", default, layer, understood, False))
    if unknown:
        at_least = max(default, "ask", key=EFFECTS.index)
        answers.append(_default_answer("default.unknown", at_least, layer, unknown, True))
    return answers
