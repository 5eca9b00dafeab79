"""One table: what each gateway adds to a call, and what it takes for it.

Gateways are asked in turn, in rounds, so that whatever else the machine does meets all of them alike. Added times are
the quantile of the gateway's calls less the same quantile of the direct calls of the same round; the table has the
median of the rounds, and their spread.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import gateways
import streams
from caller import Caller

# More is beyond what one process of it answers.
MOST = {"LiteLLM": 40}
BLOCK = 50
WORDS = "The change looks sound; two names could be clearer."
ASKED = "Please look at this change and say in one sentence what you think of it. " * 8


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binaries", type=pathlib.Path, required=True, help="where bsm and bsm-testkit are")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=300, help="calls of each kind in a round")
    parser.add_argument("--rate", type=int, default=1000, help="calls a second for processor time and memory")
    parser.add_argument("--seconds", type=int, default=10, help="how long that load lasts")
    parser.add_argument("--only", help="names of gateways, separated by commas: bsm, mesh, envoy, tensorzero, litellm")
    parser.add_argument("--streams", type=int, help="instead, hold so many streams of BSM and show its memory")
    parser.add_argument("--held", type=int, default=60, help="for how many seconds")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def body(gateway, stream):
    asked = {"model": gateway.model, "messages": [{"role": "user", "content": ASKED}]}
    return {**asked, "stream": True} if stream else asked


HEADERS = {"authorization": f"Bearer {gateways.KEY}", "accept": "application/json"}


def callers(gateway):
    whole = Caller(gateway.url, HEADERS, body(gateway, stream=False))
    stream = Caller(gateway.url, {**HEADERS, "accept": "text/event-stream"}, body(gateway, stream=True))
    return whole, stream


def quantiles(times):
    ordered = sorted(times)
    return ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]


def round_of(running, calls):
    """Quantiles of whole answers and of first tokens, per gateway; blocks of calls alternate between the gateways.

    A single call after one of another gateway would measure how fast a processor fills its caches.
    """
    whole, first = ({gateway.name: [] for gateway, *_ in running} for _ in range(2))
    for start in range(0, calls, BLOCK):
        block = range(min(BLOCK, calls - start))
        for gateway, plain, stream in running:
            whole[gateway.name] += [plain.call()[1] for _ in block]
            first[gateway.name] += [stream.call(mark=b'"content":"')[0] for _ in block]
    return {name: (*quantiles(whole[name]), *quantiles(first[name])) for name in whole}


def load(binaries, gateway, rate, seconds):
    """Processor time per call, and memory, under a fixed rate."""
    if gateway.process is None:
        return None
    rate = min(rate, MOST.get(gateway.name, rate))
    idle, before = gateway.resident(), gateway.cpu()
    command = [binaries / "bsm", "bench", gateway.url, "--rate", rate, "--duration", f"{seconds}s", "--warmup", "0s"]
    command += ["--data", json.dumps(body(gateway, stream=False)), "--json"]
    for name, value in HEADERS.items():
        command += ["--header", f"{name}: {value}"]
    command += ["--header", "content-type: application/json"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        print(f"{gateway.name}: bsm bench ended with {done.returncode}: {done.stderr[-400:]}", file=sys.stderr)
        return None
    calls = rate * seconds
    return {"idle_mb": idle, "load_mb": gateway.resident(), "cpu_us": (gateway.cpu() - before) / calls * 1e6}


def added(rounds, name):
    """The four added quantiles in microseconds: (median, least, most) of the rounds."""
    columns = zip(*([own - base for own, base in zip(r[name], r["direct"])] for r in rounds))
    return [tuple(f(column) * 1e6 for f in (statistics.median, min, max)) for column in columns]


def measure(options, folder):
    provider = gateways.provider(options.binaries, folder, WORDS)
    started = [provider]
    only = options.only and {"direct", *options.only.split(",")}
    try:
        for start in gateways.ALL + (gateways.OTHERS if only else []):
            if not only or start.__name__ in only:
                started.append(start(options.binaries, folder, provider.url))
        running = [(gateway, *callers(gateway)) for gateway in started[1:]]
        time.sleep(2)
        round_of(running, 50)  # to warm up
        rounds = []
        for number in range(options.rounds):
            rounds.append(round_of(running, options.calls))
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
        loads = {g.name: load(options.binaries, g, options.rate, options.seconds) for g, *_ in running}
        return {g.name: {"added": added(rounds, g.name), "load": loads[g.name]} for g, *_ in running[1:]}, {
            "direct": [statistics.median(r["direct"][n] for r in rounds) * 1e6 for n in range(4)]
        }
    finally:
        for gateway in reversed(started):
            gateway.stop()


def table(found, base):
    direct = base["direct"]
    print(f"direct call: p50 {direct[0]:.0f} µs, p99 {direct[1]:.0f} µs; first token p50 {direct[2]:.0f}, p99 {direct[3]:.0f} µs")
    print("| gateway | added p50 µs | added p99 µs | added first token p50 µs | p99 µs | CPU per call µs | calls/s per core | MB idle / load |")
    print("|---|---|---|---|---|---|---|---|")
    for name, row in found.items():
        cells = [f"{median:.0f} ({least:.0f}–{most:.0f})" for median, least, most in row["added"]]
        usage = row["load"]
        if usage:
            rate = 1e6 / usage["cpu_us"] if usage["cpu_us"] else float("inf")
            cells += [f"{usage['cpu_us']:.0f}", f"{rate:.0f}", f"{usage['idle_mb']:.0f} / {usage['load_mb']:.0f}"]
        else:
            cells += ["–"] * 3
        print(f"| {name} | {' | '.join(cells)} |")


def main():
    options = arguments()
    options.binaries = options.binaries.resolve()
    if options.streams:
        return streams.run(options.binaries, options.streams, options.held)
    with tempfile.TemporaryDirectory() as folder:
        found, base = measure(options, pathlib.Path(folder))
    if options.json:
        print(json.dumps({"direct": base["direct"], "gateways": found}))
    else:
        table(found, base)


if __name__ == "__main__":
    main()
