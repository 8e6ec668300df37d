"""Toy tasks, one small file per kind of work that Transformers are put to.

Each is a small world with exact answers, drawn from a seed; none is a stand-in for the real thing, but each needs what
makes the real thing hard: context, order, memory of another place, or a rule.  Most are one of two shapes (toy.py):
questions about places of one sequence, or a sequence to be rewritten as another.
"""
