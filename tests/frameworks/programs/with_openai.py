"""openai"""
# pip: openai anthropic
# again: noann claude_blocks
# says: annotate the function (-> ChatCompletion
from trying import *
from openai import OpenAI, AsyncOpenAI
from openai.types.chat import ChatCompletion, ChatCompletionMessage, ChatCompletionChunk, ParsedChatCompletion
from pydantic import BaseModel
import anthropic
from anthropic.types import Message
class Person(BaseModel):
    name: str
    age: int
client = OpenAI(api_key="k", base_url=URL + "/v1")
aclient = AsyncOpenAI(api_key="k", base_url=URL + "/v1")
M = [{"role": "user", "content": "Why?"}]
@spot.mark
def plain(q: str) -> ChatCompletion: print("ran plain"); return client.chat.completions.create(model="m", messages=[{"role": "user", "content": q}])
say(plain, "a")
@spot.mark
def text(q: str) -> str: print("ran text"); return client.chat.completions.create(model="m", messages=[{"role": "user", "content": q}]).choices[0].message.content
say(text, "a")
@spot.mark
def parse_as_cc(q) -> ChatCompletion: print("ran parse_as_cc"); return client.chat.completions.parse(model="m", messages=M, response_format=Person)
say(parse_as_cc, "a")
@spot.mark
def parsed(q) -> Person: print("ran parsed"); return client.chat.completions.parse(model="m", messages=M, response_format=Person).choices[0].message.parsed
say(parsed, "a")
@spot.mark
def parse_pcc(q) -> ParsedChatCompletion[Person]: print("ran parse_pcc"); return client.chat.completions.parse(model="m", messages=M, response_format=Person)
say(parse_pcc, "a")
@spot.mark
def message(q) -> ChatCompletionMessage: print("ran message"); return client.chat.completions.parse(model="m", messages=M, response_format=Person).choices[0].message
say(message, "a")
@spot.mark
def noann(q): print("ran noann"); return client.chat.completions.create(model="m", messages=M)
say(noann, "a")
@spot.mark
def chunks(q) -> list[ChatCompletionChunk]: print("ran chunks"); return list(client.chat.completions.create(model="m", messages=M, stream=True))
say(chunks, "a")
@spot.mark
def stream(q):
    print("ran stream")
    for c in client.chat.completions.create(model="m", messages=M, stream=True): yield c.choices[0].delta.content
say(lambda: list(stream("a")), name="stream")
@spot.mark
def chunkstream(q) -> "Iterator[ChatCompletionChunk]":
    print("ran chunkstream")
    yield from client.chat.completions.create(model="m", messages=M, stream=True)
say(lambda: list(chunkstream("a")), name="chunkstream")
@spot.mark
def response(q): print("ran response"); return client.responses.parse(model="m", input=q, text_format=Person).output_parsed
say(response, "a")
from openai.types.responses import Response
@spot.mark
def response2(q) -> Response: print("ran response2"); return client.responses.create(model="m", input=q)
say(response2, "a")
@spot.mark
def response3(q) -> Response: print("ran response3"); return client.responses.parse(model="m", input=q, text_format=Person)
say(response3, "a")
@spot.mark
async def amain(q: str) -> ChatCompletion: print("ran amain"); return await aclient.chat.completions.create(model="m", messages=M)
say(lambda: asyncio.run(amain("a")), name="amain")
@spot.mark
def asarg(client: OpenAI, q: str) -> str: print("ran asarg"); return client.chat.completions.create(model="m", messages=M).choices[0].message.content
say(asarg, client, "a")
@spot.mark
def embed(texts: list[str]) -> list[list[float]]: print("ran embed"); return [d.embedding for d in client.embeddings.create(model="e", input=texts).data]
say(embed, ["a", "b"])
@spot.mark
def msgarg(m: ChatCompletionMessage) -> str: print("ran msgarg"); return m.content
say(msgarg, plain("a").choices[0].message)
ac = anthropic.Anthropic(api_key="k", base_url=URL)
@spot.mark
def claude(q: str) -> Message: print("ran claude"); return ac.messages.create(model="c", max_tokens=5, messages=M)
say(claude, "a")
@spot.mark
def claude_parse(q: str) -> Message: print("ran claude_parse"); return ac.messages.parse(model="c", max_tokens=5, messages=M, output_format=Person)
say(claude_parse, "a")
@spot.mark
def claude_stream(q: str) -> Message:
    print("ran claude_stream")
    with ac.messages.stream(model="c", max_tokens=5, messages=M) as s: return s.get_final_message()
say(claude_stream, "a")
@spot.mark
def claude_blocks(q: str): print("ran claude_blocks"); return ac.messages.create(model="c", max_tokens=5, messages=M).content
say(claude_blocks, "a")
@spot.mark
def claude_dict(q: str): print("ran claude_dict"); return ac.messages.create(model="c", max_tokens=5, messages=M).model_dump()
say(claude_dict, "a")
@spot.mark
def claude_arg(c, q: str): print("ran claude_arg"); return c.messages.create(model="c", max_tokens=5, messages=M).content[0].text
say(claude_arg, ac, "a")
