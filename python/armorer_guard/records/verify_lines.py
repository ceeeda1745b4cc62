"""
Follows the plain lines of a chain: nearly all of them, in few steps.

That a line gives its hash together with what it must continue proves that it is the next one and unchanged. What it
says of its own place and time is read of most only now and then, and of all when asked to be thorough.
"""

from __future__ import annotations

import hashlib
from binascii import hexlify
from collections.abc import Callable
from typing import Final, TypeAlias

from armorer_guard.records.files import MAX_LINE, SEAL_CLOSE, SEAL_LEN, SEAL_OPEN

DOMAIN: Final = b"armorer-record/1\n"
"""What every hash begins with."""
DECISION: Final = b'{"action_digest"'
"""How the canonical bytes of a decision begin; all other records are told apart by their kind."""
OUTCOME: Final = b',"kind":"ou'
"""How the kind of an outcome begins."""

_AFTER_DIGEST = len(DECISION) + 74
_BOOT = b',"boot":'
"""The member behind `blobs`, where a decision has such."""
_BLOBS_END = b'"]'
"""How the array of pointers ends that stands before it."""
_BEGINS, _CALL, _CALL_AT = b'{"boot":"', b'"call":', 47
"""How the canonical bytes of an outcome begin."""
_IS_OUTCOME = b',"kind":"outcome",'
_VERSION = b'","v":"1.0"'
"""Between the time of an outcome and its seal."""
_TIME_LEN = 27

Plain: TypeAlias = Callable[[bytes, int, bytes, bytes, int], tuple[int, int, bytes, bytes]]
"""As `follow_plain`."""


def follow_plain(block: bytes, begin: int, prev: bytes, stamp: bytes, most: int) -> tuple[int, int, bytes, bytes]:
    """
    Follow decisions and outcomes from a byte of a block on for as long as each is whole, continues the one before and
    gives its hash, and has nothing about it that must be read: no members in objects, no outcome before the last.

    Args:
        block: Lines.
        begin: Where the first of them begins.
        prev: The hash that the first must continue.
        stamp: A time that no outcome may lie before.
        most: How many lines to follow at most.

    Returns:
        Where the first line begins that was not followed, how many were, the hash of the last, and the time of the last
        outcome.
    """
    fresh, view = hashlib.sha256(DOMAIN).copy, memoryview(block)
    find, stands = block.find, block.startswith
    lines = 0
    while lines < most and (end := find(b"\n", begin, begin + MAX_LINE)) >= 0:
        seal, time = end - SEAL_LEN, stamp
        if stands(DECISION, begin):
            boot = find(_BOOT, begin + _AFTER_DIGEST, end)
            if boot < 0 or stands(_BLOBS_END, boot - 2):
                break
        elif (
            not stands(_BEGINS, begin)
            or not stands(_CALL, begin + _CALL_AT)
            or not stands(_VERSION, seal - len(_VERSION))
            or find(_IS_OUTCOME, begin, end) < 0
            or (time := block[seal - len(_VERSION) - _TIME_LEN : seal - len(_VERSION)]) < stamp
        ):
            break
        hasher = fresh()
        hasher.update(prev)
        hasher.update(view[begin:seal])
        stated = SEAL_OPEN + hexlify(hasher.digest()) + SEAL_CLOSE
        if block[seal:end] != stated:
            break
        prev, stamp, begin, lines = stated[9:-2], time, end + 1, lines + 1
    return begin, lines, prev, stamp
