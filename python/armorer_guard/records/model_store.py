"""Kinds about the store itself and what surrounds runs: approvals, policy, installation, integrity, retention."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from armorer_guard.records.model_base import Blob, Digest, Part, Record
from armorer_guard.records.model_run import Seal

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
    """What is not in the log: records that were there (`shortened`), or decisions that could not be recorded."""

    reason: str = Field(description="`shortened`, or `unrecorded`")
    expected_seq: int | None = None
    expected_hash: Digest | None = None
    count: int | None = Field(default=None, description="decisions that could not be recorded")
    answered: dict[str, int] = Field(default={}, description="how many of them were answered with each effect")
    errors: dict[str, int] = Field(default={}, description="how often each error came up")
    since: str | None = Field(default=None, description="when the first of them was made")
    until: str | None = Field(default=None, description="when the last of them was made")


class GapRecord(Record):
    """Something is not in the log that should be."""

    kind: Literal["gap"]
    gap: Missing


# approvals and grants


class Operand(Part):
    """A file that an approved action would use, as it was when it was shown."""

    path: str
    digest: Digest | None = None


class Binds(Part):
    """What an approval is about: when any of it is another, the approval is void."""

    args: Digest | None = None
    cwd: str | None = None
    operands: list[Operand] = []
    tools: Digest | None = None
    policy: str | None = None
    epoch: int | None = None


class Presented(Part):
    """What the person was shown."""

    digest: Digest
    renderer_v: str | None = None


class ApprovalRequestRecord(Record):
    """A person was asked about one exact action."""

    kind: Literal["approval.request"]
    decision: str
    action_digest: Digest
    binds: Binds | Blob
    presented: Presented | Blob
    options: list[str]
    ttl_ms: int | None = None
    by: list[str] = []
    quorum: int = 1


class Approver(Part):
    """Who answered, and how that is known."""

    principal: str | None = None
    auth: str | None = None
    device: str | None = None
    uid: int | None = None
    ancestry: str | None = None


class Grant(Part):
    """A standing permission: for what, how long, how often."""

    id: str
    scope: str | None = None
    match: JsonValue = None
    expires: str | None = None
    uses: int | None = None
    max_uses: int | None = None


class ApprovalResultRecord(Record):
    """How that question ended; expiry is neither approval nor denial."""

    kind: Literal["approval.result"]
    request: str
    state: Literal["approved", "denied", "edited", "expired", "cancelled", "superseded", "invalidated"]
    by: Approver | Blob | None = None
    latency_ms: int | None = None
    choice: str | None = None
    edited_action_digest: Digest | None = None
    grant: Grant | Blob | None = None
    consumed_by: str | None = None


class GrantRecord(Record):
    """A standing permission was given."""

    kind: Literal["grant"]
    grant: Grant | Blob


class RevokeRecord(Record):
    """A grant was taken back."""

    kind: Literal["revoke"]
    grant_id: str
    reason: str | None = None


# policy and installation


class ActivatedLayer(Part):
    """One of the files a policy was made from."""

    layer: str
    file: str | None = None
    digest: Digest | None = None
    trusted_by: str | None = None


class Activated(Part):
    """The policy that is in force from here on."""

    digest: str
    id: str | None = None
    previous: str | None = None
    layers: list[ActivatedLayer] = []
    rules: int | None = None


class PolicyActivateRecord(Record):
    """Another policy is in force from here on."""

    kind: Literal["policy.activate"]
    policy: Activated | Blob


class ModeChangeRecord(Record):
    """The guard enforces, or only observes, from here on."""

    kind: Literal["mode.change"]
    mode: Literal["enforce", "observe"]
    previous: Literal["enforce", "observe"] | None = None
    reason: str | None = None


class Component(Part):
    """One thing that was put into another program's configuration."""

    path: str
    action: Literal["create", "edit", "symlink", "service", "remove", "restore"]
    before_digest: Digest | None = None
    after_digest: Digest | None = None
    patch_digest: Digest | None = None
    owner: str | None = None


class Left(Part):
    """Something that stays after uninstalling, and why."""

    path: str
    why: str


class InstallRecord(Record):
    """What the product wrote into other programs' configuration."""

    kind: Literal["install"]
    agent: str | None = None
    components: list[Component] | Blob


class UninstallRecord(Record):
    """What of it was taken back, and what was left."""

    kind: Literal["uninstall"]
    agent: str | None = None
    components: list[Component] | Blob
    restored: bool | None = None
    left: list[Left] | Blob = []


# integrity and retention: in the journal


class Checkpoint(Part):
    """A signed statement of the journal's length and root."""

    size: int = Field(ge=0, description="records of the journal that it states")
    root: str = Field(description="RFC 6962 root over their hashes, in base64 as the note has it")
    key: str = Field(description="which key signed: eight hexadecimal digits")
    note: str = Field(description="the whole C2SP tlog-checkpoint, a signed note")


class CheckpointRecord(Record):
    """The journal's length and root, signed; or (`seal`) the length of a run that goes on."""

    kind: Literal["checkpoint"]
    checkpoint: Checkpoint | None = None
    seal: Seal | None = None


class Anchored(Part):
    """Where a checkpoint was left, out of this program's reach."""

    kind: Literal["trailer", "file", "command"]
    where: str | None = None
    size: int
    root: str


class AnchorRecord(Record):
    """A checkpoint was deposited where this program cannot change it."""

    kind: Literal["anchor"]
    anchor: Anchored


class SigningKey(Part):
    """A key for checkpoints; `statement` is this key's name signed by the one before."""

    use: Literal["checkpoint"]
    alg: Literal["ed25519"]
    id: str
    public: str = Field(description="C2SP verifier key: name, key hash and public key")
    previous: str | None = None
    statement: str | None = Field(default=None, description="signed note of the key before: its text is `public`")


class KeyRotateRecord(Record):
    """Another key is used from here on; the first one introduces itself."""

    kind: Literal["key.rotate"]
    key: SigningKey


class Pruned(Part):
    """A run whose log was removed: what it was."""

    run: str
    count: int
    bytes: int
    head: Digest
    root: Digest
    first_ts: str | None = None
    last_ts: str | None = None


class Pruning(Part):
    """Which runs were removed, by which rule."""

    runs: list[Pruned]
    reason: str | None = None
    policy: str | None = None


class PruneRecord(Record):
    """Whole runs were removed on purpose."""

    kind: Literal["prune"]
    prune: Pruning


class Stub(Part):
    """The file that stands in place of a log whose payload was erased."""

    bytes: int
    digest: Digest


class Forgetting(Part):
    """Whose payload was erased: the log as it was, and what stands there now."""

    seal: Seal
    stub: Stub
    objects: list[Digest] = Field(default=[], description="objects that no other record names, erased with it")
    reason: str | None = None


class ForgetRecord(Record):
    """The payload of a run was erased on purpose; its chain stays."""

    kind: Literal["forget"]
    forget: Forgetting


class ForgottenRecord(Part):
    """A stub: what is left of a record whose payload was erased."""

    v: str
    forgotten: Literal[True]
    kind: str
    id: str
    store: str
    run: str
    seq: int = Field(ge=0)
    ts: str
    prev: Digest
    hash: Digest


class NoteRecord(Record):
    """A remark of a person or a program."""

    kind: Literal["note"]
    note: JsonValue = None
