"""Mutation run: plants small mistakes in tfx/ops and tfx/efficient, one at a time, and looks whether the
tests notice.

    python -m tests.mutation                             every mutant of every operation (long)
    python -m tests.mutation --ops softmax longformer    of these files
    python -m tests.mutation --room efficient            of every file of tfx/efficient
    python -m tests.mutation --sample 100 --seed 1       so many, drawn at random over all files

A mutant that no test notices survives, and is shown as a diff.  It gets a test, or, when it computes the same thing,
an entry with a reason in equivalent.toml.
"""
