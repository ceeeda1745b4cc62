"""The store that readers are measured on is a store like any other."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from armorer_guard.records.index import Filters, Index
from armorer_guard.records.replay import Policies, replay
from armorer_guard.records.store import Store
from armorer_guard.records.verify import verify_store

BENCHES = Path(__file__).parents[2] / "benches"


def test_what_is_measured_verifies_and_replays(tmp_path: Path):
    spec = importlib.util.spec_from_file_location("store_fixture", BENCHES / "store_fixture.py")
    assert spec is not None and spec.loader is not None
    fixture = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = fixture
    spec.loader.exec_module(fixture)
    fixture.make_store(tmp_path, 300, 3)
    store = Store.open(tmp_path)

    assert verify_store(store.root).verdict.name == "ok"
    with Index.open(store) as index:
        assert [run.lines for run in index.runs()] == [100, 100, 100]
        rows = index.find(Filters())
        assert len(rows) == 3 * (100 - 1 - 25) and len({row.tool for row in rows}) > 5
        policies = Policies(store)
        for row in rows[:30]:
            record = index.line(row) or {}
            assert replay(record, policies.text(record["policy"]["digest"])).divergence is None
