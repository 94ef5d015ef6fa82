"""What is measured. The order counts: what reads the loaded store comes before what changes it."""

from __future__ import annotations

from tests.benchmarks.workloads.base import Workload
from tests.benchmarks.workloads.compaction import COMPACTION
from tests.benchmarks.workloads.disk import DISK
from tests.benchmarks.workloads.latency import LATENCY
from tests.benchmarks.workloads.loading import LOADING
from tests.benchmarks.workloads.opening import OPENING
from tests.benchmarks.workloads.process import PROCESS
from tests.benchmarks.workloads.reading import READING
from tests.benchmarks.workloads.snapshots import SNAPSHOTS
from tests.benchmarks.workloads.sql import SQL_CHANGES, SQL_QUERIES
from tests.benchmarks.workloads.transactions import TRANSACTING
from tests.benchmarks.workloads.validation import VALIDATION
from tests.benchmarks.workloads.writing import WRITING
from tests.benchmarks.workloads.ycsb import YCSB

WORKLOADS: tuple[Workload, ...] = (
    *LOADING,
    *READING,
    *SQL_QUERIES,
    *OPENING,
    *PROCESS,
    *DISK,
    *YCSB,
    *SQL_CHANGES,
    *WRITING,
    *COMPACTION,
    *LATENCY,
    *TRANSACTING,
    *SNAPSHOTS,
    *VALIDATION,
)
