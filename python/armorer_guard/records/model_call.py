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
    run_mode: Literal["interactive", "headless"] | None = None


class LabelSource(Part):
    """The record that first gave the run a label."""

    label: str
    record: str
    at: str
    message: str


class LiveGrant(Part):
    """A grant that covered the call."""

    id: str
    scope: str
    rule: str | None = None


class Fetched(Part):
    """A file or folder that a call brings from the network."""

    path: str = Field(description="absolute")
    host: str | None = Field(default=None, description="who serves it, where that is known")
    written: bool = Field(
        default=False,
        description="the call writes it itself: it is a text that would do something grave when it is run",
    )


class FetchedFile(Fetched):
    """A file or folder that an earlier call of the run brought from the network."""

    record: str
    at: str


class RunState(Part):
    """What the run had seen before: the fold of the records before this one."""

    labels: list[str] = []
    counters: list[tuple[str, int]] = Field(default=[], description="those that the policy asks about")
    sources: list[LabelSource] = []
    fetched: list[FetchedFile] = Field(default=[], description="those that the call is about, sorted by path")
    grants: list[LiveGrant] = []


class Sends(Part):
    """How much a call sends away."""

    bytes: int = Field(description="as far as it is known")
    exact: bool = Field(description="whether that is all of it")


class Facts(Part):
    """Everything a decision depended on, redacted: the only thing policy saw."""

    phase: Literal["pre", "post", "text"]
    tool: str
    server: str | None = None
    pin: Literal["ok", "new", "changed", "shadowed"] | None = None
    sends: Sends | None = None
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
    def_digest: Digest | None = Field(default=None, description="of the tool's definition, when it was told")
    sent_bytes: int | None = Field(default=None, description="what the call sends away, as far as it is known")
    fetched: list[Fetched] = Field(default=[], description="what the call brings from the network")
    replaced: list[str] = Field(
        default=[],
        description="files of `fetched` of earlier calls, in the place of which the call puts something else",
    )


class PolicyUsed(Part):
    """The policy that decided; its compiled form lies in `objects/` under this digest. Empty: none could be used."""

    digest: str
    commands: Digest | None = Field(
        default=None, description="the person's own commands, by which the call was understood; they lie in `objects/`"
    )


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


class AddedLabel(Part):
    """A label that a call leaves on its run, unless it was denied and did not run."""

    label: str
    rule: str
    message: str
    actions: list[int] = []
    findings: list[int] = []


class Approval(Part):
    """The grants by which a question became a permission; each is used up by one."""

    grants: list[str]


class Verdict(Part):
    """What policy said about the facts."""

    effect: Effect
    mode: Literal["enforce", "observe"]
    rules: list[Rule]
    near: list[Near]
    obligations: list[str]
    labels: list[AddedLabel] = []
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
    approval: Approval | Blob | None = Field(description="the grants that were used; None: none was")
    asker: list[tuple[int, int]] | Blob | None = Field(
        default=None,
        description="of a question: the agent's processes, nearest first, with their start in ticks since boot",
    )
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
    labels: list[AddedLabel] = Field(default=[], description="what it leaves on the run, told only now")
    spend: dict[str, int] = Field(default={}, description="what the call cost, in units that the caller names")
    effects: list[Changed] | Blob | None
    exit: int | None = None
    retry_of: str | None = None
    error: OutcomeError | Blob | None = None
    completeness: dict[str, str] | None = None
    reversal: dict[str, JsonValue] | None = None
    links: list[dict[str, JsonValue]] = []
