"""apps"""
# pip: nbclient ipykernel marimo streamlit hydra-core pillow numpy
# again: lazy
# says: reads session_state of Streamlit | return image.copy()
from trying import *
import subprocess, sys
from PIL import Image
def run(*command):
    done = subprocess.run([sys.executable, *command], stdout=subprocess.PIPE, text=True)
    print(command[0], done.returncode); print(done.stdout, end="")
import nbformat
from nbclient import NotebookClient
new = nbformat.v4
book = new.new_notebook(cells=[new.new_code_cell(cell) for cell in (
    "import beautyspot as bs\nspot = bs.Spot('app')",
    "FACTOR = 3\n@spot.mark\ndef cell(x: int) -> int:\n    print('ran cell')\n    return FACTOR * x",
    "print(cell(1), cell(2))",
)])
NotebookClient(book, kernel_name="python3").execute()
for cell in book.cells:
    for output in cell.outputs: print(output.get("text"), end="")
run("in_marimo.py"); run("in_hydra.py", "+year=2026"); run("in_hydra.py", "+year=2026", "hydra.job.chdir=True"); run("in_hydra.py", "--multirun", "+year=2024,2025", "hydra/job_logging=none", "hydra/hydra_logging=none")
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("in_streamlit.py").run(timeout=60)
print("streamlit", app.exception, [each.value for each in app.text])
app.number_input[0].set_value(3).run(timeout=60); app.number_input[0].set_value(2).run(timeout=60)
print("streamlit", app.exception, [each.value for each in app.text])
@spot.mark
def gray(image: Image.Image) -> Image.Image: print("ran gray"); return image.convert("L").resize((2, 2))
@spot.mark
def size(image: Image.Image) -> tuple[int, int]: print("ran size"); return image.size
@spot.mark(save_blob=True, content_type="image/png")
def drawn(width: int) -> Image.Image: print("ran drawn"); return Image.new("RGB", (width, 2), "red")
@spot.mark
def opened(path: str) -> Image.Image: print("ran opened"); return Image.open(path).copy()
@spot.mark
def lazy(path: str) -> Image.Image: print("ran lazy"); return Image.open(path)
image = drawn(4)
say(lambda: gray(image).tobytes(), name="gray")
image.save("image.png")
say(size, Image.open("image.png")); say(lambda: opened("image.png").size, name="opened"); say(lambda: lazy("image.png").size, name="lazy")
