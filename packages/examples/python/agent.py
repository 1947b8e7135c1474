"""An agent in Python: proposes intents on Kafka, as Avro or as plain JSON, and reads what was decided.

    pip install -r requirements.txt
    python agent.py --brokers HOST:PORT --registry URL --scope city --agent front-office \
        --do open night/A:2030-01-01 '{"capacity": 2}' [--json]

Prints one line per decision. Exit code 0: committed; 4: Kafka cannot be reached; 5: rejected; 6: no decision in time.
"""

import argparse
import json
import secrets
import sys
import time
import uuid

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

TIMEOUT_S = 30


def new_intent_id():
    """A UUIDv7: 48 bits of Unix milliseconds, version 7, random bits. (Python 3.14 has uuid.uuid7.)"""
    milliseconds, random = time.time_ns() // 1_000_000, secrets.randbits(74)
    return str(uuid.UUID(int=milliseconds << 80 | 7 << 76 | (random >> 62) << 64 | 2 << 62 | random & (1 << 62) - 1))


class Agent:
    """Sends intents and waits for their decisions. `as_json` needs no registry to send; reading decisions does."""

    def __init__(self, brokers, registry, name, topic_prefix="signalbox", as_json=False, partitioner="murmur2_random"):
        self.name, self._as_json = name, as_json
        self._intents, self._events = f"{topic_prefix}.intents", f"{topic_prefix}.events"
        client = SchemaRegistryClient({"url": registry})
        # The schema that the registry has, so that an agent brings none of its own; subject: signalbox.intents-value.
        self._to_avro = AvroSerializer(client, conf={"auto.register.schemas": False, "use.latest.version": True})
        self._from_avro = AvroDeserializer(client)
        # Everything of a scope lies on one partition, the one that Kafka's Java clients choose. librdkafka's own default is another.
        self._producer = Producer({"bootstrap.servers": brokers, "partitioner": partitioner, "enable.idempotence": True})
        # read_committed: what a sequencer wrote and did not commit was never decided.
        self._consumer = Consumer(
            {
                "bootstrap.servers": brokers,
                "group.id": f"{topic_prefix}.agent.{name}",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
            }
        )

    def propose(self, scope, actions, reads=(), intent_id=None):
        """Sends one intent and returns its decision: {"type": "IntentCommitted" | "IntentRejected", ...}.

        Errors: TimeoutError, KafkaException. What became of the intent is not known then: propose the same with the same
        `intent_id`. It is decided once; where that was done already, the answer is {"type": "IntentDuplicated", "outcome": ...}.
        """
        intent = {"intentId": intent_id or new_intent_id(), "scope": scope, "agent": self.name, "actions": actions, "reads": list(reads)}
        # Decisions may be quicker than this program: listen before sending.
        self._listen_from_the_end()
        self._producer.produce(self._intents, key=scope, value=self._encode(intent), on_delivery=raise_if_failed)
        if self._producer.flush(TIMEOUT_S) > 0:
            raise TimeoutError(f"Intent {intent['intentId']} was not acknowledged in {TIMEOUT_S} s; propose it again with the same id.")
        return self._decision_of(intent["intentId"])

    def close(self):
        self._consumer.close()

    def _encode(self, intent):
        if self._as_json:
            return json.dumps(intent).encode()
        # In Avro an input is JSON text, as every resource type has inputs of its own.
        actions = [{**action, "input": json.dumps(action["input"])} for action in intent["actions"]]
        avro = {**intent, "actions": actions, "correlationId": intent["intentId"]}
        return self._to_avro(avro, SerializationContext(self._intents, MessageField.VALUE))

    def _listen_from_the_end(self):
        partitions = self._consumer.list_topics(self._events, TIMEOUT_S).topics[self._events].partitions
        ends = {each: self._consumer.get_watermark_offsets(TopicPartition(self._events, each), TIMEOUT_S)[1] for each in partitions}
        self._consumer.assign([TopicPartition(self._events, each, end) for each, end in ends.items()])

    def _decision_of(self, intent_id):
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            message = self._consumer.poll(0.2)
            if message is None:
                continue
            if message.error() is not None:
                raise KafkaException(message.error())
            event = self._from_avro(message.value(), SerializationContext(self._events, MessageField.VALUE))
            if event["payload"].get("intentId") == intent_id:
                return {"type": event["type"], **event["payload"]}
        raise TimeoutError(f"Intent {intent_id} has no decision after {TIMEOUT_S} s; it may come yet: propose it again with the same id.")


def raise_if_failed(error, _message):
    if error is not None:
        raise KafkaException(error)


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--registry", required=True)
    parser.add_argument("--topic-prefix", default="signalbox")
    parser.add_argument("--scope", required=True)
    parser.add_argument("--agent", required=True)
    parser.add_argument("--do", nargs=3, required=True, action="append", metavar=("ACTION", "RESOURCE", "INPUT"))
    parser.add_argument("--intent-id", help="of an intent that is sent again, because what became of it is not known")
    parser.add_argument("--json", action="store_true", help="send plain JSON instead of Avro")
    parser.add_argument("--partitioner", default="murmur2_random", help="anything else is wrong; here to see what happens then")
    options = parser.parse_args(arguments)
    agent = Agent(options.brokers, options.registry, options.agent, options.topic_prefix, options.json, options.partitioner)
    actions = [{"action": action, "resource": resource, "input": json.loads(text)} for action, resource, text in options.do]
    try:
        decision = agent.propose(options.scope, actions, intent_id=options.intent_id)
    except (KafkaException, TimeoutError) as error:
        print(error, file=sys.stderr)
        return 6 if isinstance(error, TimeoutError) else 4
    finally:
        agent.close()
    if decision["type"] == "IntentCommitted":
        for change in decision["changes"]:
            now = f"{change['resource']} is {change['state']} at version {change['version']}, {change['data']}"
            print(f"committed {decision['intentId']}: {now}")
        return 0
    if decision["type"] == "IntentDuplicated":
        print(f"{decision['outcome']} {decision['intentId']}: decided before, {decision['code'] or 'and nothing was applied twice'}")
        return 0 if decision["outcome"] == "committed" else 5
    print(f"rejected {decision['intentId']}: {decision['code']}, {decision['message']}")
    return 5


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
