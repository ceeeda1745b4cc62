"""Two compiled policies, compared statically: what became stricter, what became looser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from armorer_guard.policy.vocabulary import EFFECTS, PHASES

Json = Mapping[str, Any]
_SOURCE = ("file", "line", "layer")


def diff(old: Json, new: Json) -> list[dict[str, Any]]:
    """
    What changed.

    Returns:
        One entry for each change: `what` (`rule`, `label`, `tool`, `command`, `pin`, `default`, `mode`), `name`,
        `change` (`added`, `removed`, `changed`), `direction` (`stricter`, `looser`, `unclear`, `same`), and the
        `fields` that differ.
    """
    found: list[dict[str, Any]] = []
    if old["mode"] != new["mode"]:
        direction = "stricter" if new["mode"] == "enforce" else "looser"
        found.append(_entry("mode", new["mode"], "changed", direction, []))
    for phase in PHASES:
        before, after = old["default"][phase]["effect"], new["default"][phase]["effect"]
        if before != after:
            direction = "stricter" if EFFECTS.index(after) > EFFECTS.index(before) else "looser"
            found.append(_entry("default", phase, "changed", direction, [f"{before} -> {after}"]))
    olds, news = ({rule["id"]: rule for rule in policy["rules"]} for policy in (old, new))
    for name in sorted(olds.keys() | news.keys()):
        if name not in olds:
            found.append(_entry("rule", name, "added", _adding(news[name]), []))
        elif name not in news:
            opposite = {"stricter": "looser", "looser": "stricter"}
            direction = _adding(olds[name])
            found.append(_entry("rule", name, "removed", opposite.get(direction, direction), []))
        else:
            entry = _changed(name, olds[name], news[name])
            if entry is not None:
                found.append(entry)
    for what in ("label", "tool", "command", "pin"):
        found += _others(what, _named(old, what), _named(new, what))
    return found


def _named(policy: Json, what: str) -> dict[str, Json]:
    """Everything of one sort that is no rule, by name."""
    own = policy.get("own", {})
    match what:
        case "label":
            return {rule["id"]: rule for rule in policy.get("labels", ())}
        case "tool":
            return {", ".join(tool["names"]): tool for tool in own.get("tools", ())}
        case "command":
            return {str(command.get("name")): command for command in own.get("commands", ())}
        case _:
            return {tool: {"definition": digest} for tool, digest in policy.get("pins", {}).items()}


def _others(what: str, olds: Mapping[str, Json], news: Mapping[str, Json]) -> list[dict[str, Any]]:
    """
    What changed of what rules ask about: what a run has seen, what tools and programs do, which definitions are known.

    Rules that permit may ask for it as rules that deny do, so none of it is stricter or looser by itself.
    """
    found = []
    for name in sorted(olds.keys() | news.keys()):
        before, after = ({k: v for k, v in held.get(name, {}).items() if k not in _SOURCE} for held in (olds, news))
        if before != after:
            change = "added" if name not in olds else "removed" if name not in news else "changed"
            found.append(_entry(what, name, change, "unclear", sorted(k for k in after if before.get(k) != after[k])))
    return found


def _entry(what: str, name: str, change: str, direction: str, fields: list[str]) -> dict[str, Any]:
    return {"what": what, "name": name, "change": change, "direction": direction, "fields": fields}


def _adding(rule: Json) -> str:
    return "looser" if rule["effect"] == "allow" else "stricter"


def _changed(name: str, old: Json, new: Json) -> dict[str, Any] | None:
    fields = sorted(
        field for field in old.keys() | new.keys() if field not in _SOURCE and old.get(field) != new.get(field)
    )
    if not fields:
        return None
    if set(fields) <= {"why", "safer"}:
        return _entry("rule", name, "changed", "same", fields)
    if fields == ["effect"]:
        stricter = EFFECTS.index(new["effect"]) > EFFECTS.index(old["effect"])
        return _entry("rule", name, "changed", "stricter" if stricter else "looser", fields)
    return _entry("rule", name, "changed", "unclear", fields)
