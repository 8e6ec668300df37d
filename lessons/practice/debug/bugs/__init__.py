"""The bugs of each program, and the inputs on which a fix is judged."""
