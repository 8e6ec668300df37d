import math


def input_embedding(ids, table, positions, start=0, scaled=True):
    rows = table[ids]
    if scaled:
        rows = rows * math.sqrt(table.size(1))
    return rows + positions[start : start + ids.size(-1)]
