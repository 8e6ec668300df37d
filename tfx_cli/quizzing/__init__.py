"""One round of `tfx quiz`: what is asked, how it is judged and written down, and its three faces."""
