"""Who looks at whom: scores, masks, heads, and what is read."""
