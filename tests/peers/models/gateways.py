"""How each gateway is started, with the settings that make it fastest, and how it is asked."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

KEY = "sk-peers"
MODEL = "gpt-4o"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Running:
    """A process with its children; `url` is where a chat completion is asked for."""

    def __init__(self, name, url, process, model, log):
        self.name, self.url, self.process, self.model, self.log = name, url, process, model, log

    def pids(self):
        """The process and all below it."""
        if self.process is None:
            return []
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            try:
                children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            except OSError:
                continue
            todo.extend(int(child) for child in children)
        return found

    def cpu(self):
        """Seconds of processor time so far."""
        ticks = os.sysconf("SC_CLK_TCK")
        total = 0
        for pid in self.pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / ticks

    def resident(self):
        """Megabytes in memory."""
        total = 0
        for pid in self.pids():
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            total += int(re.search(r"VmRSS:\s+(\d+)", status).group(1))
        return total / 1024

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(name, command, folder, env=None):
    log = folder / f"{name}.log"
    with open(log, "wb") as out:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, **(env or {})},
        )
    return process, log


def wait_for_port(port, process, log, seconds=120):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"{log.name} did not come up; its log ends in:\n{log.read_text()[-2000:]}")


def provider(binaries, folder, says, *more):
    port = free_port()
    command = [binaries / "bsm-testkit", "provider", "--port", port, "--counts-only", "--says", says, *more]
    process, log = start("provider", command, folder)
    wait_for_port(port, process, log)
    return Running("provider", f"http://127.0.0.1:{port}/v1", process, MODEL, log)


def direct(_binaries, _folder, provider_url):
    return Running("direct", f"{provider_url}/chat/completions", None, MODEL, None)


def served(name, command, roles, binaries, folder, provider_url, more=None):
    port = free_port()
    sets = {"gateway.port": port, "rate_limit.max": 0, "log.level": "error", **{f"{role}.port": 0 for role in roles}}
    sets = [part for key, value in sets.items() for part in ("--set", f"{key}={value}")]
    env = {"OPENAI_API_KEY": KEY, "BSM_OPENAI_BASE_URL": provider_url, **(more or {})}
    process, log = start(name, [binaries / "bsm", *command, "--data-dir", folder / name, *sets], folder, env)
    wait_for_port(port, process, log)
    return process, f"http://127.0.0.1:{port}/v1/chat/completions", log


def bsm(*where):
    """What the others are: no documents, no memory, no jobs."""
    process, url, log = served("bsm", ["serve", "registry,models,gateway"], ["registry", "models"], *where)
    return Running("BSM", url, process, f"openai/{MODEL}", log)


def mesh(*where):
    roles = ["registry", "knowledge", "memory", "models", "orchestrator"]
    process, url, log = served("mesh", ["up"], roles, *where)
    return Running("BSM, the whole mesh", url, process, f"openai/{MODEL}", log)


TENSORZERO = """
import sys, time, tensorzero
gateway = tensorzero._start_http_gateway(
    config_file=sys.argv[1], clickhouse_url=None, postgres_url=None, valkey_url=None, async_setup=False)
print("serves at", gateway.base_url, flush=True)
while True:
    time.sleep(3600)
"""


def tensorzero(_binaries, folder, provider_url):
    config = folder / "tensorzero.toml"
    config.write_text(
        f"""
[gateway]
observability.enabled = false
disable_pseudonymous_usage_analytics = true

[models.chat]
routing = ["openai"]

[models.chat.providers.openai]
type = "openai"
model_name = "{MODEL}"
api_base = "{provider_url}/"
"""
    )
    process, log = start("tensorzero", [sys.executable, "-c", TENSORZERO, config], folder, {"OPENAI_API_KEY": KEY})
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        found = re.search(r"serves at (http://\S+)", log.read_text())
        if found:
            base = found.group(1).rstrip("/")
            return Running("TensorZero", f"{base}/chat/completions", process, "tensorzero::model_name::chat", log)
        time.sleep(0.1)
    sys.exit(f"TensorZero did not come up; its log ends in:\n{log.read_text()[-2000:]}")


def litellm(_binaries, folder, provider_url):
    port = free_port()
    config = folder / "litellm.yaml"
    config.write_text(
        f"""
model_list:
  - model_name: {MODEL}
    litellm_params: {{model: openai/{MODEL}, api_base: "{provider_url}", api_key: {KEY}}}
general_settings: {{dangerously_permit_weak_or_unset_master_key: true}}
litellm_settings: {{telemetry: false}}
"""
    )
    program = pathlib.Path(sys.executable).with_name("litellm")
    env = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION"}
    command = [program, "--config", config, "--port", port, "--host", "127.0.0.1", "--num_workers", 1]
    process, log = start("litellm", command, folder, env)
    wait_for_port(port, process, log)
    return Running("LiteLLM", f"http://127.0.0.1:{port}/v1/chat/completions", process, MODEL, log)


def envoy(_binaries, folder, provider_url):
    port, upstream = free_port(), int(re.search(r":(\d+)/", provider_url).group(1))
    config = folder / "envoy.yaml"
    config.write_text(
        f"""
static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: peers
          route_config:
            virtual_hosts: [{{name: all, domains: ["*"], routes: [{{match: {{prefix: /}}, route: {{cluster: provider}}}}]}}]
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
  clusters:
  - name: provider
    connect_timeout: 1s
    load_assignment:
      cluster_name: provider
      endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {upstream}}}}}}}}}]}}]
"""
    )
    program = pathlib.Path(sys.executable).with_name("envoy")
    process, log = start("envoy", [program, "-c", config, "--concurrency", 2, "--log-level", "error"], folder)
    wait_for_port(port, process, log)
    return Running("Envoy (proxy only)", f"http://127.0.0.1:{port}/v1/chat/completions", process, MODEL, log)


# In the order of the table. BSM is what the others are; two of it would keep each other's program in the processor's caches.
ALL = [direct, bsm, envoy, tensorzero, litellm]
# Asked for by name.
OTHERS = [mesh]
