"""Counts the instructions that the processor itself runs of a process, by stepping through it. Linux on x86-64."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
import tempfile
from pathlib import Path

# Numbers and the offset of the instruction pointer: <sys/ptrace.h> and <sys/user.h>.
TRACE_ME, PEEK_USER, STEP = 0, 3, 9
POINTER = 16 * 8


def steps(command: list[str | Path], stdin: bytes, env: dict[str, str]) -> int | None:
    """
    Instructions of a whole process, those of the C library's start and end among them.

    A repeated string instruction counts once, as the processor counts it. Valgrind shows a process an older processor,
    without instructions for SHA-256 for one, so that what it counts is another way through the program.

    None where processes cannot be stepped through.
    """
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return None
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.restype = ctypes.c_long
    ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    words = [str(word) for word in command]
    with tempfile.TemporaryFile() as given:
        given.write(stdin)
        given.seek(0)
        child = os.fork()
        if child == 0:
            try:
                os.dup2(given.fileno(), 0)
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                if ptrace(TRACE_ME, 0, None, None) == 0:
                    os.execve(words[0], words, env)
            finally:
                os._exit(127)
    count, before = 0, -1
    while True:
        _, status = os.waitpid(child, 0)
        if not os.WIFSTOPPED(status):
            return count if count and os.WIFEXITED(status) else None
        at = ptrace(PEEK_USER, child, POINTER, None)
        count += at != before
        before = at
        if ptrace(STEP, child, None, None) != 0:
            return None
