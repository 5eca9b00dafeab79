"""Anthropic's own Python package, pointed at the gateway."""

import unittest

import anthropic
from mesh import Mesh
from provider import Provider

HELLO = [{"role": "user", "content": "Hello"}]
WEATHER = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
PARIS = {"city": "Paris", "note": "déjà vu"}


class AnthropicTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.provider = cls.enterClassContext(Provider())
        cls.mesh = cls.enterClassContext(Mesh(
            ANTHROPIC_KEY="sk-ant-test", BSM_ANTHROPIC_BASE_URL=f"http://{cls.provider.address}",
            OPENAI_API_KEY="sk-test", BSM_OPENAI_BASE_URL=f"http://{cls.provider.address}/v1",
        ))

    def setUp(self):
        self.provider.behave(says="Hello there friend")
        self.before = len(self.provider.calls())
        self.client = self.enterContext(self.at(self.mesh))

    def at(self, mesh, **options):
        options = {"api_key": "unused", "max_retries": 0, "timeout": 30, **options}
        return anthropic.Anthropic(base_url=f"http://{mesh.address['gateway']}", **options)

    def ask(self, model="anthropic/claude-sonnet-4-5", client=None, **options):
        options = {"messages": HELLO, "max_tokens": 100, **options}
        return (client or self.client).messages.create(model=model, **options)

    def calls(self):
        return self.provider.calls()[self.before :]

    def test_message(self):
        message = self.ask(system="Be brief.", extra_body={"from_the_future": [1, None]})
        self.assertEqual(message.content[0].text, "Hello there friend")
        self.assertEqual((message.stop_reason, message.role), ("end_turn", "assistant"))
        self.assertEqual((message.usage.input_tokens, message.usage.output_tokens), (11, 3))
        asked = self.calls()[0]
        self.assertEqual((asked["path"], asked["key"]), ("/v1/messages", "sk-ant-test"))
        self.assertEqual(asked["body"]["model"], "claude-sonnet-4-5")
        self.assertEqual((asked["body"]["system"], asked["body"]["from_the_future"]), ("Be brief.", [1, None]))

    def test_stream(self):
        for model in ["anthropic", "openai"]:
            with self.client.messages.stream(model=model, messages=HELLO, max_tokens=100) as stream:
                self.assertEqual("".join(stream.text_stream), "Hello there friend", model)
                message = stream.get_final_message()
            self.assertEqual((message.stop_reason, message.usage.output_tokens), ("end_turn", 3), model)

    def test_tools(self):
        for model in ["anthropic", "openai"]:
            self.provider.behave(calls=['get_weather={"city": "Paris", "note": "déjà vu"}'])
            message = self.ask(model, tools=[WEATHER], tool_choice={"type": "any"})
            call = message.content[0]
            self.assertEqual((call.type, call.name, call.input), ("tool_use", "get_weather", PARIS), model)
            self.assertEqual(message.stop_reason, "tool_use", model)
            result = {"type": "tool_result", "tool_use_id": call.id, "content": "12 °C"}
            conversation = [*HELLO, {"role": "assistant", "content": message.content},
                            {"role": "user", "content": [result]}]
            self.provider.behave(says="Rain")
            self.assertEqual(self.ask(model, messages=conversation, tools=[WEATHER]).content[0].text, "Rain")

    def test_streamed_tools(self):
        self.provider.behave(calls=['get_weather={"city": "Paris", "note": "déjà vu"}'], cut=7)
        for model in ["anthropic", "openai"]:
            with self.client.messages.stream(
                model=model, messages=HELLO, max_tokens=100, tools=[WEATHER]
            ) as stream:
                call = stream.get_final_message().content[0]
            self.assertEqual((call.name, call.input), ("get_weather", PARIS), model)

    def test_another_wire_answers_in_this_form(self):
        message = self.ask("openai", system="Be brief.", stop_sequences=["END"])
        self.assertEqual(message.content[0].text, "Hello there friend")
        self.assertEqual((message.usage.input_tokens, message.usage.output_tokens), (11, 3))
        asked = self.calls()[0]["body"]
        self.assertEqual([turn["role"] for turn in asked["messages"]], ["system", "user"])
        self.assertEqual(asked["stop"], ["END"])
        self.assertTrue(self.ask("offline").content[0].text)

    def test_this_wire_answers_in_the_form_of_openai(self):
        import openai

        base = f"http://{self.mesh.address['gateway']}/v1"
        with openai.OpenAI(base_url=base, api_key="unused", max_retries=0) as client:
            answer = client.chat.completions.create(model="anthropic", messages=HELLO)
        self.assertEqual(answer.choices[0].message.content, "Hello there friend")
        self.assertEqual((answer.choices[0].finish_reason, answer.usage.total_tokens), ("stop", 14))

    def test_a_picture_goes_to_this_apis_provider_alone(self):
        source = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
        picture = [{"role": "user", "content": [{"type": "image", "source": source}]}]
        self.ask(messages=picture)
        self.assertEqual(self.calls()[0]["body"]["messages"], picture)
        with self.assertRaises(anthropic.BadRequestError):
            self.ask("openai", messages=picture)

    def test_what_another_api_has_no_word_for_is_told(self):
        for model, dropped in [("openai", "top_k"), ("anthropic", None)]:
            raw = self.client.messages.with_raw_response.create(
                model=model, messages=HELLO, max_tokens=100, extra_body={"top_k": 4}
            )
            self.assertEqual(raw.headers.get("x-bsm-dropped"), dropped, model)

    def test_models_are_listed(self):
        listed = [model.id for model in self.client.models.list()]
        self.assertLessEqual({"auto", "offline"}, set(listed))

    def test_what_is_wrong_is_an_error_of_this_api(self):
        for options, error, kind in [
            ({"messages": []}, anthropic.BadRequestError, "invalid_request_error"),
            ({"max_tokens": 0}, anthropic.BadRequestError, "invalid_request_error"),
            ({"extra_body": {"temperature": 1.5}}, anthropic.BadRequestError, "invalid_request_error"),
            ({"model": "nobody/nothing"}, anthropic.NotFoundError, "not_found_error"),
            ({"system": "x" * (1 << 22)}, anthropic.APIStatusError, "request_too_large"),
        ]:
            with self.assertRaises(error) as raised:
                self.ask(**options)
            self.assertEqual(raised.exception.body["error"]["type"], kind)
            self.assertTrue(raised.exception.request_id)
        self.assertEqual(self.calls(), [])

    def test_a_stream_that_breaks_midway_is_an_error(self):
        self.provider.behave(says="one two three four", close_after=5)
        with self.assertRaises(anthropic.APIStatusError):
            with self.client.messages.stream(model="anthropic", messages=HELLO, max_tokens=100) as stream:
                stream.until_done()

    def test_who_leaves_ends_the_call_at_the_provider(self):
        self.provider.behave(hang=True)
        with self.assertRaises(anthropic.APITimeoutError):
            self.ask(client=self.client.with_options(timeout=0.5))
        self.provider.until(lambda calls: calls and calls[-1]["end"] == "left", self.before)


