"""Each faulty client is caught, in a bounded number of runs, by the property that it breaks."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.sim.hunt import SEEDS, hunt
from tests.sim.variants import VARIANTS


@pytest.fixture(scope="module")
def hunts():
    """name -> the hunt under way: as many at once as there are processors."""
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
        yield {variant[0]: pool.submit(hunt, variant) for variant in VARIANTS}


@pytest.mark.parametrize("variant", VARIANTS, ids=[variant[0] for variant in VARIANTS])
def test_the_simulation_sees_that(hunts, variant):
    caught = hunts[variant[0]].result()
    assert caught is not None, f"not seen in {SEEDS} runs"
    seed, prop, text = caught
    assert prop == variant[4], f"seed {seed}: {prop}: {text}"
