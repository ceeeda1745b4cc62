"""`export`: records for other programs, in their formats. Nothing is sent anywhere."""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO

from armorer_guard.cli.records_find import filters, open_index
from armorer_guard.cli.records_text import CommandError, counted, progress_bar, visible
from armorer_guard.records.columns import COLUMNS, ExtraMissing, values, write_parquet
from armorer_guard.records.index import Index, Row


def run_export(arguments: argparse.Namespace) -> int:
    """Records, oldest first, on standard output or in a file that is there whole or not at all."""
    if arguments.format == "parquet" and not arguments.output:
        raise CommandError("a Parquet file cannot be written to standard output", "say where: -o FILE")
    if arguments.digests and arguments.format != "otel":
        raise CommandError("`--digests` is for `--format otel`; the other formats hold them anyway")
    arguments.kind = arguments.kind or ("decision" if arguments.format == "csv" else "all")
    with open_index(arguments) as index:
        rows = _Counted(index, index.each(filters(arguments, index)))
        if arguments.output is None:
            _write(arguments, index, rows, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        else:
            with _whole_file(Path(arguments.output)) as path:
                if arguments.format == "parquet":
                    _parquet(path, index, rows)
                else:
                    with path.open("wb") as file:
                        _write(arguments, index, rows, file)
            print(f"{counted(rows.count, 'record')} in {visible(arguments.output)}", file=sys.stderr)
        if rows.left_out:
            what = counted(rows.left_out, "record")
            print(f"{what} of kinds that {arguments.format} has no place for were left out", file=sys.stderr)
    return 0


class _Counted:
    """Rows on their way out: counted, and shown on the way when somebody watches."""

    def __init__(self, index: Index, rows: Iterator[Row]) -> None:
        self._rows = rows
        self._show = progress_bar("writing")
        self._all = sum(run.lines for run in index.runs()) if self._show else 0
        self._bytes = 0
        self.count = 0
        self.left_out = 0

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        row = next(self._rows)
        self.count += 1
        self._bytes += row.length
        if self._show is not None and self.count % 1_024 == 0:
            # How long the rest is follows from how many records there are at most.
            self._show(self._bytes, max(self._bytes * self._all // self.count, self._bytes + 1))
        return row

    def skip(self) -> None:
        """The last one has no place in the format."""
        self.count -= 1
        self.left_out += 1


@contextlib.contextmanager
def _whole_file(path: Path) -> Iterator[Path]:
    """A file beside *path*, for its owner alone, that takes its place when all went well."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise CommandError(f"`{path}` cannot be written: {error.strerror}") from None
    os.close(handle)
    try:
        yield Path(name)
        Path(name).replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            raise CommandError(f"`{path}` cannot be written: {error.strerror or error}") from None
        raise


def _parquet(path: Path, index: Index, rows: _Counted) -> None:
    try:
        write_parquet(path, index, iter(rows))
    except ExtraMissing as error:
        what, _, how = str(error).partition(": ")
        raise CommandError(what, how) from None


def _write(arguments: argparse.Namespace, index: Index, rows: _Counted, out: BinaryIO) -> None:
    match arguments.format:
        case "csv":
            lines: Iterable[bytes] = _csv(index, rows)
        case "otel":
            from armorer_guard.records import otel

            lines = otel.lines(index, _placed(rows, otel.has_place), digests=arguments.digests)
        case "ocsf":
            from armorer_guard.records import ocsf

            lines = ocsf.lines(index, iter(rows))
        case _:
            lines = (index.store.read(row.chain, row.at, row.length) + b"\n" for row in rows)
    for line in lines:
        out.write(line)


def _placed(rows: _Counted, has_place: Any) -> Iterator[Row]:
    for row in rows:
        if has_place(row):
            yield row
        else:
            rows.skip()


def _csv(index: Index, rows: _Counted) -> Iterator[bytes]:
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\n")
    writer.writerow([column.name for column in COLUMNS])
    for row in rows:
        record = index.summary(row) if row.kind == "decision" else None
        if record is None:
            rows.skip()
            continue
        cells = zip(COLUMNS, values(row, record), strict=True)
        writer.writerow([_cell(column.name, column.type, value) for column, value in cells])
        yield held.getvalue().encode()
        held.seek(0)
        held.truncate()
    yield held.getvalue().encode()


def _cell(name: str, kind: str, value: Any) -> str:
    """A cell that no spreadsheet takes for a formula, and that holds no control character."""
    if value is None:
        return ""
    if kind == "time":
        when = datetime.fromtimestamp(value // 1_000_000, timezone.utc).replace(microsecond=value % 1_000_000)
        return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    text = visible(("; " if name == "reasons" else " ").join(value) if kind == "texts" else value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) and kind != "number" else text
