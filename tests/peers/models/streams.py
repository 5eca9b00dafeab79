"""Holds many streams through the gateway to models for a while, and shows its memory all along.

    tests/peers/models/run --streams 512 --held 60
"""

import asyncio
import json
import pathlib
import tempfile
import time
import urllib.parse

import gateways

# One word every fifth of a second for each stream.
PAUSE = 0.2
MODELS = """
providers:
  openai:
    limits: {{ in_flight: {most}, queue: 1 }}
    timeouts: {{ whole: {whole} }}
"""


async def stream(url, body, seen):
    """One caller with a connection of its own: counts the pieces it gets, and how it ended."""
    at = urllib.parse.urlsplit(url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    head = (
        f"POST {at.path} HTTP/1.1\r\nhost: {at.netloc}\r\nauthorization: Bearer {gateways.KEY}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    writer.write(head.encode() + body)
    text = b""
    while piece := await reader.read(65536):
        seen["pieces"] += piece.count(b'"content":"')
        text = (text + piece)[-512:]
    seen["whole" if b"data: [DONE]" in text else "broken"] += 1
    if b"data: [DONE]" not in text:
        seen["last"] = text.decode(errors="replace")
    writer.close()


async def hold(gateway, streams, held):
    body = json.dumps(
        {"model": gateway.model, "stream": True, "messages": [{"role": "user", "content": "Count, please."}]}
    ).encode()
    seen = {"pieces": 0, "whole": 0, "broken": 0, "last": ""}
    idle, begun = gateway.resident(), time.monotonic()
    calls = [asyncio.create_task(stream(gateway.url, body, seen)) for _ in range(streams)]
    memory = []
    while not all(call.done() for call in calls):
        await asyncio.sleep(1)
        memory.append((time.monotonic() - begun, gateway.resident(), sum(not call.done() for call in calls)))
    await asyncio.gather(*calls)
    return idle, memory, seen, gateway.resident()


def tell(idle, memory, seen, after, held):
    print(f"{seen['whole']} streams ended whole, {seen['broken']} did not; {seen['pieces']} pieces arrived")
    if seen["broken"]:
        print(f"the last of them ended in: {seen['last'][-300:]}")
    print(f"{idle:.1f} MB before")
    for at, resident, open_now in memory[:: max(1, len(memory) // 12)]:
        print(f"{at:5.0f} s: {open_now} streams, {resident:.1f} MB")
    print(f"{after:.1f} MB after")
    steady = [resident for at, resident, open_now in memory if 5 <= at <= held]
    if steady:
        print(f"from 5 s to {held} s: {min(steady):.1f} to {max(steady):.1f} MB")


def run(binaries, streams, held):
    words = " ".join(str(number) for number in range(int(held / PAUSE)))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        models = folder / "models.yaml"
        models.write_text(MODELS.format(most=streams, whole=held * 2))
        provider = gateways.provider(binaries, folder, words, "--every", f"{int(PAUSE * 1000)}ms")
        gateway = gateways.bsm(binaries, folder, provider.url, {"BSM_MODELS_FILE": str(models)})
        try:
            tell(*asyncio.run(hold(gateway, streams, held)), held)
        finally:
            gateway.stop()
            provider.stop()
