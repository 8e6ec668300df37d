"""The index of systems: everything that texts about Transformers name, and where it works here.

One row says what a system is, who published it, where it lives (`module:object`), which test holds it, which lesson and
experiment show it, and how far it goes.  Rows are judged by one standard, equal objects alike:

    works        all that the line `what` says runs here, forward and backward where it learns, and a test holds it;
                 a small size and made-up data take nothing away
    partly       part of it runs, and `why` says what does and what does not.  A model that is known for its size, its
                 data or its weights is partly here, even if its architecture is; so is a name that asks for more than
                 what runs (Word2Vec without CBOW, parsing by brackets alone)
    explained    nothing of its own runs, and `why` says why: it is not built here, or it is a product, an organisation,
                 hardware, or needs data or computing power out of reach

An application works when a model here learns a made-up task of that kind and is judged by examples it has not seen, and
the task is all that the name asks for.
"""

from __future__ import annotations

from tfx.systems.index import FILES, STATUSES, Status, System, groups, names_of, rows_of, systems
from tfx.systems.search import find_systems

__all__ = [
    "FILES",
    "STATUSES",
    "Status",
    "System",
    "find_systems",
    "groups",
    "names_of",
    "rows_of",
    "systems",
]
