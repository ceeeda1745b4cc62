"""Kinds that frame a run: how it began, changed and ended, and what the journal keeps of it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from armorer_guard.records.model_base import Blob, Digest, Part, Record


class Agent(Part):
    """The agent and its runtime."""

    name: str
    version: str | None = None
    exe: str | None = None
    exe_digest: Digest | None = None
    sub: str | None = Field(default=None, description="the sub-agent of the first call")
    sdk: str | None = None


class Runtime(Part):
    """The guard and the machine."""

    guard_v: str
    os: str
    arch: str
    kernel: str | None = None
    container: str | None = None
    sandbox: str | None = None


class Model(Part):
    """The model that drives the run, as far as the runtime tells."""

    model: str | None = None
    provider: str | None = None
    base_url_host: str | None = None
    params_digest: Digest | None = None
    prompt_digest: Digest | None = None


class ConfigFile(Part):
    """One file of the runtime's configuration."""

    path: str
    digest: Digest | None = None
    layer: str | None = None
    owner_uid: int | None = None
    mode: int | None = None


class Config(Part):
    """The runtime's configuration."""

    digest: Digest | None = None
    files: list[ConfigFile] = []
    source: str | None = Field(default=None, description="what the runtime says to have changed")


class ToolServer(Part):
    """A server of tools, and the tools it offers."""

    name: str
    transport: str | None = None
    cmd_digest: Digest | None = None
    url: str | None = None
    version: str | None = None
    pin: Literal["ok", "new", "changed", "shadowed"] | None = None
    tools: list[dict[str, JsonValue]] = []


class Tools(Part):
    """The tools the agent can see."""

    digest: Digest | None = None
    count: int | None = None
    servers: list[ToolServer] = []


class Permissions(Part):
    """What the runtime itself permits."""

    host_mode: str | None = None
    digest: Digest | None = None
    fs: list[str] = []
    net: list[str] = []
    grants: list[str] = []


class PolicyInForce(Part):
    """The policy when the run or epoch began."""

    digest: str | None
    mode: Literal["enforce", "observe"]


class Principal(Part):
    """The person or account the run acts for."""

    user: str | None = None
    uid: int | None = None


class RunInput(Part):
    """What the run was given."""

    cwd: str | None = None
    workspace: str | None = None
    session: str | None = None
    parent_run: str | None = None
    trigger: str | None = None
    principal: Principal | None = None


class Coverage(Part):
    """What the record of this run cannot see, each gap a sentence."""

    gaps: list[str]


class _Configuration(Record):
    """A run's configuration; each part is None when nobody told it."""

    epoch: int
    agent: Agent | Blob
    runtime: Runtime | Blob
    model: Model | Blob | None = None
    config: Config | Blob | None = None
    tools: Tools | Blob | None = None
    perms: Permissions | Blob
    policy: PolicyInForce | Blob
    input: RunInput | Blob
    coverage: Coverage | Blob


class RunStartRecord(_Configuration):
    """The first record of a run."""

    kind: Literal["run.start"]


class RunEpochRecord(Record):
    """
    The configuration changed, or a run that had been stopped went on. Decisions cite the epoch they were made in.

    Parts that are None are as they were.
    """

    kind: Literal["run.epoch"]
    epoch: int = Field(ge=1)
    reason: Literal["changed", "resumed"]
    changed: list[str] = Field(description="what differs: policy, perms, model, config, tools")
    model: Model | Blob | None = None
    config: Config | Blob | None = None
    tools: Tools | Blob | None = None
    perms: Permissions | Blob | None = None
    policy: PolicyInForce | Blob | None = None


class Stop(Part):
    """How a run ended."""

    state: Literal["completed", "stopped", "killed", "crashed", "unknown"]
    by: str | None = Field(default=None, description="who ended it: `runtime`, `person`, `guard`")
    reason: str | None = Field(default=None, description="in the words of whoever ended it")
    signals: list[str] = []
    in_flight: list[str] = Field(default=[], description="decisions that may still have been running")
    resumable: bool | None = None
    resume_cmd: str | None = None
    terminal: bool = True


class DecisionCount(Part):
    """Decisions by effect; `observed` are those of a guard that only watched, whatever their effect."""

    allow: int = 0
    ask: int = 0
    deny: int = 0
    observed: int = 0


class FilesDeclared(Part):
    """Files that allowed calls would have touched, as understood from the calls; nobody looked at the disk."""

    written: int = 0
    deleted: int = 0


class Summary(Part):
    """What the records of a run come to."""

    decisions: DecisionCount
    outcomes: int = Field(default=0, description="outcomes that the runtime reported")
    failed_open: int = Field(default=0, description="calls that ran without waiting for their answer")
    bypassed: int = Field(default=0, description="calls that ran and that nobody had decided")
    overridden: int = Field(default=0, description="calls that ran although they were denied")
    ambiguous: int = Field(default=0, description="calls that may have run: no end was seen")
    not_attempted: int = Field(default=0, description="denied calls of which nothing more was heard")
    unreported: int = Field(default=0, description="decisions of a runtime that reports no outcomes at all")
    errors: int = 0
    timeouts: int = 0
    retries: int = Field(default=0, description="decisions about an action that the run had tried before")
    files: FilesDeclared = FilesDeclared()
    hosts: list[str] = Field(default=[], description="hosts that allowed calls named, sorted, at most 50")
    commits: list[str] = []
    cost: JsonValue = None


class RunStopRecord(Record):
    """The last record of a run, unless it goes on later."""

    kind: Literal["run.stop"]
    epoch: int | None = None
    stop: Stop | Blob
    summary: Summary | Blob | None = None


class Seal(Part):
    """How long a run's log was, and what it held: a log that was cut or changed does not fit it any more."""

    count: int = Field(ge=1, description="records")
    bytes: int = Field(ge=1)
    head: Digest = Field(description="hash of the last record")
    root: Digest | None = Field(description="RFC 6962 root over the record hashes; None: not computed")


class JournalRunStartRecord(Record):
    """In the journal: a run began. `run` names it, `first` its first record."""

    kind: Literal["run.start"]
    first: str
    agent: str
    policy: str | None


class JournalRunStopRecord(Record):
    """In the journal: a run ended. `run` names it, `seal` states its log to the end."""

    kind: Literal["run.stop"]
    state: str
    seal: Seal
