"""workers"""
# pip: joblib dask ray prefect pytest-xdist
from trying import *
import subprocess, sys
from pathlib import Path
os.environ.update(RAY_USAGE_STATS_ENABLED="0", PREFECT_SERVER_ANALYTICS_ENABLED="false", PREFECT_LOGGING_LEVEL="ERROR", PREFECT_HOME=os.path.abspath("prefect"), PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS="300")
RAN = Path(__file__).with_name("ran.txt")  # what workers print may be lost, or come with a head
def ran(name):
    with RAN.open("a") as file: file.write(f"ran {name}\n")
@spot.mark
def twice(x: int) -> int: ran("twice"); return 2 * x
@spot.mark
def thrice(x: int) -> int: ran("thrice"); return 3 * x
@spot.mark
def square(x: int) -> int: ran("square"); return x * x
@spot.mark
def total(numbers: list[int]) -> int: ran("total"); return sum(numbers)
def main():
    from joblib import Parallel, delayed
    print("joblib", Parallel(n_jobs=2)(delayed(twice)(x) for x in range(4)))
    import dask
    @dask.delayed
    def below(x): return thrice(x)
    parts = [dask.delayed(thrice)(x) for x in range(3)] + [below(3)]
    print("dask", dask.compute(*parts, scheduler="threads"), dask.delayed(total)(parts).compute(scheduler="processes", num_workers=2))
    import ray
    @ray.remote
    def remote(x): return square(x)
    @ray.remote
    class Actor:
        def __init__(self, factor: int): self.factor = factor
        @spot.mark(key={"self": lambda actor: actor.factor})
        def times(self, x: int) -> int: ran("times"); return x * self.factor
    stacked = ray.remote(square)
    ray.init(num_cpus=2, include_dashboard=False, configure_logging=False, log_to_driver=False)
    print("ray", ray.get([remote.remote(x) for x in range(4)]), ray.get(stacked.remote(4)), ray.get(Actor.remote(3).times.remote(2)))
    ray.shutdown()
    from prefect import flow, task
    @task
    @spot.mark
    def load(x: int) -> list[int]: ran("load"); return [x, x]
    @task
    def below(x: int) -> int: return twice(x)
    @flow
    def pipeline(x: int) -> int: return total(load(x)) + below.submit(10).result()
    print("prefect", pipeline(5))
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "in_xdist.py"], stdout=subprocess.PIPE, text=True)
    print("xdist", done.stdout.splitlines()[-1].split(" in ")[0])
if __name__ == "__main__":
    RAN.write_text("")
    main()
    print(RAN.read_text(), end="")
