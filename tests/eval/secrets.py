"""
Measures secret detection on labelled data.

    python tests/eval/secrets.py CORPORA_DIR [--gate] [--misses N] [--peers DIRS]

Reads `CORPORA_DIR/secrets/*.jsonl`. A secret is *covered* when every byte of it lies in a finding of kind secret, and
*exact* when one finding has its very span. With `--gate` the exit status is 1 when a bound falls. With `--peers` other
scanners, where they are installed, are measured on the same texts in the same run, in the same columns.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import peers

from armorer_guard import scan

# Byte ranges of the secrets in a text, in order.
Finder = Callable[[str], list[tuple[int, int]]]

# What a bound is about: (least, most) in per cent, or a count.
BOUNDS = {
    "cover": 96.0,
    "tier A": 99.5,
    "worst carrier": 93.0,
    "exact span": 99.5,
    "encoded": 85.0,
    "types covered everywhere": 230.0,
}
FALSE_POSITIVES = 0.4
# Records of these categories must never be found: they are what people paste to be careful.
NEVER = ("redacted_values", "env_reference", "lock_integrity", "uuid")


@dataclass
class Tally:
    """Hits out of rows, by group."""

    hits: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)

    def add(self, group: str, hit: bool) -> None:
        self.rows[group] += 1
        self.hits[group] += hit

    def percent(self, group: str) -> float:
        return 100 * self.hits[group] / self.rows[group]

    @property
    def total(self) -> float:
        rows = sum(self.rows.values())
        return 100 * sum(self.hits.values()) / rows if rows else 100.0

    def short(self) -> Iterator[str]:
        """Groups that fall short, the worst first."""
        for group in sorted(self.rows, key=lambda name: (self.percent(name), name)):
            if self.hits[group] < self.rows[group]:
                yield f"{group} {self.hits[group]}/{self.rows[group]}"


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file that are scored: names of keys are not secrets."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row.get("kind") != "identifier":
                yield row


def spans(text: str, kind: str) -> list[tuple[int, int]]:
    """Byte ranges of findings of a kind, in order."""
    return [(found.start, found.end) for found in scan(text).findings if found.kind == kind]


def ours(text: str) -> list[tuple[int, int]]:
    """What we find."""
    return spans(text, "secret")


def covers(found: Iterable[tuple[int, int]], start: int, end: int) -> bool:
    """Whether the ranges, which are in order, hold every byte from start to end."""
    at = start
    for low, high in found:
        if low <= at < high:
            at = high
    return at >= end


def positives(folder: Path, misses: list[str], find: Finder = ours, tell: bool = True) -> dict[str, float]:
    """Plain secrets: cover by tier, carrier and type, and exactness."""
    tiers, carriers, types = Tally(), Tally(), Tally()
    covered = exact = 0
    for row in rows(folder / "positives.jsonl"):
        found = find(row["text"])
        hit = covers(found, row["start"], row["end"])
        tiers.add(row["tier"], hit)
        carriers.add(row["carrier"], hit)
        types.add(row["provider"], hit)
        covered += hit
        exact += hit and (row["start"], row["end"]) in found
        if not hit:
            misses.append(f"{row['id']} {row['carrier']}")
    if tell:
        print("tiers:", ", ".join(f"{tier} {tiers.percent(tier):.2f} %" for tier in sorted(tiers.rows)))
    for title, tally in (("carriers", carriers), ("types", types)) if tell else ():
        short = list(tally.short())
        print(f"{title} that fall short ({len(short)}/{len(tally.rows)}):", ", ".join(short) or "none")
    everywhere = sum(types.hits[name] == types.rows[name] for name in types.rows)
    return {
        "cover": tiers.total,
        "tier A": tiers.percent("A"),
        "worst carrier": min(carriers.percent(name) for name in carriers.rows),
        "exact span": 100 * exact / covered if covered else 0.0,
        "types covered everywhere": float(everywhere),
        "types in all": float(len(types.rows)),
    }


def encoded(folder: Path, misses: list[str], find: Finder = ours, tell: bool = True) -> float:
    """Secrets behind one layer of encoding."""
    tally = Tally()
    for row in rows(folder / "encoded.jsonl"):
        hit = covers(find(row["text"]), row["start"], row["end"])
        tally.add(row["encoding"], hit)
        if not hit:
            misses.append(f"{row['id']} {row['encoding']}")
    if tell:
        print("encodings:", ", ".join(f"{name} {tally.percent(name):.1f} %" for name in sorted(tally.rows)))
    return tally.total


def negatives(folder: Path, misses: list[str], find: Finder = ours, tell: bool = True) -> tuple[float, int]:
    """Share of harmless records with a finding, in per cent, and how many of those that must never have one."""
    tally = Tally()
    never = 0
    for row in rows(folder / "negatives.jsonl"):
        hit = bool(find(row["text"]))
        tally.add(row["category"], hit)
        never += hit and row["category"] in NEVER
        if hit:
            misses.append(f"{row['id']} (false)")
    wrong = [f"{name} {tally.hits[name]}/{tally.rows[name]}" for name in sorted(tally.rows) if tally.hits[name]]
    if tell:
        print("false positives:", ", ".join(wrong) or "none")
    return tally.total, never


def look_alikes(folder: Path) -> tuple[float, float, int]:
    """Tokens with a wrong checksum: share redacted, share said to mismatch (both per cent), how many are trusted."""
    redacted, said, total, trusted = 0, 0, 0, 0
    for row in rows(folder / "lookalikes.jsonl"):
        findings = [found for found in scan(row["text"]).findings if found.kind == "secret" and found.redact]
        here = [found for found in findings if found.start < row["end"] and row["start"] < found.end]
        total += 1
        redacted += covers([(found.start, found.end) for found in here], row["start"], row["end"])
        said += any(found.checksum == "mismatch" for found in here)
        trusted += any(found.checksum == "valid" for found in here)
    return 100 * redacted / total, 100 * said / total, trusted


def personal(folder: Path) -> dict[str, tuple[int, int]]:
    """Personal data: for each kind, how many rows are answered right."""
    right: dict[str, list[bool]] = defaultdict(list)
    for row in rows(folder / "pii.jsonl"):
        found = spans(row["text"], "pii")
        expected = [(row["start"], row["end"])] if row["label"] == "secret" else []
        right[row["provider"]].append(found == expected)
    return {name: (sum(each), len(each)) for name, each in sorted(right.items())}


def beside(folder: Path, folders: str) -> None:
    """Print what we and every peer that is installed reach on the same texts."""
    names = ("positives", "encoded", "negatives")
    texts = [row["text"] for name in names for row in rows(folder / f"{name}.jsonl")]
    held, missing = peers.ask(texts, folders)
    started = time.thread_time()
    found = {text: ours(text) for text in texts}
    spent = time.thread_time() - started
    size = sum(len(text.encode()) for text in texts) / 1e6
    columns = ("cover", "tier A", "worst carrier", "exact span", "encoded", "types", "false pos.", "MB/CPU-s")
    print(f"{'':15}" + "".join(f"{name:>14}" for name in columns))
    for peer in [peers.Peer("armorer-guard", found, size / spent), *held]:
        find = peer.found.__getitem__
        figures = positives(folder, [], find, tell=False)
        values = (
            figures["cover"],
            figures["tier A"],
            figures["worst carrier"],
            figures["exact span"],
            encoded(folder, [], find, tell=False),
            figures["types covered everywhere"],
            negatives(folder, [], find, tell=False)[0],
            peer.megabytes_per_cpu_second,
        )
        print(f"{peer.name:15}" + "".join(f"{value:14.2f}" for value in values))
    for name in missing:
        print(f"{name}: not found, so not measured")


def main() -> int:
    """
    Print the figures.

    Returns:
        0; with `--gate` 1 when a bound falls.
    """
    parser = argparse.ArgumentParser(description="measure secret detection on labelled data")
    parser.add_argument("corpora", type=Path, help="folder that holds secrets/*.jsonl")
    parser.add_argument("--gate", action="store_true", help="exit with 1 when a bound falls")
    parser.add_argument("--misses", type=int, default=0, metavar="N", help="name the first N rows that went wrong")
    parser.add_argument(
        "--peers",
        metavar="DIRS",
        help="measure other scanners too: folders where they are looked for before PATH, written like PATH",
    )
    options = parser.parse_args()
    folder = options.corpora / "secrets"
    misses: list[str] = []

    figures = positives(folder, misses)
    figures["encoded"] = encoded(folder, misses)
    wrong, never = negatives(folder, misses)
    redacted, said, trusted = look_alikes(folder)
    print("personal data:", ", ".join(f"{name} {hits}/{count}" for name, (hits, count) in personal(folder).items()))
    print(f"wrong checksums: {redacted:.1f} % redacted, {said:.1f} % said to mismatch, {trusted} trusted")

    fallen = [name for name, least in BOUNDS.items() if figures[name] < least]
    for name, least in BOUNDS.items():
        unit = f" of {figures['types in all']:.0f}" if name.startswith("types") else " %"
        print(f"{name:26} {figures[name]:8.2f}{unit}  (at least {least:g}){'  FALLEN' if name in fallen else ''}")
    if wrong > FALSE_POSITIVES or never or trusted:
        fallen.append("false positives")
    print(f"{'false-positive records':26} {wrong:8.2f} %  (at most {FALSE_POSITIVES:g}, {never} of what never may)")
    if options.peers is not None:
        beside(folder, options.peers)
    for miss in misses[: options.misses]:
        print("  ", miss)
    return 1 if options.gate and fallen else 0


if __name__ == "__main__":
    sys.exit(main())
