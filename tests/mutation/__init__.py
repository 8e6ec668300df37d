"""Mutation run: plants small mistakes, one at a time, and looks whether the tests notice.

    python -m tests.mutation                             every mutant of every operation (long)
    python -m tests.mutation --ops softmax longformer    of these files
    python -m tests.mutation --room efficient            of every file of tfx/efficient
    python -m tests.mutation --sample 100 --seed 1       so many, drawn at random over all files

    python -m tests.mutation --rooms lessons,lab,commands --sample 200 --seed 7     of the rest of the house (rooms.py)
    python -m tests.mutation --checks --rooms lab,bench,lessons                     each check made to hold always

A mutant that no test notices survives, and is shown as a diff.  It gets a test, or, when it computes the same thing,
an entry with a reason in equivalent.toml.  Of a survivor in the rest of the house it is said what a reader sees of it:
the first command that prints something else.  Where none does it counts apart.
"""
