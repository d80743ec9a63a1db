"""One question, one answer: `python -m examples.basic`."""

from litellm import completion

from . import MODEL

answer = completion(model=MODEL, messages=[{"role": "user", "content": "Say hello in three languages."}])
print(answer.choices[0].message.content)
print(answer.usage)
