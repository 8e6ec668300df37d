"""Programs with a planted bug: read it, ask it for symptoms, fix it; the fix is proved by running it.

programs/NAME.py   a small program as its author meant it; the learner gets a copy in which a bug is planted
asking/NAME.py     what a program can be asked (loss, entropy, ...), and what its fix is judged by; both run in the child
bugs/NAME.py       the bugs of a program: the text that is replaced, why people write it, the symptom that it shows
program.py         what a program and a bug are; planting.py draws bugs by seed and plants them
judging.py         whether a file does what the right program does; proving.py whether every bug can be seen and judged
mine.py            the same with an exercise that the learner has passed: rewrites.py changes their own code
"""
