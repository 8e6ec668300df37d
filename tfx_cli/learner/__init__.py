"""The reader's answers: stored, scheduled, repaired; and which steps were seen."""
