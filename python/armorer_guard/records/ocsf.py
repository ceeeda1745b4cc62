"""
Records as OCSF events (Open Cybersecurity Schema Framework, 1.9.0-dev), one JSON object a line.

A decision is API Activity (6003) with the profiles `security_control` and `ai_operation`, and a Detection Finding
(2004) for each thing that was found; runs and installation are Application Lifecycle (6002), grants and approvals User
Access Management (3005), all that concerns the log itself Event Log Activity (1008). Every record becomes an event, and
none says more than its record. What OCSF has no attribute for stands in `unmapped`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from armorer_guard.records.index import Index, Row
from armorer_guard.records.intake import part, parts

VERSION: Final = "1.9.0-dev"
"""The version whose attributes these events have: the first with `ai_agent`."""

API, LIFECYCLE, FINDING, FILE, ACCESS, LOG = 6003, 6002, 2004, 1001, 3005, 1008
_SEVERITY: Final = {"low": 2, "medium": 3, "high": 4, "critical": 5}
_EFFECT: Final = {"allow": (1, 1), "deny": (2, 2), "ask": (0, 14)}
"""`action_id` and `disposition_id`: allowed, blocked; what is asked about is delayed, and how it ends is not known."""
_ERROR, _LOGGED, _APPROVED = 27, 17, 8
_OBSERVED: Final = 3
_STATUS: Final = {"ok": 1, "error": 2, "timeout": 2, "cancelled": 2}
_CRUD: Final = ((4, ("delete", "drop", "truncate", "wipe")), (3, ("write", "update", "chmod", "chown", "permissions")))
_LIFECYCLE: Final = {"install": 1, "uninstall": 2, "run.start": 3, "run.stop": 4}
_LOG: Final = {"prune": 2, "forget": 2, "key.rotate": 99, "recovery": 99, "gap": 99}
_OTHER: Final = 99


def lines(index: Index, rows: Iterator[Row]) -> Iterator[bytes]:
    """Events of these records, newline included."""
    for row in rows:
        record = index.summary(row)
        for event in events(row, record) if record is not None else ():
            yield json.dumps(event, separators=(",", ":"), ensure_ascii=True).encode() + b"\n"


def events(row: Row, record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The events that a record is."""
    if row.kind == "decision":
        yield _decision(row, record)
        for number, finding in enumerate(parts(part(record, "facts"), "findings")):
            yield _finding(row, record, finding, number)
    elif row.kind == "outcome":
        yield _outcome(row, record)
        for effect in parts(record, "effects"):
            if effect.get("type") == "file":
                yield _file(row, record, effect)
    elif row.kind in _LIFECYCLE:
        yield _lifecycle(row, record)
    elif row.kind in ("grant", "revoke", "approval.result"):
        yield _access(row, record)
    else:
        yield _log(row, record)


def _event(row: Row, record: dict[str, Any], class_uid: int, activity: int, **members: Any) -> dict[str, Any]:
    source = part(record, "src")
    product = {"name": "armorer-guard", "vendor_name": "Armorer", "version": str(source.get("adapter_v") or "unknown")}
    metadata = {"product": product, "version": VERSION, "uid": row.id, "log_name": row.chain}
    if isinstance(record.get("seq"), int):
        metadata["sequence"] = record["seq"]
    if isinstance(record.get("ts"), str):
        metadata["original_time"] = record["ts"]
    if profiles := members.pop("profiles", None):
        metadata["profiles"] = profiles
    found = {
        "activity_id": activity,
        "category_uid": class_uid // 1_000,
        "class_uid": class_uid,
        "metadata": metadata,
        "severity_id": members.pop("severity_id", 1),
        "time": row.ts // 1_000,
        "type_uid": class_uid * 100 + activity,
        "unmapped": {"kind": row.kind, "hash": record.get("hash"), "prev": record.get("prev")},
    }
    if activity == _OTHER:
        found["activity_name"] = str(members.pop("activity_name", row.kind))
    members.pop("activity_name", None)
    found["unmapped"] |= members.pop("unmapped", {})
    return {**found, **{name: value for name, value in members.items() if value is not None}}


def _actor(row: Row, record: dict[str, Any]) -> dict[str, Any]:
    caller, context = part(part(record, "facts"), "caller"), part(part(record, "facts"), "context")
    found: dict[str, Any] = {"app_name": row.runtime or str(part(record, "src").get("adapter") or "armorer-guard")}
    if isinstance(context.get("user"), str):
        found["user"] = {"name": context["user"]}
    if isinstance(caller.get("run"), str):
        found["session"] = {"uid": caller["run"]}
    return found


def _agent(row: Row) -> dict[str, Any]:
    name = row.agent or row.runtime or "unknown"
    return {"uid": name, "name": name, "instance_uid": row.chain}


def _api(row: Row, record: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"operation": row.tool or "text"}
    server, call = part(record, "subject").get("server"), part(record, "call").get("id")
    if isinstance(server, str):
        found["service"] = {"name": server}
    if isinstance(call, str):
        found["request"] = {"uid": call}
    return found


