"""Derivations: lines that a learner types, each worked out on random arrays and compared with the true derivative.

signs.py        what keyboards, papers and web pages have for the signs of a formula
tokens.py       the names, numbers and signs of a line
formula.py      the small grammar: from tokens to a tree (tree.py); nothing of Python is evaluated
other_names.py  functions of NumPy and PyTorch that are another way to write a sign
working_out.py  from a tree to an array, with axes that have names
derivation.py   what a derivation is: what is given, what is looked for, slips and equal ways
judging.py      one verdict for each line; doctor.py finds what an unknown wrong line has in common with the right one
proving.py      that every slip is told from what is right and from every other one, and that equal ways pass
"""
