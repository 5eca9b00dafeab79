"""curl against the REST contract, as people type it."""

import hashlib
import hmac
import json
import subprocess
import unittest

from mesh import Mesh


class CurlTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = Mesh().__enter__()
        cls.addClassCleanup(cls.mesh.__exit__, None, None, None)

    def curl(self, path, *args):
        """Returns the HTTP code and the body."""
        url = f"http://{self.mesh.address['gateway']}{path}"
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--max-time", "30", "--write-out", "\n%{http_code}", *args, url],
            capture_output=True, text=True, check=True,
        )
        body, _, code = done.stdout.rpartition("\n")
        return int(code), body

    def send(self, path, text, *args):
        """Posts a text as JSON. curl's own --json does this in short, but only from 7.82 on."""
        return self.curl(path, "--data-raw", text, "--header", "Content-Type: application/json", *args)

    def post(self, path, body, *args):
        code, text = self.send(path, json.dumps(body), *args)
        return code, json.loads(text)

    def test_reads_answer(self):
        for path in ["/health", "/api/health/detailed", "/api/status", "/api/agents", "/api/agents?mode=chat",
                     "/api/agents/status", "/api/knowledge", "/api/orchestrator/config", "/api/orchestrator/jobs"]:
            code, body = self.curl(path)
            self.assertEqual(code, 200, (path, body))
            self.assertIn("correlationId", json.loads(body), path)

    def test_head_answers_where_get_does(self):
        code, body = self.curl("/health", "--head")
        self.assertEqual(code, 200)
        self.assertIn("x-correlation-id", body.lower())

    def test_a_job_is_submitted_followed_and_reported(self):
        diff = "--- a/a.py\n+++ b/a.py\n@@ -1 +1,2 @@\n x = 1\n+eval(input())\n"
        code, answer = self.post("/api/orchestrator/run", {"event": "pull_request.opened", "payload": {"diff": diff}})
        self.assertEqual(code, 202, answer)
        code, events = self.curl(f"/api/orchestrator/jobs/{answer['jobId']}/events", "--no-buffer")
        self.assertEqual(code, 200)
        self.assertIn("event: decision.made", events)
        code, report = self.curl(f"/api/orchestrator/jobs/{answer['jobId']}/report", "--header", "Accept: text/markdown")
        self.assertEqual(code, 200)
        self.assertIn("a.py", report)

    def test_an_unsigned_delivery_is_refused(self):
        code, answer = self.post("/webhook/github", {"action": "opened"}, "--header", "X-GitHub-Event: pull_request")
        self.assertEqual(code, 401)
        self.assertEqual(answer["error"]["code"], "INVALID_WEBHOOK_SIGNATURE")

    def test_even_a_signed_delivery_is_refused_while_no_secret_is_configured(self):
        body = json.dumps({"action": "opened"})
        signature = "sha256=" + hmac.new(b"", body.encode(), hashlib.sha256).hexdigest()
        code, _ = self.send("/webhook/github", body, "--header", "X-GitHub-Event: pull_request",
                            "--header", f"X-Hub-Signature-256: {signature}")
        self.assertEqual(code, 401)

    def test_malformed_json_says_where(self):
        code, body = self.send("/api/agents/run", "{")
        self.assertEqual((code, json.loads(body)["code"]), (400, "INVALID_JSON"))


if __name__ == "__main__":
    unittest.main()
