"""The mock interview of `tfx quiz --interview`: what is asked, what follows a thin answer, the report and the plan."""
