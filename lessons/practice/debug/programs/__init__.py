"""Small programs, right as they stand here.  A learner gets a copy in which a bug is planted."""
