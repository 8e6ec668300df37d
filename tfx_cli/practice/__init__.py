"""Practice on the command line: the learner's files, what became of them, and how a verdict is shown."""
