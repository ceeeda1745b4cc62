"""`python -m armorer_guard.policy COMMAND`: as `armorer-guard policy COMMAND`, for builds that have no front yet."""

from __future__ import annotations

import argparse
import sys

from armorer_guard.cli import policy


def main() -> int:
    """Run one command of `armorer-guard policy`."""
    parser = argparse.ArgumentParser(prog="python -m armorer_guard.policy", description=policy.DESCRIPTION)
    policy.add_commands(parser)
    return policy.run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
