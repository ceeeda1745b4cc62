"""
How records are put into words and columns: escapes, widths, times, tables, errors. Knows no store and no command.

Recorded text is hostile: everything that comes out of a record goes through `visible` before it is printed, so that it
cannot move a cursor, hide or turn text, or start a line of its own.
"""

from __future__ import annotations

import os
import re
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, Final, NamedTuple, TextIO

EFFECT_COLOURS: Final = {"allow": "32", "ask": "33", "deny": "31"}
ODD: Final = frozenset({"overridden", "bypassed", "failed_open"})
"""What a runtime did that it should not have done."""

_WORTH_A_BAR = 32 << 20
"""Bytes below which the work is over before a bar could be read."""
_WORTH_A_BAR_COUNTED = 500
"""The same for decisions that are taken again."""
_NAMED = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u0600-\u0605\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
"""Control characters, the format characters that hide or turn text, fillers, and unpaired surrogates."""


class CommandError(Exception):
    """A command that cannot be carried out: a sentence for people, perhaps a hint, and the exit code."""

    def __init__(self, message: str, hint: str | None = None, exit_code: int = 2) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code


def complain(error: CommandError) -> int:
    """Say on standard error what is wrong; returns the exit code."""
    print(f"armorer-guard: {visible(error.message)}", file=sys.stderr)
    if error.hint:
        print(f"hint: {visible(error.hint)}", file=sys.stderr)
    return error.exit_code


def visible(text: object) -> str:
    """The text with everything that a terminal would act on, or that a reader would not see, written as an escape."""
    shown = str(text)
    if shown.isascii() and shown.isprintable():
        return shown
    return _HIDDEN.sub(lambda found: _NAMED.get(found[0]) or f"\\u{{{ord(found[0]):x}}}", shown)


def width(text: str) -> int:
    """How many columns a text takes on a terminal."""
    return len(text) if text.isascii() else sum(map(_columns, text))


@lru_cache(maxsize=1_024)
def _columns(char: str) -> int:
    return 0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1


def fit(text: str, columns: int) -> str:
    """The text, or as much of its beginning as fits, with an ellipsis."""
    if len(text) <= columns and width(text) <= columns:
        return text
    if text.isascii():
        return text[: max(columns - 1, 0)].rstrip() + "…" * (columns > 0)
    kept, used = [], 1
    for char in text[:columns]:
        used += width(char)
        if used > columns:
            break
        kept.append(char)
    return "".join(kept).rstrip() + "…" if columns > 0 else ""


def wrap(text: str, columns: int) -> list[str]:
    """The text in lines of at most so many columns, broken at spaces where there are any."""
    if len(text) <= columns and text.isascii() and not text.startswith(" "):
        return [text]
    lines, line = [], ""
    for word in text.split(" "):
        while width(word) > columns:
            room = columns - (width(line) + 1 if line else 0)
            if room < 8:
                lines.append(line)
                line, room = "", columns
            head = word[:room]
            while width(head) > room:
                head = head[:-1]
            line, word = f"{line} {head}" if line else head, word[len(head) :]
            lines.append(line)
            line = ""
        if line and width(line) + 1 + width(word) > columns:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line] if line or not lines else lines


