"""
Records as rows of a table: what spreadsheets and analysis read. Holds nothing that the record does not hold.

The columns are listed once, for CSV (texts, lists joined by a space) and for Parquet (times, numbers, lists).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from armorer_guard.records.index import Index, Row
from armorer_guard.records.intake import part, parts

_GROUP: Final = 20_000
"""Rows of a row group: enough to be packed well, few enough to be held."""


class ExtraMissing(Exception):
    """An optional library is not installed; the message names the extra."""


@dataclass(frozen=True)
class Column:
    """A column, how it is typed in Parquet, and how it is read from a record."""

    name: str
    type: str
    """`text`, `texts` (a list), `time` (microseconds since 1970) or `number`."""
    read: Callable[[Row, dict[str, Any]], Any]


def _facts(record: dict[str, Any]) -> dict[str, Any]:
    return part(record, "facts")


def _rules(record: dict[str, Any]) -> Iterable[dict[str, Any]]:
    return parts(part(record, "verdict"), "rules")


def _texts(values: Any) -> list[str]:
    return [str(value) for value in values] if isinstance(values, list) else []


COLUMNS: Final = (
    Column("ts", "time", lambda row, record: row.ts or None),
    Column("kind", "text", lambda row, record: row.kind),
    Column("run", "text", lambda row, record: row.chain),
    Column("session", "text", lambda row, record: part(_facts(record), "caller").get("run")),
    Column("id", "text", lambda row, record: row.id),
    Column("seq", "number", lambda row, record: record.get("seq")),
    Column("epoch", "number", lambda row, record: record.get("epoch")),
    Column("runtime", "text", lambda row, record: row.runtime),
    Column("agent", "text", lambda row, record: row.agent),
    Column("cwd", "text", lambda row, record: part(_facts(record), "context").get("cwd")),
    Column("tool", "text", lambda row, record: row.tool),
    Column("call", "text", lambda row, record: part(record, "call").get("id")),
    Column("effect", "text", lambda row, record: row.effect),
    Column("mode", "text", lambda row, record: part(record, "verdict").get("mode")),
    Column("actions", "texts", lambda row, record: [str(a.get("kind")) for a in parts(_facts(record), "actions")]),
    Column(
        "targets",
        "texts",
        lambda row, record: [str(part(a, "target").get("value")) for a in parts(_facts(record), "actions")],
    ),
    Column("rules", "texts", lambda row, record: [str(rule.get("id")) for rule in _rules(record)]),
    Column("reasons", "texts", lambda row, record: [str(rule.get("message")) for rule in _rules(record)]),
    Column("findings", "texts", lambda row, record: [str(f.get("rule")) for f in parts(_facts(record), "findings")]),
    Column("labels", "texts", lambda row, record: _texts(part(_facts(record), "state").get("labels"))),
    Column("of", "text", lambda row, record: record.get("of")),
    Column("enforced", "text", lambda row, record: row.enforced),
    Column("result", "text", lambda row, record: row.result),
    Column("dur_ms", "number", lambda row, record: record.get("dur_ms")),
    Column("policy", "text", lambda row, record: part(record, "policy").get("digest")),
    Column("hash", "text", lambda row, record: record.get("hash")),
)


def values(row: Row, record: dict[str, Any]) -> list[Any]:
    """The columns of a record, each of its type or None."""
    return [_typed(column.type, column.read(row, record)) for column in COLUMNS]


def _typed(kind: str, value: Any) -> Any:
    """The value when it is of its column's type; a hostile record's other values are None."""
    if kind == "texts":
        return [_whole(item) for item in value]
    if kind == "text":
        return _whole(value) if isinstance(value, str) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63 else None


def _whole(text: str) -> str:
    """A text that UTF-8 can hold: unpaired surrogates are replaced."""
    return text.encode("utf-8", "replace").decode()


def write_parquet(path: Path, index: Index, rows: Iterator[Row]) -> int:
    """
    Write records as a Parquet file (zstd), for DuckDB, pandas and their like.

    Returns:
        How many records.

    Raises:
        ExtraMissing: pyarrow is not installed.
        OSError: The file cannot be written.
    """
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise ExtraMissing("Parquet needs the extra `parquet`: pip install 'armorer-guard[parquet]'") from None
    types = {
        "text": arrow.string(),
        "texts": arrow.list_(arrow.string()),
        "time": arrow.timestamp("us", tz="UTC"),
        "number": arrow.int64(),
    }
    schema = arrow.schema([(column.name, types[column.type]) for column in COLUMNS])
    count = 0
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while group := list(islice(rows, _GROUP)):
            lines = [values(row, index.summary(row) or {}) for row in group]
            columns = [list(column) for column in zip(*lines, strict=True)]
            arrays = [arrow.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)]
            writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))
            count += len(group)
    return count
