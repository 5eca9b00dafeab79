"""A whole mesh in one process on free ports, for the tests of foreign clients."""

import os
import re
import subprocess
import tempfile

ROLES = ["registry", "knowledge", "memory", "models", "orchestrator", "gateway"]
BINARY = os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), "debug", "bsm")


class Mesh:
    """Runs `bsm up` with these variables; `address[role]` is host:port once it is ready."""

    def __init__(self, **variables):
        self._variables = variables

    def __enter__(self):
        self._data = tempfile.TemporaryDirectory()
        args = [BINARY, "up", "--data-dir", self._data.name]
        for role in ROLES:
            args += ["--set", f"{role}.port=0"]
        self._log = tempfile.TemporaryFile(mode="w+")
        self._process = subprocess.Popen(
            args, env={"PATH": os.environ["PATH"], **self._variables}, stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        self.address = {}
        for line in self._process.stdout:
            found = re.search(r"(\w+)\s+[┆│].*?http://([\d.]+:\d+)", line)
            if found:
                self.address[found.group(1)] = found.group(2)
            if line.startswith("Ready in "):
                break
        if set(self.address) != set(ROLES):
            self._log.seek(0)
            raise RuntimeError(f"the mesh did not start: {self.address}\n{self._log.read()}")
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.stdout.close()
        if self._process.wait(timeout=20) != 0:
            raise RuntimeError("the mesh did not drain cleanly")
        self._log.close()
        self._data.cleanup()
