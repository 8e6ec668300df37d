"""How wrong an answer is: one number, and its gradient."""
