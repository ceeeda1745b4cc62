"""What every record of every kind has: the envelope, and the parts that are shared."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator

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
