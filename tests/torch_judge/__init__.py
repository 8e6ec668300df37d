"""Wrong answers that the installed package torch-judge accepts: `python -m tests.torch_judge` prints the table.

answering.py   what an answer to one of its problems is, and what shows that a wrong one is wrong
attending.py, layers.py, parts.py, around.py   our answers, right and wrong
running.py     the package's own `check` on each of them, and the table
"""
