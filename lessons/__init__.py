"""The course.  One folder per topic (lesson.py, quiz.toml, numbers.py), one line each in course.toml.

`lessons.course` reads it, `lessons.writing` is the vocabulary of a lesson.  Lessons import `tfx` only and print nothing.
"""
