"""instructor"""
# pip: instructor openai
# again: extract_noann withcomp
# says: annotate the function (-> Person
from trying import *
import instructor
from openai import OpenAI, AsyncOpenAI
from pydantic import BaseModel, Field
class Person(BaseModel):
    name: str
    age: int
class Family(BaseModel):
    members: list[Person] = Field(default_factory=list)
raw = OpenAI(api_key="k", base_url=URL + "/v1")
client = instructor.from_openai(raw)
M = [{"role": "user", "content": "Why?"}]
@spot.mark
def extract(q: str) -> Person: print("ran extract"); return client.chat.completions.create(model="m", messages=M, response_model=Person)
say(extract, "a")
@spot.mark
def extract_noann(q: str): print("ran extract_noann"); return client.chat.completions.create(model="m", messages=M, response_model=Person)
say(extract_noann, "a")
@spot.mark
def schema(q: str, schema: type[BaseModel]): print("ran schema"); return client.chat.completions.create(model="m", messages=M, response_model=schema)
say(schema, "a", Person)
jclient = instructor.from_openai(raw, mode=instructor.Mode.JSON)
@spot.mark
def jextract(q: str) -> Person: print("ran jextract"); return jclient.chat.completions.create(model="m", messages=M, response_model=Person)
say(jextract, "a")
@spot.mark
def lst(q: str) -> list[Person]: print("ran lst"); return [client.chat.completions.create(model="m", messages=M, response_model=Person)]
say(lst, "a")
@spot.mark
def asarg(client: instructor.Instructor, q: str) -> Person: print("ran asarg"); return client.chat.completions.create(model="m", messages=M, response_model=Person)
say(asarg, client, "a")
@spot.mark
def withcomp(q: str): print("ran withcomp"); return client.chat.completions.create_with_completion(model="m", messages=M, response_model=Person)
say(withcomp, "a")
class X:
    def __init__(self): self.client = instructor.from_openai(OpenAI(api_key="k", base_url=URL + "/v1"))
    @spot.mark
    def go(self, q: str) -> Person: print("ran go"); return self.client.chat.completions.create(model="m", messages=M, response_model=Person)
say(X().go, "a")