@dataclass(frozen=True)
class Screen:
    """What is known of the reader's terminal."""

    columns: int
    colours: bool

    @classmethod
    def of(cls, stream: TextIO) -> Screen:
        """The terminal behind a stream; where there is none, 120 columns (or `COLUMNS`) and no colours."""
        terminal = stream.isatty()
        columns = _given_columns() or (_terminal_columns(stream) if terminal else 0) or 120
        colours = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return cls(max(columns, 60), colours)

    def paint(self, text: str, code: str) -> str:
        """The text in a colour, where there are colours."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.colours and code else text

    def strong(self, text: str) -> str:
        """The text emphasised."""
        return self.paint(text, "1")

    def faint(self, text: str) -> str:
        """The text held back."""
        return self.paint(text, "2")

    def effect(self, effect: object, padded: int = 0) -> str:
        """An effect in its colour."""
        return self.paint(visible(effect).ljust(padded), EFFECT_COLOURS.get(str(effect), ""))


def _given_columns() -> int:
    """What `COLUMNS` says; 0 where it says nothing."""
    given = os.environ.get("COLUMNS", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 6 else 0


def _terminal_columns(stream: TextIO) -> int:
    # `shutil` knows this too, and brings compression with it: half as long as listing records.
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return 0


class Cell(NamedTuple):
    """A text in a table, and its colour."""

    text: str
    colour: str = ""


_LEAST: Final = 12
"""Columns that the flexible part of a table has at least."""


def table(
    screen: Screen, heads: Sequence[str], rows: Sequence[Sequence[Cell]], flexible: int, spare: Sequence[int] = ()
) -> Iterable[str]:
    """
    Lines of a table; every column is as wide as its contents, and the flexible one takes what is left.

    Contents must be visible already.

    Args:
        screen: The reader's terminal.
        heads: What stands above each column.
        rows: Texts, as many in each row as there are heads.
        flexible: The column that is cut short where there is no room.
        spare: Columns that a narrow terminal goes without, in this order.
    """
    lines = [[(cell, width(cell.text)) for cell in row] for row in [[Cell(head, "2") for head in heads], *rows]]
    widths = [max(line[at][1] for line in lines) for at in range(len(heads))]
    kept = [*range(len(heads))]
    for at in spare:
        least = max(min(widths[flexible], 2 * _LEAST), _LEAST)
        needed = sum(widths[one] for one in kept if one != flexible) + least
        if needed + 2 * (len(kept) - 1) <= screen.columns:
            break
        kept.remove(at)
    others = sum(widths[at] for at in kept if at != flexible) + 2 * (len(kept) - 1)
    widths[flexible] = max(min(widths[flexible], screen.columns - others), _LEAST)
    shown = [widths[at] for at in kept]
    for line in lines:
        yield _line(screen, [line[at] for at in kept], shown)


def _line(screen: Screen, cells: Sequence[tuple[Cell, int]], widths: Sequence[int]) -> str:
    """Cells, each with the columns that it takes, in columns of these widths."""
    parts = []
    for ((text, colour), taken), columns in zip(cells, widths, strict=True):
        if taken > columns:
            text = fit(text, columns)
            taken = width(text)
        parts.append(screen.paint(text, colour) + " " * (columns - taken))
    return "  ".join(parts).rstrip()


def progress_bar(what: str, noun: str | None = None) -> Callable[[int, int], None] | None:
    """
    A line on standard error that says how far something is: a function of what is done and what there is to do.

    None where nobody watches. Of little to do nothing is shown.

    Args:
        what: What is being done.
        noun: What is counted, in the plural; bytes when not given.
    """
    if not sys.stderr.isatty():
        return None
    worth = _WORTH_A_BAR if noun is None else _WORTH_A_BAR_COUNTED
    started = time.monotonic()
    shown = 0.0

    def show(done: int, total: int) -> None:
        nonlocal shown
        now = time.monotonic()
        if done >= total:
            sys.stderr.write("\r\x1b[K" if shown else "")
            shown = 0.0
        elif total > worth and now - shown > 0.1:
            shown = now
            bar = "#" * (30 * done // total)
            left = (now - started) / max(done, 1) * (total - done)
            how_far = f"{size(done)} of {size(total)}" if noun is None else f"{done:,} of {total:,} {noun}"
            sys.stderr.write(f"\r{what} [{bar:.<30}] {how_far}, {left:.0f} s left\x1b[K")
        sys.stderr.flush()

    return show


# times

_AGO = re.compile(r"(\d{1,6})\s*(s|m|min|h|d|w)")
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def local_time(ts_us: int) -> datetime | None:
    """Microseconds since 1970 as a local time; None where that is no time."""
    try:
        return datetime.fromtimestamp(ts_us / 1e6, timezone.utc).astimezone() if ts_us else None
    except (ValueError, OverflowError, OSError):
        return None


def local_now() -> datetime:
    """The moment at which all this is read."""
    return datetime.now().astimezone()


def short_time(ts_us: int, now: datetime | None = None) -> str:
    """A time for a column: what today's reader needs of it."""
    when = local_time(ts_us)
    if when is None:
        return "?"
    now = now or local_now()
    if when.date() == now.date():
        return when.strftime("%H:%M:%S")
    return when.strftime("%m-%d %H:%M:%S" if when.year == now.year else "%Y-%m-%d %H:%M")


def long_time(ts_us: int) -> str:
    """A time in full, local, with its zone and how long ago it was."""
    when = local_time(ts_us)
    if when is None:
        return "at an unknown time"
    ago = local_now() - when
    return f"{when.strftime('%Y-%m-%d %H:%M:%S %Z')} ({duration(ago)} ago)" if ago > timedelta(0) else f"{when:%c}"


def duration(passed: timedelta) -> str:
    """A length of time in its largest unit."""
    seconds = int(passed.total_seconds())
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}{'s' * (count != 1)}"
    return f"{seconds} second{'s' * (seconds != 1)}"


