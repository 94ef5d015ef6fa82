"""The mutations, by name: what is broken, where, and which part of the suite must notice."""

from __future__ import annotations

from tests.mutations.failing import FAULTS
from tests.mutations.indexing import INDEXES
from tests.mutations.isolating import ISOLATION
from tests.mutations.ordering import ORDER
from tests.mutations.reading import DAMAGE
from tests.mutations.sharing import PROCESSES
from tests.mutations.syncing import SYNCS

MUTATIONS = {
    m.name: m for m in (*SYNCS, *ORDER, *DAMAGE, *FAULTS, *PROCESSES, *ISOLATION, *INDEXES)
}
"""All mutations by their names."""
