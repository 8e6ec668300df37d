"""Toy tasks, one small file per kind of work that Transformers are put to.

Each is a small world with exact answers, drawn from a seed; none is a stand-in for the real thing, but each needs what
makes the real thing hard: context, order, memory of another place, or a rule.  A toy (toy.py) asks about places of one
sequence, or wants it rewritten as another; its `kind` says which model can learn it.  tasks.py holds those of
`tfx train`; shapes.py and tones.py also draw pictures and sounds, for models that read those.
"""
