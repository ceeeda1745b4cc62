"""What a verification finds: verdicts with their exit codes, problems with their places, and the report of a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

MOST_PROBLEMS: Final = 50
"""Problems listed for one chain; an editor that changed every line end would else fill the screen."""


@dataclass(frozen=True)
class VerdictKind:
    """A name for what was found, what it means, and the exit code for programs."""

    name: str
    exit_code: int
    meaning: str


VERDICTS: Final = {
    kind.name: kind
    for kind in (
        # Gravest first: a report is called by the gravest thing in it.
        VerdictKind("edited", 12, "the bytes of a record or object are not those that were hashed"),
        VerdictKind("rewritten", 15, "a record was replaced by another one that is sound by itself"),
        VerdictKind("forked", 14, "two records continue the same one"),
        VerdictKind("missing", 13, "records, a run or an object that are named elsewhere are not there"),
        VerdictKind("truncated", 11, "records were cut from the end of a log"),
        VerdictKind("key_unknown", 20, "a checkpoint is signed with a key that nothing vouches for"),
        VerdictKind("unreadable", 18, "a file cannot be read"),
        VerdictKind("torn_tail", 10, "the last line was not finished; the next writer moves it aside"),
        VerdictKind("clock_step", 16, "the wall clock was set while records were written; their order is not in doubt"),
        VerdictKind("pruned", 19, "runs were removed, or their payload erased, and the journal says so"),
        VerdictKind("unsealed_tail", 17, "nothing states where the log ends; only an anchor would show a cut"),
        VerdictKind("ok", 0, "every record is there, unchanged and in order"),
    )
}
NOTES: Final = frozenset({"clock_step", "pruned", "unsealed_tail"})
"""Verdicts that alone do not fail a verification, unless they are asked to."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where: file, line from 1, byte from 0."""

    verdict: str
    chain: str
    file: str
    sentence: str
    line: int | None = None
    byte: int | None = None
    seq: int | None = None


@dataclass(frozen=True)
class Anchor:
    """The hash that a record of a chain is known to have, and who knows it: best a place the owner cannot change."""

    chain: str
    seq: int
    hash: str
    source: str = "the anchor"


@dataclass(frozen=True)
class RootAnchor:
    """The root that the journal is known to have had when it held so many records: what a checkpoint states."""

    size: int
    root: bytes
    source: str = "the anchor"


@dataclass
class ChainReport:
    """What one file says."""

    chain: str
    file: str
    records: int = 0
    bytes: int = 0
    head: str | None = None
    first_id: str | None = None
    sealed: bool = False
    """Whether the journal states where it ends."""
    forgotten: int = 0
    """How many of its records are stubs whose payload was erased."""
    recovered: int = 0
    unrecorded: int = 0
    """How many decisions it says could not be recorded."""
    problems: list[Problem] = field(default_factory=list)
    more_problems: int = 0
    notes: list[Problem] = field(default_factory=list)

    def add(self, problem: Problem) -> None:
        """Keep a problem, or count it when there are too many."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)
        else:
            self.more_problems += 1


@dataclass
class Report:
    """What a store says."""

    store: str | None
    chains: list[ChainReport] = field(default_factory=list)
    own_problems: list[Problem] = field(default_factory=list)
    own_notes: list[Problem] = field(default_factory=list)
    objects: int = 0
    checkpoints: int = 0
    elapsed_s: float = 0.0

    @property
    def problems(self) -> list[Problem]:
        """Everything that is wrong, store first, then chain by chain."""
        return self.own_problems + [problem for chain in self.chains for problem in chain.problems]

    @property
    def notes(self) -> list[Problem]:
        """What is worth knowing and no failure."""
        return self.own_notes + [note for chain in self.chains for note in chain.notes]

    @property
    def records(self) -> int:
        """How many records were followed."""
        return sum(chain.records for chain in self.chains)

    @property
    def verdict(self) -> VerdictKind:
        """The gravest thing found; `ok` when nothing is wrong."""
        found = {problem.verdict for problem in self.problems}
        return next((kind for name, kind in VERDICTS.items() if name in found), VERDICTS["ok"])

    def strict_verdict(self) -> VerdictKind:
        """As `verdict`, with notes counted as failures."""
        found = {problem.verdict for problem in self.problems + self.notes}
        return next((kind for name, kind in VERDICTS.items() if name in found), VERDICTS["ok"])

    @property
    def heads(self) -> list[Anchor]:
        """The last record of each chain: what an anchor holds."""
        return [Anchor(chain.chain, chain.records - 1, chain.head) for chain in self.chains if chain.head]


def report_as_json(report: Report) -> Mapping[str, Any]:
    """A report for programs."""
    verdict = report.verdict

    def listed(problem: Problem) -> dict[str, Any]:
        return {name: getattr(problem, name) for name in Problem.__dataclass_fields__}

    return {
        "verdict": verdict.name,
        "meaning": verdict.meaning,
        "exit_code": verdict.exit_code,
        "store": report.store,
        "records": report.records,
        "objects": report.objects,
        "checkpoints": report.checkpoints,
        "elapsed_s": round(report.elapsed_s, 6),
        "problems": [listed(problem) for problem in report.problems],
        "more_problems": sum(chain.more_problems for chain in report.chains),
        "notes": [listed(note) for note in report.notes],
        "chains": [
            {
                "chain": chain.chain,
                "file": chain.file,
                "records": chain.records,
                "bytes": chain.bytes,
                "head": chain.head,
                "recovered": chain.recovered,
                "unrecorded": chain.unrecorded,
                "sealed": chain.sealed,
                "forgotten": chain.forgotten,
                "verdict": next((n for n in VERDICTS if n in {p.verdict for p in chain.problems}), "ok"),
            }
            for chain in report.chains
        ],
    }
