"""One record or run: `show` in full, `why` on one screen."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from armorer_guard.cli.records_find import decision_of, one_record_or_run, open_index
from armorer_guard.cli.records_list import run_entry
from armorer_guard.cli.records_text import (
    EFFECT_COLOURS,
    ODD,
    CommandError,
    Screen,
    counted,
    long_time,
    part,
    parts,
    sentence,
    short_id,
    size,
    summary,
    texts,
    visible,
    wrap,
)
from armorer_guard.cli.records_text import (
    arguments as written,
)
from armorer_guard.records.index import Filters, Index, Row, Run
from armorer_guard.records.verify import record_hash

_INDENT = 13
_LONGEST = 2_000
"""Characters of one argument that are shown; the rest is counted."""

ENDINGS = {
    "enforced": "the runtime obeyed",
    "overridden": "the call ran although it was denied",
    "bypassed": "the call ran and nobody had decided it",
    "failed_open": "the runtime ran the call without waiting for the decision",
    "observed": "the guard only observed",
    "not_attempted": "the call was not attempted",
    "unknown": "whether the runtime obeyed cannot be told",
}
"""What a runtime did with a decision, in words."""
_NO_OUTCOME = "not known: no outcome is recorded, so nothing says whether the call ran"


class Page:
    """Lines with a label on the left, wrapped to the terminal."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen

    def head(self, title: str) -> None:
        """A heading."""
        print(f"\n{self.screen.strong(title)}")

    def say(self, label: str, text: object, colour: str = "") -> None:
        """A labelled text that is visible already."""
        lines = wrap(str(text), self.screen.columns - _INDENT)
        for number, line in enumerate(lines):
            name = (f"  {label}" if number == 0 else "").ljust(_INDENT)
            print(f"{self.screen.faint(name) if label else name}{self.screen.paint(line, colour)}")

    def path(self, label: str, path: Path) -> None:
        """A path, in one piece so that it can be copied."""
        print(self.screen.faint(f"  {label}".ljust(_INDENT)) + visible(path))

    def tell(self, label: str, value: object) -> None:
        """A labelled value out of a record; what is null was not reported."""
        if value is None:
            self.say(label, "not reported", "2")
        else:
            self.say(label, visible(value))


def run_show(arguments: argparse.Namespace) -> int:
    """A decision, another record or a run."""
    screen = Screen.of(sys.stdout)
    with open_index(arguments) as index:
        found = one_record_or_run(index, arguments.id)
        if isinstance(found, Run):
            return _show_run(index, found, screen, arguments.json)
        record = _stored(index, found)
        whole, lost = index.store.whole(record)
        if arguments.json:
            _print_json(_as_json(index, found, whole, lost))
        elif found.kind == "decision":
            _show_decision(index, found, whole, lost, Page(screen))
        else:
            _show_other(index, found, whole, Page(screen))
    return 0


def _stored(index: Index, row: Row) -> dict[str, Any]:
    record = index.line(row)
    if record is None:
        raise CommandError(
            f"the line of record {row.id} cannot be read any more", "`armorer-guard records verify` says why", 1
        )
    return record


def _as_json(index: Index, row: Row, whole: dict[str, Any], lost: list[str]) -> dict[str, Any]:
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
    _title(page, row, record)
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


def _title(page: Page, row: Row, record: dict[str, Any]) -> None:
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
    for rule in parts(verdict, "rules"):
        effect = str(rule.get("effect"))
        name = f"{visible(effect)} by {visible(rule.get('id'))} ({visible(rule.get('layer'))})"
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
    digest = part(record, "policy").get("digest")
    kept = "kept: the decision can be replayed" if index.store.object(str(digest)) else "not kept in this store"
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
        page.say("outcome", _NO_OUTCOME, "33")
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


# one run


