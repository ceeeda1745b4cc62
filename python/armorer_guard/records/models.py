"""
Every kind of record as a pydantic model, and the JSON Schema made from them.

The models describe format version 1. They keep members they do not know, so that reading a record and writing it back
loses nothing, and refuse another major version only. What stands in a record is explained in `FORMAT.md`; members that
nobody told the writer are `None`, and so are members of kinds that this version of the guard does not write yet.

A model says what a record *means*. Whether it was changed is a matter of its stored bytes, which `verify` reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Discriminator, Field, JsonValue, Tag, TypeAdapter, field_validator

MAJOR = "1"

Effect: TypeAlias = Literal["allow", "ask", "deny"]
Digest: TypeAlias = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Pointer: TypeAlias = Annotated[str, Field(description="JSON Pointer (RFC 6901)")]


class Part(BaseModel):
    """What all parts of a record share: immutable, and unknown members are kept."""

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)


class Blob(Part):
    """A member that was too long for a line: its canonical bytes lie in `objects/` under their digest."""

    digest: Digest = Field(alias="$blob")
    bytes: int = Field(ge=0, description="length of the object")


class Source(Part):
    """Which program wrote a record, and as whom."""

    adapter: str
    adapter_v: str
    pid: int
    ppid: int | None
    uid: int | None


class Record(Part):
    """
    The envelope: what every record of every kind has.

    `seq`, `prev` and `hash` are None in a decision that was made without a store, and never in a log.
    """

    v: str
    kind: str
    id: str
    store: str
    run: str
    seq: int | None = Field(ge=0)
    ts: str = Field(description="RFC 3339, UTC, microseconds")
    mono: int = Field(ge=0, description="nanoseconds since boot")
    boot: str | None
    src: Source
    prev: Digest | None
    hash: Digest | None
    blobs: list[Pointer] = Field(default=[], description="members that were moved to `objects/`")

    @field_validator("v")
    @classmethod
    def _version_is_ours(cls, value: str) -> str:
        if value.split(".", 1)[0] != MAJOR:
            raise ValueError(f"the record has format version `{value}`, this program reads {MAJOR}.x")
        return value


# What a call would do, and what its texts contain: the facts a decision was made on.


class Span(Part):
    """Bytes of the UTF-8 of a string, from zero, half-open."""

    start: int = Field(ge=0)
    end: int = Field(ge=0)


class Target(Part):
    """What an action is done to."""

    value: str
    exact: bool
    place: str | None = None
    host: str | None = None


class Action(Part):
    """Something the call would do."""

    kind: str
    target: Target
    attributes: list[str] = []
    certainty: Literal["possible", "likely", "certain"]
    on: str | None = None
    by: str
    at: Pointer
    span: Span | None = None
    reason: str | None = None
    safer: str | None = None


class Finding(Part):
    """Something a text contains."""

    rule: str
    kind: str
    severity: Literal["low", "medium", "high", "critical"]
    confidence_pm: int = Field(ge=0, le=1000)
    at: Pointer
    span: Span
    checksum: Literal["valid", "mismatch"] | None = None
    view: str | None = None
    redact: bool


class Context(Part):
    """Where a call happens."""

    cwd: str | None
    workspace: str | None
    home: str | None
    user: str | None
    guard_home: str | None


class Caller(Part):
    """Who makes a call."""

    run: str | None
    runtime: str
    call_id: str | None
    agent: str | None
    depth: int
    host_mode: str | None


class RunState(Part):
    """What the run has seen before."""

    labels: list[str] = []
    counters: list[tuple[str, int]] = []


class Facts(Part):
    """Everything a decision depended on, redacted: the only thing policy saw."""

    phase: Literal["pre", "post", "text"]
    tool: str
    server: str | None = None
    surface: str
    actions: list[Action]
    findings: list[Finding]
    args: JsonValue
    context: Context
    caller: Caller
    state: RunState
    now: str


# decision


class DecisionCall(Part):
    """The call as its runtime names it."""

    agent: str | None
    depth: int
    id: str | None
    parent: str | None


class Subject(Part):
    """What was judged."""

    tool: str
    server: str | None
    surface: str
    class_: list[str] = Field(alias="class", description="kinds of the actions, sorted")


class PolicyUsed(Part):
    """The policy that decided; its compiled form lies in `objects/` under this digest. Empty: none could be used."""

    digest: str


class Rule(Part):
    """A rule that determined the effect."""

    id: str
    layer: str
    effect: Effect
    message: str
    actions: list[int] = Field(description="indices into `facts.actions`")
    findings: list[int] = Field(description="indices into `facts.findings`")
    unknown: bool = Field(description="whether a condition was unknown and counted against the call")


class Near(Part):
    """A stricter rule that nearly matched."""

    id: str
    effect: Effect
    missing: list[str]


class Verdict(Part):
    """What policy said about the facts."""

    effect: Effect
    mode: Literal["enforce", "observe"]
    rules: list[Rule]
    near: list[Near]
    obligations: list[str]
    unknown: list[int] = Field(description="indices of the actions that could not be understood")


class Detector(Part):
    """Who found something, and how sure it was."""

    id: str
    v: str
    at: Pointer
    conf_pm: int


class Redaction(Part):
    """What stood in place of a mark: its class and length, and a keyed tag by which equal values can be recognised."""

    class_: str = Field(alias="class")
    at: Pointer
    span: tuple[int, int]
    len: int
    alg: str | None
    kid: str | None
    tag: str | None


class Answer(Part):
    """What was said, and to whom."""

    form: str
    to: str


class Spent(Part):
    """Microseconds by stage."""

    understand_us: int
    decide_us: int


class DecisionRecord(Record):
    """One call, judged. Written before the runtime was answered."""

    kind: Literal["decision"]
    epoch: int
    call: DecisionCall | Blob
    subject: Subject | Blob
    action_digest: Digest
    facts: Facts | Blob
    facts_digest: Digest
    policy: PolicyUsed | Blob
    verdict: Verdict | Blob
    detectors: list[Detector] | Blob
    redactions: list[Redaction] | Blob
    answer: Answer | Blob
    approval: str | None
    t: Spent | Blob


# outcome


class OutcomeCall(Part):
    """The call as its runtime names it."""

    id: str | None


class OutcomeSubject(Part):
    """The tool that ran."""

    tool: str


class Output(Part):
    """What the tool answered: never the text, only its digest and what was found in it."""

    bytes: int | None
    digest: Digest | None
    findings: list[Finding]


class OutcomeRecord(Record):
    """What the runtime did with a decision."""

    kind: Literal["outcome"]
    of: str | None = Field(description="the decision it closes; None for a call nobody decided")
    call: OutcomeCall | Blob
    subject: OutcomeSubject | Blob
    enforced: Literal["enforced", "overridden", "failed_open", "bypassed", "observed", "not_attempted", "unknown"]
    result: Literal["ok", "error", "timeout", "cancelled", "ambiguous"]
    dur_ms: int | None
    output: Output | Blob
    effects: list[dict[str, JsonValue]] | Blob | None


# run.start, run.epoch, run.stop


class Agent(Part):
    """The agent and its runtime."""

    name: str
    version: str | None = None
    exe: str | None = None
    sub: str | None = None


class Runtime(Part):
    """The guard and the machine."""

    guard_v: str
    os: str
    arch: str


class Permissions(Part):
    """What the runtime itself permits."""

    host_mode: str | None = None


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
    model: dict[str, JsonValue] | None = None
    config: dict[str, JsonValue] | None = None
    tools: dict[str, JsonValue] | None = None
    perms: Permissions | Blob
    policy: PolicyInForce | Blob
    input: RunInput | Blob
    coverage: Coverage | Blob


class RunStartRecord(_Configuration):
    """The first record of a run."""

    kind: Literal["run.start"]


class RunEpochRecord(_Configuration):
    """The configuration changed: decisions cite the epoch they were made in."""

    kind: Literal["run.epoch"]


class Stop(Part):
    """How a run ended."""

    state: Literal["completed", "stopped", "killed", "crashed", "unknown"]
    by: str | None = None
    reason: str | None = None
    in_flight: list[str] = []
    resumable: bool | None = None
    resume_cmd: str | None = None
    terminal: bool = True


class RunStopRecord(Record):
    """The last record of a run."""

    kind: Literal["run.stop"]
    stop: Stop
    summary: dict[str, JsonValue] | None = None


class JournalRunStartRecord(Record):
    """In the journal: a run began. `run` names it, `first` its first record."""

    kind: Literal["run.start"]
    first: str
    agent: str
    policy: str | None


# what the writer says about the log itself


class Recovered(Part):
    """Bytes that were no record, moved aside by the next writer."""

    reason: Literal["torn_tail", "unreadable"]
    offset: int
    bytes: int
    digest: Digest
    moved_to: str = Field(description="file name below `recovery/`")


class RecoveryRecord(Record):
    """The end of a log was mended."""

    kind: Literal["recovery"]
    recovery: Recovered


class Missing(Part):
    """What the writer knew to be there and did not find."""

    reason: str
    expected_seq: int | None = None
    expected_hash: Digest | None = None


class GapRecord(Record):
    """Something is not in the log that should be."""

    kind: Literal["gap"]
    gap: Missing


# approvals, policy, installation, integrity: kinds of the format that this version does not write yet


class ApprovalRequestRecord(Record):
    """A person was asked about one exact action."""

    kind: Literal["approval.request"]
    decision: str
    action_digest: Digest
    binds: dict[str, JsonValue]
    presented: dict[str, JsonValue]
    options: list[str]
    ttl_ms: int | None = None
    by: list[str] = []
    quorum: int = 1


class ApprovalResultRecord(Record):
    """How that question ended; expiry is neither approval nor denial."""

    kind: Literal["approval.result"]
    request: str
    state: Literal["approved", "denied", "edited", "expired", "cancelled", "superseded", "invalidated"]
    by: dict[str, JsonValue] | None = None
    latency_ms: int | None = None
    choice: str | None = None
    grant: dict[str, JsonValue] | None = None


class GrantRecord(Record):
    """A standing permission with scope, expiry and count."""

    kind: Literal["grant"]
    grant: dict[str, JsonValue]


class RevokeRecord(Record):
    """A grant was taken back."""

    kind: Literal["revoke"]
    grant_id: str
    reason: str | None = None


class PolicyActivateRecord(Record):
    """Another policy is in force from here on."""

    kind: Literal["policy.activate"]
    policy: dict[str, JsonValue]


class ModeChangeRecord(Record):
    """The guard enforces, or only observes, from here on."""

    kind: Literal["mode.change"]
    mode: Literal["enforce", "observe"]
    reason: str | None = None


class InstallRecord(Record):
    """What the product wrote into other programs' configuration."""

    kind: Literal["install", "uninstall"]
    components: list[dict[str, JsonValue]]
    left: list[dict[str, JsonValue]] = []


