"""Stands for the APIs of OpenAI, Anthropic and Google, on this machine."""
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PERSON = {"name": "Ada", "age": 36}

def openai_message(body):
    if body.get("tools") and not any(m["role"] == "tool" for m in body["messages"]):
        tool = body["tools"][0]["function"]["name"]
        return {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": tool, "arguments": json.dumps(PERSON)}}]}
    if body.get("response_format"):
        return {"role": "assistant", "content": json.dumps(PERSON), "refusal": None}
    if "[[ ## completed ## ]]" in str(body["messages"]):  # as DSPy asks for fields
        fields = [f"[[ ## {name} ## ]]\n{each}\n\n" for name, each in PERSON.items()]
        return {"role": "assistant", "content": f"{''.join(fields)}[[ ## completed ## ]]"}
    return {"role": "assistant", "content": "Because."}

class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self): self.answer({"path": self.path, "data": []})
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        p = self.path
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        if "chat/completions" in p:
            head = {"id": "1", "created": 1, "model": body["model"]}
            if body.get("stream"):
                return self.stream([{**head, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"role": "assistant", "content": t}, "finish_reason": f}]} for t, f in (("Be", None), ("cause.", None), ("", "stop"))])
            m = openai_message(body)
            return self.answer({**head, "object": "chat.completion", "usage": usage, "x_extra": 5, "choices": [{"index": 0, "finish_reason": "tool_calls" if m.get("tool_calls") else "stop", "message": m}]})
        if "embeddings" in p:
            n = body["input"] if isinstance(body["input"], list) else [body["input"]]
            return self.answer({"object": "list", "model": "e", "usage": usage, "data": [{"object": "embedding", "index": i, "embedding": [0.5, float(i)]} for i in range(max(1, len(n)))]})
        if "/responses" in p:
            return self.answer({"id": "r1", "object": "response", "created_at": 1, "model": body["model"], "status": "completed", "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "output": [{"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": json.dumps(PERSON) if body.get("text") else "Because.", "annotations": []}]}]})
        if "/messages" in p:
            head = {"id": "m1", "type": "message", "role": "assistant", "model": body["model"], "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}
            if body.get("stream"):
                return self.stream([
                    {"type": "message_start", "message": {**head, "content": [], "stop_reason": None}},
                    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
                    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Because."}},
                    {"type": "content_block_stop", "index": 0},
                    {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 1}},
                    {"type": "message_stop"}], named=True)
            if body.get("tools"):
                content = [{"type": "tool_use", "id": "t1", "name": body["tools"][0]["name"], "input": PERSON}]
            else:
                content = [{"type": "text", "text": json.dumps(PERSON) if body.get("output_config") or body.get("output_format") else "Because."}]
            return self.answer({**head, "content": content, "stop_reason": "end_turn"})
        if "embedContent" in p or "batchEmbed" in p:
            return self.answer({"embeddings": [{"values": [0.5]}]})
        if "generateContent" in p:
            js = body.get("generationConfig", {}).get("responseMimeType") == "application/json"
            return self.answer({"candidates": [{"content": {"role": "model", "parts": [{"text": json.dumps(PERSON) if js else "Because."}]}, "finishReason": "STOP", "index": 0}], "modelVersion": "g", "usageMetadata": {"promptTokenCount": 1, "totalTokenCount": 2}})
        return self.answer({"path": p, "body": body})
    def stream(self, events, named=False):
        out = "".join((f"event: {e['type']}\n" if named else "") + f"data: {json.dumps(e)}\n\n" for e in events)
        if not named: out += "data: [DONE]\n\n"
        self.send(out.encode(), "text/event-stream")
    def answer(self, what): self.send(json.dumps(what).encode(), "application/json")
    def send(self, body, kind):
        self.send_response(200); self.send_header("Content-Type", kind); self.send_header("Content-Length", str(len(body))); self.send_header("x-request-id", "req_1"); self.send_header("request-id", "req_1"); self.end_headers(); self.wfile.write(body)
    def log_message(self, *_): pass

if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()
