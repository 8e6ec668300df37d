"""The face of tfx: parse -> call tfx or lessons -> render.  No maths here, and no heavy import at module level.

commands/   one small file per command                        app.py names them and imports the one that is called
render/     how records look, on each face; pages/: what a single command shows
terminal/   talking with a person: keys, colour, progress, interrupts
learner/    the reader's answers: stored, scheduled, repaired
quizzing/   one round of questions
diagnosis/  what `tfx doctor` looks at
"""
