"""Heat in rods of many materials, with checkpoints: a sweep that is killed goes on where it was."""

from itertools import repeat

import beautyspot as bs
import numpy as np

spot = bs.Spot("sweep")
MATERIALS = np.linspace(0.05, 0.45, 8).tolist()
CHECKPOINTS = 5
STEPS = 1000  # from one checkpoint to the next


@spot.mark(version=1)
def rod(conductivity: float, checkpoint: int) -> np.ndarray:
    """The temperatures along a rod, at a checkpoint."""
    if checkpoint == 0:
        return np.where(np.arange(1000) == 500, 1e6, 0.0)
    heat = rod(conductivity, checkpoint - 1)  # runs only if it is not stored
    for _ in range(STEPS):
        heat[1:-1] += conductivity * (heat[:-2] - 2 * heat[1:-1] + heat[2:])
    print(f"rod {conductivity:.2f}: checkpoint {checkpoint}", flush=True)
    return heat


if __name__ == "__main__":
    ends = spot.map(rod, MATERIALS, repeat(CHECKPOINTS), concurrency=2)
    for conductivity, heat in zip(MATERIALS, ends, strict=True):
        print(f"{conductivity:.2f}: {heat.max():.0f} at the hottest place")
