"""Where the files of a store lie, and how they are opened and read. A leaf: every reader of the format stands on it."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import Any, BinaryIO, Final

MAX_LINE: Final = 64 * 1024
"""Bytes of the longest line, its newline included."""
SEAL_OPEN: Final = b',"hash":"sha256:'
SEAL_CLOSE: Final = b'"}'
SEAL_LEN: Final = len(SEAL_OPEN) + 64 + len(SEAL_CLOSE)
"""Bytes at the end of a line that hold its hash."""
JOURNAL: Final = "journal"
"""The chain that is no run's."""
_RUN_FILE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.jsonl")


def members(line: bytes) -> dict[str, Any] | None:
    """The members of a line, or None when it is no JSON object."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def open_regular(path: Path) -> BinaryIO:
    """
    A file for reading, never through a link and never anything but a regular file.

    Raises:
        OSError: It cannot be opened, or is something else.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(f"`{path}` is not a regular file")
    return os.fdopen(handle, "rb", buffering=0)


def is_run_file(name: str) -> bool:
    """Whether a file of that name is the log of a run."""
    return _RUN_FILE.fullmatch(name) is not None


def run_files(root: Path) -> dict[str, Path]:
    """The log of every run below a store's root, by run id, sorted."""
    try:
        entries = sorted((root / "runs").iterdir())
    except OSError:
        return {}
    return {path.name[:-6]: path for path in entries if is_run_file(path.name)}


def store_id(root: Path) -> str | None:
    """The id a store states, or None when it states none."""
    try:
        with open_regular(root / "id") as file:
            text = file.read(34)
    except OSError:
        return None
    found = re.fullmatch(rb"([0-9a-f]{32})\n", text)
    return found[1].decode() if found else None
