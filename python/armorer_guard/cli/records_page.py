"""Pages of labelled lines: how one record, one explanation and one run are laid out. Knows no store."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from armorer_guard.cli.records_text import Screen, visible, wrap

_INDENT = 13

ENDINGS = {
    "enforced": "the runtime obeyed",
    "overridden": "the call ran although it was denied",
    "bypassed": "the call ran and nobody had decided it",
    "failed_open": "the runtime ran the call without waiting for the decision",
    "observed": "the guard only observed",
    "not_attempted": "the call was not attempted",
    "unknown": "whether the runtime obeyed cannot be told",
}
"""What a runtime did with a decision, in words."""


class Page:
    """Lines with a label on the left, wrapped to the terminal."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen

    def head(self, title: str) -> None:
        """A heading."""
        print(f"\n{self.screen.strong(title)}")

    def say(self, label: str, text: object, colour: str = "") -> None:
        """A labelled text that is visible already."""
        lines = wrap(str(text), self.screen.columns - _INDENT)
        for number, line in enumerate(lines):
            name = (f"  {label} " if number == 0 else "").ljust(_INDENT)
            print(f"{self.screen.faint(name) if label else name}{self.screen.paint(line, colour)}")

    def path(self, label: str, path: Path | str) -> None:
        """A path or a command, in one piece so that it can be copied."""
        print(self.screen.faint(f"  {label} ".ljust(_INDENT)) + visible(path))

    def tell(self, label: str, value: object) -> None:
        """A labelled value out of a record; what is null was not reported."""
        if value is None:
            self.say(label, "not reported", "2")
        else:
            self.say(label, visible(value))


@dataclass(frozen=True)
class Item:
    """A labelled line of a field: its text, or why there is none."""

    label: str
    text: str | None
    why: str | None = None
    colour: str = ""
    whole: bool = False
    """Not to be wrapped, so that it can be copied."""

    def show(self, page: Page) -> None:
        """Print it."""
        if self.text is None:
            page.say(self.label, f"not recorded: {self.why}", "2")
        elif self.whole:
            page.path(self.label, self.text)
        else:
            page.say(self.label, self.text, self.colour)


@dataclass
class Section:
    """A field of the operating record."""

    name: str
    """For programs."""
    title: str
    items: list[Item] = field(default_factory=list)

    def say(self, label: str, text: object, colour: str = "") -> None:
        """Something that is known; the text is visible already."""
        self.items.append(Item(label, str(text), colour=colour))

    def copyable(self, label: str, text: object) -> None:
        """A path or command."""
        self.items.append(Item(label, str(text), whole=True))

    def tell(self, label: str, value: object, why: str) -> None:
        """A value out of a record, or why it is not there."""
        if value is None or value == "" or value == [] or value == {}:
            self.items.append(Item(label, None, why))
        else:
            self.items.append(Item(label, visible(value)))

    def missing(self, label: str, why: str) -> None:
        """Something that is not there, and why."""
        self.items.append(Item(label, None, why))

    def as_json(self) -> dict[str, Any]:
        """For programs: `value` is null where nothing was recorded, and `why` says why."""
        return {
            "field": self.name,
            "title": self.title,
            "items": [{"label": item.label, "value": item.text, "why": item.why} for item in self.items],
        }

    def show(self, page: Page) -> None:
        """Print it."""
        page.head(self.title)
        for item in self.items:
            item.show(page)