class AnthropicFailuresTest(unittest.TestCase):
    """Failures open circuits and set keys aside, so each has a mesh of its own."""

    def fails(self, error, kind, variables=None, **behaviour):
        with Provider() as provider:
            provider.behave(**behaviour)
            url = f"http://{provider.address}"
            variables = {"ANTHROPIC_KEY": "sk-ant-test", "BSM_ANTHROPIC_BASE_URL": url, **(variables or {})}
            with Mesh(**variables) as mesh:
                base = f"http://{mesh.address['gateway']}"
                with anthropic.Anthropic(base_url=base, api_key="unused", max_retries=0, timeout=30) as client:
                    with self.assertRaises(error) as raised:
                        client.messages.create(model="anthropic", messages=HELLO, max_tokens=9)
        self.assertEqual(raised.exception.body["error"]["type"], kind)

    def test_each_failure_has_the_exception_of_this_api(self):
        closed = {"BSM_PROFILE": "staging", "ADMIN_TOKEN": "a-token-of-twenty-characters"}
        self.fails(anthropic.AuthenticationError, "authentication_error", variables=closed)
        self.fails(anthropic.RateLimitError, "rate_limit_error", fail=429)
        self.fails(anthropic.NotFoundError, "not_found_error", fail=404)
        self.fails(anthropic.InternalServerError, "api_error", fail=500)
        self.fails(anthropic.InternalServerError, "api_error", fail=401)
        patience = {"BSM_MODEL_TIMEOUT_SECONDS": "0.3"}
        self.fails(anthropic.InternalServerError, "timeout_error", variables=patience, hang=True)


if __name__ == "__main__":
    unittest.main()
