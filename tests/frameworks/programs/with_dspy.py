"""DSPy, SymPy, pint, seaborn: objects that keep what they find out, and what has a figure"""
# pip: dspy sympy pint numpy seaborn huey
# again: prediction context told
# says: return what you need of it | is the task that runs the function | `module` changed while `told` ran
from trying import *
import dspy, huey, matplotlib, numpy as np, pandas as pd, pint, seaborn as sns, sympy as sp
matplotlib.use("Agg")
dspy.configure(lm=dspy.LM("openai/m", api_base=URL + "/v1", api_key="k" + os.environ["PYTHONHASHSEED"], cache=False))
@spot.mark
def asked(module: dspy.Module, q: str) -> dict:
    print("ran asked"); return module(q=q).toDict()
class Program(dspy.Module):
    def __init__(self): super().__init__(); self.think = dspy.Predict("q -> name, age: int")
    def forward(self, q): return self.think(q=q)
    @spot.mark
    def ask(self, q: str) -> dict: print("ran ask"); return self(q=q).toDict()
class Recalling(Program):
    def forward(self, q): self.history.append(q); return super().forward(q)
say(Program().ask, "why?")
for module in (dspy.Predict("q -> name, age: int"), Program()):
    say(asked, module, "why?")
for module in (Program(), dspy.ChainOfThought("q -> name, age: int")):
    print(before := spot.key(asked, module, "why?"))
    with dspy.context(adapter=dspy.JSONAdapter()): print(before != spot.key(asked, module, "why?"))
@spot.mark
def told(module: dspy.Module, q: str) -> dict:
    print("ran told"); return module(q=q).toDict()
told(Recalling(), "why?")
@spot.mark(ignore=("module.history",))
def forgot(module: dspy.Module, q: str) -> dict:
    print("ran forgot"); return module(q=q).toDict()
forgot(Recalling(), "why?")
@spot.mark
def prediction(q: str):
    print("ran prediction"); return dspy.Prediction(a=q)
prediction("a")
x, a = sp.symbols("x a", positive=True)
@spot.mark
def integral(e: sp.Expr, x: sp.Symbol) -> str:
    print("ran integral"); return sp.srepr(sp.integrate(e, x))
say(integral, sp.exp(-a * x) * sp.sin(x) + a, x)
ureg = pint.UnitRegistry()
@spot.mark
def speed(way: pint.Quantity, time: pint.Quantity) -> tuple:
    print("ran speed"); return (way / time).to("km/h").to_tuple()
say(speed, np.array([100.0, 200.0]) * ureg.meter, 10 * ureg.second)
df = pd.DataFrame({"x": [1, 2, 3, 4], "y": [1, 4, 9, 16], "k": list("abab")})
@spot.mark(content_type="image/png")
def panels(df: pd.DataFrame, col: str):
    print("ran panels"); return sns.relplot(df, x="x", y="y", col=col)
print(panels(df, "k")[:4])
@spot.mark(content_type="image/png")
def bars(df: pd.DataFrame):
    print("ran bars"); return sns.barplot(df, x="k", y="y")
print(bars(df)[:4])
tasks = huey.MemoryHuey(immediate=True)
@tasks.task(context=True)
@spot.mark
def context(n: int, task=None):
    print("ran context"); return n
print(context(1).get())
@tasks.task(context=True)
@spot.mark(ignore=("task",))
def left(n: int, task=None):
    print("ran left"); return n
print(left(1).get())
