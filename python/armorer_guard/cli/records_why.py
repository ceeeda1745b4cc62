"""`why`: a decision on one screen, with what can be done about it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from armorer_guard.cli.records_find import decision_of, open_index
from armorer_guard.cli.records_page import ENDINGS, Page
from armorer_guard.cli.records_show import as_json, no_outcome, rule_place, stored, title, was_stopped
from armorer_guard.cli.records_text import (
    EFFECT_COLOURS,
    ODD,
    Screen,
    fetched,
    part,
    parts,
    sentence,
    short_id,
    texts,
    visible,
)
from armorer_guard.cli.records_text import arguments as written
from armorer_guard.records.index import Index, Row
from armorer_guard.records.narrow import Narrow, narrow

_MOST = 4
_LONGEST = 300


def run_why(arguments: argparse.Namespace) -> int:
    """A decision, why it came out so, and what can be done about it."""
    screen = Screen.of(sys.stdout)
    with open_index(arguments) as index:
        row = decision_of(index, arguments.id)
        record, lost = index.store.whole(stored(index, row))
        policy = index.store.object(str(part(record, "policy").get("digest")))
        lines = [*_why(index, row, record, policy)]
        way = narrow(record, policy, datetime.now().astimezone().date()) if policy and row.effect != "allow" else None
        if arguments.json:
            found = as_json(index, row, record, lost)
            told = [{"label": label, "text": text} for label, text, _ in lines]
            allow = {"rule": way.rule, "covers": way.covers, "why_not": way.why_not} if way else None
            print(json.dumps({**found, "why": told, "allow": allow}, indent=1, ensure_ascii=True))
            return 0
        page = Page(screen)
        title(page, row, record)
        print()
        for label, text, colour in lines:
            page.say(label, text, colour)
        if way is not None:
            _allow(page, way)
        elif row.effect != "allow":
            page.say("to allow", "not known: the policy that decided is not kept in this store", "2")
        _again(page, row, policy is not None)
    return 0


def _why(index: Index, row: Row, record: dict[str, Any], policy: bytes | None) -> Iterator[tuple[str, str, str]]:
    facts, verdict = part(record, "facts"), part(record, "verdict")
    call = "; ".join(f"{name}: {value}" if name else value for name, value in written(facts.get("args")))
    yield (
        "call",
        call[:_LONGEST] + (f"… ({len(call) - _LONGEST:,} more characters)" if len(call) > _LONGEST else ""),
        "",
    )
    actions = [sentence(action).removeprefix("would ") for action in parts(facts, "actions")]
    more = f"; and {len(actions) - _MOST} more" if len(actions) > _MOST else ""
    yield "would", ("; ".join(actions[:_MOST]) + more) or "do nothing that is known", ""
    findings = [visible(finding.get("rule")) for finding in parts(facts, "findings")]
    if findings:
        yield "contains", ", ".join(dict.fromkeys(findings)), ""
    if labels := texts(part(facts, "state"), "labels"):
        yield "run is", ", ".join(labels), ""
    for file in fetched(facts):
        yield "fetched", file, ""
    places = rule_place(policy)
    for rule in parts(verdict, "rules"):
        name = visible(rule.get("id"))
        where = places.get(str(rule.get("id")), visible(rule.get("layer")))
        effect = str(rule.get("effect"))
        label = effect if effect in EFFECT_COLOURS else "because"
        yield label, f"{name} ({where}): {visible(rule.get('message'))}", EFFECT_COLOURS.get(effect, "")
        if rule.get("unknown"):
            yield "", "a condition could not be known, and counted against the call", "33"
    if not parts(verdict, "rules"):
        yield "because", "no rule gives a reason", "2"
    for near in parts(verdict, "near")[:_MOST]:
        missing = ", ".join(texts(near, "missing")) or "nothing that is named"
        known = places.get(str(near.get("id")))
        said = f"{visible(near.get('id'))}{f' ({known})' if known else ''}"
        yield "nearly", f"{visible(near.get('effect'))} by {said}; what did not hold: {missing}", ""
    outcomes = [index.line(outcome) or {} for outcome in index.outcomes_of(row.id)]
    for outcome in outcomes:
        enforced = str(outcome.get("enforced"))
        words = ENDINGS.get(enforced, "not known to this version")
        yield "host", f"{visible(enforced)}, {visible(outcome.get('result'))}: {words}", "31" if enforced in ODD else ""
    if not outcomes:
        yield "host", *no_outcome(row)
    yield from _approved(index, row, record)
    changed = [json.dumps(outcome["effects"], ensure_ascii=False) for outcome in outcomes if outcome.get("effects")]
    yield "changed", visible("; ".join(changed)) if changed else "not observed", "" if changed else "2"


def _approved(index: Index, row: Row, record: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Who was asked, and what they said."""
    requests = index.closing(row.id, "approval.request")
    for request in requests:
        results = index.closing(request.id, "approval.result")
        for result in results:
            said = index.summary(result) or {}
            by = part(said, "by")
            who = visible(by.get("principal") or "somebody who is not named")
            how = f" ({visible(by['auth'])})" if by.get("auth") else ""
            yield "approval", f"{visible(said.get('state'))} by {who}{how}", ""
        if not results:
            yield "approval", f"asked for [{short_id(request.id)}], not answered", "33"
    used = record.get("approval")
    if used is not None:
        text = used if isinstance(used, str) else json.dumps(used, ensure_ascii=False)
        yield "approval", f"used: {visible(text)}", ""
    elif not requests:
        yield "approval", *_asked_elsewhere(row)


def _asked_elsewhere(row: Row) -> tuple[str, str]:
    """What is known of an answer that nobody gave the guard, and its colour."""
    if row.effect != "ask":
        return "nobody was asked by the guard", "2"
    if row.enforced is None:
        return "the runtime was told to ask in its own way; what was answered is not recorded", "33"
    ended = "was stopped" if was_stopped(row) else "went on"
    return f"by the runtime's own prompt: the call {ended}; who said so is not recorded", ""


def _allow(page: Page, way: Narrow) -> None:
    if way.rule is None:
        page.say("to allow", visible(way.why_not))
        return
    page.say("to allow", f"paste below `rules:` of your policy; tried on this record, it allows {visible(way.covers)}")
    print()
    for line in way.rule.splitlines():
        print("      " + visible(line))
    print()
    page.say("", "then `armorer-guard policy check FILE` and `armorer-guard policy activate FILE`", "2")


def _again(page: Page, row: Row, kept: bool) -> None:
    if kept:
        page.path("replay", f"armorer-guard replay {short_id(row.id)}")
    else:
        page.say("replay", "not possible: the policy is not kept in this store", "2")
