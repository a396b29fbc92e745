import marimo
app = marimo.App()
@app.cell
def _():
    import beautyspot as bs
    spot = bs.Spot("app")
    return (spot,)
@app.cell
def _(spot):
    FACTOR = 3
    @spot.mark
    def tripled(x: int) -> int: print("ran tripled"); return FACTOR * x
    return (tripled,)
@app.cell
def _(tripled):
    print(tripled(1), tripled(2))
    return
if __name__ == "__main__": app.run()
