"""Stores made by hand, by a second writer that knows FORMAT.md only."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from armorer_guard.records import verify_chain

GOLDEN = Path(__file__).parents[1] / "data" / "records" / "golden" / "store"
STORE = "000102030405060708090a0b0c0d0e0f"
RUN = "28308659-b352-8427-8898-e4670ea8ee16"
OTHER_RUN = "11111111-2222-8333-8444-555555555555"


@pytest.fixture(autouse=True)
def no_terminal_is_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are as wide as they are when nobody says how wide the screen is."""
    for name in ("COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def no_writer_is_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody needs to be waited for."""
    monkeypatch.setattr(verify_chain, "PATIENCE_S", 0)


def digest(data: bytes) -> str:
    """A digest as records write it."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def canonical(value: Any) -> bytes:
    """Canonical JSON, for values without floats."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def seal(members: dict[str, Any]) -> bytes:
    """The line of a record, newline included."""
    body = canonical({name: value for name, value in members.items() if name != "hash"})[:-1]
    found = digest(b"armorer-record/1\n" + members["prev"].encode() + body)
    return body + f',"hash":"{found}"}}\n'.encode()


@dataclass
class Log:
    """A chain in the making."""

    chain: str
    store: str = STORE
    lines: list[bytes] = field(default_factory=list)

    @property
    def prev(self) -> str:
        """What the next record continues."""
        if self.lines:
            return str(json.loads(self.lines[-1])["hash"])
        return digest(f"armorer-genesis/1\n{self.store}\n{self.chain}".encode())

    def add(self, kind: str = "note", **members: Any) -> dict[str, Any]:
        """Append a record; members that are given replace those of the envelope."""
        seq = len(self.lines)
        record = {
            "boot": "b",
            "id": f"019ab000-0000-7000-8000-{seq:012x}",
            "kind": kind,
            "mono": 10**9 * (100 + seq),
            "prev": self.prev,
            "run": self.chain,
            "seq": seq,
            "src": {"adapter": "test", "adapter_v": "0", "pid": 1, "ppid": None, "uid": 0},
            "store": self.store,
            "ts": f"2026-11-22T09:{seq // 60:02}:{seq % 60:02}.000000Z",
            "v": "1.0",
            **members,
        }
        self.lines.append(seal(record))
        return record

    def bytes(self) -> bytes:
        """The file."""
        return b"".join(self.lines)


@dataclass
class HandMade:
    """A store on the disk, with one run of a few records."""

    root: Path
    run: Log
    journal: Log

    @property
    def run_path(self) -> Path:
        """Log of the run."""
        return self.root / "runs" / f"{RUN}.jsonl"

    @property
    def journal_path(self) -> Path:
        """The journal."""
        return self.root / "journal.jsonl"

    def write(self) -> None:
        """Put everything on the disk."""
        (self.root / "runs").mkdir(parents=True, exist_ok=True)
        (self.root / "id").write_text(STORE + "\n")
        self.run_path.write_bytes(self.run.bytes())
        self.journal_path.write_bytes(self.journal.bytes())

    def write_run(self, *lines: bytes) -> None:
        """Put these lines into the run's log instead."""
        self.run_path.write_bytes(b"".join(lines))


@pytest.fixture
def store(tmp_path: Path) -> HandMade:
    """A run of six records, named in the journal."""
    made = HandMade(tmp_path / "store", Log(RUN), Log("journal"))
    first = made.run.add("run.start")
    for number in range(5):
        made.run.add(note=f"note {number} with \"quotes\" and 'é'")
    made.journal.add("run.start", run=RUN, first=first["id"], agent="test", policy=None)
    made.write()
    return made


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    """A copy of the golden store."""
    return Path(shutil.copytree(GOLDEN, tmp_path / "golden"))
