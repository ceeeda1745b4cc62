"""
A policy as people write it: pydantic models of the language, and the source of its JSON Schema.

Lists are "or", keys are "and". Every name is from a closed set; a key nobody knows is refused. The models check form;
`compiler` checks what only the whole policy can show.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator, model_validator

from armorer_guard.policy.vocabulary import (
    MAX_PATTERN_PARTS,
    OBLIGATIONS,
    Certainty,
    Checksum,
    Day,
    Effect,
    Family,
    LayerName,
    Phase,
    Pin,
    Place,
    RunMode,
    Severity,
    Surface,
)

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$", max_length=120)]


def parts(pattern: str) -> int:
    """How many parts a pattern has from its first wildcard on."""
    found = re.search(r"[*?]", pattern)
    return 0 if found is None else len(pattern) - found.start()


def _pattern(value: str) -> str:
    if parts(value) > MAX_PATTERN_PARTS:
        raise ValueError(f"the pattern has more than {MAX_PATTERN_PARTS} parts after its first wildcard")
    return value


def _listed(value: Any) -> Any:
    """One value stands for a list of one."""
    return value if isinstance(value, list) else [value]


T = TypeVar("T")
Some = Annotated[list[T], Field(min_length=1)]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
Patterns = Annotated[
    list[Pattern], BeforeValidator(_listed, json_schema_input_type=Pattern | Some[Pattern]), Field(min_length=1)
]
Word = Annotated[str, StringConstraints(min_length=1)]
WordList = Annotated[
    list[Word], BeforeValidator(_listed, json_schema_input_type=Word | Some[Word]), Field(min_length=1)
]
PlaceList = Annotated[
    list[Place], BeforeValidator(_listed, json_schema_input_type=Place | Some[Place]), Field(min_length=1)
]
DayList = Annotated[list[Day], BeforeValidator(_listed, json_schema_input_type=Day | Some[Day]), Field(min_length=1)]
CertaintyList = Annotated[
    list[Certainty], BeforeValidator(_listed, json_schema_input_type=Certainty | Some[Certainty]), Field(min_length=1)
]
FamilyList = Annotated[
    list[Family], BeforeValidator(_listed, json_schema_input_type=Family | Some[Family]), Field(min_length=1)
]
ChecksumList = Annotated[
    list[Checksum], BeforeValidator(_listed, json_schema_input_type=Checksum | Some[Checksum]), Field(min_length=1)
]
PhaseList = Annotated[
    list[Phase], BeforeValidator(_listed, json_schema_input_type=Phase | Some[Phase]), Field(min_length=1)
]
SurfaceList = Annotated[
    list[Surface], BeforeValidator(_listed, json_schema_input_type=Surface | Some[Surface]), Field(min_length=1)
]
RunModeList = Annotated[
    list[RunMode], BeforeValidator(_listed, json_schema_input_type=RunMode | Some[RunMode]), Field(min_length=1)
]
PinList = Annotated[list[Pin], BeforeValidator(_listed, json_schema_input_type=Pin | Some[Pin]), Field(min_length=1)]


class Strict(BaseModel):
    """Refuses what it does not know."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @field_validator("*", mode="after")
    @classmethod
    def _patterns_are_bounded(cls, value: Any) -> Any:
        for item in value if isinstance(value, list) else ():
            if isinstance(item, str):
                _pattern(item)
        return value


def _any(value: Any) -> Any:
    """A word or a list stands for `any`."""
    return value if value is None or isinstance(value, dict) else {"any": value}


class Names(Strict):
    """Patterns over a name: one of `any`, none of `none`. `*` matches any characters, `?` one."""

    any: Patterns | None = None
    none: Patterns | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Names:
        if self.any is None and self.none is None:
            raise ValueError("expected `any` or `none`")
        return self


