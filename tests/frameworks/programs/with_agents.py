"""agents"""
# pip: pydantic-ai-slim[openai] google-genai litellm
# again: whole lite_noann refused
# says: annotate the function (-> AgentRunResult | else say with mark(key={"agent": function}) what counts
from trying import *
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic import BaseModel
class Person(BaseModel):
    name: str
    age: int
model = OpenAIChatModel("m", provider=OpenAIProvider(base_url=URL + "/v1", api_key="k"))
agent = Agent(model, instructions="be")
@agent.tool_plain
def dice(name: str, age: int) -> int:
    """Roll."""
    return 4
people = Agent(model, output_type=Person)
@spot.mark
def out(q: str) -> str: print("ran out"); return agent.run_sync(q).output
say(out, "a")
@spot.mark
def person(q: str) -> Person: print("ran person"); return people.run_sync(q).output
say(person, "a")
@spot.mark
def agentarg(agent: Agent, q: str) -> str: print("ran agentarg"); return agent.run_sync(q).output
say(agentarg, Agent(model, instructions="be"), "a")
say(agentarg, Agent(model, instructions="be2"), "a")
say(agentarg, agent, "a")
with agent.override(instructions="be3"): say(agentarg, agent, "a")
class Family(BaseModel):
    children: list["Family"] = []
    first: Person | None = None
    last: Person | None = None
several = [agent, people, Agent(model, output_type=Family), Agent(model, instructions="be"), Agent(model, tools=[dice])]
print("keys", len({spot.key(agentarg, each, "a") for each in several}))
async def entered():
    async with agent: await agent.run("a"); return spot.key(agentarg, agent, "a")
print("after", spot.key(agentarg, agent, "a") == asyncio.run(entered()) == spot.key(agentarg, agent, "a"))
from httpx2 import AsyncClient
async def hook(request): pass
def hooked(): return Agent(OpenAIChatModel("m", provider=OpenAIProvider(base_url=URL + "/v1", api_key="k", http_client=AsyncClient(event_hooks={"request": [hook]}))), name="poet")
@spot.mark
async def refused(agent: Agent, q: str) -> str: print("ran refused"); return (await agent.run(q)).output
say(lambda: asyncio.run(refused(hooked(), "a")), name="refused")
@spot.mark(key={"agent": lambda agent: agent.name})
async def named(agent: Agent, q: str) -> str: print("ran named"); return (await agent.run(q)).output
say(lambda: asyncio.run(named(hooked(), "a")), name="named")
class S:
    def __init__(self): self.agent = Agent(OpenAIChatModel("m", provider=OpenAIProvider(base_url=URL + "/v1", api_key="k")), output_type=Person)
    @spot.mark
    def go(self, q: str) -> Person: print("ran go"); return self.agent.run_sync(q).output
say(S().go, "a")
@spot.mark
async def ago(agent, q: str) -> str: print("ran ago"); return (await agent.run(q)).output
say(lambda: asyncio.run(ago(agent, "a")), name="ago")
@spot.mark
def whole(q: str): print("ran whole"); return agent.run_sync(q)
say(lambda: type(whole("a")).__name__, name="whole")
@spot.mark
def msgs(q: str): print("ran msgs"); return agent.run_sync(q).all_messages_json()
say(lambda: type(msgs("a")), name="msgs")
from google import genai
from google.genai import types
g = genai.Client(api_key="k", http_options={"base_url": URL})
@spot.mark
def gtext(q: str) -> str: print("ran gtext"); return g.models.generate_content(model="g", contents=q).text
say(gtext, "a")
@spot.mark
def gresp(q: str) -> types.GenerateContentResponse: print("ran gresp"); return g.models.generate_content(model="g", contents=q)
say(gresp, "a")
@spot.mark
def garg(client: genai.Client, q: str) -> str: print("ran garg"); return client.models.generate_content(model="g", contents=q).text
say(garg, g, "a")
@spot.mark
def gparsed(q: str) -> Person: print("ran gparsed"); return g.models.generate_content(model="g", contents=q, config={"response_mime_type": "application/json", "response_schema": Person}).parsed
say(gparsed, "a")
class G:
    def __init__(self): self.client = genai.Client(api_key="k", http_options={"base_url": URL})
    @spot.mark
    def go(self, q: str) -> str: print("ran G.go"); return self.client.models.generate_content(model="g", contents=q).text
say(G().go, "a", name="G.go")
import litellm
from litellm import ModelResponse
@spot.mark
def lite(q: str) -> ModelResponse: print("ran lite"); return litellm.completion(model="openai/m", api_base=URL + "/v1", api_key="k", messages=[{"role": "user", "content": q}])
r = say(lite, "a"); print(r.usage, r.model_extra, r.choices[0].message.content)
@spot.mark
def lite_noann(q: str): print("ran lite_noann"); return litellm.completion(model="openai/m", api_base=URL + "/v1", api_key="k", messages=[{"role": "user", "content": q}])
say(lite_noann, "a")
@spot.mark
def lite_stream(q: str):
    print("ran lite_stream")
    for c in litellm.completion(model="openai/m", api_base=URL + "/v1", api_key="k", stream=True, messages=[{"role": "user", "content": q}]): yield c.choices[0].delta.content
say(lambda: list(lite_stream("a")), name="lite_stream")
from litellm.types.utils import ModelResponseStream
from typing import Iterator
@spot.mark
def lite_stream2(q: str) -> Iterator[ModelResponseStream]:
    print("ran lite_stream2")
    yield from litellm.completion(model="openai/m", api_base=URL + "/v1", api_key="k", stream=True, messages=[{"role": "user", "content": q}])
say(lambda: [c.model_dump() for c in lite_stream2("a")], name="lite_stream2")
@spot.mark
def lite_cost(r: ModelResponse) -> str: print("ran lite_cost"); return r.choices[0].message.content
say(lite_cost, lite("a"))
@spot.mark
def lite_emb(q: list[str]) -> litellm.EmbeddingResponse: print("ran lite_emb"); return litellm.embedding(model="openai/e", api_base=URL + "/v1", api_key="k", input=q)
say(lite_emb, ["a"])
