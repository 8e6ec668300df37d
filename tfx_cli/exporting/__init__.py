"""What a reader takes away: Anki cards, notebooks and Markdown files of the course."""
