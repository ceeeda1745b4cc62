"""
What a run has seen, folded from its records: labels, counters, grants and definitions of tools, in plain Python.

The core keeps the same fold beside the log, so that a process that lives for a millisecond need not read all of it.
This one reads nothing but records and is what that is held against. A leaf: it imports nothing of ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

MAX_COUNTERS = 512
"""How many counters a run has; what has no room for one of its own is counted together."""
MAX_NAME = 256
"""Longest name of a counter, in bytes."""
MAX_LABELS = 256
MAX_GRANTS = 256
MAX_PINS = 512
"""How many definitions of tools are remembered."""
MAX_FETCHED = 256
"""How many files from the network are remembered one by one; of more of them the folder is."""
MOST = 2**64 - 1
"""Where a counter stays."""
WINDOWS = {"1m": 1, "10m": 10, "1h": 60, "1d": 24}
"""Minutes; hours for `1d`."""


def minute_of(time: str) -> int | None:
    """Minutes from 1970 to a time in UTC as records write it; None for any other text."""
    try:
        if not time.endswith("Z"):
            return None
        at = datetime.strptime(time[:16], "%Y-%m-%dT%H:%M").replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    minute = int(at.timestamp()) // 60
    return minute if minute >= 0 else None


def _in_time(grant: Mapping[str, Any], now: str) -> bool:
    """Whether a grant has not lapsed; a clock or an end that cannot be read ends it."""
    expires = grant.get("expires")
    if expires is None:
        return True
    return minute_of(now) is not None and minute_of(expires) is not None and now < str(expires)


@dataclass
class Counter:
    """How often something happened: in all, by minute for an hour, by hour for a day."""

    total: int = 0
    minutes: dict[int, int] = field(default_factory=dict)
    hours: dict[int, int] = field(default_factory=dict)

    def add(self, minute: int, amount: int = 1) -> None:
        """Count once, or add an amount."""
        self.total = min(self.total + amount, MOST)
        for buckets, at, keep in ((self.minutes, minute, 60), (self.hours, minute // 60, 24)):
            buckets[at] = min(buckets.get(at, 0) + amount, MOST)
            latest = max(buckets)
            for old in [held for held in buckets if held + keep <= latest]:
                del buckets[old]

    def within(self, window: str | None, now: int | None) -> int:
        """How often within a window before *now*; without either, in all."""
        if window is None or now is None:
            return self.total
        buckets, at = (self.hours, now // 60) if window == "1d" else (self.minutes, now)
        return min(sum(count for held, count in buckets.items() if held + WINDOWS[window] > at), MOST)


@dataclass
class State:
    """What a run has seen."""

    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    """Each label with the record that gave it first: `record`, `at`, `message`."""
    counters: dict[str, Counter] = field(default_factory=dict)
    others: Counter = field(default_factory=Counter)
    grants: dict[str, dict[str, Any]] = field(default_factory=dict)
    pins: dict[str, str] = field(default_factory=dict)
    """The digest of the first definition that was told of each tool."""
    listed: dict[str, str] | None = None
    """The digest of each tool in the last list of tools that was told."""
    fetched: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Files that calls brought from the network, each with `record`, `at`, and `host` where it is known."""

    def count(self, name: str, now: str) -> int:
        """
        A counter: `calls`, `texts`, `allowed`, `asked`, `denied`, `tool:NAME`, `server:NAME`, `kind:KIND`,
        `sent_bytes`, `output_bytes` or `spend:UNIT`.

        Args:
            name: With `/1m`, `/10m`, `/1h` or `/1d` behind it, only what happened within that time.
            now: RFC 3339; where it cannot be read, everything counts.
        """
        base, slash, window = name.rpartition("/")
        known = bool(slash) and window in WINDOWS
        counter = self.counters.get(base if known else name, self.others)
        return counter.within(window if known else None, minute_of(now))

    def take(self, record: Mapping[str, Any] | None) -> None:
        """Take one record; None stands for a line that cannot be read, and counts against the run."""
        if record is None:
            for label in ("secret", "untrusted"):
                self._label(label, "a record of this run that cannot be read any more", "", "")
            return
        # What has lapsed once stays so, also when the clock is set back.
        self.grants = {held: grant for held, grant in self.grants.items() if _in_time(grant, record["ts"])}
        kind = record["kind"]
        if kind == "decision":
            self._decision(record)
        elif kind == "outcome":
            self._outcome(record)
            self._labels(record.get("labels", []), record)
        elif kind in ("run.start", "run.epoch"):
            self._tools(record.get("tools") or {})
        elif kind == "grant":
            self._grant(record.get("grant"))
        elif kind == "revoke":
            self.grants.pop(str(record.get("grant_id")), None)

    def _decision(self, record: Mapping[str, Any]) -> None:
        subject, verdict = record.get("subject") or {}, record.get("verdict") or {}
        effect, tool = verdict.get("effect"), subject.get("tool")
        minute = minute_of(record["ts"]) or 0
        if tool == "":
            self._count("texts", minute)
        else:
            self._count("calls", minute)
            self._count({"allow": "allowed", "ask": "asked"}.get(str(effect), "denied"), minute)
        if tool and subject.get("def_digest"):
            self._pin(tool, subject["def_digest"])
        if effect == "deny":
            return
        if tool:
            self._count(f"tool:{tool}", minute)
        if subject.get("server") is not None:
            self._count(f"server:{subject['server']}", minute)
        for kind in subject.get("class", []):
            self._count(f"kind:{kind}", minute)
        if subject.get("sent_bytes") is not None:
            self._count("sent_bytes", minute, subject["sent_bytes"])
        for used in (record.get("approval") or {}).get("grants", []):
            grant = self.grants.get(used)
            if grant is not None and grant.get("left") is not None:
                grant["left"] -= 1
                if grant["left"] <= 0:
                    del self.grants[used]
        self._fetched(subject, record, allowed=effect == "allow")
        self._labels(verdict.get("labels", []), record)

    def _fetched(self, subject: Mapping[str, Any], record: Mapping[str, Any], *, allowed: bool) -> None:
        """What a call put in the place of a file counts where it was allowed: nobody knows whether others ran."""
        for path in subject.get("replaced", []) if allowed else []:
            self.fetched = {held: known for held, known in self.fetched.items() if not _lies_in(held, path)}
        for file in subject.get("fetched", []):
            path, brought = file["path"], {"record": record["id"], "at": record["ts"]}
            if path in self.fetched or len(self.fetched) < MAX_FETCHED:
                self.fetched[path] = {**brought, **{name: file[name] for name in ("host", "written") if file.get(name)}}
                continue
            before = len(self.fetched)
            while path and len(self.fetched) == before:
                path = path.rpartition("/")[0]
                self.fetched = {held: known for held, known in self.fetched.items() if not _lies_in(held, path)}
            self.fetched[path or "/"] = brought

    def _outcome(self, record: Mapping[str, Any]) -> None:
        output, minute = record.get("output") or {}, minute_of(record["ts"]) or 0
        if "$blob" not in output and output.get("bytes") is not None:
            self._count("output_bytes", minute, output["bytes"])
        for unit, amount in sorted((record.get("spend") or {}).items()):
            self._count(f"spend:{unit}", minute, amount)

    def _tools(self, tools: Mapping[str, Any]) -> None:
        """Take a list of the tools that the agent can see; where only their servers are known, it is none."""
        if tools.get("count") is None:
            return
        self.listed = {}
        servers = tools.get("servers", [])
        offered = [(server["name"], tool["name"]) for server in servers for tool in server["tools"]]
        for server in servers:
            for tool in server["tools"]:
                name = tool["name"]
                shared = any(held == name and other != server["name"] for other, held in offered)
                if shared and not name.startswith("mcp__"):
                    name = f"mcp__{server['name']}__{name}"
                self._pin(name, tool["def_digest"])
                if len(self.listed) < MAX_PINS and len(name.encode()) <= MAX_NAME:
                    self.listed[name] = tool["def_digest"]

    def _pin(self, tool: str, definition: str) -> None:
        """The first definition of a tool is the one that later ones are compared with."""
        if tool not in self.pins and len(self.pins) < MAX_PINS and len(tool.encode()) <= MAX_NAME:
            self.pins[tool] = definition

    def _count(self, name: str, minute: int, amount: int = 1) -> None:
        if name not in self.counters and (len(self.counters) >= MAX_COUNTERS or len(name.encode()) > MAX_NAME):
            self.others.add(minute, amount)
        else:
            self.counters.setdefault(name, Counter()).add(minute, amount)

    def _labels(self, added: Iterable[Mapping[str, Any]], record: Mapping[str, Any]) -> None:
        for label in added:
            self._label(label["label"], label.get("message", ""), record["id"], record["ts"])

    def _label(self, label: str, message: str, record: str, at: str) -> None:
        if label not in self.labels and len(self.labels) < MAX_LABELS:
            self.labels[label] = {"record": record, "at": at, "message": message}

    def _grant(self, given: Mapping[str, Any] | None) -> None:
        if given is None:
            return
        bound = given.get("match") or {}
        sound = bound.get("policy") is not None and (
            bound.get("action_digest") is not None or bound.get("rule") is not None
        )
        if not sound or len(self.grants) >= MAX_GRANTS or given.get("max_uses") == 0:
            return
        self.grants.pop(given["id"], None)
        self.grants[given["id"]] = {**given, "left": given.get("max_uses")}

    def pin(self, tool: str, definition: str | None = None, pinned: str | None = None) -> str | None:
        """
        How a tool's definition compares with the first one of this run: `ok`, `new`, `changed` or `shadowed`.

        Args:
            tool: Its name.
            definition: The digest of what the call says of it; None: that of the last list counts.
            pinned: The digest that the policy pins.

        Returns:
            None where neither the call nor a list says what the definition is.
        """
        mine, first = _server_and_name(tool), self.pins.get(tool)
        if definition is None:
            if self.listed is None:
                return None
            definition = self.listed.get(tool)
            if definition is None:  # A list names every tool of the servers: this one has come since.
                return None if mine is None else "new"
        if any(held is not None and held != definition for held in (first, pinned)):
            return "changed"
        others = (_server_and_name(other) for other in self.pins)
        if mine is not None and any(other and other[1] == mine[1] and other[0] != mine[0] for other in others):
            return "shadowed"
        return "new" if first is None and pinned is None else "ok"

    def files(self) -> list[dict[str, Any]]:
        """What was brought from the network, as facts state it."""
        return [{"path": path, **self.fetched[path]} for path in sorted(self.fetched, key=str.encode)]

    def sources(self) -> list[dict[str, str]]:
        """Where the labels come from, as facts state it."""
        return [{"label": label, **self.labels[label]} for label in sorted(self.labels, key=str.encode)]


def _lies_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def _server_and_name(tool: str) -> tuple[str, str] | None:
    """The parts of `mcp__SERVER__NAME`."""
    server, joint, name = tool.removeprefix("mcp__").partition("__")
    return (server, name) if tool.startswith("mcp__") and server and joint and name else None


def fold(records: Iterable[Mapping[str, Any] | None]) -> State:
    """What a run has seen after these records, in the order of its log."""
    state = State()
    for record in records:
        state.take(record)
    return state


def fold_lines(log: bytes) -> State:
    """What a run has seen after these lines of its log."""

    def read(line: bytes) -> Mapping[str, Any] | None:
        try:
            found = json.loads(line)
        except ValueError:
            return None
        return found if isinstance(found, dict) and isinstance(found.get("kind"), str) else None

    return fold(read(line) for line in log.split(b"\n")[:-1])
