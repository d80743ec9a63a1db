"""Texts as vectors, and how near they are to each other: `python -m examples.embeddings`."""

from math import hypot

from litellm import embedding

from . import EMBEDDING_MODEL

TEXTS = ["The cat sleeps on the sofa.", "A kitten naps on the couch.", "Shares fell sharply on Monday."]

answer = embedding(model=EMBEDDING_MODEL, input=TEXTS)
first, *others = [item["embedding"] for item in answer.data]
for text, vector in zip(TEXTS[1:], others, strict=True):
    nearness = sum(a * b for a, b in zip(first, vector, strict=True)) / (hypot(*first) * hypot(*vector))
    print(f"{nearness:6.3f}  {TEXTS[0]}  /  {text}")
print(answer.usage)
