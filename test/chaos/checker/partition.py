"""What must hold of one partition, checked event by event. Nothing here knows Kafka."""

import base64
import hashlib
import struct

DECISIONS = ("IntentCommitted", "IntentRejected", "IntentDuplicated")
# A reject with one of these says that the intent did not get through the door: the id stays free.
LEAVES_THE_ID_FREE = frozenset(
    (
        "DEAD_LETTERED",
        "SKIPPED",
        "WRONG_PARTITION",
        "INTENT_MALFORMED",
        "INTENT_ID_INVALID",
        "INTENT_EXPIRED",
        "INTENT_FROM_THE_FUTURE",
        "INTENT_ID_REUSED",
    )
)
# One cause breaks many events; the first few say what it is.
BREAKS_OF_A_CHECK = 10


class Breaks:
    """The first few breaks of each check of a partition."""

    def __init__(self, partition):
        self._partition = partition
        self._counts = {}
        self.found = []

    def add(self, check, offset, message):
        """`offset` is a log offset of the events topic, or, where the message says so, of the intents topic."""
        self._counts[check] = self._counts.get(check, 0) + 1
        if self._counts[check] <= BREAKS_OF_A_CHECK:
            self.found.append({"partition": self._partition, "check": check, "offset": offset, "message": message})


class Chain:
    """link = SHA-256(previous link, then for each event since it: 4 bytes of length, big-endian, and the value)."""

    def __init__(self):
        self._link = bytes(32)
        self._open = []
        self._open_needs_link = False
        self._broken = False

    def add(self, value, carried, is_opening):
        """What is wrong with the link that an event carries; None where nothing is. After a break no later link means anything."""
        self._open.append(struct.pack(">I", len(value)) + value)
        self._open_needs_link = self._open_needs_link or not is_opening
        if carried is None or self._broken:
            return None
        self._link = hashlib.sha256(self._link + b"".join(self._open)).digest()
        self._open = []
        self._open_needs_link = False
        computed = base64.urlsafe_b64encode(self._link).rstrip(b"=")
        if computed == carried:
            return None
        self._broken = True
        return f"the events up to here give the link {computed.decode()}, and this one carries {carried.decode('utf-8', 'replace')}"

    def end(self):
        """A batch is written whole, and its last event carries a link."""
        return not self._broken and self._open_needs_link


class PartitionCheck:
    """Takes the events of a partition in the order of the log, then the offsets of its intents."""

    def __init__(self, partition):
        self._partition = partition
        self._breaks = Breaks(partition)
        self._chain = Chain()
        self._position = (-1, -1)
        # Source offset of an intent -> how many decisions it has.
        self._decisions = {}
        # Intent id -> (source offset, digest, outcome) of the decision that used it up.
        self._settled = {}
        self._events = 0
        self._last_offset = None

    @property
    def watermark(self):
        """Everything below has been decided."""
        return max(self._decisions, default=-1) + 1

    def take(self, offset, value, headers, event):
        """`event` is the decoded value; None where it could not be decoded, which `unreadable` has said."""
        self._events += 1
        self._last_offset = offset
        is_opening = event is not None and event["type"] == "PartitionOpened"
        problem = self._chain.add(value or b"", headers.get("sb_chain"), is_opening)
        if problem is not None:
            self._breaks.add("chain", offset, problem)
        if event is None or is_opening:
            return
        if event["partition"] != self._partition:
            self._breaks.add("order", offset, f"the event says that it is of partition {event['partition']}")
        self._take_position(offset, event)
        if event["index"] == 0 and event["type"] in DECISIONS:
            self._take_decision(offset, event)

    def unreadable(self, offset, message):
        self._breaks.add("readable", offset, f"the event cannot be decoded: {message}")

    def _take_position(self, offset, event):
        position = (event["offset"], event["index"])
        source, index = self._position
        if position <= self._position:
            self._breaks.add("order", offset, f"event {position[0]}/{position[1]} comes after event {source}/{index}")
        elif position not in ((source, index + 1), (event["offset"], 0)):
            self._breaks.add("order", offset, f"event {position[0]}/{position[1]} follows event {source}/{index}: one is missing")
        self._position = max(self._position, position)

    def _take_decision(self, offset, event):
        source = event["offset"]
        self._decisions[source] = self._decisions.get(source, 0) + 1
        if self._decisions[source] > 1:
            self._breaks.add("decided", offset, f"intent {source} has a second decision, {event['type']}")
        payload = event["payload"]
        intent_id = payload["intentId"]
        earlier = self._settled.get(intent_id)
        if event["type"] == "IntentDuplicated":
            answer = (payload["decision"]["offset"], payload["digest"], payload["code"] or payload["outcome"])
            if earlier != answer:
                self._breaks.add("once", offset, f"intent {source} is answered with {answer}, and the decision of {intent_id} is {earlier}")
        elif event["type"] == "IntentCommitted" or payload["code"] not in LEAVES_THE_ID_FREE:
            if earlier is not None:
                self._breaks.add("once", offset, f"intent {source} is decided anew, and {intent_id} was decided at intent {earlier[0]}")
            self._settled.setdefault(intent_id, (source, payload["digest"], payload.get("code", "committed")))

    def finish(self, first_intent, intents):
        """The partition's part of the report. `intents`: the offsets that the intents topic still has, from `first_intent` on."""
        if self._chain.end():
            self._breaks.add("chain", self._last_offset, "the last events carry no link: their batch is not whole")
        watermark = self.watermark
        there = set(intents)
        for source in intents:
            if source < watermark and source not in self._decisions:
                self._breaks.add("decided", source, f"intent {source} (its offset) has no decision, and intent {watermark - 1} has one")
        for source in sorted(self._decisions):
            if source >= first_intent and source not in there:
                self._breaks.add("decided", source, f"intent {source} (its offset) was decided and is not in the topic of intents")
        return {
            "events": self._events,
            "decisions": len(self._decisions),
            "undecided": sum(1 for source in intents if source >= watermark),
            "breaks": self._breaks.found,
        }
