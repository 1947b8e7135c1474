"""A second reader: proves what Signalbox promises of its topics without any of its code, or names the breaks.

    python check.py --brokers HOST:PORT --topic-prefix PREFIX [--registry URL] [--partitions all|0,3] [--json]

For every partition, with read_committed, from the beginning to where the log ended at the start:

    decided    every intent below the watermark (highest decided one + 1) that is still there has one decision, none has two
    once       no intent id is decided twice, and a duplicate repeats the decision that there was
    order      source positions (offset, index) rise, without gaps in an intent's events
    chain      the hash chain holds
    readable   every event can be decoded

It commits no offsets and writes nothing. Exit code 0: clean; 1: broken; 2: could not be checked.
"""

import argparse
import json
import sys
import time
import traceback
import urllib.error

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

# Before the modules beside this file are loaded: nothing is left in the repository.
sys.dont_write_bytecode = True

from decoding import EventDecoder, Undecodable  # noqa: E402
from partition import PartitionCheck  # noqa: E402

REQUEST_TIMEOUT_S = 20
# Nothing at all from the broker for this long, before the end of the partition.
SILENCE_TIMEOUT_S = 60
# A connection that broke is made anew.
CONNECTION_ERRORS = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE, KafkaError._TIMED_OUT)
BATCH = 5_000
# A call for a batch waits this long for it to become full.
BATCH_TIMEOUT_S = 0.05


class CannotCheck(Exception):
    """The topics could not be read; says nothing of what is in them."""


class Topics:
    """Reads partitions of two topics, outside of any group."""

    def __init__(self, brokers, prefix):
        self.events = f"{prefix}.events"
        self.intents = f"{prefix}.intents"
        self._consumer = Consumer(
            {
                "bootstrap.servers": brokers,
                "client.id": "signalbox-checker",
                # librdkafka wants one; nothing is joined or committed.
                "group.id": "signalbox-checker",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "isolation.level": "read_committed",
                "auto.offset.reset": "error",
                "enable.partition.eof": True,
                "check.crcs": True,
                "fetch.wait.max.ms": 50,
                # What goes wrong is raised by the calls below.
                "log_level": 0,
            }
        )

    def close(self):
        self._consumer.close()

    def partition_count(self):
        counts = {len(self._metadata(topic).partitions) for topic in (self.events, self.intents)}
        if len(counts) != 1:
            raise CannotCheck(f"{self.events} and {self.intents} have different numbers of partitions: {sorted(counts)}.")
        return counts.pop()

    def _metadata(self, topic):
        metadata = self._consumer.list_topics(topic, timeout=REQUEST_TIMEOUT_S).topics[topic]
        if metadata.error is not None:
            raise CannotCheck(f"The topic {topic} cannot be read: {metadata.error}. Check --topic-prefix.")
        return metadata

    def bounds(self, topic, partition):
        """First offset, and the one after the last that a read_committed consumer may see now."""
        return self._consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=REQUEST_TIMEOUT_S)

    def read(self, topic, partition, first, end):
        """The records of [first, end). The last offsets may be markers, which nobody sees: then the broker says where it ends."""
        if first >= end:
            return
        self._consumer.assign([TopicPartition(topic, partition, first)])
        heard = time.monotonic()
        try:
            while True:
                messages = [each for each in self._consumer.consume(BATCH, timeout=BATCH_TIMEOUT_S) if not is_of_connection(each)]
                if messages:
                    heard = time.monotonic()
                elif time.monotonic() - heard > SILENCE_TIMEOUT_S:
                    raise CannotCheck(f"No record of {topic}/{partition} came for {SILENCE_TIMEOUT_S} s. See that the brokers run.")
                for message in messages:
                    error = message.error()
                    if error is not None and error.code() != KafkaError._PARTITION_EOF:
                        raise CannotCheck(f"{topic}/{partition} cannot be read: {error}.")
                    if message.offset() >= end:
                        return
                    if error is None:
                        yield message
                        if message.offset() == end - 1:
                            return
        finally:
            self._consumer.unassign()


def is_of_connection(message):
    return message.error() is not None and message.error().code() in CONNECTION_ERRORS


def check_partition(topics, partition, decoder):
    check = PartitionCheck(partition)
    # The events' end first: what is decided afterwards has its intent in any case.
    first, end = topics.bounds(topics.events, partition)
    first_intent, end_of_intents = topics.bounds(topics.intents, partition)
    if first > 0:
        raise CannotCheck(f"{topics.events}/{partition} begins at offset {first}: events were deleted, and the chain has no beginning.")
    for message in topics.read(topics.events, partition, first, end):
        event = None
        try:
            event = decoder.decode(message.value())
        except Undecodable as error:
            check.unreadable(message.offset(), str(error))
        check.take(message.offset(), message.value(), dict(message.headers() or ()), event)
    intents = [message.offset() for message in topics.read(topics.intents, partition, first_intent, end_of_intents)]
    return check.finish(first_intent, intents)


def check_all(options):
    topics = Topics(options.brokers, options.topic_prefix)
    try:
        count = topics.partition_count()
        chosen = range(count) if options.partitions == "all" else sorted({int(each) for each in options.partitions.split(",")})
        if any(not 0 <= each < count for each in chosen):
            raise CannotCheck(f"--partitions takes numbers from 0 to {count - 1}, not {options.partitions}.")
        decoder = EventDecoder(options.registry)
        parts = [check_partition(topics, partition, decoder) for partition in chosen]
    finally:
        topics.close()
    report = {key: sum(part[key] for part in parts) for key in ("events", "decisions", "undecided")}
    breaks = [each for part in parts for each in part["breaks"]]
    return {"clean": not breaks, **report, "breaks": breaks}


def read_options(arguments):
    parser = argparse.ArgumentParser(description="Checks the topics of Signalbox without any of its code.")
    parser.add_argument("--brokers", required=True, help="HOST:PORT, separated by commas")
    parser.add_argument("--topic-prefix", default="signalbox")
    parser.add_argument("--registry", help="Confluent's API of a schema registry; without it, the schemas of this repository do")
    parser.add_argument("--partitions", default="all", help="all, or numbers separated by commas")
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of text")
    return parser.parse_args(arguments)


def text_of(report):
    lines = [f"partition {each['partition']}: {each['check']}, at {each['offset']}: {each['message']}" for each in report["breaks"]]
    verdict = "clean" if report["clean"] else f"{len(lines)} breaks"
    return "\n".join([*lines, f"{report['events']} events, {report['decisions']} decisions, {report['undecided']} undecided: {verdict}"])


def main(arguments):
    options = read_options(arguments)
    try:
        report = check_all(options)
    except (CannotCheck, KafkaException, urllib.error.URLError, ValueError) as error:
        print(f"check.py: {error}", file=sys.stderr)
        return 2
    except Exception:
        # Python's own exit code for it, 1, would say that the log is broken.
        traceback.print_exc()
        return 2
    print(json.dumps(report) if options.json else text_of(report))
    return 0 if report["clean"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
