"""
Questions that agents were asked about, and the grants that people gave.

Reads the logs, and appends `approval.request`, `approval.result`, `grant` and `revoke` to the log of the run. What is
approved is one exact action: the digest of tool and redacted arguments, the directory, the policy that asked, and what
stands in the files that it would run. When any of it is another one, the question is asked again.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from armorer_guard._core import Guard, action_sentence, record_event
from armorer_guard.records.state import State
from armorer_guard.records.store import Store

IRREVOCABLE = ("fs.delete", "fs.destroy", "disk.", "db.", "cloud.", "agent.", "persist.", "exec.remote", "vcs.rewrite")
"""Kinds of which no rule is answered as a whole: each of them is a question of its own."""


RUN = ("exec.local", "exec.privileged", "exec.dynamic")
"""Kinds whose target is a file that is run."""
MAX_OPERAND = 16 << 20
"""The largest file, in bytes, that a grant is bound to; the core reads no larger one for it."""


@dataclass(frozen=True)
class Operand:
    """A file that an action would run."""

    path: str
    digest: str | None
    """`sha256:…` of what stands in it now; None where that cannot be told, so that nothing can be bound to it."""


@dataclass(frozen=True)
class Question:
    """A decision that asked."""

    id: str
    run: str
    ts: str
    tool: str
    args: str
    """Redacted, in one line."""
    cwd: str | None
    sentences: tuple[str, ...]
    reasons: tuple[tuple[str, str], ...]
    """Rules that asked, and why."""
    kinds: tuple[str, ...]
    labels: tuple[str, ...]
    """What the run had seen."""
    action_digest: str
    policy: str
    asker: tuple[tuple[int, int], ...]
    """The agent's processes, with their start in ticks since boot."""
    untagged: bool
    """Whether something was redacted that cannot be recognised again."""
    operands: tuple[Operand, ...]
    """The files that it would run, as they are now."""

    @property
    def rules(self) -> tuple[str, ...]:
        """Rules that asked."""
        return tuple(rule for rule, _ in self.reasons)

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "id": self.id,
            "run": self.run,
            "ts": self.ts,
            "tool": self.tool,
            "args": self.args,
            "cwd": self.cwd,
            "actions": list(self.sentences),
            "reasons": [{"rule": rule, "message": message} for rule, message in self.reasons],
            "labels": list(self.labels),
            "action_digest": self.action_digest,
            "operands": [{"path": operand.path, "digest": operand.digest} for operand in self.operands],
        }


@dataclass(frozen=True)
class HeldGrant:
    """A grant that holds."""

    id: str
    run: str
    scope: str
    what: str
    expires: str | None
    left: int | None

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "id": self.id,
            "run": self.run,
            "scope": self.scope,
            "what": self.what,
            "expires": self.expires,
            "left": self.left,
        }


