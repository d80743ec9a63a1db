"""The model calls a function, and answers with its result: `python -m examples.tools`."""

import json
from typing import Any

from litellm import completion

from . import MODEL

TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def weather(city: str) -> str:
    return f"It is sunny in {city}."


messages: list[Any] = [{"role": "user", "content": "How is the weather in Paris?"}]
message = completion(model=MODEL, messages=messages, tools=[TOOL]).choices[0].message
messages.append(message.model_dump())
for call in message.tool_calls or []:
    result = weather(**json.loads(call.function.arguments))
    print(f"{call.function.name}({call.function.arguments}) -> {result}")
    messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
print(completion(model=MODEL, messages=messages, tools=[TOOL]).choices[0].message.content)