class Words(Strict):
    """Words of a set: one of `any`, all of `all`, none of `none`."""

    any: WordList | None = None
    all: WordList | None = None
    none: WordList | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Words:
        if self.any is None and self.all is None and self.none is None:
            raise ValueError("expected `any`, `all` or `none`")
        return self


class Targets(Strict):
    """
    Patterns over a target: one of `any` or below one of `under`; none of `none` and below none of `outside`.

    A pattern that begins with `/`, `~`, `**/`, `${workspace}`, `${home}`, `${cwd}` or `${guard_home}` is a path: there
    `*` and `?` stop at `/`, and `**` does not. Any other is a name, in which `*` matches any characters.
    """

    any: Patterns | None = None
    under: Patterns | None = None
    none: Patterns | None = None
    outside: Patterns | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Targets:
        if not self.model_fields_set:
            raise ValueError("expected `any`, `under`, `none` or `outside`")
        return self


class Number(Strict):
    """Bounds of a whole number."""

    gte: Annotated[int, Field(ge=0)] | None = None
    gt: Annotated[int, Field(ge=0)] | None = None
    lte: Annotated[int, Field(ge=0)] | None = None
    lt: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Number:
        if not self.model_fields_set:
            raise ValueError("expected `gte`, `gt`, `lte` or `lt`")
        return self


class Arg(Strict):
    """
    A condition on one argument, named by its JSON Pointer (RFC 6901).

    A step `*` stands for every member or item of that level; the condition then holds when it does for one of them.
    """

    exists: bool | None = None
    any: Patterns | None = None
    none: Patterns | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Arg:
        if not self.model_fields_set:
            raise ValueError("expected `exists`, `any` or `none`")
        return self


class Places(Strict):
    """Every place but these. A place that is not known is in no such set."""

    none: PlaceList


