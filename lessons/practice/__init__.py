"""Practice: exercises, the child process that runs a learner's file, and the judge that says which mistake was made.

exercise.py   what an exercise is: the stub, the solution, the bank of mistakes, the inputs that tell them apart
trying.py     a function on all inputs: what it gives, raises, changes and shares
child.py      the process in which a learner's file runs; bench.py starts it, limits it and reads what it left
judging.py    one verdict out of that, in a fixed order; proving.py shows that an exercise can be judged at all
bank.py       a wrong function by its id, for teachers; cards.py: where the course clears a mistake up
packs.py      exercises of other folders; skeleton.py: how one begins
derive/       derivations, typed line by line: their grammar, the judge of a line, and their proof
"""