class CheckpointRecord(Record):
    """A signed statement of a log's size and root."""

    kind: Literal["checkpoint"]
    checkpoint: dict[str, JsonValue]


class AnchorRecord(Record):
    """A checkpoint was deposited where this program cannot change it."""

    kind: Literal["anchor"]
    anchor: dict[str, JsonValue]


class KeyRotateRecord(Record):
    """Another key is used from here on."""

    kind: Literal["key.rotate"]
    key: dict[str, JsonValue]


class PruneRecord(Record):
    """Records were removed on purpose; what is needed to verify across the hole stays."""

    kind: Literal["prune"]
    prune: dict[str, JsonValue]


class NoteRecord(Record):
    """A remark of a person or a program."""

    kind: Literal["note"]
    note: JsonValue = None


class OtherRecord(Record):
    """A kind this program does not know. It is kept, shown and verified like any other."""


def _tag(value: Any) -> str:
    """Which model describes a record: its kind, except for runs named in the journal."""
    if isinstance(value, Mapping):
        kind, in_journal = value.get("kind"), "first" in value
    else:
        kind, in_journal = getattr(value, "kind", None), isinstance(value, JournalRunStartRecord)
    if kind == "run.start" and in_journal:
        return "journal run.start"
    return kind if isinstance(kind, str) and kind in KINDS else "other"


