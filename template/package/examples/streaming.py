"""An answer as it comes in, without blocking: `python -m examples.streaming`."""

import asyncio

from litellm import acompletion

from . import MODEL


async def main() -> None:
    chunks = await acompletion(
        model=MODEL, messages=[{"role": "user", "content": "Count to ten in words."}], stream=True
    )
    async for chunk in chunks:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
    print()


asyncio.run(main())
