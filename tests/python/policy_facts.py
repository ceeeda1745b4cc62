"""Facts of a call that says nothing, for tests that change one thing about them."""

from __future__ import annotations

from typing import Any

FACTS: dict[str, Any] = {
    "phase": "pre",
    "tool": "Bash",
    "surface": "tool_args",
    "actions": [],
    "findings": [],
    "args": {},
    "context": {"cwd": "/w", "workspace": "/w", "home": "/home/u", "user": "u", "guard_home": None},
    "caller": {"run": None, "runtime": "test", "call_id": None, "agent": None, "depth": 0, "host_mode": None},
    "state": {"labels": [], "counters": []},
    "now": "2026-11-25T10:00:00.000000Z",
}
