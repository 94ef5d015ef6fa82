"""Fuzz a format.

    python -m tests.fuzz TARGET [--seconds S] [--corpus DIR] [--mutations N] [--seed N]

TARGET is log, block, index, footer or manifest. Coverage guides the fuzzer (atheris, the extra
"fuzz"); what it finds worth keeping goes to the corpus, if a directory is given, and an input that
breaks something to a file whose name is printed. With --mutations there is no guide and no need for
atheris: that many inputs are made by chance. Memory is limited in both cases.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

_MEMORY_MB = 2048


def main() -> None:
    """Parse the arguments and fuzz."""
    arguments = _parser().parse_args()
    _limit_memory()
    if arguments.mutations:
        from tests.fuzz.mutations import mutate

        tried = mutate(arguments.target, arguments.seed, arguments.mutations)
        print(f"{arguments.target}: {tried} inputs, nothing found")
    else:
        _fuzz(arguments.target, arguments.seconds, arguments.corpus, arguments.seed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz a format.")
    targets = ["log", "block", "index", "footer", "manifest"]
    parser.add_argument("target", choices=targets)
    parser.add_argument("--seconds", type=int, default=3600, help="how long (an hour)")
    parser.add_argument("--corpus", type=Path, help="where inputs are kept from run to run")
    parser.add_argument("--mutations", type=int, default=0, help="so many by chance, no guide")
    parser.add_argument("--seed", type=int, default=0)
    return parser


def _limit_memory() -> None:
    """Make a huge allocation fail. (There is no such limit on Windows.)"""
    if sys.platform != "win32":
        import resource

        limit = _MEMORY_MB << 20
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))


def _fuzz(name: str, seconds: int, corpus: Path | None, seed: int) -> None:
    import atheris

    with atheris.instrument_imports(include=["lsmsql"]):
        from tests.fuzz.corpus import seeds
        from tests.fuzz.targets import TARGETS
    directory = corpus or Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
    directory.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds(name)):
        (directory / f"seed-{number:04d}").write_bytes(data)
    options = [
        f"-max_total_time={seconds}",
        f"-seed={seed}",
        f"-rss_limit_mb={_MEMORY_MB}",
        "-timeout=20",
        "-max_len=20000",
        f"-artifact_prefix=fuzz-{name}-",
    ]
    atheris.Setup([sys.argv[0], *options, str(directory)], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
