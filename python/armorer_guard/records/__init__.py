"""
The operating record, read: models, verification, index, replay.

Nothing here writes a record; the core does (`src/record/`). The format itself is described in `FORMAT.md` beside this
file. Importing this package imports none of its modules: `models` needs pydantic, `index` needs sqlite3, and neither
belongs into a process that only decides calls.
"""
