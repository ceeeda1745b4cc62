"""
The Rust core: understands calls, scans texts, decides, appends records.

Offsets count bytes of the UTF-8 of the string they point into, from zero, half-open. That string is the scanned text,
or the argument which `at` names by JSON Pointer (RFC 6901), such as `/command`.
"""

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any, Literal, TypedDict, final

from armorer_guard.records.models import DecisionRecord

__version__: str

_Effect = Literal["allow", "ask", "deny"]
_Surface = Literal["user", "retrieved", "tool_result", "tool_description", "tool_args", "model_output"]
_RunMode = Literal["interactive", "headless"]
_Pin = Literal["ok", "new", "changed", "shadowed"]
_Result = Literal["ok", "error", "timeout", "cancelled", "ambiguous"]

class GuardError(Exception):
    """Something the guard could not do. `kind` is stable, for programs; the message is for people."""

    kind: str

class InputError(GuardError):
    """The input is not a call or a text that can be judged."""

class StoreError(GuardError):
    """The record store could not do its work."""

class PolicyError(GuardError):
    """A policy cannot be used."""

class Timings(TypedDict):
    """Microseconds spent in each stage of a decision."""

    understand_us: int
    decide_us: int
    record_us: int
    total_us: int

@final
class Reason:
    """A rule that determined a decision, and its sentence."""

    @property
    def rule(self) -> str: ...
    @property
    def effect(self) -> _Effect: ...
    @property
    def layer(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def unknown(self) -> bool:
        """Whether a condition of the rule was unknown and counted against the call."""

@final
class Near:
    """A stricter rule that nearly matched."""

    @property
    def rule(self) -> str: ...
    @property
    def effect(self) -> _Effect: ...
    @property
    def missing(self) -> list[str]:
        """The conditions that did not hold."""

@final
class Action:
    """Something the call would do."""

    @property
    def kind(self) -> str:
        """Dotted name: `fs.delete`, `net.send`, `exec.remote_code`, `unknown`, …"""
    @property
    def target(self) -> str:
        """The resolved target, as much of it as is known."""
    @property
    def exact(self) -> bool:
        """Whether `target` is the whole truth."""
    @property
    def place(self) -> str | None:
        """Where a path lies: `workspace`, `home_root`, `system`, …; None for what is not a path."""
    @property
    def host(self) -> str | None: ...
    @property
    def attributes(self) -> list[str]: ...
    @property
    def certainty(self) -> Literal["possible", "likely", "certain"]: ...
    @property
    def on(self) -> str | None:
        """Where it happens when not on this machine: `ssh:host`, `docker:web`."""
    @property
    def by(self) -> str:
        """The program or tool that does it."""
    @property
    def at(self) -> str: ...
    @property
    def start(self) -> int | None: ...
    @property
    def end(self) -> int | None: ...
    @property
    def reason(self) -> str | None:
        """Why it could not be known better."""
    @property
    def sentence(self) -> str:
        """The action in plain words."""

@final
class Finding:
    """Something a text contains."""

    @property
    def rule(self) -> str: ...
    @property
    def kind(self) -> Literal["secret", "pii", "hidden_text", "injection", "exfiltration"]: ...
    @property
    def severity(self) -> Literal["low", "medium", "high", "critical"]: ...
    @property
    def confidence(self) -> int:
        """Per mille."""
    @property
    def at(self) -> str:
        """JSON Pointer of the argument; empty for a text by itself."""
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def checksum(self) -> Literal["valid", "mismatch"] | None: ...
    @property
    def view(self) -> str | None:
        """The view it was found in when not the text itself: `base64`, …"""
    @property
    def redact(self) -> bool: ...

@final
class ScanResult:
    """Findings of a text, and the text without them."""

    @property
    def findings(self) -> list[Finding]: ...
    @property
    def redacted(self) -> str: ...
    @property
    def redacted_bytes(self) -> bytes:
        """As `redacted`, byte for byte also where the input is not UTF-8."""

@final
class Decision:
    """What was decided about a call or a text, and why. Immutable."""

    @property
    def effect(self) -> _Effect: ...
    @property
    def allowed(self) -> bool: ...
    @property
    def reasons(self) -> list[Reason]: ...
    @property
    def near(self) -> list[Near]: ...
    @property
    def actions(self) -> list[Action]: ...
    @property
    def findings(self) -> list[Finding]: ...
    @property
    def redacted(self) -> Any:
        """The arguments (or the text) with every secret replaced by its mark."""
    @property
    def obligations(self) -> list[str]: ...
    @property
    def id(self) -> str:
        """Id of the decision's record (UUIDv7)."""
    @property
    def run(self) -> str: ...
    @property
    def recorded(self) -> bool:
        """Whether the record is in the log. A guard opened with `record=False` records nothing."""
    @property
    def policy_digest(self) -> str: ...
    @property
    def facts_digest(self) -> str: ...
    @property
    def action_digest(self) -> str: ...
    @property
    def timings(self) -> Timings: ...
    @property
    def record(self) -> DecisionRecord:
        """The decision as the pydantic model of its record. Imports pydantic on first use."""
    def to_json(self) -> bytes:
        """The record's body as canonical JSON (RFC 8785)."""

@final
class Guard:
    """
    Decides tool calls and texts, and records each decision before it answers. One guard may serve many threads.

    Args:
        home: Where store, policy and keys live. Default: `ARMORER_GUARD_HOME`, else below the XDG state directory.
        record: False decides without recording.
        runtime: Name of the runtime that asks, for the record.
        run_mode: Whether a person is there to be asked. Default: as `ARMORER_GUARD_RUN_MODE` says, else not known.
        own: What tools and programs of one's own do, as JSON `{"tools": […], "commands": […]}`. Default: what the policy
            in force says.

    Raises:
        InputError: *run_mode* is unknown.
        PolicyError: *own* is wrong.

    A policy or a store that cannot be used does not raise here: each call is then answered strictly (what changes, runs
    or sends is denied with the reason; a pure read is allowed and the gap is said in `obligations`).
    """

    def __new__(
        cls,
        *,
        home: str | PathLike[str] | None = None,
        record: bool = True,
        runtime: str = "python",
        run_mode: _RunMode | None = None,
        own: str | None = None,
    ) -> Guard: ...
    def check(
        self,
        tool: str,
        args: Any,
        *,
        cwd: str | PathLike[str] | None = None,
        run: str | None = None,
        workspace: str | PathLike[str] | None = None,
        agent: str | None = None,
        call_id: str | None = None,
        pin: _Pin | None = None,
        definition: Any = None,
    ) -> Decision:
        """
        Decide a tool call.

        Args:
            tool: The tool's name as the runtime gives it: `Bash`, `Write`, `mcp__github__create_issue`.
            args: Its arguments, JSON-like: dict, list, str, int, float, bool, None.
            cwd: Absolute working directory; the process's own when not given.
            run: The runtime's name of the run. Calls without one share a run of this guard.
            workspace: Root of the project; `cwd` when not given.
            agent: The agent or sub-agent that calls.
            call_id: The runtime's id of the call.
            pin: How the tool's definition compares with the one that was pinned; None when nobody compared.
            definition: What the server says of the tool (name, description, input schema, …), JSON-like. Its digest is
                recorded, and where no *pin* is given it is compared with the one that the policy pins and with the first
                one in the run, in a call or in the `tools` of `begin`: `new`, `ok`, `changed`, or `shadowed` when
                another server offers a tool of that name. Without it, what the last `begin` said of the tool counts.
                A guard that records nothing has nothing to compare with.

        Raises:
            InputError: *pin* is unknown, or the arguments cannot be held by JSON: NaN, other types, nesting beyond 127 levels.
        """
    def check_text(self, text: str | bytes, *, surface: _Surface = "tool_result", run: str | None = None) -> Decision:
        """
        Decide a text by itself.

        Raises:
            InputError: *text* is neither str nor bytes, or *surface* is unknown.
        """
    def outcome(
        self,
        decision: Decision,
        result: _Result = "ok",
        *,
        duration_ms: int | None = None,
        output: str | bytes | None = None,
        spend: dict[str, int] | None = None,
    ) -> str:
        """
        Record what became of a decision; *output* is scanned and only its digest is kept.

        Args:
            decision: What was decided.
            result: How the call ended.
            duration_ms: How long it took, in milliseconds.
            output: What it answered; its bytes are counted as `output_bytes`.
            spend: What it cost, in units of your own: `{"usd_micros": 1200, "tokens": 900}`. Counted as `spend:UNIT`.

        Returns:
            Id of the outcome's record.

        Raises:
            StoreError: It could not be recorded.
            InputError: *result* is unknown, or *spend* has more than 16 units or one that is no word of a-z, 0-9, `_.-`.
        """
    def begin(
        self,
        run: str | None = None,
        *,
        model: str | None = None,
        provider: str | None = None,
        version: str | None = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        trigger: Literal["human", "schedule", "agent"] | None = None,
        parent: str | None = None,
        cwd: str | PathLike[str] | None = None,
        workspace: str | PathLike[str] | None = None,
    ) -> bool:
        """
        Record what a run is before its first call, or that it is another one from here on (which begins an epoch). What is
        not given is not known, or as it was.

        Args:
            run: The runtime's name of the run; without one, this guard's own run.
            model: The model, as its provider names it.
            provider: Who provides it.
            version: The version of the agent.
            tools: Definitions of the tools that the agent can see, as the model gets them: each with a `name`, and the
                `server` it comes from where a name `mcp__SERVER__TOOL` does not tell. Names and digests are kept.
            trigger: What started the run.
            parent: The runtime's name of the run that started it.
            cwd: Absolute working directory; the process's own when not given.
            workspace: Root of the project; `cwd` when not given.

        Returns:
            Whether that was anything new.

        Raises:
            InputError: A tool has no name, or *trigger* is unknown.
            StoreError: It could not be recorded.
        """
    @property
    def policy_digest(self) -> str:
        """
        `sha256:…` of the policy in force.

        Raises:
            PolicyError: The active policy cannot be used.
        """
    def __enter__(self) -> Guard:
        """Returns itself; the end of the block ends the guard's own run, as crashed when an exception passes."""
    def __exit__(self, kind: object, value: object, traceback: object, /) -> Literal[False]: ...
    @property
    def home(self) -> PathLike[str] | None: ...

def scan(text: str | bytes, *, surface: _Surface = "tool_result") -> ScanResult:
    """
    Find and remove what a text should not contain. Any bytes will do: invalid UTF-8 is scanned as it stands.

    Raises:
        InputError: *text* is neither str nor bytes, or *surface* is unknown.
    """

def decide_json(facts: bytes, policy: bytes) -> bytes:
    """
    The core's verdict on recorded facts under a compiled policy, both as JSON.

    Raises:
        PolicyError: One of them cannot be used.
    """

def builtin_policy(name: str) -> bytes:
    """
    The compiled form (canonical JSON) of a policy that ships: `default`, `strict` or `observe`.

    Raises:
        PolicyError: No such policy ships.
    """

def check_own(own: str) -> list[str]:
    """What is wrong with tools and programs of one's own (see `Guard`), examples included; a sentence each."""

def tool_names() -> list[str]:
    """The names of tools that agent runtimes bring, as they write them."""

def finding_rules() -> list[str]:
    """The rule ids that a finding can have, of the packs that ship."""

def record_change(
    home: str | PathLike[str], kind: Literal["policy.activate", "mode.change", "note"], members: dict[str, Any]
) -> str:
    """
    Append what a person changed about the guard itself to the journal below *home*.

    Returns:
        Id of the record.

    Raises:
        StoreError: It could not be recorded; `store_bad_event` for a kind or a member that records do not have.
        InputError: *members* is no JSON value.
    """

def policy_table(policy: bytes) -> tuple[str, bytes]:
    """
    A compiled policy as a table that this build of the core loads fastest, and the name of that form.

    Raises:
        PolicyError: The policy cannot be used.
    """

def canonical_json(value: Any) -> bytes:
    """
    Canonical bytes (RFC 8785) of a JSON-like value, as the core writes them.

    Raises:
        InputError: JSON cannot hold the value.
    """

def understand_again(facts: bytes, *, own: str = "", commands: bytes | None = None) -> bytes:
    """
    What this core makes of the call or text in recorded facts, as facts in canonical JSON; run state and clock are kept.

    Catalogue and packs are those that ship. Nothing is recorded.

    Args:
        facts: As a record holds them.
        own: What the policy said about tools and programs, as for `Guard`.
        commands: The person's own commands, as the store kept them.

    Raises:
        InputError: They are no facts that this version knows.
        PolicyError: *own* or *commands* cannot be used.
    """

def index_rows(
    block: bytes,
    *,
    first: int,
    chain: int,
    line: int,
    at: int,
    shapes: dict[str, int],
    ending: Callable[[str | None, str | None], int],
) -> tuple[
    int,
    int,
    list[Any],
    list[tuple[int, int, int, bytes]],
    list[tuple[int, str]],
    tuple[int, int, int, int, int, int | None, int | None],
]:
    """
    The whole lines of a part of a log as rows of the reader's index (table `record` of `records.intake`).

    Args:
        block: Bytes of a log, from the beginning of a line on.
        first: Number of the first row.
        chain: Number of the log in the index.
        line: Number of the first line in the log, from 1.
        at: Where the block begins in the log, in bytes.
        shapes: Numbers of the known shapes by their key; new ones are added with the next numbers.
        ending: The number of a way in which a call ended, of what the runtime did and the result.

    Returns:
        Bytes of whole lines; how many lines that is; the values of the rows of decisions and outcomes, one row
        behind the other; `(n, line, at, bytes)` of lines that must be read with more patience; `(ending, decision)` of
        outcomes whose decision is in another block; decisions allowed, asked and denied, outcomes, odd outcomes, and the first and the last time.
    """

def about_decision(line: bytes) -> tuple[str, str, int, list[str]] | None:
    """
    What a list says of a decision, read from its line: what `json.loads`, `action_sentence` and some looking around say.

    Returns:
        Its id, the action that the first rule spoke about (or else the first) in plain words, how many other actions
        there are, and the ids of the rules that decided. None for everything else, and for a line that is not written
        as this core writes it.
    """

def follow_plain(block: bytes, begin: int, prev: bytes, stamp: bytes, most: int) -> tuple[int, int, bytes, bytes]:
    """
    As `armorer_guard.records.verify_lines.follow_plain`, which says what it does.

    The interpreter lock is released meanwhile.
    """

def action_sentence(action: bytes) -> str | None:
    """
    An action as a record holds it (JSON), in plain words: `would delete /home/u (recursive)`.

    None for what this core does not know as an action.
    """

def stop_run(
    guard: Guard,
    run: str | None = None,
    *,
    run_id: str | None = None,
    state: Literal["completed", "stopped", "killed", "crashed", "unknown"] = "completed",
    by: Literal["runtime", "person", "guard"] = "person",
    reason: str | None = None,
) -> bytes:
    """
    End a run by its id or by its runtime's name, the guard's own when neither is given; its end as JSON.

    Raises:
        StoreError: There is no such run, or it cannot be written.
    """

def write_checkpoint(guard: Guard, run_id: str | None = None) -> bytes:
    """
    State a run's log in the journal (when one is given) and sign the journal; the checkpoint as JSON.

    Raises:
        StoreError: There is no such run, or it cannot be written.
    """

def rotate_key(guard: Guard) -> str:
    """
    Use another key for checkpoints from here on; its public form.

    Raises:
        StoreError: It cannot be written.
    """

def public_key(guard: Guard) -> str:
    """
    The public key of checkpoints (C2SP verifier key). Made when there is none.

    Raises:
        StoreError: It cannot be read or written.
    """

def prune_runs(guard: Guard, run_ids: list[str], *, reason: str | None = None, policy: str | None = None) -> bytes:
    """
    Remove the logs of runs that have ended; what they were as JSON.

    Raises:
        StoreError: One of them has not ended, or something cannot be written.
    """

def forget_run(guard: Guard, run_id: str, *, reason: str | None = None) -> bytes:
    """
    Erase the payload of a run that has ended; what stands there now as JSON.

    Raises:
        StoreError: It has not ended, or something cannot be written.
    """

def record_event(guard: Guard, kind: str, members: dict[str, Any], *, run_id: str | None = None) -> str:
    """
    Append an event that no call brings (an approval, a grant, an activation, a remark), to the journal or to the log of a
    run that has begun; the id of its record.

    Raises:
        StoreError: Records have no such kind or member, or it cannot be written.
    """
