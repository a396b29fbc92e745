import dask
from distributed import Client

from work import COUNTS, PAGES, spot, words

if __name__ == "__main__":
    with Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
        assert client.gather(client.map(words, PAGES, pure=False)) == COUNTS
        assert dask.compute(*[dask.delayed(words)(page) for page in PAGES]) == tuple(COUNTS)

        pool = client.get_executor(pure=False)
        assert list(spot.map(words, PAGES, executor=pool)) == COUNTS