def _decision(row: Row, record: dict[str, Any]) -> dict[str, Any]:
    facts, verdict = part(record, "facts"), part(record, "verdict")
    rules, actions = [*parts(verdict, "rules")], [*parts(facts, "actions")]
    kinds = [str(action.get("kind")) for action in actions]
    action, disposition = _EFFECT.get(row.effect or "", (0, 0))
    if verdict.get("mode") == "observe":
        action, disposition = _OBSERVED, _LOGGED
    elif any(str(rule.get("id")).startswith("error.") for rule in rules):
        disposition = _ERROR
    elif record.get("approval") is not None and row.effect == "allow":
        disposition = _APPROVED
    policy = part(record, "policy").get("digest")
    return _event(
        row,
        record,
        API,
        _activity(kinds),
        activity_name=kinds[0] if kinds else "text" if not row.tool else "call",
        profiles=["security_control", "ai_operation"],
        severity_id={"deny": 4, "ask": 3}.get(row.effect or "", 1),
        actor=_actor(row, record),
        api=_api(row, record),
        src_endpoint={"name": "localhost"},
        ai_agent=_agent(row),
        action_id=action,
        disposition_id=disposition,
        is_alert=row.effect == "deny",
        policy={"uid": policy} if isinstance(policy, str) and policy else None,
        message="; ".join(str(rule.get("message")) for rule in rules) or None,
        resources=[
            {"name": str(part(action, "target").get("value")), "type": str(action.get("kind"))} for action in actions
        ]
        or None,
        unmapped={"effect": row.effect, "rules": [str(rule.get("id")) for rule in rules], "run": row.chain},
    )


def _activity(kinds: list[str]) -> int:
    """Create, read, update or delete, where all that the call does is told by one of them; else other."""
    for activity, words in _CRUD:
        if any(kind.split(".")[-1] in words for kind in kinds):
            return activity
    return 2 if kinds and all(kind.endswith(".read") for kind in kinds) else _OTHER


def _finding(row: Row, record: dict[str, Any], finding: dict[str, Any], number: int) -> dict[str, Any]:
    rule, confidence = str(finding.get("rule")), finding.get("confidence_pm")
    return _event(
        row,
        record,
        FINDING,
        1,
        severity_id=_SEVERITY.get(str(finding.get("severity")), 0),
        finding_info={
            "uid": f"{row.id}/{number}",
            "title": rule,
            "types": [str(finding.get("kind"))],
            "analytic": {"name": rule, "uid": rule, "type_id": 1},
        },
        confidence_score=confidence // 10 if isinstance(confidence, int) else None,
        status_id=1,
        unmapped={"at": finding.get("at"), "decision": row.id},
    )


def _outcome(row: Row, record: dict[str, Any]) -> dict[str, Any]:
    duration = record.get("dur_ms")
    return _event(
        row,
        record,
        API,
        _OTHER,
        activity_name="outcome",
        severity_id=4 if row.enforced in ("overridden", "bypassed", "failed_open") else 1,
        actor=_actor(row, record),
        api=_api(row, record),
        src_endpoint={"name": "localhost"},
        status_id=_STATUS.get(row.result or "", _OTHER),
        status=row.result,
        status_detail=row.enforced,
        duration=duration if isinstance(duration, int) else None,
        unmapped={"of": record.get("of"), "effects": record.get("effects"), "run": row.chain},
    )


def _file(row: Row, record: dict[str, Any], effect: dict[str, Any]) -> dict[str, Any]:
    path = str(effect.get("path") or "unknown")
    activity = {"create": 1, "read": 2, "write": 3, "update": 3, "delete": 4}.get(str(effect.get("op")), _OTHER)
    return _event(
        row,
        record,
        FILE,
        activity,
        activity_name=str(effect.get("op")),
        actor=_actor(row, record),
        device={"type_id": 0},
        file={"name": path.rsplit("/", 1)[-1] or path, "path": path, "type_id": 0},
        unmapped={"of": record.get("of"), "before": effect.get("before"), "after": effect.get("after")},
    )


def _lifecycle(row: Row, record: dict[str, Any]) -> dict[str, Any]:
    agent, model = part(record, "agent"), part(record, "model")
    name = agent.get("name") or record.get("agent") or part(record, "src").get("adapter") or "unknown"
    app = {"name": str(name)} | ({"version": agent["version"]} if isinstance(agent.get("version"), str) else {})
    about = _agent(row) | {"uid": str(name), "name": str(name)}
    if isinstance(model.get("model"), str):
        about["ai_model"] = {"name": model["model"], "ai_provider": str(model.get("provider") or "unknown")}
    stop = part(record, "stop")
    return _event(
        row,
        record,
        LIFECYCLE,
        _LIFECYCLE[row.kind],
        profiles=["ai_operation"],
        app=app,
        ai_agent=about,
        status_detail=stop.get("state"),
        unmapped={
            name: record[name] for name in ("stop", "summary", "components", "left", "coverage") if record.get(name)
        },
    )


def _access(row: Row, record: dict[str, Any]) -> dict[str, Any]:
    by = part(record, "by")
    who = by.get("principal") or by.get("uid")
    activity = {"grant": 1, "revoke": 2}.get(row.kind, 1 if record.get("state") == "approved" else _OTHER)
    return _event(
        row,
        record,
        ACCESS,
        activity,
        activity_name=f"approval {record.get('state')}",
        user={"name": str(who)} if who is not None else {"name": "unknown"},
        status_detail=record.get("state"),
        unmapped={name: record[name] for name in ("request", "grant", "grant_id", "choice") if record.get(name)},
    )


def _log(row: Row, record: dict[str, Any]) -> dict[str, Any]:
    return _event(
        row,
        record,
        LOG,
        _LOG.get(row.kind, _OTHER),
        actor={"app_name": "armorer-guard"},
        device={"type_id": 0},
        log_name=row.chain,
        unmapped={
            name: record[name]
            for name in ("prune", "forget", "recovery", "gap", "checkpoint", "anchor", "key", "mode", "policy", "epoch")
            if record.get(name) is not None
        },
    )
