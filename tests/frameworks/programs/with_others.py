"""others"""
# pip: llama-index-core aiohttp rich tqdm tiktoken lxml beautifulsoup4
# again: llmr whole souparg tags el elarg
# says: is a bs4.BeautifulSoup, which
from trying import *
import sys
from llama_index.core import VectorStoreIndex, Document, Settings, MockEmbedding
from llama_index.core.schema import NodeWithScore
from llama_index.core.llms import MockLLM
Settings.llm = MockLLM(); Settings.embed_model = MockEmbedding(embed_dim=3)
index = VectorStoreIndex.from_documents([Document(text="hello world")])
engine = index.as_query_engine()
@spot.mark
def query(engine, q: str) -> str: print("ran query"); return str(engine.query(q))
say(query, engine, "a")
@spot.mark
def qindex(index, q: str) -> str: print("ran qindex"); return str(index.as_query_engine().query(q))
say(qindex, index, "a")
class R:
    def __init__(self): self.engine = engine
    @spot.mark
    def ask(self, q: str) -> str: print("ran R.ask"); return str(self.engine.query(q))
say(R().ask, "a")
@spot.mark
def retrieve(q: str) -> list[NodeWithScore]: print("ran retrieve"); return index.as_retriever().retrieve(q)
say(lambda: [n.text for n in retrieve("a")], name="retrieve")
from llama_index.core.base.response.schema import Response
@spot.mark
def resp(q: str) -> Response: print("ran resp"); return engine.query(q)
say(lambda: resp("a").response, name="resp")
@spot.mark
def emb(e, t: str) -> list[float]: print("ran emb"); return e.get_text_embedding(t)
say(emb, Settings.embed_model, "x")
@spot.mark
def llm(e, t: str) -> str: print("ran llm"); return e.complete(t).text
say(llm, Settings.llm, "x")
@spot.mark
def llmr(t: str): print("ran llmr"); return Settings.llm.complete(t)
say(llmr, "x")
import aiohttp
@spot.mark
async def fetch(session: aiohttp.ClientSession, path: str) -> dict:
    print("ran fetch")
    async with session.get(URL + path) as r: return await r.json()
async def main():
    async with aiohttp.ClientSession() as s:
        a = await fetch(s, "/x")
    async with aiohttp.ClientSession(headers={"X-A": "b"}) as s:
        return a, await fetch(s, "/x")
say(lambda: asyncio.run(main()), name="fetch")
@spot.mark
async def whole(session, path: str):
    print("ran whole")
    async with session.get(URL + path) as r: return r
async def main2():
    async with aiohttp.ClientSession() as s: return type(await whole(s, "/x")).__name__
say(lambda: asyncio.run(main2()), name="whole")
sem = asyncio.Semaphore(2)
@spot.mark
async def limited(sem, x: int) -> int:
    print("ran limited")
    async with sem: return x
say(lambda: asyncio.run(limited(sem, 1)), name="limited")
from rich.console import Console
from rich.progress import Progress, track
console = Console(stderr=True)
@spot.mark
def withconsole(c: Console, x: int) -> int: print("ran withconsole"); c.print("hi"); return x
say(withconsole, console, 1)
@spot.mark
def withprogress(x: int, progress: Progress) -> int: print("ran withprogress"); t = progress.add_task("a", total=1); progress.advance(t); return x
with Progress(console=console) as p: say(withprogress, 1, p)
class C:
    def __init__(self): self.console = Console(); self.n = 1
    @spot.mark
    def go(self, x): print("ran C.go"); return x
say(C().go, 1, name="C.go")
from tqdm import tqdm
@spot.mark
def withtqdm(x: int, bar) -> int: print("ran withtqdm"); bar.update(1); return x
with tqdm(total=3, file=sys.stderr, disable=False) as bar: say(withtqdm, 1, bar)
@spot.mark
def overtqdm(items) -> int: print("ran overtqdm"); return sum(items)
say(overtqdm, tqdm([1, 2], file=sys.stderr)); say(overtqdm, tqdm([1, 3], file=sys.stderr)); 
import tiktoken
enc = tiktoken.Encoding("mine", pat_str=r".", mergeable_ranks={bytes([i]): i for i in range(256)}, special_tokens={"<e>": 256})
@spot.mark
def tokens(e: tiktoken.Encoding, t: str) -> list[int]: print("ran tokens"); return e.encode(t)
say(tokens, enc, "hi")
import lxml.etree, bs4
@spot.mark
def xp(t: str) -> list[str]: print("ran xp"); return lxml.etree.fromstring(t).xpath("//b/text()")
say(xp, "<a><b>x</b></a>")
@spot.mark
def soup(t: str) -> str: print("ran soup"); return bs4.BeautifulSoup(t, "html.parser").b.string
say(soup, "<a><b>x</b></a>")
@spot.mark
def souparg(s: bs4.BeautifulSoup) -> str: print("ran souparg"); return str(s.b.string)
say(souparg, bs4.BeautifulSoup("<b>c</b>", "html.parser"))
@spot.mark
def tags(t: str): print("ran tags"); return bs4.BeautifulSoup(t, "html.parser").find_all("b")
say(tags, "<b>x</b>")
from multidict import istr
@spot.mark
def hdr(t: str) -> dict[str, str]: print("ran hdr"); return {istr(t): "x"}
say(hdr, "<b>x</b>")
@spot.mark
def el(t: str): print("ran el"); return lxml.etree.fromstring(t)
say(lambda: type(el("<a/>")).__name__, name="el")
@spot.mark
def elarg(t) -> str: print("ran elarg"); return t.tag
say(elarg, lxml.etree.fromstring("<a/>"), name="elarg")
