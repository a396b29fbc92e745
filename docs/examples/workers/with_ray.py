import ray

from work import COUNTS, PAGES, words

if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False)
    remote = ray.remote(words)
    assert ray.get([remote.remote(page) for page in PAGES]) == COUNTS
    ray.shutdown()
