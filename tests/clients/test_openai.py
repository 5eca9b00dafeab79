"""OpenAI's own Python package, pointed at the gateway."""

import unittest

import openai
from mesh import Mesh
from provider import Provider

HELLO = [{"role": "user", "content": "Hello"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
PARIS = '{"city": "Paris", "note": "déjà vu"}'


class OpenAiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.provider = cls.enterClassContext(Provider())
        cls.mesh = cls.enterClassContext(
            Mesh(OPENAI_API_KEY="sk-test", BSM_OPENAI_BASE_URL=f"http://{cls.provider.address}/v1")
        )

    def setUp(self):
        self.provider.behave(says="Hello there friend")
        self.before = len(self.provider.calls())
        self.client = self.at(self.mesh)
        self.addCleanup(self.client.close)

    def at(self, mesh, **options):
        options = {"api_key": "unused", "max_retries": 0, "timeout": 30, **options}
        return openai.OpenAI(base_url=f"http://{mesh.address['gateway']}/v1", **options)

    def chat(self, model="openai/gpt-4o", messages=HELLO, client=None, **options):
        return (client or self.client).chat.completions.create(model=model, messages=messages, **options)

    def calls(self):
        return self.provider.calls()[self.before :]

    def test_chat(self):
        answer = self.chat(temperature=0.5, max_completion_tokens=50, user="someone")
        self.assertEqual(answer.choices[0].message.content, "Hello there friend")
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        self.assertEqual((answer.usage.prompt_tokens, answer.usage.completion_tokens), (11, 3))
        self.assertEqual(answer.model, "gpt-4o")
        asked = self.calls()[0]
        self.assertEqual(asked["key"], "sk-test")
        self.assertEqual((asked["body"]["max_completion_tokens"], asked["body"]["user"]), (50, "someone"))

    def test_fields_that_nobody_here_knows_reach_the_provider(self):
        self.chat(extra_body={"from_the_future": {"deep": [1, None]}})
        self.assertEqual(self.calls()[0]["body"]["from_the_future"], {"deep": [1, None]})

    def test_the_answer_says_who_gave_it_and_under_which_id(self):
        raw = self.client.chat.completions.with_raw_response.create(
            model="openai/gpt-4o", messages=HELLO, extra_headers={"x-correlation-id": "from-python"}
        )
        self.assertEqual((raw.headers["x-bsm-provider"], raw.headers["x-bsm-model"]), ("openai", "gpt-4o"))
        self.assertEqual(raw.parse()._request_id, "from-python")

    def test_stream(self):
        chunks = list(self.chat(stream=True))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        self.assertEqual(text, "Hello there friend")
        self.assertEqual(chunks[-1].choices[0].finish_reason, "stop")
        self.assertTrue(all(chunk.usage is None for chunk in chunks))
        self.assertEqual(self.calls()[0]["body"]["stream_options"], {"include_usage": True})

    def test_a_stream_tells_its_usage_if_asked(self):
        chunks = list(self.chat(stream=True, stream_options={"include_usage": True}))
        self.assertEqual((chunks[-1].choices, chunks[-1].usage.total_tokens), ([], 14))

    def test_a_chunk_is_handed_on_while_the_answer_still_goes_on(self):
        self.provider.behave(says="one two three", hang_after=1)
        with self.chat(stream=True) as stream:
            self.assertEqual(next(iter(stream)).choices[0].delta.content, "one ")

    def test_tools(self):
        self.provider.behave(calls=[f"get_weather={PARIS}"])
        answer = self.chat(tools=[WEATHER], tool_choice="auto")
        call = answer.choices[0].message.tool_calls[0]
        self.assertEqual((call.function.name, call.function.arguments), ("get_weather", PARIS))
        self.assertEqual(answer.choices[0].finish_reason, "tool_calls")
        self.provider.behave(says="Rain")
        result = {"role": "tool", "tool_call_id": call.id, "content": "12 °C"}
        answer = self.chat(messages=[*HELLO, answer.choices[0].message, result], tools=[WEATHER])
        self.assertEqual(answer.choices[0].message.content, "Rain")
        self.assertEqual(self.calls()[1]["body"]["messages"][-1], result)

    def test_streamed_tools(self):
        self.provider.behave(calls=[f"get_weather={PARIS}"], cut=7)
        with self.client.chat.completions.stream(
            model="openai/gpt-4o", messages=HELLO, tools=[WEATHER]
        ) as stream:
            stream.until_done()
            call = stream.get_final_completion().choices[0].message.tool_calls[0]
        self.assertEqual((call.function.name, call.function.arguments), ("get_weather", PARIS))

    def test_json_mode_and_schemas(self):
        self.provider.behave(says='{"city": "Paris"}')
        answer = self.chat(response_format={"type": "json_object"})
        self.assertEqual(answer.choices[0].message.content, '{"city": "Paris"}')
        schema = {"name": "place", "strict": True, "schema": WEATHER["function"]["parameters"]}
        self.chat(response_format={"type": "json_schema", "json_schema": schema})
        self.assertEqual(self.calls()[1]["body"]["response_format"]["json_schema"], schema)

    def test_a_picture_reaches_a_provider_of_this_api(self):
        picture = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
        self.chat(messages=[{"role": "user", "content": picture}])
        self.assertEqual(self.calls()[0]["body"]["messages"][0]["content"], picture)
        with self.assertRaises(openai.BadRequestError) as raised:
            self.chat(model="offline", messages=[{"role": "user", "content": picture}])
        self.assertIn("image_url", raised.exception.message)

    def test_the_built_in_reviewer(self):
        answer = self.chat(model="offline")
        self.assertEqual(answer.model, "offline")
        self.assertTrue(answer.choices[0].message.content)
        streamed = list(self.chat(model="offline", stream=True, stream_options={"include_usage": True}))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in streamed if chunk.choices)
        self.assertEqual(text, answer.choices[0].message.content)
        self.assertIsNotNone(streamed[-1].usage)

    def test_models_by_route_provider_and_bare_name(self):
        for model in ["auto", "openai", "gpt-4o"]:
            raw = self.client.chat.completions.with_raw_response.create(model=model, messages=HELLO)
            self.assertEqual(raw.headers["x-bsm-provider"], "openai", model)

    def test_embeddings(self):
        for encoding in [openai.NOT_GIVEN, "float", "base64"]:
            answer = self.client.embeddings.create(
                model="openai/text-embedding-3-small", input=["a", "b"], encoding_format=encoding
            )
            self.assertEqual(len(answer.data), 2)
            self.assertEqual([item.index for item in answer.data], [0, 1])
        with self.assertRaises(openai.BadRequestError):
            self.client.embeddings.create(model="offline", input="a")

    def test_models_are_listed_and_found(self):
        listed = {model.id for model in self.client.models.list()}
        self.assertLessEqual({"auto", "offline"}, listed)
        self.assertEqual(self.client.models.retrieve("offline").id, "offline")
        with self.assertRaises(openai.NotFoundError):
            self.client.models.retrieve("nobody/nothing")

    def test_what_is_wrong_is_a_bad_request_that_names_the_field(self):
        for options, param in [
            ({"messages": []}, "messages"),
            ({"temperature": 3}, "temperature"),
            ({"max_tokens": -1}, "max_tokens"),
            ({"tools": [{"type": "function", "function": {"name": "x", "parameters": {"type": "list"}}}]},
             "tools[0].function.parameters"),
        ]:
            with self.assertRaises(openai.BadRequestError) as raised:
                self.chat(**options)
            self.assertEqual(raised.exception.param, param)
            self.assertEqual(raised.exception.type, "invalid_request_error")
        self.assertEqual(self.calls(), [])

    def test_an_unknown_model_is_not_found(self):
        with self.assertRaises(openai.NotFoundError) as raised:
            self.chat(model="nobody/nothing")
        self.assertEqual(raised.exception.code, "model_not_found")

    def test_a_body_that_is_too_large_is_refused_in_this_apis_words(self):
        with self.assertRaises(openai.APIStatusError) as raised:
            self.chat(messages=[{"role": "user", "content": "x" * (1 << 22)}])
        self.assertEqual((raised.exception.status_code, raised.exception.code), (413, "payload_too_large"))

    def test_a_long_prompt_reaches_the_provider(self):
        text = "ع" * 1_000_000
        self.chat(messages=[{"role": "user", "content": text}])
        self.assertEqual(self.calls()[0]["body"]["messages"][0]["content"], text)

    def test_a_stream_that_breaks_midway_is_an_error(self):
        self.provider.behave(says="one two three", close_after=2)
        with self.assertRaises(openai.APIError):
            list(self.chat(stream=True))

    def test_a_client_that_stops_waiting_gets_its_timeout_and_the_provider_is_left(self):
        self.provider.behave(hang=True)
        with self.assertRaises(openai.APITimeoutError):
            self.chat(client=self.client.with_options(timeout=0.5))
        self.provider.until(lambda calls: calls and calls[-1]["end"] == "left", self.before)

    def test_a_stream_that_is_closed_is_closed_at_the_provider(self):
        self.provider.behave(says="one two three", hang_after=1)
        stream = self.chat(stream=True)
        next(iter(stream))
        stream.close()
        self.provider.until(lambda calls: calls and calls[-1]["end"] == "left", self.before)


class OpenAiFailuresTest(unittest.TestCase):
    """Failures open circuits and set keys aside, so each has a mesh of its own."""

    def fails(self, error, known_as, variables=None, options=None, **behaviour):
        """Asks once, through a mesh with these variables, a provider that behaves so."""
        with Provider() as provider:
            provider.behave(**behaviour)
            url = f"http://{provider.address}/v1"
            variables = {"OPENAI_API_KEY": "sk-test", "BSM_OPENAI_BASE_URL": url, **(variables or {})}
            with Mesh(**variables) as mesh:
                base = f"http://{mesh.address['gateway']}/v1"
                options = {"api_key": "unused", **(options or {})}
                with openai.OpenAI(base_url=base, max_retries=0, timeout=30, **options) as client:
                    with self.assertRaises(error) as raised:
                        client.chat.completions.create(model="openai", messages=HELLO)
        self.assertEqual(raised.exception.code, known_as)
        self.assertNotIn("sk-test", str(raised.exception.body))
        return raised.exception

    def test_a_provider_that_asks_for_fewer_calls_is_a_rate_limit(self):
        error = self.fails(openai.RateLimitError, "rate_limit_exceeded", fail=429, retry_after="20")
        self.assertEqual(error.response.headers["retry-after"], "20")

    def test_a_quota_that_is_used_up_is_not_asked_again(self):
        error = self.fails(openai.RateLimitError, "insufficient_quota", fail=429, code="insufficient_quota")
        self.assertEqual(error.response.headers["x-should-retry"], "false")

    def test_a_prompt_that_is_too_long_is_a_bad_request(self):
        self.fails(openai.BadRequestError, "context_length_exceeded", fail=400, code="context_length_exceeded")

    def test_a_model_that_is_gone_is_not_found(self):
        self.fails(openai.NotFoundError, "model_not_found", fail=404)

    def test_a_key_of_ours_that_is_refused_is_not_the_clients(self):
        error = self.fails(openai.InternalServerError, "credential_refused", fail=401)
        self.assertEqual(error.status_code, 502)

    def test_a_provider_that_fails_is_a_bad_gateway(self):
        for behaviour in [{"fail": 500}, {"html": True}, {"reset": True}]:
            code = "upstream_malformed" if "html" in behaviour else "upstream_error"
            self.assertEqual(self.fails(openai.InternalServerError, code, **behaviour).status_code, 502)

    def test_a_provider_that_hangs_is_a_gateway_timeout(self):
        patience = {"BSM_MODEL_TIMEOUT_SECONDS": "0.3"}
        error = self.fails(openai.InternalServerError, "upstream_timeout", variables=patience, hang=True)
        self.assertEqual(error.status_code, 504)

    def test_without_a_key_an_operator_has_to_act(self):
        error = self.fails(openai.InternalServerError, "missing_api_key", variables={"OPENAI_API_KEY": ""})
        self.assertEqual(error.response.headers["x-should-retry"], "false")

    def test_who_may_not_ask_is_told_so(self):
        closed = {"BSM_PROFILE": "staging", "ADMIN_TOKEN": "a-token-of-twenty-characters"}
        self.fails(openai.AuthenticationError, "invalid_api_key", variables=closed)
        options = {"api_key": "a-token-of-twenty-characters"}
        self.fails(openai.InternalServerError, "upstream_error", variables=closed, options=options, fail=500)

    def test_who_asks_too_often_is_told_when_to_come_back(self):
        variables = {"BSM_PROFILE": "staging", "ADMIN_TOKEN": "a-token-of-twenty-characters", "RATE_LIMIT_MAX": "1"}
        with Mesh(**variables) as mesh:
            base = f"http://{mesh.address['gateway']}/v1"
            with openai.OpenAI(base_url=base, max_retries=0, api_key="a-token-of-twenty-characters") as client:
                client.models.list()
                with self.assertRaises(openai.RateLimitError) as raised:
                    client.models.list()
        self.assertEqual(raised.exception.code, "rate_limit_exceeded")
        self.assertIn("retry-after", raised.exception.response.headers)


if __name__ == "__main__":
    unittest.main()
