"""
Every kind of record as a pydantic model, and the JSON Schema made from them.

The models describe format version 1. They keep members they do not know, so that reading a record and writing it back
loses nothing, and refuse another major version only. What stands in a record is explained in `FORMAT.md`; members that
nobody told the writer are `None`, and so are members of kinds that this version of the guard does not write yet.

A model says what a record *means*. Whether it was changed is a matter of its stored bytes, which `verify` reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import Discriminator, Tag, TypeAdapter

from armorer_guard.records.model_base import (
    MAJOR,
    Blob,
    Digest,
    Effect,
    Part,
    Pointer,
    Record,
    Source,
)
from armorer_guard.records.model_call import (
    Action,
    Answer,
    Caller,
    Changed,
    Context,
    DecisionCall,
    DecisionRecord,
    Detector,
    Facts,
    Finding,
    Near,
    OutcomeCall,
    OutcomeError,
    OutcomeRecord,
    OutcomeSubject,
    Output,
    PolicyUsed,
    Redaction,
    Rule,
    RunState,
    Span,
    Spent,
    Subject,
    Target,
    Verdict,
)
from armorer_guard.records.model_run import (
    Agent,
    Config,
    ConfigFile,
    Coverage,
    DecisionCount,
    FilesDeclared,
    JournalRunStartRecord,
    JournalRunStopRecord,
    Model,
    Permissions,
    PolicyInForce,
    Principal,
    RunEpochRecord,
    RunInput,
    RunStartRecord,
    RunStopRecord,
    Runtime,
    Seal,
    Stop,
    Summary,
    Tools,
    ToolServer,
)
from armorer_guard.records.model_store import (
    Activated,
    ActivatedLayer,
    Anchored,
    AnchorRecord,
    ApprovalRequestRecord,
    ApprovalResultRecord,
    Approver,
    Binds,
    Checkpoint,
    CheckpointRecord,
    Component,
    ForgetRecord,
    Forgetting,
    ForgottenRecord,
    GapRecord,
    Grant,
    GrantRecord,
    InstallRecord,
    KeyRotateRecord,
    Left,
    Missing,
    ModeChangeRecord,
    NoteRecord,
    Operand,
    PolicyActivateRecord,
    Presented,
    Pruned,
    PruneRecord,
    Pruning,
    Recovered,
    RecoveryRecord,
    RevokeRecord,
    SigningKey,
    Stub,
    UninstallRecord,
)

__all__ = [
    "KINDS",
    "MAJOR",
    "Action",
    "Activated",
    "ActivatedLayer",
    "Agent",
    "AnchorRecord",
    "Anchored",
    "Answer",
    "AnyRecord",
    "ApprovalRequestRecord",
    "ApprovalResultRecord",
    "Approver",
    "Binds",
    "Blob",
    "Caller",
    "Changed",
    "Checkpoint",
    "CheckpointRecord",
    "Component",
    "Config",
    "ConfigFile",
    "Context",
    "Coverage",
    "DecisionCall",
    "DecisionCount",
    "DecisionRecord",
    "Detector",
    "Digest",
    "Effect",
    "Facts",
    "FilesDeclared",
    "Finding",
    "ForgetRecord",
    "Forgetting",
    "ForgottenRecord",
    "GapRecord",
    "Grant",
    "GrantRecord",
    "InstallRecord",
    "JournalRunStartRecord",
    "JournalRunStopRecord",
    "KeyRotateRecord",
    "Left",
    "Missing",
    "ModeChangeRecord",
    "Model",
    "Near",
    "NoteRecord",
    "Operand",
    "OtherRecord",
    "OutcomeCall",
    "OutcomeError",
    "OutcomeRecord",
    "OutcomeSubject",
    "Output",
    "Part",
    "Permissions",
    "Pointer",
    "PolicyActivateRecord",
    "PolicyInForce",
    "PolicyUsed",
    "Presented",
    "Principal",
    "PruneRecord",
    "Pruned",
    "Pruning",
    "Record",
    "Recovered",
    "RecoveryRecord",
    "Redaction",
    "RevokeRecord",
    "Rule",
    "RunEpochRecord",
    "RunInput",
    "RunStartRecord",
    "RunState",
    "RunStopRecord",
    "Runtime",
    "Seal",
    "SigningKey",
    "Source",
    "Span",
    "Spent",
    "Stop",
    "Stub",
    "Subject",
    "Summary",
    "Target",
    "ToolServer",
    "Tools",
    "UninstallRecord",
    "Verdict",
    "json_schema",
    "parse",
    "stored_form",
]


class OtherRecord(Record):
    """A kind this program does not know. It is kept, shown and verified like any other."""


def _tag(value: Any) -> str:
    """Which model describes a record: its kind, except for what the journal says of runs."""
    if isinstance(value, Mapping):
        kind, in_journal = value.get("kind"), "first" in value or ("seal" in value and "stop" not in value)
    else:
        kind = getattr(value, "kind", None)
        in_journal = isinstance(value, JournalRunStartRecord | JournalRunStopRecord)
    if isinstance(value, ForgottenRecord) or (isinstance(value, Mapping) and value.get("forgotten") is True):
        return "forgotten"
    if in_journal and kind in ("run.start", "run.stop"):
        return f"journal {kind}"
    return kind if isinstance(kind, str) and kind in KINDS else "other"


AnyRecord: TypeAlias = Annotated[
    Annotated[RunStartRecord, Tag("run.start")]
    | Annotated[JournalRunStartRecord, Tag("journal run.start")]
    | Annotated[RunEpochRecord, Tag("run.epoch")]
    | Annotated[RunStopRecord, Tag("run.stop")]
    | Annotated[JournalRunStopRecord, Tag("journal run.stop")]
    | Annotated[DecisionRecord, Tag("decision")]
    | Annotated[OutcomeRecord, Tag("outcome")]
    | Annotated[ApprovalRequestRecord, Tag("approval.request")]
    | Annotated[ApprovalResultRecord, Tag("approval.result")]
    | Annotated[GrantRecord, Tag("grant")]
    | Annotated[RevokeRecord, Tag("revoke")]
    | Annotated[PolicyActivateRecord, Tag("policy.activate")]
    | Annotated[ModeChangeRecord, Tag("mode.change")]
    | Annotated[InstallRecord, Tag("install")]
    | Annotated[UninstallRecord, Tag("uninstall")]
    | Annotated[GapRecord, Tag("gap")]
    | Annotated[RecoveryRecord, Tag("recovery")]
    | Annotated[CheckpointRecord, Tag("checkpoint")]
    | Annotated[AnchorRecord, Tag("anchor")]
    | Annotated[KeyRotateRecord, Tag("key.rotate")]
    | Annotated[PruneRecord, Tag("prune")]
    | Annotated[ForgetRecord, Tag("forget")]
    | Annotated[ForgottenRecord, Tag("forgotten")]
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
        "forget",
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


def stored_form(record: Part) -> dict[str, Any]:
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