def _show_run(index: Index, run: Run, screen: Screen, as_json: bool) -> int:
    starts = index.find(Filters(record_kind="run.start", run=run.name), 1, oldest_first=True)
    start = (index.line(starts[0]) if starts else None) or {}
    stops = index.find(Filters(record_kind="run.stop", run=run.name), 1)
    stop = index.line(stops[0]) if stops else None
    totals = index.totals(run.name)
    policies = index.policies(run.name)
    if as_json:
        _print_json(
            {"run": run_entry(run), "start": start or None, "stop": stop, "ended": totals, "policies": policies}
        )
        return 0
    page = Page(screen)
    print(f"{screen.strong('run')} {run.name}  began {long_time(run.began or 0)}")
    for title, fill in (
        ("1  Identity", _identity),
        ("2  Agent and runtime", _agent),
        ("3  Model, provider, configuration", _model),
        ("4  Tools and permissions", _tools),
        ("5  Inputs and context", _inputs),
    ):
        page.head(title)
        fill(page, index, run, start)
    page.head("6  Decisions")
    _decisions(page, index, run, policies)
    page.head("7  Approvals")
    approvals = index.find(Filters(record_kind="approval.result", run=run.name), 5)
    page.say("approvals", counted(len(approvals), "approval") if approvals else "none are recorded", "2")
    page.head("8  Changes")
    _changes(page, index, run, totals)
    page.head("9  Stop and recovery")
    _stopped(page, index, run, stop)
    page.head("Evidence")
    page.path("store", index.store.root)
    page.say("log", f"{index.store.name(run.name)} ({counted(run.lines, 'record')}), journal.jsonl")
    page.say("check", f"armorer-guard records verify {short_id(run.name)}")
    page.say("list", f"armorer-guard records list --run {short_id(run.name)}")
    gaps = texts(part(start, "coverage"), "gaps") or ["what this record cannot see is not recorded"]
    for number, gap in enumerate(gaps):
        page.say("not seen" if number == 0 else "", gap, "2")
    return 0


def _identity(page: Page, index: Index, run: Run, start: dict[str, Any]) -> None:
    principal = part(part(start, "input"), "principal")
    page.tell("session", run.session)
    page.say("store", visible(index.store.id or "not known"))
    page.say("user", f"{visible(principal.get('user') or 'not reported')}, uid {visible(principal.get('uid'))}")


def _agent(page: Page, _: Index, run: Run, start: dict[str, Any]) -> None:
    agent, runtime = part(start, "agent"), part(start, "runtime")
    page.tell("runtime", run.runtime)
    page.tell("version", agent.get("version"))
    if run.agent:
        page.tell("agent", run.agent)
    where = f"on {visible(runtime.get('os'))}, {visible(runtime.get('arch'))}" if runtime else ""
    page.say("guard", f"armorer-guard {visible(runtime.get('guard_v') or 'of an unknown version')} {where}".rstrip())


def _model(page: Page, _: Index, __: Run, start: dict[str, Any]) -> None:
    page.tell("model", start.get("model"))
    page.tell("settings", start.get("config"))


def _tools(page: Page, index: Index, run: Run, start: dict[str, Any]) -> None:
    page.tell("offered", start.get("tools"))
    called = index.tools(run.name)
    page.say("called", ", ".join(f"{visible(tool or 'a text')} ({count:,})" for tool, count in called) or "none")
    page.tell("permission", part(start, "perms").get("host_mode"))


def _inputs(page: Page, _: Index, run: Run, start: dict[str, Any]) -> None:
    given = part(start, "input")
    page.tell("directory", run.cwd)
    page.tell("workspace", given.get("workspace"))
    page.tell("started by", given.get("trigger"))
    page.tell("parent run", given.get("parent_run"))


def _decisions(page: Page, index: Index, run: Run, policies: list[tuple[str, int]]) -> None:
    total = run.allowed + run.asked + run.denied
    page.say("decided", f"{total:,}: {run.allowed:,} allowed, {run.asked:,} asked, {run.denied:,} denied")
    for digest, count in policies:
        page.say("policy", f"{visible(digest or 'none could be used')} ({counted(count, 'decision')})")
    for use in index.rules(run.began, (run.last or 0) + 1, run.name)[:8]:
        page.say("rule", f"{visible(use.rule)}: {use.allowed:,} allowed, {use.asked:,} asked, {use.denied:,} denied")
    for row in index.find(Filters(run=run.name, effect="deny"), 5):
        page.say("denied", f"{summary(index.summary(row) or {})}  [{short_id(row.id)}]", "31")


def _changes(page: Page, index: Index, run: Run, totals: dict[str, int]) -> None:
    total = run.allowed + run.asked + run.denied
    for name, count in sorted(totals.items()):
        if name == "none":
            page.say(
                "not known", f"{count:,} of {total:,} decisions have no outcome: nothing says whether they ran", "33"
            )
        else:
            page.say(name, f"{count:,}: {ENDINGS.get(name, name)}", "31" if name in ODD else "")
    orphans = index.find(Filters(record_kind="outcome", run=run.name, outcome="bypassed"), 100)
    if orphans:
        page.say("bypassed", f"{counted(len(orphans), 'call')} ran that nobody had decided", "31")
    page.say("files", "what the calls changed is not observed", "2")


