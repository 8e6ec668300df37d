"""Planted bugs: begun, asked, and judged once they are mended."""
