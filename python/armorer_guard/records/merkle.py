"""
Merkle trees of RFC 6962 (section 2.1): roots, inclusion proofs, and checking them (RFC 9162, section 2.1.3.2).

A leaf is what is hashed first: in records the 32 bytes of a record's hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def _leaf(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree that grows, and whose root can be asked for at any size on the way."""

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[bytes] = []

    def push(self, leaf: bytes) -> None:
        """Add a leaf."""
        found, size = _leaf(leaf), self.size
        while size & 1:
            found = _node(self._subtrees.pop(), found)
            size >>= 1
        self._subtrees.append(found)
        self.size += 1

    def root(self) -> bytes:
        """The root; that of an empty tree is the hash of nothing."""
        if not self._subtrees:
            return hashlib.sha256().digest()
        found = self._subtrees[-1]
        for left in reversed(self._subtrees[:-1]):
            found = _node(left, found)
        return found


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root of a tree with these leaves."""
    tree = Tree()
    for leaf in leaves:
        tree.push(leaf)
    return tree.root()


def proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """
    The hashes that lead from a leaf to the root, from the leaf upwards.

    Raises:
        IndexError: There is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(f"a tree of {len(leaves)} leaves has no leaf {index}")
    level, found = [_leaf(leaf) for leaf in leaves], []
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            found.append(level[sibling])
        # A node without a sibling is carried up as it is: the tree of the first 2^k leaves is always full.
        level = [
            _node(level[at], level[at + 1]) if at + 1 < len(level) else level[at] for at in range(0, len(level), 2)
        ]
        index >>= 1
    return found


def root_by_proof(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root to which a leaf and its proof lead; None when the proof does not fit a tree of that size."""
    if not 0 <= index < size:
        return None
    found, last = _leaf(leaf), size - 1
    for step in path:
        if last == 0:
            return None
        if index & 1 or index == last:
            found = _node(step, found)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            found = _node(found, step)
        index, last = index >> 1, last >> 1
    return found if last == 0 else None
