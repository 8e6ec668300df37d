"""A grid with walls, a start and a goal: an environment to act in, and the moves of one who knows the way.

    state      the agent's cell; the maze stays
    action     up, down, left, right; into a wall or the border = no move
    reward     1 at the goal, where the episode ends, else 0

`best_actions` are by breadth-first search from the goal: every move that shortens the way.  Imitating them is a
question about a sequence of cells (`GridMoves`), and whether the imitator gets there is measured by letting it walk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tfx.data.toys.toy import LabelToy, Places, Rng, one_side

FREE, WALL, AGENT, GOAL = range(4)
MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1))  # up, down, left, right
UNREACHABLE = -1


class GridWorld:
    """cells: (N, N) of FREE, WALL, AGENT, GOAL, with one agent and one goal.  Raises ValueError without them."""

    def __init__(self, cells: np.ndarray) -> None:
        if (cells == AGENT).sum() != 1 or (cells == GOAL).sum() != 1:
            raise ValueError("a grid needs one agent and one goal")
        self.cells = cells.copy()

    def step(self, action: int) -> tuple[np.ndarray, float, bool]:
        """-> the cells after the move, the reward, and whether the goal is reached (the agent then covers it)."""
        row, column = self._agent()
        new = row + MOVES[action][0], column + MOVES[action][1]
        if not all(0 <= at < len(self.cells) for at in new) or self.cells[new] == WALL:
            return self.cells.copy(), 0.0, False
        reached = bool(self.cells[new] == GOAL)
        self.cells[row, column], self.cells[new] = FREE, AGENT
        return self.cells.copy(), float(reached), reached

    def _agent(self) -> tuple[int, int]:
        row, column = np.argwhere(self.cells == AGENT)[0].tolist()
        return row, column


def distances(cells: np.ndarray) -> np.ndarray:
    """cells: (N, N) -> moves from each cell to the goal, UNREACHABLE for walls and what they shut off."""
    found = np.full(cells.shape, UNREACHABLE)
    start = tuple(np.argwhere(cells == GOAL)[0].tolist())
    found[start], waiting = 0, deque([start])
    while waiting:
        row, column = waiting.popleft()
        for down, right in MOVES:
            at = row + down, column + right
            if all(0 <= i < len(cells) for i in at) and cells[at] != WALL and found[at] == UNREACHABLE:
                found[at] = found[row, column] + 1
                waiting.append(at)
    return found


def best_actions(cells: np.ndarray) -> list[int]:
    """Every action that brings the agent nearer to the goal; empty when it cannot be reached."""
    away = distances(cells)
    row, column = np.argwhere(cells == AGENT)[0].tolist()
    best = []
    for action, (down, right) in enumerate(MOVES):
        at = row + down, column + right
        if all(0 <= i < len(cells) for i in at) and away[at] != UNREACHABLE and away[at] < away[row, column]:
            best.append(action)
    return best


def walk(cells: np.ndarray, policy: Callable[[np.ndarray], int], limit: int) -> float:
    """The reward that `policy` (cells -> action) collects within `limit` moves."""
    world, collected = GridWorld(cells), 0.0
    for _ in range(limit):
        _, reward, done = world.step(policy(world.cells.copy()))
        collected += reward
        if done:
            break
    return collected


@dataclass(frozen=True)
class GridMoves(LabelToy):
    """Which move is best?  The grid is read as N N tokens, line by line; at the agent the first best one is asked."""

    side: int = 4
    n_walls: int = 3

    @property
    def n_tokens(self) -> int:
        return 4

    @property
    def n_answers(self) -> int:
        return len(MOVES)

    def draw(self, n: int, rng: Rng, held_out: bool = False) -> Places:
        """ids: (n, N N), only grids from which the goal can be reached."""
        ids, action = one_side(n, rng, held_out, self._grids)
        asked = ids == AGENT
        return Places(ids, np.where(asked, action[:, None], 0), asked)

    def _grids(self, n: int, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
        rows: list[np.ndarray] = []
        actions: list[int] = []
        while len(rows) < n:
            cells = np.full(self.side * self.side, FREE)
            cells[rng.permutation(cells.size)[: self.n_walls + 2]] = [AGENT, GOAL, *[WALL] * self.n_walls]
            best = best_actions(cells.reshape(self.side, self.side))
            if best:
                rows.append(cells)
                actions.append(best[0])
        return np.array(rows), np.array(actions)
