"""
The closed sets that policies speak about, as the core knows them.

Held against the core by a test. A leaf: imports nothing of this package.
"""

from __future__ import annotations

from typing import Literal, get_args

KINDS: tuple[str, ...] = (
    "fs.read",
    "fs.write",
    "fs.delete",
    "fs.destroy",
    "fs.permission",
    "disk.write",
    "credential.read",
    "net.fetch",
    "net.send",
    "net.listen",
    "net.scan",
    "net.tunnel",
    "net.insecure",
    "exec.local",
    "exec.remote_code",
    "exec.dynamic",
    "exec.remote_shell",
    "exec.privileged",
    "exec.elsewhere",
    "exec.hijack",
    "process.kill",
    "process.exhaust",
    "system.power",
    "system.service",
    "system.kernel",
    "system.network",
    "system.account",
    "system.log",
    "system.config",
    "persist.startup",
    "persist.schedule",
    "persist.hook",
    "persist.access",
    "vcs.write",
    "vcs.discard",
    "vcs.push",
    "vcs.rewrite",
    "vcs.config",
    "package.install",
    "package.remove",
    "package.publish",
    "db.read",
    "db.write",
    "db.delete",
    "db.drop",
    "db.alter",
    "cloud.read",
    "cloud.write",
    "cloud.delete",
    "cloud.access",
    "cloud.deploy",
    "container.run",
    "container.delete",
    "container.escape",
    "agent.config",
    "agent.guard",
    "agent.bypass",
    "message.send",
    "browser.act",
    "mcp.call",
    "tool.call",
    "unknown",
)
"""What an action does to the world."""

UNKNOWN_KIND = "unknown"
"""The kind of what could not be understood. A permission covers it only where it names it."""

Place = Literal[
    "workspace",
    "workspace_root",
    "workspace_parent",
    "temp",
    "cache",
    "home",
    "home_root",
    "system",
    "root",
    "device",
    "null",
    "outside",
    "remote",
    "unknown",
]
"""Where a path lies."""

Phase = Literal["pre", "post", "text"]
"""When in a call's life a decision is taken."""

Surface = Literal["user", "retrieved", "tool_result", "tool_description", "tool_args", "model_output"]
"""Where a text comes from."""

RunMode = Literal["interactive", "headless"]
"""Whether a person is there to be asked."""

Pin = Literal["ok", "new", "changed", "shadowed"]
"""How a tool's definition compares with the one that was pinned."""

Certainty = Literal["possible", "likely", "certain"]
"""How sure it is that an action happens."""

Family = Literal["secret", "pii", "hidden_text", "injection", "exfiltration"]
"""What family a finding belongs to."""

Severity = Literal["low", "medium", "high", "critical"]
"""How much a finding matters, least first."""

Checksum = Literal["valid", "mismatch", "none"]
"""What a token's own checksum said; `none` where its type has none."""

Effect = Literal["allow", "ask", "deny"]
"""What a rule says, mildest first."""

LayerName = Literal["builtin", "user", "project", "managed"]
"""Where a rule comes from; a later layer outranks an earlier one."""

Obligation = Literal["redact", "snapshot", "warn"]
"""What can be demanded besides an effect; `{label: NAME}` is the fourth."""

Base = Literal["workspace", "home", "cwd", "guard_home"]
"""What a target pattern may begin with, as `${workspace}`: known only when a call is judged."""

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
"""Days of the week."""

PLACES: tuple[Place, ...] = get_args(Place)
PHASES: tuple[Phase, ...] = get_args(Phase)
SURFACES: tuple[Surface, ...] = get_args(Surface)
RUN_MODES: tuple[RunMode, ...] = get_args(RunMode)
PINS: tuple[Pin, ...] = get_args(Pin)
CERTAINTIES: tuple[Certainty, ...] = get_args(Certainty)
FAMILIES: tuple[Family, ...] = get_args(Family)
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
CHECKSUMS: tuple[Checksum, ...] = get_args(Checksum)
EFFECTS: tuple[Effect, ...] = get_args(Effect)
LAYERS: tuple[LayerName, ...] = get_args(LayerName)
OBLIGATIONS: tuple[Obligation, ...] = get_args(Obligation)
BASES: tuple[Base, ...] = get_args(Base)
DAYS: tuple[Day, ...] = get_args(Day)

PATH_KINDS: frozenset[str] = frozenset({"fs.read", "fs.write", "fs.delete", "fs.destroy", "fs.permission"})
"""Kinds whose target is a path, so that a place nobody stated is an unknown one."""

HOST_KINDS: frozenset[str] = frozenset(
    {"net.fetch", "net.send", "net.scan", "net.tunnel", "exec.remote_code", "exec.remote_shell"}
)
"""Kinds whose target is a host, so that a host nobody stated is an unknown one."""

MAX_PATTERN_PARTS = 255
"""Most wildcards, and characters after the first of them, that a pattern may have."""