class Hours(Strict):
    """Hours of the week. A window that ends before it begins is a night, and belongs to the day on which it begins."""

    days: DayList = [
        "mon",
        "tue",
        "wed",
        "thu",
        "fri",
        "sat",
        "sun",
    ]
    from_: Annotated[str, Field(alias="from", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = "00:00"
    to: Annotated[str, Field(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")] = "24:00"
    utc_offset: Annotated[str, Field(pattern=r"^[+-](0[0-9]|1[0-4]):[0-5][0-9]$")] = "+00:00"
    outside: bool = False
    """Hold outside of these hours instead."""


NamesField = Annotated[Names, BeforeValidator(_any, json_schema_input_type=Pattern | Some[Pattern] | Names)]
WordsField = Annotated[Words, BeforeValidator(_any, json_schema_input_type=Word | Some[Word] | Words)]
TargetsField = Annotated[Targets, BeforeValidator(_any, json_schema_input_type=Pattern | Some[Pattern] | Targets)]
NumberField = Annotated[
    Number,
    BeforeValidator(
        lambda v: {"gte": v, "lte": v} if isinstance(v, int) and not isinstance(v, bool) else v,
        json_schema_input_type=Annotated[int, Field(ge=0)] | Number,
    ),
]


def _arg(value: Any) -> Any:
    if isinstance(value, bool):
        return {"any": ["true" if value else "false"]}
    if isinstance(value, int):
        return {"any": [str(value)]}
    return _any(value)


ArgField = Annotated[Arg, BeforeValidator(_arg, json_schema_input_type=Pattern | Some[Pattern] | bool | int | Arg)]


class Action(Strict):
    """Conditions that hold for one and the same action of the call."""

    kind: Patterns | None = None
    """Kinds, or patterns over them: `fs.*`. A permission must name `unknown` itself."""
    target: TargetsField | None = None
    place: PlaceList | Places | None = None
    host: NamesField | None = None
    has: WordsField | None = None
    """Attributes: `recursive`, `force`, `secret`, …"""
    certainty: CertaintyList | None = None
    exact: bool | None = None
    """Whether the target is known exactly."""
    remote: bool | None = None
    """Whether it happens on another host or in a container."""
    on: NamesField | None = None
    """Where it happens when not here: `ssh:*`, `docker:web`."""
    by: NamesField | None = None
    """The program or tool that does it."""

    @field_validator("place", mode="before")
    @classmethod
    def _place(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else _listed(value)


class Finding(Strict):
    """Conditions that hold for one and the same finding."""

    rule: NamesField | None = None
    kind: FamilyList | None = None
    severity: Severity | None = None
    """At least so severe."""
    checksum: ChecksumList | None = None
    confidence: NumberField | None = None
    """Per mille."""


class When(Strict):
    """Conditions: keys are "and", lists are "or"."""

    phase: PhaseList | None = None
    surface: SurfaceList | None = None
    tool: NamesField | None = None
    server: NamesField | None = None
    runtime: NamesField | None = None
    agent: NamesField | None = None
    """The agent inside the runtime; the main one is called `main`."""
    host_mode: NamesField | None = None
    """The runtime's permission mode, as it names it."""
    run_mode: RunModeList | None = None
    """Whether a person is there to be asked."""
    principal: NamesField | None = None
    """The user the call runs as."""
    pin: PinList | None = None
    """How the tool's definition compares with the one that was pinned."""
    sends: NumberField | None = None
    """How many bytes the call sends away, as far as it shows."""
    depth: NumberField | None = None
    """How many agents deep: 0 for the main one."""
    arg: dict[Annotated[str, StringConstraints(pattern=r"^(/.*)?$")], ArgField] | None = None
    label: WordsField | None = None
    counter: dict[str, NumberField] | None = None
    time: Hours | None = None
    action: Action | None = None
    finding: Finding | None = None
    any_of: Annotated[list[When], Field(min_length=1)] | None = None
    """One of these blocks holds too."""


class Label(Strict):
    """Adds a label to the run."""

    label: Name


class CallExample(Strict):
    """A tool call."""

    tool: str
    args: dict[str, Any] = {}


class TextExample(Strict):
    """A text by itself."""

    text: str
    surface: Surface = "tool_result"


Example = Annotated[str, StringConstraints(min_length=1)] | CallExample | TextExample


class Examples(Strict):
    """What a rule must and must not speak about. A text is a command of the shell."""

    match: list[Example] = []
    not_match: list[Example] = []


class Rule(Strict):
    """One rule."""

    id: Name
    effect: Effect
    unknown: Literal["ask"] | None = None
    """What a `deny` says when it holds only because something is unknown."""
    why: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    """
    Why, in one clause; may name `{target}`, `{host}`, `{by}`, `{kind}`, `{finding}`, `{tool}`, `{sentence}`, and
    `{label.NAME}`: what gave the run that label, when, and in which record. `{fetched}`: who served the file that would
    run to an earlier call, when, and in which record.
    """
    safer: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None
    when: When
    then: list[str | Label] = []
    overrides: list[Name] = []
    """Questions that this permission answers."""
    until: Annotated[str, StringConstraints(pattern=r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")] | None = None
    """Last day (UTC) on which it speaks."""
    examples: Examples = Examples()

    @field_validator("then", mode="after")
    @classmethod
    def _known_obligations(cls, value: list[str | Label]) -> list[str | Label]:
        for item in value:
            if isinstance(item, str) and item not in OBLIGATIONS:
                raise ValueError(
                    f"no obligation is called `{item}`; expected {', '.join(OBLIGATIONS)} or `label: NAME`"
                )
        return value

    @field_validator("id", mode="after")
    @classmethod
    def _own_name(cls, value: str) -> str:
        if value.startswith(("default.", "error.", "grant.")):
            raise ValueError("names that begin with `default.`, `error.` and `grant.` are the guard's own")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Rule:
        if self.unknown is not None and self.effect != "deny":
            raise ValueError("`unknown: ask` softens a `deny`; this rule says something else")
        if self.overrides and self.effect != "allow":
            raise ValueError("`overrides` belongs to a rule that allows")
        return self


class LabelRule(Strict):
    """What calls leave on their run. A label stays until the run ends."""

    id: Name
    add: Annotated[list[Name], BeforeValidator(_listed, json_schema_input_type=Name | Some[Name]), Field(min_length=1)]
    """Words of your own, besides `secret` and `untrusted`, which the built-in policies speak about."""
    when: When
    """As in a rule; what is not known counts as holding."""
    examples: Examples = Examples()


class OwnTool(Strict):
    """What a tool of your own does, in the format of `rules/tools`: arguments select what its effects are done to."""

    names: Annotated[
        list[Annotated[str, StringConstraints(min_length=1)]], BeforeValidator(_listed), Field(min_length=1)
    ]
    """Whole names, or patterns over them: `mcp__crm__delete_*`."""
    summary: str
    harmless: bool = False
    """It does nothing outside of the agent."""
    chdir: str | None = None
    """Selects the argument that says the working directory."""
    effect: list[dict[str, Any]] = []
    """`{do: db.delete, to: arg id, with: [all], when: [arg force=true]}`, as `rules/commands/README.md` says."""
    examples: Annotated[dict[str, list[str]], Field(min_length=1)]
    """`NAME {"argument": "value"}` and the actions it must give."""


class Given(Strict):
    """What a test case sets besides the call."""

    labels: list[str] = []
    counters: dict[str, int] = {}
    fetched: dict[str, str | None] = {}
    """Files that earlier calls of the run brought from the network, each with the host that served it, if known."""
    laden: list[str] = []
    """Files into which earlier calls of the run wrote texts that would do something grave."""
    now: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")] | None = None
    agent: str | None = None
    depth: Annotated[int, Field(ge=0)] | None = None
    host_mode: str | None = None
    run_mode: RunMode | None = None
    runtime: str | None = None
    principal: str | None = None
    pin: Pin | None = None
    sends: Annotated[int, Field(ge=0)] | None = None
    """Bytes that the call sends away; what an example would send from files is not known otherwise."""


class Expect(Strict):
    """What a test case must give."""

    effect: Effect
    rule: Annotated[list[str], BeforeValidator(_listed, json_schema_input_type=str | Some[str])] | None = None
    """Rules that must be among those that determined the answer."""
    obligations: list[str] | None = None


class Case(Strict):
    """One test of the whole policy."""

    name: str
    given: Given = Given()
    call: Example
    expect: Expect


class Default(Strict):
    """What happens to what no rule speaks about."""

    pre: Effect | None = None
    post: Effect | None = None
    text: Effect | None = None


class PolicyFile(Strict):
    """A policy as one file holds it."""

    guard: Literal[1]
    """Version of the language."""
    id: Name
    layer: LayerName | None = None
    """Where the file belongs; the loader refuses it elsewhere."""
    builtin: Literal["default", "strict", "observe", "none"] | None = None
    """Which built-in policy lies below: `default` when nobody says. Not for a project to say."""
    without: list[Name] = []
    """Rules of the built-in policy that do not apply. Not for a project to say."""
    mode: Literal["enforce", "observe"] | None = None
    default: Default = Default()
    vars: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")], WordList] = {}
    """Lists that conditions name as `$name`, or as `${name}` inside a text when they hold one word."""
    labels: list[LabelRule] = []
    """What calls leave on their run."""
    tools: list[OwnTool] = []
    """What tools of your own do."""
    pins: dict[
        Annotated[str, StringConstraints(min_length=1, max_length=256)],
        Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")],
    ] = {}
    """What the definitions of tools must be, by the tool's name: `armorer-guard policy pins` writes them."""
    commands: list[dict[str, Any]] = []
    """What programs of your own do, each as a `[[command]]` of `rules/commands`."""
    rules: list[Rule] = []
    tests: list[Case] = []
