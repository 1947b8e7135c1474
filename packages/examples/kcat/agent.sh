#!/usr/bin/env bash
# An agent in three lines of shell: one that makes an id, one that proposes, one that waits for the decision.
#
#   KAFKA_BROKERS=HOST:PORT ./agent.sh city front-office '[{"resource":"night/A:2030-01-01","action":"open","input":{"capacity":2}}]'
#
# Prints the decision as kcat has it: its kind in the header ce_type; in the payload, which is Avro, code and message of a reject.
set -euo pipefail
scope=$1 agent=$2 actions=$3 prefix=${KAFKA_TOPIC_PREFIX:-signalbox}

hex=$(printf '%012x' "$(date +%s)000")$(od -An -N10 -tx1 /dev/urandom | tr -d ' \n') id=${hex:0:8}-${hex:8:4}-7${hex:13:3}-8${hex:17:3}-${hex:20:12}
echo "{\"intentId\":\"$id\",\"scope\":\"$scope\",\"agent\":\"$agent\",\"actions\":$actions}" | kcat -P -b "$KAFKA_BROKERS" -t "$prefix.intents" -k "$scope" -X partitioner=murmur2_random
for _ in {1..60}; do kcat -C -b "$KAFKA_BROKERS" -t "$prefix.events" -X isolation.level=read_committed -o "s@$(($(date +%s) - 60))000" -e -q -J | grep -a "$id" && exit; sleep 0.5; done; exit 6