AnyRecord: TypeAlias = Annotated[
    Annotated[RunStartRecord, Tag("run.start")]
    | Annotated[JournalRunStartRecord, Tag("journal run.start")]
    | Annotated[RunEpochRecord, Tag("run.epoch")]
    | Annotated[RunStopRecord, Tag("run.stop")]
    | Annotated[DecisionRecord, Tag("decision")]
    | Annotated[OutcomeRecord, Tag("outcome")]
    | Annotated[ApprovalRequestRecord, Tag("approval.request")]
    | Annotated[ApprovalResultRecord, Tag("approval.result")]
    | Annotated[GrantRecord, Tag("grant")]
    | Annotated[RevokeRecord, Tag("revoke")]
    | Annotated[PolicyActivateRecord, Tag("policy.activate")]
    | Annotated[ModeChangeRecord, Tag("mode.change")]
    | Annotated[InstallRecord, Tag("install")]
    | Annotated[InstallRecord, Tag("uninstall")]
    | Annotated[GapRecord, Tag("gap")]
    | Annotated[RecoveryRecord, Tag("recovery")]
    | Annotated[CheckpointRecord, Tag("checkpoint")]
    | Annotated[AnchorRecord, Tag("anchor")]
    | Annotated[KeyRotateRecord, Tag("key.rotate")]
    | Annotated[PruneRecord, Tag("prune")]
    | Annotated[NoteRecord, Tag("note")]
    | Annotated[OtherRecord, Tag("other")],
    Discriminator(_tag),
]

KINDS = frozenset(
    {
        "run.start",
        "run.epoch",
        "run.stop",
        "decision",
        "outcome",
        "approval.request",
        "approval.result",
        "grant",
        "revoke",
        "policy.activate",
        "mode.change",
        "install",
        "uninstall",
        "gap",
        "recovery",
        "checkpoint",
        "anchor",
        "key.rotate",
        "prune",
        "note",
    }
)

_ADAPTER: TypeAdapter[AnyRecord] = TypeAdapter(AnyRecord)


def parse(line: bytes | str) -> AnyRecord:
    """
    The record in a stored line, with or without its newline.

    Raises:
        pydantic.ValidationError: It is no record, or one of another major version.
    """
    return _ADAPTER.validate_json(line)


def stored_form(record: Record) -> dict[str, Any]:
    """The members of a record as they stand in its line: what was not there is left out, what was unknown is kept."""
    return record.model_dump(mode="json", by_alias=True, exclude_unset=True)


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a line. Published beside this module as `record.schema.json`."""
    schema = _ADAPTER.json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of an armorer-guard record",
        "description": "The members of a record. Its bytes, hash and chain are described in FORMAT.md.",
        **schema,
    }
