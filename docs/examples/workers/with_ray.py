"""The workers of a Ray cluster, here those of this machine."""

import ray
from work import PAGES, words

if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False)
    remote = ray.remote(words)
    print(ray.get([remote.remote(page) for page in PAGES]))  # [2, 3, 4]
    ray.shutdown()
