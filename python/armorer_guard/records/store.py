"""
Read-only access to a store: where it lies, its runs, lines and objects.

Opens nothing for writing and takes no lock. Lines are handed out as they are stored; who wants to know whether they
were changed asks `verify`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from armorer_guard.records.files import MAX_LINE, members, open_regular, run_files, store_id

_OBJECT = re.compile(r"sha256:([0-9a-f]{64})")
_BLOCK = 1 << 16


class StoreMissing(Exception):
    """There is no store where one was looked for; the message is for people."""


def guard_home() -> Path:
    """
    Where store, policy and keys live, as the core finds it.

    `ARMORER_GUARD_HOME`, else `armorer-guard` below `XDG_STATE_HOME` (when absolute), else below `~/.local/state`.
    """
    if named := os.environ.get("ARMORER_GUARD_HOME"):
        return Path.cwd() / named
    state = os.environ.get("XDG_STATE_HOME", "")
    base = Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state"
    return base / "armorer-guard"


@lru_cache(maxsize=64)
def _path(root: Path, chain: str) -> Path:
    """Asked for every record that is read: making a path takes longer than opening it."""
    return root / "journal.jsonl" if chain == "journal" else root / "runs" / f"{chain}.jsonl"


@dataclass(frozen=True)
class Stored:
    """A line of a log, without its newline, and where it stands: line from 1, byte from 0."""

    chain: str
    line: bytes
    number: int
    offset: int

    @property
    def members(self) -> dict[str, Any] | None:
        """What the line says, or None when it is no JSON object."""
        return members(self.line)


@dataclass(frozen=True)
class Store:
    """A store on the disk."""

    root: Path
    id: str

    @classmethod
    def open(cls, home: Path | None = None) -> Store:
        """
        The store below *home* (`guard_home()` when not given).

        Raises:
            StoreMissing: There is none.
        """
        home = home or guard_home()
        root = home / "store"
        if not root.is_dir():
            raise StoreMissing(f"there are no records in `{home}`")
        # A store whose id was lost can still be read; `verify` says what is wrong with it.
        return cls(root, store_id(root) or "")

    def runs(self) -> dict[str, Path]:
        """The log of every run, by run id."""
        return run_files(self.root)

    def path(self, chain: str) -> Path:
        """The log of a run, or of `journal`."""
        return _path(self.root, chain)

    def name(self, chain: str) -> str:
        """Where a log lies, as seen from the store's root."""
        return self.path(chain).relative_to(self.root).as_posix()

    def lines(self, chain: str, offset: int = 0, number: int = 1) -> Iterator[Stored]:
        """
        The whole lines of a log from a byte and line number on. A last line without newline is left out, and so is a
        line that is longer than any record.

        Raises:
            OSError: The file cannot be read.
        """
        with open_regular(self.path(chain)) as file:
            file.seek(offset)
            held, skipping = b"", False
            while block := file.read(_BLOCK):
                pieces = (held + block).split(b"\n")
                held = pieces.pop()
                for line in pieces:
                    if not skipping and len(line) < MAX_LINE:
                        yield Stored(chain, line, number, offset)
                    skipping = False
                    number += 1
                    offset += len(line) + 1
                if len(held) >= MAX_LINE:
                    offset += len(held)
                    held, skipping = b"", True

    def unrecorded(self) -> list[dict[str, Any]]:
        """What the journal says of decisions that could not be recorded: the `gap` of each such record."""
        try:
            lines = [stored for stored in self.lines("journal") if b'"kind":"gap"' in stored.line]
        except OSError:
            return []
        found = [(stored.members or {}).get("gap") for stored in lines]
        return [gap for gap in found if isinstance(gap, dict) and isinstance(gap.get("count"), int)]

    def read(self, chain: str, offset: int, length: int) -> bytes:
        """
        Some bytes of a log; fewer when it ends before.

        Raises:
            OSError: The file cannot be read.
        """
        with open_regular(self.path(chain)) as file:
            file.seek(offset)
            return file.read(length)

    def object(self, digest: str) -> bytes | None:
        """An object's bytes; None when it is not there, cannot be read, or does not hold what its name says."""
        found = _OBJECT.fullmatch(digest)
        if found is None:
            return None
        try:
            with open_regular(self.root / "objects" / found[1][:2] / found[1]) as file:
                content = b"".join(iter(lambda: file.read(1 << 20), b""))
        except OSError:
            return None
        return content if hashlib.sha256(content).hexdigest() == found[1] else None

    def whole(self, record: dict[str, Any], *, without: str | None = None) -> tuple[dict[str, Any], list[str]]:
        """
        A record with the members put back that were moved to objects, and the pointers of those that are lost.

        The record that is given stays as it is. What the pointer *without* names is left where it is.
        """
        pointers = record.get("blobs")
        lost: list[str] = []
        copy: dict[str, Any] = dict(record)
        # The outer ones first: what was moved may hold what had been moved before.
        for pointer in sorted(pointers, key=lambda pointer: len(str(pointer))) if isinstance(pointers, list) else ():
            if pointer == without:
                continue
            *parents, last = str(pointer).split("/")[1:] or [""]
            holder = copy
            for name in parents:
                inner = holder.get(name)
                holder[name] = dict(inner) if isinstance(inner, dict) else {}
                holder = holder[name]
            value = holder.get(last)
            digest = value.get("$blob") if isinstance(value, dict) else None
            content = self.object(digest) if isinstance(digest, str) else None
            try:
                holder[last] = json.loads(content) if content is not None else value
            except (ValueError, RecursionError):
                content = None
            if content is None:
                lost.append(str(pointer))
        return copy, lost
