import hydra
from omegaconf import DictConfig
import beautyspot as bs
spot = bs.Spot("app")
@spot.mark
def sales(cfg: DictConfig) -> int: print("ran sales"); return cfg.year * 2
@spot.mark
def growth(year: int) -> int: print("ran growth"); return year + 1
@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None: print(sales(cfg), growth(cfg.year))
if __name__ == "__main__": main()
