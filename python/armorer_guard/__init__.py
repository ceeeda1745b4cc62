"""
A local guard for AI agents, and the operating record that every run leaves behind.

    >>> from armorer_guard import Guard
    >>> decision = Guard(record=False).check("Bash", {"command": "rm -rf ~"}, cwd="/work/project")
    >>> decision.effect
    'deny'

Importing this package loads the Rust core and nothing else: no pydantic, json, re or sqlite3.
"""

from armorer_guard._core import (
    Action,
    Decision,
    Finding,
    Guard,
    GuardError,
    InputError,
    Near,
    PolicyError,
    Reason,
    ScanResult,
    StoreError,
    __version__,
    scan,
)

__all__ = [
    "Action",
    "Decision",
    "Finding",
    "Guard",
    "GuardError",
    "InputError",
    "Near",
    "PolicyError",
    "Reason",
    "ScanResult",
    "StoreError",
    "__version__",
    "scan",
]
