"""
Records as OpenTelemetry traces: OTLP in JSON, one `TracesData` a line, as the file exporter of the specification writes
and the collector's `otlpjsonfile` receiver reads. Nothing is sent anywhere.

A run is a trace with a root span `invoke_agent`; a decision is a span `run_guardrail`, below a span `execute_tool` when
an outcome tells of the call. Names are those of the GenAI semantic conventions (`gen_ai.*`), and `armorer.*` for what
they have no name for. No argument, target, path, tag or text of a person is in there, and digests only when asked for:
traces go to many places, and are kept where secrets should not be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from armorer_guard.records.index import Index, Row, Run
from armorer_guard.records.intake import part, parts

_SPANS: Final = 256
"""Spans of a line: what a collector takes in one piece."""
_INTERNAL: Final = 1
_OK, _ERROR = 1, 2
_FAILED: Final = frozenset({"error", "timeout", "cancelled"})


def lines(index: Index, rows: Iterator[Row], *, digests: bool = False) -> Iterator[bytes]:
    """
    Traces of these records, newline included.

    Args:
        index: Where outcomes and runs are looked up.
        rows: Records of any kind, oldest first; decisions, and outcomes of calls that nobody decided, become spans.
        digests: Also name the digests of policy, facts and action.
    """
    runs = {run.name: run for run in index.runs()}
    seen: set[str] = set()
    spans: list[dict[str, Any]] = []
    for row in rows:
        run = runs.get(row.chain)
        if run is not None and row.chain not in seen:
            seen.add(row.chain)
            spans.append(_root(index, run))
        if row.kind == "decision":
            spans += _decision(index, row, digests)
        elif row.kind == "outcome" and row.enforced == "bypassed":
            spans.append(_orphan(index, row))
        if len(spans) >= _SPANS:
            yield _data(spans)
            spans = []
    if spans:
        yield _data(spans)


def has_place(row: Row) -> bool:
    """Whether a record of this kind becomes part of a trace."""
    return row.kind in ("decision", "outcome", "run.start", "run.stop", "approval.request", "approval.result")


def _data(spans: list[dict[str, Any]]) -> bytes:
    from armorer_guard._core import __version__

    scope = {"name": "armorer_guard.records", "version": __version__}
    resource = {"attributes": _attributes({"service.name": "armorer-guard", "service.version": __version__})}
    data = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": spans}]}]}
    return json.dumps(data, separators=(",", ":"), ensure_ascii=True).encode() + b"\n"


def _root(index: Index, run: Run) -> dict[str, Any]:
    from armorer_guard.records.index import Filters

    starts = index.find(Filters(record_kind="run.start", run=run.name), 1, oldest_first=True)
    stops = index.find(Filters(record_kind="run.stop", run=run.name), 1)
    start = (index.summary(starts[0]) if starts else None) or {}
    stop = part((index.summary(stops[0]) if stops else None) or {}, "stop")
    model = part(start, "model")
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": run.agent or run.runtime,
        "gen_ai.agent.id": part(start, "agent").get("name"),
        "gen_ai.agent.version": part(start, "agent").get("version"),
        "gen_ai.conversation.id": run.name,
        "gen_ai.provider.name": model.get("provider"),
        "gen_ai.request.model": model.get("model"),
        "armorer.run.decisions": run.allowed + run.asked + run.denied,
        "armorer.run.denied": run.denied,
        "armorer.run.state": stop.get("state"),
    }
    began = run.began or 0
    span = _span(_trace(run.name), _root_id(run.name), None, f"invoke_agent {run.runtime or 'agent'}", attributes)
    return _timed(span, began, stops[0].ts if stops else run.last or began)


def _decision(index: Index, row: Row, digests: bool) -> list[dict[str, Any]]:
    record = index.summary(row) or {}
    facts, verdict = part(record, "facts"), part(record, "verdict")
    spent = part(record, "t")
    took = sum(value for value in (spent.get("understand_us"), spent.get("decide_us")) if isinstance(value, int))
    trace, root = _trace(row.chain), _root_id(row.chain)
    outcomes = index.outcomes_of(row.id)
    call = part(record, "call").get("id")
    attributes = {
        "gen_ai.tool.name": row.tool or None,
        "gen_ai.tool.call.id": call if isinstance(call, str) else None,
        "gen_ai.conversation.id": row.chain,
        "gen_ai.agent.name": row.agent,
        "armorer.decision.id": row.id,
        "armorer.decision.effect": row.effect,
        "armorer.decision.mode": verdict.get("mode"),
        "armorer.decision.rule_ids": [str(rule.get("id")) for rule in parts(verdict, "rules")],
        "armorer.decision.action_kinds": sorted({str(action.get("kind")) for action in parts(facts, "actions")}),
        "armorer.decision.obligations": [str(name) for name in verdict.get("obligations") or []],
    }
    if digests:
        attributes |= {
            "armorer.policy.digest": part(record, "policy").get("digest"),
            "armorer.facts.digest": record.get("facts_digest"),
            "armorer.action.digest": record.get("action_digest"),
        }
    spans = []
    parent = root
    for outcome in outcomes[-1:]:
        parent = _span_id(outcome.id)
        spans.append(_tool(row, outcome, index.line(outcome) or {}, parent, row.ts))
    guard = _timed(_span(trace, _span_id(row.id), parent, "run_guardrail", attributes), row.ts - took, row.ts)
    guard["events"] = [*_findings(facts, row), *_approvals(index, row)]
    return [*spans, guard]


def _tool(decision: Row | None, outcome: Row, record: dict[str, Any], span_id: str, began: int) -> dict[str, Any]:
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": outcome.tool,
        "gen_ai.tool.call.id": part(record, "call").get("id"),
        "gen_ai.conversation.id": outcome.chain,
        "armorer.outcome.enforced": outcome.enforced,
        "armorer.outcome.result": outcome.result,
        "armorer.decision.id": decision.id if decision else None,
    }
    failed = outcome.result in _FAILED
    if failed:
        attributes["error.type"] = outcome.result
    name = f"execute_tool {outcome.tool or ''}".strip()
    span = _span(_trace(outcome.chain), span_id, _root_id(outcome.chain), name, attributes)
    span["status"] = {"code": _ERROR if failed else _OK} if outcome.result in (*_FAILED, "ok") else {}
    return _timed(span, began, outcome.ts)


def _orphan(index: Index, row: Row) -> dict[str, Any]:
    """A call that ran and that nobody had decided."""
    record = index.line(row) or {}
    duration = record.get("dur_ms")
    began = row.ts - (duration * 1_000 if isinstance(duration, int) else 0)
    return _tool(None, row, record, _span_id(row.id), began)


def _findings(facts: dict[str, Any], row: Row) -> Iterator[dict[str, Any]]:
    for finding in parts(facts, "findings"):
        attributes = {
            "armorer.finding.rule_id": finding.get("rule"),
            "armorer.finding.kind": finding.get("kind"),
            "armorer.finding.severity": finding.get("severity"),
        }
        yield _event("armorer.finding", row.ts, attributes)


def _approvals(index: Index, row: Row) -> Iterator[dict[str, Any]]:
    for request in index.closing(row.id, "approval.request"):
        yield _event("armorer.approval", request.ts, {"status": "requested", "armorer.approval.id": request.id})
        for result in index.closing(request.id, "approval.result"):
            attributes = {"status": result.result, "armorer.approval.id": request.id}
            yield _event("armorer.approval", result.ts, attributes)


def _event(name: str, ts: int, attributes: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "timeUnixNano": str(ts * 1_000), "attributes": _attributes(attributes)}


def _span(trace: str, span: str, parent: str | None, name: str, attributes: dict[str, Any]) -> dict[str, Any]:
    found = {"traceId": trace, "spanId": span, "name": name, "kind": _INTERNAL, "attributes": _attributes(attributes)}
    return found if parent is None else {**found, "parentSpanId": parent}


def _timed(span: dict[str, Any], began: int, ended: int) -> dict[str, Any]:
    """Times are decimal strings of nanoseconds, as OTLP's JSON has 64-bit numbers."""
    return {
        **span,
        "startTimeUnixNano": str(max(began, 0) * 1_000),
        "endTimeUnixNano": str(max(ended, began, 0) * 1_000),
    }


def _attributes(given: dict[str, Any]) -> list[dict[str, Any]]:
    """What is known of these; None is left out."""
    return [{"key": key, "value": _value(value)} for key, value in given.items() if value is not None]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    return {"stringValue": str(value)}


def _digits(identifier: str) -> str:
    return "".join(char for char in identifier if char in "0123456789abcdef").rjust(32, "0")


def _trace(run: str) -> str:
    """A run's id is its trace id: both are 16 bytes."""
    return _digits(run)[:32]


def _root_id(run: str) -> str:
    return _digits(run)[16:32]


def _span_id(record: str) -> str:
    """The random half of a record's id; never all zeros, which OTLP forbids."""
    found = _digits(record)[16:32]
    return found if int(found, 16) else "0000000000000001"