def _stopped(page: Page, index: Index, run: Run, stop: dict[str, Any] | None) -> None:
    if stop is None:
        page.say("stopped", f"not recorded; the last record was written {long_time(run.last or 0)}", "2")
    else:
        page.say("stopped", visible(json.dumps(stop.get("stop"), ensure_ascii=False)))
    for kind, noun, what in (("recovery", "time", "the log was mended"), ("gap", "time", "records were missed")):
        rows = index.find(Filters(record_kind=kind, run=run.name), 1_000)
        if rows:
            page.say(kind, f"{what} {counted(len(rows), noun)}, last {long_time(rows[0].ts)}", "33")
    if run.broken:
        page.say("broken", f"{counted(run.broken, 'line')} of the log are no records: see `records verify`", "31")


# why


def run_why(arguments: argparse.Namespace) -> int:
    """A decision on one screen, with what can be done about it."""
    screen = Screen.of(sys.stdout)
    with open_index(arguments) as index:
        row = decision_of(index, arguments.id)
        record, lost = index.store.whole(_stored(index, row))
        lines = [*_why(index, row, record)]
        if arguments.json:
            _print_json({**_as_json(index, row, record, lost), "why": dict(lines)})
            return 0
        page = Page(screen)
        _title(page, row, record)
        print()
        for label, text in lines:
            page.say(label, text)
    return 0


def _why(index: Index, row: Row, record: dict[str, Any]) -> Iterator[tuple[str, str]]:
    facts, verdict = part(record, "facts"), part(record, "verdict")
    call = "; ".join(f"{name}: {value}" if name else value for name, value in written(facts.get("args")))
    yield "call", call[:400] + ("…" if len(call) > 400 else "")
    actions = [sentence(action) for action in parts(facts, "actions")]
    more = f"; and {len(actions) - 4} more" if len(actions) > 4 else ""
    yield "would do", ("; ".join(actions[:4]) + more) or "nothing that is known"
    findings = [visible(finding.get("rule")) for finding in parts(facts, "findings")]
    if findings:
        yield "contains", ", ".join(findings)
    rules = parts(verdict, "rules")
    reasons = [
        f"{visible(rule.get('message'))} [{visible(rule.get('id'))}, {visible(rule.get('layer'))}]" for rule in rules
    ]
    yield "because", "; ".join(reasons) or "no rule gives a reason"
    near = [
        f"{visible(rule.get('id'))} (but for {', '.join(texts(rule, 'missing'))})" for rule in parts(verdict, "near")
    ]
    if near:
        yield "nearly", "; ".join(near)
    outcomes = [index.line(outcome) or {} for outcome in index.outcomes_of(row.id)]
    told = [
        f"{visible(outcome.get('enforced'))}: {ENDINGS.get(str(outcome.get('enforced')), 'not known to this version')} "
        f"({visible(outcome.get('result'))})"
        for outcome in outcomes
    ]
    yield "runtime", "; ".join(told) or _NO_OUTCOME
    yield (
        "approved",
        visible(record["approval"]) if record.get("approval") is not None else "nobody was asked by the guard",
    )
    changed = [json.dumps(outcome["effects"], ensure_ascii=False) for outcome in outcomes if outcome.get("effects")]
    yield "changed", visible("; ".join(changed)) if changed else "not observed"
    if row.effect != "allow":
        yield "to allow", _narrowly(facts, rules)
    if index.store.object(str(part(record, "policy").get("digest"))) is not None:
        yield "replay", f"armorer-guard replay {short_id(row.id)}"
    else:
        yield "replay", "not possible: the policy is not kept in this store"


def _narrowly(facts: dict[str, Any], rules: list[dict[str, Any]]) -> str:
    """The narrowest permission for what was held back, in words that a policy's author can write down."""
    concerned = parts(facts, "actions")
    named = [at for rule in rules for at in _numbers(rule, "actions")]
    chosen = [concerned[at] for at in named if 0 <= at < len(concerned)] or concerned
    exact = [
        f"{visible(action.get('kind'))} of exactly {visible(part(action, 'target').get('value'))}"
        for action in chosen
        if part(action, "target").get("exact") and part(action, "target").get("value")
    ]
    names = ", ".join(dict.fromkeys(visible(rule.get("id")) for rule in rules))
    if not exact or any(str(rule.get("id")).startswith("error.") for rule in rules):
        return "repair what the reason names, or do it yourself outside of the agent"
    return (
        f"do it yourself, or add a rule with effect allow for {' and '.join(dict.fromkeys(exact))} that overrides "
        f"{names}, with a date until which it holds"
    )


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=1, ensure_ascii=True))
