"""The course.  One folder per topic (lesson.md, walkthrough.py, quiz.toml, ...), ordered by course.toml.

`lessons.course` reads it.  Lessons import `tfx` only and print nothing.
"""
