"""`show`: one record in full. A run's page is made in `records_run`."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from armorer_guard.cli.records_find import one_record_or_run, open_index
from armorer_guard.cli.records_page import ENDINGS, Page
from armorer_guard.cli.records_text import (
    EFFECT_COLOURS,
    ODD,
    CommandError,
    Screen,
    fetched,
    long_time,
    part,
    parts,
    sentence,
    size,
    texts,
    visible,
)
from armorer_guard.cli.records_text import arguments as written
from armorer_guard.records.index import Index, Row, Run
from armorer_guard.records.verify_chain import record_hash

_LONGEST = 2_000
"""Characters of one argument that are shown; the rest is counted."""


def no_outcome(row: Row) -> tuple[str, str]:
    """What is known of a decision that nothing closes, and its colour."""
    if row.tool:
        return "not known: no outcome is recorded, so nothing says whether the call ran", "33"
    return "a text does not run: what was made of it is not recorded", "2"


def was_stopped(row: Row) -> bool:
    """Whether a call that was asked about was then called off."""
    return row.enforced == "not_attempted" or row.result == "cancelled"


def run_show(arguments: argparse.Namespace) -> int:
    """A decision, another record or a run."""
    screen = Screen.of(sys.stdout)
    with open_index(arguments) as index:
        found = one_record_or_run(index, arguments.id)
        if isinstance(found, Run):
            from armorer_guard.cli.records_run import show_run

            return show_run(index, found, screen, arguments.json)
        record = stored(index, found)
        whole, lost = index.store.whole(record)
        if arguments.json:
            _print_json(as_json(index, found, whole, lost))
        elif found.kind == "decision":
            _show_decision(index, found, whole, lost, Page(screen))
        else:
            _show_other(index, found, whole, Page(screen))
    return 0


def stored(index: Index, row: Row) -> dict[str, Any]:
    record = index.line(row)
    if record is None:
        raise CommandError(
            f"the line of record {row.id} cannot be read any more", "`armorer-guard records verify` says why", 1
        )
    return record


def as_json(index: Index, row: Row, whole: dict[str, Any], lost: list[str]) -> dict[str, Any]:
    outcomes = [record for found in index.outcomes_of(row.id) if (record := index.line(found))]
    return {
        "record": whole,
        "actions": [sentence(action) for action in parts(part(whole, "facts"), "actions")],
        "outcomes": outcomes,
        "lost": lost,
        "position": {
            "file": str(index.store.path(row.chain)),
            "line": row.line,
            "byte": row.at,
            "hash_matches": _hash_matches(index, row, whole),
        },
    }


def _hash_matches(index: Index, row: Row, record: dict[str, Any]) -> bool:
    try:
        line = index.store.read(row.chain, row.at, row.length)
    except OSError:
        return False
    return record_hash(str(record.get("prev")).encode(), line).decode() == record.get("hash")


# one decision


def _show_decision(index: Index, row: Row, record: dict[str, Any], lost: list[str], page: Page) -> None:
    facts, verdict = part(record, "facts"), part(record, "verdict")
    title(page, row, record)
    _asked(page, record, facts)
    page.head("Would do")
    for number, action in enumerate(parts(facts, "actions"), 1):
        page.say(str(number), f"{sentence(action)}  [{_derived(action)}]")
        if action.get("safer"):
            page.say("safer", visible(action["safer"]))
    if not parts(facts, "actions"):
        is_text = facts.get("phase") == "text"
        page.say("", "it is a text, not a call" if is_text else "nothing outside its own process is known", "2")
    _found(page, record, facts)
    page.head("Decided")
    _decided(page, index, record, verdict)
    page.head("Then")
    _then(page, index, row)
    page.head("Where it is written")
    spent = part(record, "t")
    page.say("took", f"understood in {spent.get('understand_us')} µs, decided in {spent.get('decide_us')} µs")
    _position(page, index, row, record)
    for pointer in lost:
        page.say("lost", f"{visible(pointer)}: its object is not in the store any more", "31")


def title(page: Page, row: Row, record: dict[str, Any]) -> None:
    effect = str(row.effect)
    tool = visible(row.tool) if row.tool else f"a text ({visible(part(record, 'subject').get('surface'))})"
    word = page.screen.paint(visible(effect).upper(), "1;" + EFFECT_COLOURS.get(effect, "0"))
    print(f"{word}  {page.screen.strong(tool)}  {long_time(row.ts)}")
    print(page.screen.faint(f"decision {row.id}"))


def _asked(page: Page, record: dict[str, Any], facts: dict[str, Any]) -> None:
    caller, context = part(facts, "caller"), part(facts, "context")
    page.head("Asked")
    by = visible(caller.get("runtime"))
    if caller.get("agent"):
        by += f", agent {visible(caller['agent'])}"
    if caller.get("depth"):
        by += f", {visible(caller['depth'])} agents deep"
    page.say("by", by)
    session = f", which {visible(caller.get('runtime'))} calls {visible(caller['run'])}" if caller.get("run") else ""
    page.say("in", f"run {visible(record.get('run'))}{session}")
    if caller.get("call_id"):
        page.say("call", visible(caller["call_id"]))
    if context.get("cwd") is not None or context.get("user") is not None:
        page.say("where", f"{visible(context.get('cwd') or 'not reported')} as {visible(context.get('user') or '?')}")
    for number, (name, value) in enumerate(written(facts.get("args"))):
        cut = f"… ({len(value) - _LONGEST:,} more characters)" if len(value) > _LONGEST else ""
        label = "with" if number == 0 else ""
        page.say(label, (f"{name}: " if name else "") + value[:_LONGEST] + cut)
    if labels := texts(part(facts, "state"), "labels"):
        page.say("the run is", ", ".join(labels))
    for file in fetched(facts):
        page.say("fetched", file)


def _derived(action: dict[str, Any]) -> str:
    span = part(action, "span")
    where = f"bytes {visible(span.get('start'))}..{visible(span.get('end'))} of " if span else ""
    place = part(action, "target").get("place")
    lies = f", in {visible(place)}" if place else ""
    read = f"from {where}{visible(action.get('at'))}"
    return f"{visible(action.get('certainty'))}, by {visible(action.get('by'))}, {read}{lies}"


def _found(page: Page, record: dict[str, Any], facts: dict[str, Any]) -> None:
    findings, marks = parts(facts, "findings"), parts(record, "redactions")
    if not findings and not marks:
        return
    page.head("Found")
    for number, finding in enumerate(findings, 1):
        span = part(finding, "span")
        at = f" in {visible(finding['at'])}" if finding.get("at") else ""
        text = (
            f"{visible(finding.get('rule'))} ({visible(finding.get('kind'))}, {visible(finding.get('severity'))}, "
            f"{_per_cent(finding.get('confidence_pm'))} sure){at} at bytes "
            f"{visible(span.get('start'))}..{visible(span.get('end'))}"
        )
        if finding.get("checksum"):
            text += f", its checksum is {'right' if finding['checksum'] == 'valid' else 'wrong'}"
        page.say(str(number), text)
    for mark in marks:
        tag = mark.get("tag")
        known_by = f"known again by its tag {visible(str(tag)[:12])}…" if tag else "without a tag: it could be guessed"
        page.say("redacted", f"{visible(mark.get('len'))} bytes of {visible(mark.get('at') or 'the text')}, {known_by}")


def _per_cent(per_mille: object) -> str:
    return f"{per_mille / 10:g} %" if isinstance(per_mille, int) else "?"


def _decided(page: Page, index: Index, record: dict[str, Any], verdict: dict[str, Any]) -> None:
    digest = part(record, "policy").get("digest")
    policy = index.store.object(str(digest))
    places = rule_place(policy)
    for rule in parts(verdict, "rules"):
        effect = str(rule.get("effect"))
        where = places.get(str(rule.get("id")), visible(rule.get("layer")))
        name = f"{visible(effect)} by {visible(rule.get('id'))} ({where})"
        about = _about(rule)
        page.say("rule", f"{name}{f', about {about}' if about else ''}", EFFECT_COLOURS.get(effect, ""))
        page.say("because", visible(rule.get("message")))
        if rule.get("unknown"):
            page.say("", "a condition could not be known, and counted against the call", "33")
    if not parts(verdict, "rules"):
        page.say("rule", "no rule is named", "2")
    for near in parts(verdict, "near"):
        missing = ", ".join(texts(near, "missing")) or "nothing that is named"
        page.say("nearly", f"{visible(near.get('effect'))} by {visible(near.get('id'))}; what did not hold: {missing}")
    if obligations := texts(verdict, "obligations"):
        page.say("must", ", ".join(obligations))
    kept = "kept: the decision can be replayed" if policy else "not kept in this store"
    page.say("policy", f"{visible(digest)} ({kept})" if digest else "none could be used")
    answer = part(record, "answer")
    page.say("answered", f"“{visible(answer.get('form'))}” to {visible(answer.get('to'))}")
    if record.get("approval") is not None:
        page.say("approval", visible(record["approval"]))


def _about(rule: dict[str, Any]) -> str:
    named = []
    for name, noun in (("actions", "action"), ("findings", "finding")):
        numbers = [str(index + 1) for index in _numbers(rule, name)]
        if numbers:
            named.append(f"{noun}{'s' * (len(numbers) > 1)} {', '.join(numbers)}")
    return " and ".join(named)


def _numbers(rule: dict[str, Any], name: str) -> list[int]:
    found = rule.get(name)
    return [number for number in found if isinstance(number, int)] if isinstance(found, list) else []


def _then(page: Page, index: Index, row: Row) -> None:
    outcomes = index.outcomes_of(row.id)
    if not outcomes:
        page.say("outcome", *no_outcome(row))
    for outcome in outcomes:
        record = index.line(outcome) or {}
        enforced = str(record.get("enforced"))
        text = f"{visible(enforced)}: {ENDINGS.get(enforced, 'not known to this version')}"
        page.say("outcome", text, "31" if enforced in ODD else "")
        took = f" after {visible(record['dur_ms'])} ms" if record.get("dur_ms") is not None else ""
        page.say(
            "ended", f"{visible(record.get('result'))}{took}, told by {visible(part(record, 'src').get('adapter'))}"
        )
        output = part(record, "output")
        if output.get("bytes") is not None:
            found = [visible(finding.get("rule")) for finding in parts(output, "findings")]
            in_it = f"; found in it: {', '.join(found)}" if found else "; nothing was found in it"
            page.say("output", f"{size(output['bytes'])}, {visible(output.get('digest'))}{in_it}")
        effects = record.get("effects")
        page.say("changed", "not observed" if effects is None else visible(json.dumps(effects, ensure_ascii=False)))


def _position(page: Page, index: Index, row: Row, record: dict[str, Any]) -> None:
    page.say("record", f"{visible(record.get('seq'))} of its run: line {row.line}, byte {row.at:,} of")
    page.say("", index.store.name(row.chain))
    matches = _hash_matches(index, row, record)
    said = "its bytes give this hash" if matches else "its bytes do not give this hash: it was changed"
    page.say("hash", f"{visible(record.get('hash'))} ({said})", "" if matches else "31")
    page.say("continues", visible(record.get("prev")))
    source = part(record, "src")
    who = f"armorer-guard {visible(source.get('adapter_v'))} for {visible(source.get('adapter'))}"
    page.say("written by", f"{who}, process {visible(source.get('pid'))}, user {visible(source.get('uid'))}")


def _show_other(index: Index, row: Row, record: dict[str, Any], page: Page) -> None:
    envelope = {"v", "kind", "id", "store", "run", "seq", "ts", "mono", "boot", "src", "prev", "hash", "blobs"}
    print(f"{page.screen.strong(visible(row.kind))}  {long_time(row.ts)}")
    print(page.screen.faint(f"record {row.id}"))
    page.head("Says")
    for name, value in record.items():
        if name not in envelope:
            page.say(visible(name), visible(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))
    page.head("Where it is written")
    page.say("run", visible(record.get("run")))
    _position(page, index, row, record)


def rule_place(policy: bytes | None) -> dict[str, str]:
    """Where every rule of a policy stands: `builtin/default.yaml:514`, visible."""
    try:
        document = json.loads(policy or b"{}")
    except (ValueError, RecursionError):
        return {}
    return {
        str(rule["id"]): visible(f"{rule['file']}:{rule.get('line', 0)}")
        for rule in parts(document, "rules")
        if rule.get("id") and rule.get("file")
    }


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=1, ensure_ascii=True))
