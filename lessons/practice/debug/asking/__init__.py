"""What a program can be asked, and what a fix is judged by.  These files are loaded in the child by their path."""
