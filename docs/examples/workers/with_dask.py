"""The workers of a Dask cluster, here two processes of this machine."""

import dask
from distributed import Client
from work import PAGES, spot, words

if __name__ == "__main__":
    with Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
        print(client.gather(client.map(words, PAGES, pure=False)))  # [2, 3, 4]
        print(list(dask.compute(*[dask.delayed(words)(page) for page in PAGES])))  # the same

        pool = client.get_executor(pure=False)
        print(list(spot.map(words, PAGES, executor=pool)))  # the same
