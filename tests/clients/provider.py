"""The scripted provider, which plays those that the mesh asks."""

import json
import os
import subprocess
import time
import urllib.request

BINARY = os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), "debug", "bsm-testkit")
PATIENCE = 20


class Provider:
    """Runs `bsm-testkit provider`; `address` is host:port."""

    def __enter__(self):
        self._process = subprocess.Popen([BINARY, "provider"], stdout=subprocess.PIPE, text=True)
        said = json.loads(self._process.stdout.readline())
        self.address, self._control = said["listening"], said["control"]
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(timeout=20)
        self._process.stdout.close()

    def behave(self, **behaviour):
        """Answers like this from now on; what is not named has its default."""
        named = {name.replace("_", "-"): value for name, value in behaviour.items()}
        self._ask("PUT", "/behaviour", json.dumps(named).encode())

    def calls(self):
        """Every call so far, in order of arrival."""
        return self._ask("GET", "/calls")

    def until(self, done, since=0):
        """Waits until `done` says so about the calls since then."""
        ends = time.monotonic() + PATIENCE
        while not done(calls := self.calls()[since:]):
            if time.monotonic() > ends:
                raise AssertionError(f"it never happened: {calls}")
            time.sleep(0.02)
        return calls

    def _ask(self, method, path, body=None):
        request = urllib.request.Request(f"http://{self._control}{path}", data=body, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)
