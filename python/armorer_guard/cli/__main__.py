"""`python -m armorer_guard.cli`: what the native front starts for commands that need Python."""

from __future__ import annotations

import sys

from armorer_guard.cli.main import main

sys.exit(main())
