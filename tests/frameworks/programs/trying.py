import asyncio, os, re
import beautyspot as bs

URL = os.environ.get("URL", "http://127.0.0.1:1")
spot = bs.Spot("app")


def say(f, *args, name=None):
    """Call a marked function, and print what it gives; a plain text where that is one."""
    try: v = f(*args)
    except Exception as e: v = f"RAISED {type(e).__name__} {e}"
    shown = str(v) if isinstance(v, str) else f"{type(v).__name__} {v!r}"
    shown = re.sub(r"\[~\w+\]", "", shown)  # of `ParsedChatCompletion[~T]`, which a hit lacks
    print(name or f.__name__, shown[:200].split(" at 0x")[0])
    return v


def value(name, make, show=repr):
    """A function that makes this, and prints that it ran."""
    @spot.mark(name=name)
    def f(x): print("ran", name); return make()
    print(name, say_show(show, f(1)))


def say_show(show, v): return f"{type(v).__name__} {show(v)}"[:300].replace("\n", " ").split(" at 0x")[0]


def arg(name, v):
    """A function that takes this."""
    @spot.mark(name="arg_" + name)
    def f(x): print("ran", "arg_" + name); return 1
    f(v)


def both(name, make, show=repr):
    value(name, make, show); arg(name, make())
