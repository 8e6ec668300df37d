"""Sizes of the arrays on which short forms are tried; all differ, so that an axis taken for another is seen."""

B, T, S, C, D, DV, A, V, H = 2, 5, 7, 6, 4, 3, 8, 9, 10
