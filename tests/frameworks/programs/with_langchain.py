"""langchain"""
# pip: langchain langchain-openai langchain-text-splitters
# again: noann text_noann streamed
# says: annotate the function (-> AIMessage | or -> str, as which
from trying import *
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from langchain_core.messages import BaseMessage, AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.documents import Document
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.tools import tool
from langchain_text_splitters import RecursiveCharacterTextSplitter
from pydantic import BaseModel
class Person(BaseModel):
    name: str
    age: int
llm = ChatOpenAI(model="m", api_key="k", base_url=URL + "/v1")
@spot.mark
def base(q: str) -> BaseMessage: print("ran base"); return llm.invoke(q)
say(base, "a")
@spot.mark
def ai(q: str) -> AIMessage: print("ran ai"); return llm.invoke(q)
say(ai, "a")
@spot.mark
def noann(q: str): print("ran noann"); return llm.invoke(q)
say(noann, "a")
@spot.mark
def content(q: str) -> str: print("ran content"); return llm.invoke(q).content
say(content, "a")
@spot.mark
def text(q: str) -> str: print("ran text"); return llm.invoke(q).text
say(text, "a")
@spot.mark
def text_noann(q: str): print("ran text_noann"); return llm.invoke(q).text
say(text_noann, "a")
chain = ChatPromptTemplate.from_messages([("system", "s"), ("user", "{q}")]) | llm | StrOutputParser()
@spot.mark
def chained(q: str) -> str: print("ran chained"); return chain.invoke({"q": q})
say(chained, "a")
@spot.mark
def llmarg(llm: ChatOpenAI, q: str) -> str: print("ran llmarg"); return llm.invoke(q).content
say(llmarg, llm, "a")
say(llmarg, ChatOpenAI(model="other", api_key="k", base_url=URL + "/v1"), "a")
class A:
    def __init__(self): self.llm = ChatOpenAI(model="m", api_key="k", base_url=URL + "/v1", temperature=0.5)
    @spot.mark
    def go(self, q: str) -> str: print("ran A.go"); return self.llm.invoke(q).content
say(A().go, "a")
@spot.mark
def chainarg(chain, q: str) -> str: print("ran chainarg"); return chain.invoke({"q": q})
say(chainarg, chain, "a")
@spot.mark
def structured(q: str) -> Person: print("ran structured"); return llm.with_structured_output(Person).invoke(q)
say(structured, "a")
@spot.mark
def structarg(m, q: str) -> Person: print("ran structarg"); return m.invoke(q)
say(structarg, llm.with_structured_output(Person), "a")
@spot.mark
def history(msgs: list[BaseMessage]) -> str: print("ran history"); return llm.invoke(msgs).content
say(history, [SystemMessage("x"), HumanMessage("y"), AIMessage("z")])
@spot.mark
def append(msgs: list[BaseMessage]) -> list[BaseMessage]: print("ran append"); return [*msgs, llm.invoke(msgs)]
say(append, [SystemMessage("x"), HumanMessage("y")])
@spot.mark
def docs(p: str) -> list[Document]: print("ran docs"); return RecursiveCharacterTextSplitter(chunk_size=10, chunk_overlap=0).create_documents([p])
say(docs, "hello my little world of words")
@spot.mark
def withcfg(q: str, config: RunnableConfig) -> str: print("ran withcfg"); return q + "!"
say(RunnableLambda(withcfg).invoke, "a", name="withcfg")
import uuid
say(RunnableLambda(withcfg).invoke, "a", {"run_id": uuid.uuid4(), "metadata": {"t": 1}}, name="withcfg2")
@tool
def add(a: int, b: int) -> int:
    """Add."""
    return a + b
@tool
@spot.mark
def add2(a: int, b: int) -> int:
    """Add two."""
    print("ran add2"); return a + b
say(add2.invoke, {"a": 1, "b": 2}, name="add2")
@spot.mark
def toolarg(t, q) -> int: print("ran toolarg"); return t.invoke({"a": 1, "b": 2})
say(toolarg, add, "a")
emb = OpenAIEmbeddings(model="e", api_key="k", base_url=URL + "/v1", check_embedding_ctx_length=False)
@spot.mark
def embarg(e, t: str) -> list[float]: print("ran embarg"); return e.embed_query(t)
say(embarg, emb, "x")
@spot.mark
def streamed(q):
    print("ran streamed"); yield from llm.stream(q)
say(lambda: [type(c).__name__ for c in streamed("a")], name="streamed")
@spot.mark
def streamed_ann(q) -> "Iterator[BaseMessage]":
    print("ran streamed_ann"); yield from llm.stream(q)
say(lambda: [type(c).__name__ for c in streamed_ann("a")], name="streamed_ann")
