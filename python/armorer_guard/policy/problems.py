"""
What is wrong with a policy: one sentence for people, a kind for programs, and the line where it stands.

A leaf: imports nothing of this package.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong."""

    file: str
    line: int | None
    """From one; None when no single line is to blame."""
    kind: str
    """Stable, for programs: `field_unknown`, `example_missed`, …"""
    message: str
    """Lower case, no final period."""
    hint: str | None = None
    """The remedy, when one is known."""

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        said = f"{where}: {self.message}"
        return said if self.hint is None else f"{said}\n  hint: {self.hint}"

    def as_json(self) -> dict[str, object]:
        """The problem for programs."""
        return {
            "file": self.file,
            "line": self.line,
            "kind": self.kind,
            "message": self.message,
            "hint": self.hint,
        }


class PolicyProblems(Exception):
    """A policy cannot be used. Holds every problem that was found, in the order of the file."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: (problem.file, problem.line or 0, problem.message))
        super().__init__("\n".join(str(problem) for problem in self.problems))