def names(given: str, whole: str) -> bool:
    """Whether an id, its beginning or its end was given."""
    return len(given) >= 4 and (whole.startswith(given) or whole.endswith(given))


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _visible(text: str) -> str:
    """Nothing that moves a cursor, hides or turns text may stand in what a person is shown."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def _records(store: Store, run: str) -> Iterator[dict[str, Any]]:
    for stored in store.lines(run):
        if (record := stored.members) is not None and record.get("run") == run:
            yield record


def _question(store: Store, record: dict[str, Any]) -> Question | None:
    whole, lost = store.whole(record)
    facts, verdict = whole.get("facts"), whole.get("verdict")
    if not isinstance(facts, dict) or not isinstance(verdict, dict) or not facts.get("tool") or lost:
        return None
    asker = whole.get("asker") or []
    return Question(
        id=record["id"],
        run=record["run"],
        ts=record["ts"],
        tool=_visible(facts["tool"]),
        args=_visible(json.dumps(facts["args"], ensure_ascii=False)),
        cwd=facts["context"]["cwd"],
        sentences=tuple(_visible(action_sentence(json.dumps(action).encode()) or "?") for action in facts["actions"]),
        reasons=tuple((rule["id"], _visible(rule["message"])) for rule in verdict["rules"]),
        kinds=tuple(sorted({action["kind"] for action in facts["actions"]})),
        labels=tuple(facts["state"]["labels"]),
        action_digest=record["action_digest"],
        policy=whole["policy"]["digest"],
        asker=tuple((int(pid), int(start)) for pid, start in asker),
        untagged=any(mark["tag"] is None for mark in whole["redactions"]),
        operands=tuple(_operands(facts["actions"])),
    )


def _operands(actions: Iterable[Mapping[str, Any]]) -> Iterator[Operand]:
    """The files of this machine that actions would run; what is no file, such as a program by its name, is left out."""
    paths = {
        action["target"]["value"]
        for action in actions
        if action["kind"] in RUN
        and action["target"]["exact"]
        and action["target"].get("place")
        and not action.get("on")
    }
    for path in sorted(paths):
        held = Path(path)
        if not held.is_absolute() or not held.is_file():
            continue
        digest = None
        if held.stat().st_size <= MAX_OPERAND:
            try:
                digest = f"sha256:{hashlib.sha256(held.read_bytes()).hexdigest()}"
            except OSError:
                digest = None
        yield Operand(path, digest)


def _asked(record: Mapping[str, Any]) -> bool:
    verdict = record.get("verdict")
    return record["kind"] == "decision" and isinstance(verdict, dict) and verdict.get("effect") == "ask"


def pending(home: Path, since: datetime) -> list[Question]:
    """
    Questions that nobody has answered, oldest first: of equal ones the latest.

    One is answered by an `approval.result`, by its outcome (the agent's own prompt was answered), or by the same call
    being decided otherwise later.

    Raises:
        StoreMissing: There are no records.
    """
    store = Store.open(home)
    earliest = since.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    found: list[Question] = []
    for run, path in store.runs().items():
        if path.stat().st_mtime < since.timestamp():
            continue
        open_ones: dict[str, dict[str, Any]] = {}
        by_id: dict[str, str] = {}
        requests: dict[str, str] = {}
        for record in _records(store, run):
            kind = record["kind"]
            if kind == "decision":
                action = str(record.get("action_digest"))
                open_ones.pop(action, None)
                if _asked(record) and record["ts"] >= earliest:
                    open_ones[action] = record
                    by_id[record["id"]] = action
            elif kind == "outcome":
                open_ones.pop(by_id.get(str(record.get("of")), ""), None)
            elif kind == "approval.request":
                requests[record["id"]] = str(record.get("decision"))
            elif kind == "approval.result":
                open_ones.pop(by_id.get(requests.get(str(record.get("request")), ""), ""), None)
        found += [question for record in open_ones.values() if (question := _question(store, record)) is not None]
    return sorted(found, key=lambda question: (question.ts, question.id))


def find(home: Path, given: str) -> list[Question]:
    """
    Decisions that asked, by id.

    Raises:
        StoreMissing: There are no records.
    """
    store = Store.open(home)
    found = []
    for run in store.runs():
        for record in _records(store, run):
            if names(given, record["id"]) and _asked(record):
                question = _question(store, record)
                found += [question] if question is not None else []
    return found


def descends_from(asker: Sequence[tuple[int, int]]) -> bool:
    """Whether this process is one of these, or was started by one of them. Linux only; elsewhere False."""
    wanted = set(asker)
    pid = os.getpid()
    for _ in range(256):
        found = _process(pid)
        if found is None:
            return False
        parent, started = found
        if (pid, started) in wanted:
            return True
        if parent <= 0:
            return False
        pid = parent
    return True


def _process(pid: int) -> tuple[int, int] | None:
    """Parent and start time of a process; None where the system does not tell (proc(5), fields 4 and 22)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return int(fields[1]), int(fields[19])


def objection(question: Question, scope: str, rule: str | None) -> str | None:
    """Why that may not be granted; None when it may."""
    if question.untagged:
        return "a part of the arguments is redacted so that it cannot be recognised again, and nothing binds to it"
    unread = [operand.path for operand in question.operands if operand.digest is None]
    if unread and scope != "rule":
        return (
            f"`{_visible(unread[0])}` cannot be read or is larger than 16 MiB, and nothing binds to what stands in it"
        )
    if scope == "rule":
        if rule not in question.rules:
            return f"`{rule}` did not ask; {', '.join(f'`{name}`' for name in question.rules)} did"
        if "secret" in question.labels:
            return "this run has read a credential, so each question is answered by itself"
        grave = [kind for kind in question.kinds if kind.startswith(IRREVOCABLE)]
        if grave:
            return f"`{grave[0]}` cannot be undone, so each question is answered by itself"
    return None


def _by(terminal: str | None) -> dict[str, Any]:
    return {
        "principal": getpass.getuser(),
        "auth": "tty",
        "device": terminal,
        "uid": os.getuid() if hasattr(os, "getuid") else None,
        "ancestry": "outside-agent",
    }


def _ask(guard: Guard, question: Question, presented: str) -> str:
    """Record what was shown; returns the id of that record."""
    digest = hashlib.sha256(presented.encode()).hexdigest()
    return _append(
        guard,
        question.run,
        "approval.request",
        {
            "decision": question.id,
            "action_digest": question.action_digest,
            "binds": {
                "args": question.action_digest,
                "cwd": question.cwd,
                "policy": question.policy,
                "operands": _bound(question),
            },
            "presented": {"digest": f"sha256:{digest}"},
            "options": ["once", "run", "until", "rule", "deny"],
            "ttl_ms": None,
            "by": ["human"],
            "quorum": 1,
        },
    )


def _bound(question: Question) -> list[dict[str, str | None]]:
    return [{"path": operand.path, "digest": operand.digest} for operand in question.operands]


def _append(guard: Guard, run: str, kind: str, members: dict[str, Any]) -> str:
    return str(record_event(guard, kind, members, run_id=run))


def _guard(home: Path) -> Guard:
    return Guard(home=home, runtime="approvals")


def approve(
    home: Path,
    question: Question,
    *,
    scope: str,
    rule: str | None,
    expires: datetime | None,
    presented: str,
    terminal: str | None,
    reason: str | None,
) -> str:
    """
    Record that a person was asked, said yes, and what that allows.

    Returns:
        The id of the grant.

    Raises:
        GuardError: It could not be recorded; nothing is allowed then, because the grant is recorded last.
    """
    guard = _guard(home)
    request = _ask(guard, question, presented)
    grant: dict[str, Any] = {
        "id": f"g-{secrets.token_hex(8)}",
        "scope": scope,
        "match": {"policy": question.policy, "rule": rule}
        if scope == "rule"
        else {
            "action_digest": question.action_digest,
            "cwd": question.cwd,
            "policy": question.policy,
            "operands": _bound(question),
        },
        "expires": None if expires is None else expires.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "max_uses": 1 if scope == "once" else None,
        "uses": 0,
        "reason": reason,
    }
    result = {"request": request, "state": "approved", "by": _by(terminal), "choice": scope, "grant": grant}
    _append(guard, question.run, "approval.result", result)
    _append(guard, question.run, "grant", {"grant": grant})
    return str(grant["id"])


def deny(home: Path, question: Question, *, presented: str, terminal: str | None) -> None:
    """
    Record that a person was asked, and said no.

    Raises:
        GuardError: It could not be recorded.
    """
    guard = _guard(home)
    request = _ask(guard, question, presented)
    result = {"request": request, "state": "denied", "by": _by(terminal), "choice": "deny"}
    _append(guard, question.run, "approval.result", result)


def grants(home: Path) -> list[HeldGrant]:
    """
    Grants that hold, by run.

    Raises:
        StoreMissing: There are no records.
    """
    store, now = Store.open(home), _now()
    found = []
    for run in store.runs():
        state = State()
        for record in _records(store, run):
            state.take(record)
        for grant in state.grants.values():
            bound = grant["match"]
            expires = grant.get("expires")
            if expires is not None and expires <= now:
                continue
            what = f"rule {bound['rule']}" if bound.get("rule") else f"action {bound['action_digest'][:19]}…"
            files = [operand["path"] for operand in bound.get("operands") or ()]
            what += f" while {', '.join(map(_visible, files))} is as it was" if files else ""
            found.append(HeldGrant(grant["id"], run, str(grant.get("scope")), what, expires, grant.get("left")))
    return found


def revoke(home: Path, grant: HeldGrant, reason: str | None) -> None:
    """
    Record that a grant no longer holds.

    Raises:
        GuardError: It could not be recorded; the grant then still holds.
    """
    _append(_guard(home), grant.run, "revoke", {"grant_id": grant.id, "reason": reason})
