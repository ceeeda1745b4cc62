"""Kinds that say what was judged, what was said, and what came of it: `decision` and `outcome`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from armorer_guard.records.model_base import Blob, Digest, Effect, Part, Pointer, Record

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
    approval: JsonValue = Field(description="the approval or grant that was used; None: none was")
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


class OutcomeError(Part):
    """How a call failed; never the message itself."""

    class_: str | None = Field(default=None, alias="class")
    code: int | None = None
    msg_tag: str | None = None


class Changed(Part):
    """One thing that changed, and who saw it."""

    type: str
    source: str | None = None


class OutcomeRecord(Record):
    """What the runtime did with a decision; `src.adapter` says who tells: the runtime, or the end of the run."""

    kind: Literal["outcome"]
    epoch: int | None = None
    of: str | None = Field(description="the decision it closes; None for a call nobody decided")
    call: OutcomeCall | Blob
    subject: OutcomeSubject | Blob
    enforced: Literal["enforced", "overridden", "failed_open", "bypassed", "observed", "not_attempted", "unknown"]
    result: Literal["ok", "error", "timeout", "cancelled", "ambiguous"]
    dur_ms: int | None
    output: Output | Blob
    effects: list[Changed] | Blob | None
    exit: int | None = None
    retry_of: str | None = None
    error: OutcomeError | Blob | None = None
    completeness: dict[str, str] | None = None
    reversal: dict[str, JsonValue] | None = None
    links: list[dict[str, JsonValue]] = []
