"""The reader's answers: stored, scheduled, repaired."""
