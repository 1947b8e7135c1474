"""Turns the value of a record of the events topic into an event, with the schemas of this repository and nothing else of it."""

import io
import json
import struct
import urllib.error
import urllib.request
from pathlib import Path

import fastavro
from fastavro.schema import UnknownType, fingerprint, parse_schema, to_parsing_canonical_form

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"
EVENT = "signalbox.v1.Event"
SINGLE_OBJECT = b"\xc3\x01"
CONFLUENT = b"\x00"
REGISTRY_TIMEOUT_S = 10


class Undecodable(Exception):
    """The bytes are no event; the text says why."""


def read_event_schema(folder=SCHEMAS):
    """The schema of events with everything it names inside it. The files name each other in any order."""
    named = {}
    waiting = {path.name: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.avsc"))}
    while waiting:
        before = len(waiting)
        for name, schema in list(waiting.items()):
            try:
                # Into a copy: a schema that fails half-way has already put its first parts there.
                known = dict(named)
                parse_schema(schema, named_schemas=known)
            except UnknownType:
                continue
            named = known
            del waiting[name]
        if len(waiting) == before:
            raise SystemExit(f"These schemas name records that are in no file of {folder}: {', '.join(waiting)}.")
    return inline(named[EVENT], named, set())


def inline(schema, named, seen):
    """Names stand for records of other files: the first use of each is put in its place, as a schema of one piece wants it."""
    if isinstance(schema, str) and schema in named:
        return schema if schema in seen else inline(named[schema], named, seen)
    if isinstance(schema, list):
        return [inline(each, named, seen) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema["type"] in ("record", "enum", "fixed"):
        seen.add(schema["name"])
    own = {key: value for key, value in schema.items() if not key.startswith("__")}
    if schema["type"] == "record":
        own["fields"] = [{**field, "type": inline(field["type"], named, seen)} for field in schema["fields"]]
    elif schema["type"] == "array":
        own["items"] = inline(schema["items"], named, seen)
    return own


class EventDecoder:
    """With a registry, a record is read by the schema that its id names there; without one, by that of this repository."""

    def __init__(self, registry=None):
        whole = read_event_schema()
        self._schema = parse_schema(whole)
        self._prefix = SINGLE_OBJECT + bytes.fromhex(fingerprint(to_parsing_canonical_form(whole), "CRC-64-AVRO"))
        self._registry = registry.rstrip("/") if registry else None
        self._by_id = {}

    def decode(self, value):
        """Errors: Undecodable."""
        if value is None:
            raise Undecodable("it has no value")
        if value[:2] == SINGLE_OBJECT:
            if value[:10] != self._prefix:
                raise Undecodable(f"its fingerprint is {value[2:10].hex()}, and that of {EVENT} is {self._prefix[2:].hex()}")
            return self._body(value, 10, self._schema)
        if value[:1] == CONFLUENT and len(value) > 5:
            return self._body(value, 5, self._schema_of(struct.unpack(">I", value[1:5])[0]))
        raise Undecodable(f"it begins with {value[:2].hex()}: neither Avro's single-object encoding nor Confluent's framing")

    def _body(self, value, start, schema):
        stream = io.BytesIO(value)
        stream.seek(start)
        try:
            event = fastavro.schemaless_reader(stream, schema)
        except Exception as error:  # Whatever fastavro raises of broken bytes, and it raises many kinds.
            raise Undecodable(f"its body does not fit the schema: {error!r}") from error
        if stream.tell() != len(value):
            raise Undecodable(f"{len(value) - stream.tell()} bytes follow its body")
        return event

    def _schema_of(self, schema_id):
        if self._registry is None:
            return self._schema
        if schema_id not in self._by_id:
            self._by_id[schema_id] = self._fetch(schema_id)
        return self._by_id[schema_id]

    def _fetch(self, schema_id):
        url = f"{self._registry}/schemas/ids/{schema_id}"
        try:
            with urllib.request.urlopen(url, timeout=REGISTRY_TIMEOUT_S) as answer:
                schema = parse_schema(json.loads(json.load(answer)["schema"]))
        except urllib.error.HTTPError as error:
            if error.code == 404:
                raise Undecodable(f"the registry has no schema {schema_id}") from error
            raise
        if schema["name"] != EVENT:
            raise Undecodable(f"schema {schema_id} of the registry is {schema['name']}, not {EVENT}")
        return schema