def parse_time(text: str, now: datetime | None = None) -> int:
    """
    A point in time as a person gives it, in microseconds since 1970.

    `7d`, `2h`, `30m` mean so long ago; `today`, `yesterday` their beginning; else ISO 8601, local without a zone.

    Raises:
        ValueError: It is none of these.
    """
    now = now or local_now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if found := _AGO.fullmatch(text.strip()):
        return int((now.timestamp() - int(found[1]) * _UNITS[found[2]]) * 1e6)
    match text.strip().lower():
        case "now":
            when = now
        case "today":
            when = midnight
        case "yesterday":
            when = midnight - timedelta(days=1)
        case given:
            when = datetime.fromisoformat(given.upper().replace("Z", "+00:00"))
    return int((when if when.tzinfo else when.astimezone()).timestamp() * 1e6)


# what records say, in words


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def size(count: object) -> str:
    """A number of bytes for people."""
    if not isinstance(count, int):
        return "an unknown number of bytes"
    value, units = float(count), ["bytes", "kB", "MB", "GB", "TB"]
    while value >= 1_000 and len(units) > 1:
        value, units = value / 1_000, units[1:]
    return counted(count, "byte") if units[0] == "bytes" else f"{value:.1f} {units[0]}"


def part(record: object, name: str) -> dict[str, Any]:
    """A member that is an object, or an empty one."""
    found = record.get(name) if isinstance(record, dict) else None
    return found if isinstance(found, dict) else {}


def parts(record: object, name: str) -> list[dict[str, Any]]:
    """A member that is an array of objects, or an empty one."""
    found = record.get(name) if isinstance(record, dict) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def texts(record: object, name: str) -> list[str]:
    """A member that is an array, each item visible; an empty one for anything else."""
    found = record.get(name) if isinstance(record, dict) else None
    return [visible(item) for item in found] if isinstance(found, list) else []


def _whence(file: dict[str, Any]) -> str:
    return "written by the call" if file.get("written") else f"from {visible(file.get('host') or 'somewhere')}"


def fetched(facts: dict[str, Any]) -> list[str]:
    """What earlier calls of the run brought from the network and this call is about: a few lines, for people."""
    most = 4
    files = parts(part(facts, "state"), "fetched")
    told = [
        f"{visible(file.get('path'))} {_whence(file)}, {visible(file.get('at'))}, [{short_id(str(file.get('record')))}]"
        for file in files[:most]
    ]
    return [*told, f"and {len(files) - most} more"] if len(files) > most else told


def sentence(action: dict[str, Any]) -> str:
    """An action in plain words, as the core says them: `would delete /home/u (recursive)`."""
    import json

    from armorer_guard._core import action_sentence

    said = action_sentence(json.dumps(action).encode())
    if said is None:
        said = f"would {action.get('kind')} {part(action, 'target').get('value')}"
    return visible(said)


def brief(said: str, others: int) -> str:
    """The decisive action of a call, in plain words, and how many others there are."""
    return said.removeprefix("would ") + (f" (and {others} more)" if others else "")


def short_id(identifier: str) -> str:
    """The end of an id: of ids made in the same second, the beginning is the same."""
    return visible(identifier[-8:])


def arguments(args: object) -> list[tuple[str, str]]:
    """Arguments as names and visible values; a text by itself has no name."""
    import json

    if isinstance(args, str):
        return [("", visible(args))]
    if not isinstance(args, dict):
        return [("", visible(json.dumps(args, ensure_ascii=False)))]
    return [
        (visible(name), visible(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))
        for name, value in args.items()
    ]


def _decisive(record: dict[str, Any], count: int) -> int:
    """Which action the first rule spoke about; the first where it spoke about none."""
    for rule in parts(part(record, "verdict"), "rules"):
        named = rule.get("actions")
        if isinstance(named, list) and named and isinstance(named[0], int) and 0 <= named[0] < count:
            return named[0]
    return 0


_TEXTS = {
    "user": "the person said",
    "retrieved": "a document said",
    "tool_result": "a tool answered",
    "tool_description": "a tool describes itself",
    "model_output": "the model said",
}
"""Where a text that was judged by itself came from."""


def summary(record: dict[str, Any]) -> str:
    """What a decision was about, in one line: what the call would do, or else how it was written."""
    facts = part(record, "facts")
    if "$blob" in facts or "$blob" in part(facts, "args"):
        kept = facts if "$blob" in facts else part(facts, "args")
        return f"(a call of {size(kept.get('bytes'))}: `show` reads it)"
    actions = parts(facts, "actions")
    if actions:
        return brief(sentence(actions[_decisive(record, len(actions))]), len(actions) - 1)
    given = arguments(facts.get("args"))
    if facts.get("phase") == "text":
        what = _TEXTS.get(str(facts.get("surface")), "a text")
        return f"{what}: {given[0][1]}" if given else what
    named = [value for name, value in given if name in ("command", "file_path", "path", "url", "query", "sql")]
    return named[0] if named else ", ".join(f"{name}={value}" if name else value for name, value in given) or "-"
