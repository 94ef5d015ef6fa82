"""SQLAlchemy's suite for dialects, on SQLite and on a store: ``python -m tests.sqlalchemy.suite``.

Further arguments are for pytest. Ends with 1 if a test fails on the store and not on SQLite.
"""

from __future__ import annotations

import sys

from tests.sqlalchemy.suite.run import URLS, run


def main(arguments: list[str]) -> int:
    runs = {dialect: run(dialect, arguments) for dialect in URLS}
    print("| | " + " | ".join(runs) + " |\n|---|" + "---:|" * len(runs))
    for outcome in ("passed", "failed", "skipped"):
        numbers = (str(found.counts()[outcome]) for found in runs.values())
        print(f"| {outcome} | " + " | ".join(numbers) + " |")
    ours, theirs = runs["lsmsql"], runs["sqlite"]
    worse = sorted(ours.named("failed") - theirs.named("failed"))
    for name in worse:
        print(f"fails on the store alone: {name}")
    for name in sorted(ours.outcomes.keys() | theirs.outcomes.keys()):
        pair = theirs.outcomes.get(name, "absent"), ours.outcomes.get(name, "absent")
        if pair[0] != pair[1] and name not in worse:
            print(f"{pair[0]} on SQLite, {pair[1]} on the store: {name}")
    if worse:
        print(ours.output)
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
