// Generated from schemas/*.avsc by `npm run generate`. Do not edit.

/** The Avro schemas, each after the ones that it names. */
export const schemas = [
  {
    "type": "record",
    "name": "ActionRequest",
    "namespace": "signalbox.v1",
    "doc": "One action on one resource, as an agent asks for it.",
    "fields": [
      {
        "name": "resource",
        "type": "string",
        "doc": "The resource inside the scope, as type/id."
      },
      {
        "name": "action",
        "type": "string",
        "doc": "The name of an action of the contract of that type."
      },
      {
        "name": "input",
        "type": "string",
        "doc": "The input of the action: a JSON object, validated by the contract. (The space in the default is for Apicurio, which does not take a schema with {} in quotes.)",
        "default": "{ }"
      },
      {
        "name": "expectedVersion",
        "type": [
          "null",
          "long"
        ],
        "doc": "The version of the resource that the agent reasoned on; 0 where it expects none. Required by actions with conflict policy version on a resource that exists, unless the read set names the resource: a whole number from 0 to 999999999999999.",
        "default": null
      }
    ]
  },
  {
    "type": "record",
    "name": "CarriedContradiction",
    "namespace": "signalbox.v1",
    "doc": "How often an agent ran into commits of another on a resource.",
    "fields": [
      {
        "name": "resource",
        "type": "string",
        "doc": "The resource, as type/id."
      },
      {
        "name": "agent",
        "type": "string",
        "doc": "Who ran into it."
      },
      {
        "name": "other",
        "type": "string",
        "doc": "Whose commit it was."
      },
      {
        "name": "window",
        "type": "long",
        "doc": "The window that is counted in: its time by its length."
      },
      {
        "name": "before",
        "type": "long",
        "doc": "Times in the window before."
      },
      {
        "name": "now",
        "type": "long",
        "doc": "Times in this window."
      }
    ]
  },
  {
    "type": "record",
    "name": "CarriedCorrelation",
    "namespace": "signalbox.v1",
    "doc": "How many intents of one piece of work a scope took.",
    "fields": [
      {
        "name": "correlationId",
        "type": "string",
        "doc": "What they have in common."
      },
      {
        "name": "window",
        "type": "long",
        "doc": "The window that is counted in: its time by its length."
      },
      {
        "name": "before",
        "type": "long",
        "doc": "Intents in the window before."
      },
      {
        "name": "now",
        "type": "long",
        "doc": "Intents in this window."
      }
    ]
  },
  {
    "type": "record",
    "name": "CarriedQuarantine",
    "namespace": "signalbox.v1",
    "doc": "An agent in quarantine.",
    "fields": [
      {
        "name": "agent",
        "type": "string",
        "doc": "The agent."
      },
      {
        "name": "reason",
        "type": "string",
        "doc": "Why."
      },
      {
        "name": "since",
        "type": {
          "type": "long",
          "logicalType": "timestamp-millis"
        },
        "doc": "Since when."
      },
      {
        "name": "taintedSince",
        "type": [
          "null",
          {
            "type": "long",
            "logicalType": "timestamp-millis"
          }
        ],
        "doc": "What it wrote from then on is not to be trusted; null where nothing is known to be wrong.",
        "default": null
      }
    ]
  },
  {
    "type": "record",
    "name": "CarriedTally",
    "namespace": "signalbox.v1",
    "doc": "What was counted of an agent in a scope.",
    "fields": [
      {
        "name": "agent",
        "type": "string",
        "doc": "The agent."
      },
      {
        "name": "window",
        "type": "long",
        "doc": "The window that is counted in: its time by its length."
      },
      {
        "name": "asked",
        "type": "long",
        "doc": "Intents in this window."
      },
      {
        "name": "askedBefore",
        "type": "long",
        "doc": "Intents in the window before."
      },
      {
        "name": "rejects",
        "type": "long",
        "doc": "Rejects in this window."
      },
      {
        "name": "rejectsBefore",
        "type": "long",
        "doc": "Rejects in the window before."
      },
      {
        "name": "amount",
        "type": "long",
        "doc": "Declared amounts of what was committed in this window."
      },
      {
        "name": "amountBefore",
        "type": "long",
        "doc": "Declared amounts in the window before."
      },
      {
        "name": "repeated",
        "type": "string",
        "doc": "Code and resource of the last reject, where nothing was committed since."
      },
      {
        "name": "repeats",
        "type": "int",
        "doc": "How often it came in a row."
      },
      {
        "name": "pending",
        "type": "int",
        "doc": "Intents that wait or are escalated now."
      },
      {
        "name": "breaker",
        "type": {
          "type": "enum",
          "name": "BreakerState",
          "namespace": "signalbox.v1",
          "doc": "What an agent's breaker lets through: all, nothing, or a few to try.",
          "symbols": [
            "closed",
            "open",
            "halfOpen"
          ]
        },
        "doc": "The agent's breaker in the scope."
      }
    ]
  },
  {
    "type": "record",
    "name": "CarriedWait",
    "namespace": "signalbox.v1",
    "doc": "What a pending intent that was carried over has behind it.",
    "fields": [
      {
        "name": "intentId",
        "type": "string",
        "doc": "The intent; its own event, IntentPending, lies before this one."
      },
      {
        "name": "bypassed",
        "type": "int",
        "doc": "How often later intents were committed to the same action."
      },
      {
        "name": "isReady",
        "type": "boolean",
        "doc": "Whether it is to be decided again with the next record."
      }
    ]
  },
  {
    "type": "record",
    "name": "ContractOwner",
    "namespace": "signalbox.v1",
    "doc": "Who owns a contract, and so whom to ask.",
    "fields": [
      {
        "name": "team",
        "type": "string",
        "doc": "The team."
      },
      {
        "name": "contact",
        "type": "string",
        "doc": "Where the team is reached."
      }
    ]
  },
  {
    "type": "record",
    "name": "ContractRecord",
    "namespace": "signalbox.v1",
    "doc": "A contract by which an owner of a partition decides.",
    "fields": [
      {
        "name": "type",
        "type": "string",
        "doc": "The resource type."
      },
      {
        "name": "version",
        "type": "int",
        "doc": "The version of the contract."
      },
      {
        "name": "digest",
        "type": "string",
        "doc": "SHA-256 of its definition, base64url without padding."
      }
    ]
  },
  {
    "type": "record",
    "name": "Timer",
    "namespace": "signalbox.v1",
    "doc": "A durable timer: what happens to a resource by itself if nothing happens to it before.",
    "fields": [
      {
        "name": "due",
        "type": {
          "type": "long",
          "logicalType": "timestamp-millis"
        },
        "doc": "When, in logical time: milliseconds since 1970, UTC."
      },
      {
        "name": "action",
        "type": "string",
        "doc": "The action that the clock takes then."
      }
    ]
  },
  {
    "type": "record",
    "name": "ResourceChange",
    "namespace": "signalbox.v1",
    "doc": "The after-image of one resource that a commit changed. A projection is: state[scope, resource] = change.",
    "fields": [
      {
        "name": "resource",
        "type": "string",
        "doc": "The resource inside the scope, as type/id."
      },
      {
        "name": "action",
        "type": "string",
        "doc": "The action that changed it."
      },
      {
        "name": "contractVersion",
        "type": "int",
        "doc": "The version of the contract that was applied."
      },
      {
        "name": "fromVersion",
        "type": "long",
        "doc": "The version before; 0 where the resource did not exist."
      },
      {
        "name": "version",
        "type": "long",
        "doc": "The version now: how often the resource has been committed to."
      },
      {
        "name": "fromState",
        "type": [
          "null",
          "string"
        ],
        "doc": "The state before; null where the resource did not exist.",
        "default": null
      },
      {
        "name": "state",
        "type": "string",
        "doc": "The state now."
      },
      {
        "name": "data",
        "type": "string",
        "doc": "The data now: a JSON object in RFC 8785 form."
      },
      {
        "name": "timer",
        "type": [
          "null",
          "signalbox.v1.Timer"
        ],
        "doc": "The timer that runs for the resource now; null where none does.",
        "default": null
      },
      {
        "name": "fields",
        "type": [
          "null",
          {
            "type": "array",
            "items": "string"
          }
        ],
        "doc": "The top-level fields of the data that differ from before, sorted; null where no action of the contract merges.",
        "default": null
      }
    ]
  },
  {
    "type": "record",
    "name": "EventReference",
    "namespace": "signalbox.v1",
    "doc": "The identity of an event, written partition/offset/index. It names where its intent lay, never where the event lies.",
    "fields": [
      {
        "name": "partition",
        "type": "int",
        "doc": "Source partition: the partition of the intents topic."
      },
      {
        "name": "offset",
        "type": "long",
        "doc": "Source offset: the offset of the intent record there; -1 for an event that no intent caused."
      },
      {
        "name": "index",
        "type": "int",
        "doc": "Place among the events of that one intent record, from 0."
      }
    ]
  },
  {
    "type": "record",
    "name": "IntentCommitted",
    "namespace": "signalbox.v1",
    "doc": "The intent was committed: all its actions were applied.",
    "fields": [
      {
        "name": "intentId",
        "type": "string",
        "doc": "The id of the intent."
      },
      {
        "name": "agent",
        "type": "string",
        "doc": "Who asked."
      },
      {
        "name": "intent",
        "type": "string",
        "doc": "The canonical intent: its RFC 8785 JSON form without transport fields."
      },
      {
        "name": "digest",
        "type": "string",
        "doc": "SHA-256 of the canonical intent, base64url without padding."
      },
      {
        "name": "changes",
        "type": {
          "type": "array",
          "items": "signalbox.v1.ResourceChange"
        },
        "doc": "The after-image of every resource that the commit changed, in the order of the actions."
      },
      {
        "name": "settles",
        "type": [
          "null",
          "signalbox.v1.EventReference"
        ],
        "doc": "The IntentPending event that this decision ends; null where the intent was decided at once.",
        "default": null
      },
      {
        "name": "verdict",
        "type": [
          "null",
          "string"
        ],
        "doc": "The escalation under whose verdict it was committed, as type/id.",
        "default": null
      },
      {
        "name": "amount",
        "type": [
          "null",
          "long"
        ],
        "doc": "The amount that the actions declared, in the unit of their contract; null where none did.",
        "default": null
      }
    ]
  },
  {
    "type": "record",
    "name": "ResourceMove",
    "namespace": "signalbox.v1",
    "doc": "The commit that moved a resource to where it is now.",
    "fields": [
      {
        "name": "event",
        "type": "signalbox.v1.EventReference",
        "doc": "The commit event."
      },
      {
        "name": "intentId",
        "type": "string",
        "doc": "The intent that was committed."
      },
      {
        "name": "agent",
        "type": "string",
        "doc": "Who did it."
      },
      {
        "name": "action",
        "type": "string",
        "doc": "By which action."
      },
      {
        "name": "version",
        "type": "long",
        "doc": "The version it led to."
      },
      {
        "name": "time",
        "type": {
          "type": "long",
          "logicalType": "timestamp-millis"
        },
        "doc": "When, in logical time."
      }
    ]
  },
  {
    "type": "record",
    "name": "IntentRejected",
    "namespace": "signalbox.v1",
    "doc": "The intent was rejected: nothing was applied. Says what to repair.",
    "fields": [
      {
        "name": "intentId",
        "type": [
          "null",
          "string"
        ],
        "doc": "The id of the intent; null when it could not be decoded.",
        "default": null
      },
      {
        "name": "agent",
        "type": [
          "null",
          "string"
        ],
        "doc": "Who asked; null when it could not be decoded.",
        "default": null
      },
      {
        "name": "intent",
        "type": [
          "null",
          "string"
        ],
        "doc": "The canonical intent: its RFC 8785 JSON form without transport fields; null when it could not be decoded.",
        "default": null
      },
      {
        "name": "digest",
        "type": [
          "null",
          "string"
        ],
        "doc": "SHA-256 of the canonical intent, base64url without padding; null when it could not be decoded.",
        "default": null
      },
      {
        "name": "code",
        "type": "string",
        "doc": "The stable code; each has a page in the documentation."
      },
      {
        "name": "message",
        "type": "string",
        "doc": "What happened, to what, and what to do next."
      },
      {
        "name": "owner",
        "type": [
          "null",
          "signalbox.v1.ContractOwner"
        ],
        "doc": "The owner of the contract concerned.",
        "default": null
      },
      {
        "name": "resource",
        "type": [
          "null",
          "string"
        ],
        "doc": "The resource concerned, as type/id.",
        "default": null
      },
      {
        "name": "expectedVersion",
        "type": [
          "null",
          "long"
        ],
        "doc": "The version that the agent expected or had read.",
        "default": null
      },
      {
        "name": "actualVersion",
        "type": [
          "null",
          "long"
        ],
        "doc": "The version that the resource has.",
        "default": null
      },
      {
        "name": "movedBy",
        "type": [
          "null",
          "signalbox.v1.ResourceMove"
        ],
        "doc": "The commit that moved the resource last.",
        "default": null
      },
      {
        "name": "missed",
        "type": {
          "type": "array",
          "items": "signalbox.v1.ResourceMove"
        },
        "doc": "The commits to that resource that the agent missed, oldest first; bounded, the newest are kept.",
        "default": []
      },
      {
        "name": "retryAfterMs",
        "type": [
          "null",
          "long"
        ],
        "doc": "When to try again, in milliseconds, where that is known.",
        "default": null
      },
      {
        "name": "details",
        "type": [
          "null",
          "string"
        ],
        "doc": "What else the code has to say, as a JSON object in RFC 8785 form.",
        "default": null
      },
      {
        "name": "settles",
        "type": [
          "null",
          "signalbox.v1.EventReference"
        ],
        "doc": "The IntentPending event that this decision ends; null where the intent was decided at once.",
        "default": null
      }
    ]
  },
  {
    "type": "record",
    "name": "IntentDuplicated",
    "namespace": "signalbox.v1",
    "doc": "The record repeats an intent that is known already; this is its decision again, or where it waits for one.",
    "fields": [
      {
        "name": "intentId",
        "type": "string",
        "doc": "The id of the intent."
      },
      {
        "name": "agent",
        "type": "string",
        "doc": "Who asked."
      },
      {
        "name": "digest",
        "type": "string",
        "doc": "SHA-256 of the canonical intent, base64url without padding."
      },
      {
        "name": "decision",
        "type": "signalbox.v1.EventReference",
        "doc": "The first and only decision; of an intent that is pending, the event that says so."
      },
      {
        "name": "outcome",
        "type": {
          "type": "enum",
          "name": "Outcome",
          "namespace": "signalbox.v1",
          "doc": "What became of an intent.",
          "symbols": [
            "committed",
            "rejected",
            "pending",
            "shadowed"
          ]
        },
        "doc": "What became of it."
      },
      {
        "name": "code",
        "type": [
          "null",
          "string"
        ],
        "doc": "The code of the decision when it was a reject.",
        "default": null
      }
    ]
  },
  {
    "type": "record",
    "name": "IntentPending",
    "namespace": "signalbox.v1",
    "doc": "The intent is not decided yet: it waits for something to come true, or for a human. It ends in exactly one decision, which names this event.",
    "fields": [
      {
        "name": "intentId",
        "type": "string",
        "doc": "The id of the intent."
      },
      {
        "name": "agent",
        "type": "string",
        "doc": "Who asked."
      },
      {
        "name": "intent",
        "type": "string",
        "doc": "The canonical intent: its RFC 8785 JSON form without transport fields."
      },
      {
        "name": "digest",
        "type": "string",
        "doc": "SHA-256 of the canonical intent, base64url without padding."
      },
      {
        "name": "reason",
        "type": {
          "type": "enum",
          "name": "PendingReason",
          "namespace": "signalbox.v1",
          "doc": "What a pending intent waits for.",
          "symbols": [
            "waiting",
            "escalated"
          ]
        },
        "doc": "What it waits for: something that can still come true, or a human."
      },
      {
        "name": "code",
        "type": "string",
        "doc": "The code with which it would have been rejected, or the cause of the escalation."
      },
      {
        "name": "message",
        "type": "string",
        "doc": "What is in its way, and what to do."
      },
      {
        "name": "resources",
        "type": {
          "type": "array",
          "items": "string"
        },
        "doc": "The resources, as type/id, with whose change it is decided again; empty for an escalated one."
      },
      {
        "name": "until",
        "type": {
          "type": "long",
          "logicalType": "timestamp-millis"
        },
        "doc": "When it is rejected at the latest."
      },
      {
        "name": "escalation",
        "type": [
          "null",
          "string"
        ],
        "doc": "The escalation that decides, as type/id; null for one that waits.",
        "default": null
      },
      {
        "name": "since",
        "type": [
          "null",
          "signalbox.v1.EventReference"
        ],
        "doc": "The first event that said the intent is pending; null where this is it.",
        "default": null
      }
    ]
  },
  {
    "type": "record",
    "name": "IntentShadowed",
    "namespace": "signalbox.v1",
    "doc": "The intent was decided in shadow: this is what would have become of it. The state is as it was.",
    "fields": [
      {
        "name": "intentId",
        "type": "string",
        "doc": "The id of the intent."
      },
      {
        "name": "agent",
        "type": "string",
        "doc": "Who asked."
      },
      {
        "name": "intent",
        "type": "string",
        "doc": "The canonical intent: its RFC 8785 JSON form without transport fields."
      },
      {
        "name": "digest",
        "type": "string",
        "doc": "SHA-256 of the canonical intent, base64url without padding."
      },
      {
        "name": "by",
        "type": "string",
        "doc": "What is in shadow: contract TYPE, or agent NAME."
      },
      {
        "name": "code",
        "type": [
          "null",
          "string"
        ],
        "doc": "The code with which it would have been rejected or made to wait; null where it would have been committed.",
        "default": null
      },
      {
        "name": "message",
        "type": [
          "null",
          "string"
        ],
        "doc": "The sentence of that reject.",
        "default": null
      },
      {
        "name": "resource",
        "type": [
          "null",
          "string"
        ],
        "doc": "The resource that it would have been rejected for, as type/id.",
        "default": null
      },
      {
        "name": "changes",
        "type": {
          "type": "array",
          "items": "signalbox.v1.ResourceChange"
        },
        "doc": "What it would have changed.",
        "default": []
      }
    ]
  },
  {
    "type": "record",
    "name": "StillPending",
    "namespace": "signalbox.v1",
    "doc": "A waiting intent that was decided again and cannot be committed yet.",
    "fields": [
      {
        "name": "intentId",
        "type": "string",
        "doc": "The id of the intent."
      },
      {
        "name": "code",
        "type": "string",
        "doc": "The code with which it would have been rejected now."
      },
      {
        "name": "resources",
        "type": {
          "type": "array",
          "items": "string"
        },
        "doc": "The resources with whose change it is decided again."
      }
    ]
  },
  {
    "type": "record",
    "name": "WaitersExamined",
    "namespace": "signalbox.v1",
    "doc": "Intents that wait were decided again, and wait on.",
    "fields": [
      {
        "name": "waiting",
        "type": {
          "type": "array",
          "items": "signalbox.v1.StillPending"
        },
        "doc": "Those that wait on, in the order in which they came."
      }
    ]
  },
  {
    "type": "record",
    "name": "RuleApplied",
    "namespace": "signalbox.v1",
    "doc": "Something followed by a rule, not by the wish of an agent: a timer was due, a breaker opened, an escalation began.",
    "fields": [
      {
        "name": "rule",
        "type": {
          "type": "enum",
          "name": "Rule",
          "namespace": "signalbox.v1",
          "doc": "The rules by which something follows.",
          "symbols": [
            "timer",
            "breaker",
            "loop",
            "effect",
            "escalation",
            "verdict",
            "contradiction",
            "drift",
            "taint",
            "quarantine",
            "preemption",
            "fact",
            "other"
          ],
          "default": "other"
        },
        "doc": "Which rule."
      },
      {
        "name": "message",
        "type": "string",
        "doc": "What happened and why, in a sentence."
      },
      {
        "name": "cause",
        "type": [
          "null",
          "string"
        ],
        "doc": "The intent at whose decision it happened; null where time alone caused it.",
        "default": null
      },
      {
        "name": "changes",
        "type": {
          "type": "array",
          "items": "signalbox.v1.ResourceChange"
        },
        "doc": "The after-image of every resource that changed.",
        "default": []
      },
      {
        "name": "resource",
        "type": [
          "null",
          "string"
        ],
        "doc": "The resource concerned, as type/id.",
        "default": null
      },
      {
        "name": "code",
        "type": [
          "null",
          "string"
        ],
        "doc": "Where a timer could not do what it was to do: the code that says why. The timer is spent.",
        "default": null
      },
      {
        "name": "details",
        "type": [
          "null",
          "string"
        ],
        "doc": "What else the rule has to say, as a JSON object in RFC 8785 form.",
        "default": null
      }
    ]
  },
  {
    "type": "record",
    "name": "PartitionOpened",
    "namespace": "signalbox.v1",
    "doc": "A sequencer took ownership of a partition. Everything that an earlier owner wrote lies before it.",
    "fields": [
      {
        "name": "contracts",
        "type": {
          "type": "array",
          "items": "signalbox.v1.ContractRecord"
        },
        "doc": "The contracts by which it decides, by type."
      },
      {
        "name": "software",
        "type": "string",
        "doc": "Name and version of the program."
      }
    ]
  },
  {
    "type": "record",
    "name": "PastChange",
    "namespace": "signalbox.v1",
    "doc": "A commit to a resource, as far as agents are told of it later.",
    "fields": [
      {
        "name": "event",
        "type": "signalbox.v1.EventReference",
        "doc": "The event that committed it."
      },
      {
        "name": "time",
        "type": {
          "type": "long",
          "logicalType": "timestamp-millis"
        },
        "doc": "When, in logical time."
      },
      {
        "name": "intentId",
        "type": "string",
        "doc": "The intent that was committed; of a rule, the one that it followed."
      },
      {
        "name": "agent",
        "type": "string",
        "doc": "Who asked; clock or signalbox where a rule did it."
      },
      {
        "name": "action",
        "type": "string",
        "doc": "The action."
      },
      {
        "name": "version",
        "type": "long",
        "doc": "The version that it led to."
      },
      {
        "name": "fields",
        "type": [
          "null",
          {
            "type": "array",
            "items": "string"
          }
        ],
        "doc": "The top-level fields of the data that it changed; null where no action of the contract merges.",
        "default": null
      }
    ]
  },
  {
    "type": "record",
    "name": "Influence",
    "namespace": "signalbox.v1",
    "doc": "An agent whose writing a resource stands on: it was read or acted on, by whoever changed the resource.",
    "fields": [
      {
        "name": "agent",
        "type": "string",
        "doc": "The agent, in lower case."
      },
      {
        "name": "time",
        "type": {
          "type": "long",
          "logicalType": "timestamp-millis"
        },
        "doc": "When it last wrote what the resource stands on, in logical time."
      }
    ]
  },
  {
    "type": "record",
    "name": "ResourceHistory",
    "namespace": "signalbox.v1",
    "doc": "The last changes of a resource that was carried over: what an agent missed, and who moved it.",
    "fields": [
      {
        "name": "changes",
        "type": {
          "type": "array",
          "items": "signalbox.v1.PastChange"
        },
        "doc": "The changes of the last run, oldest first."
      },
      {
        "name": "olderChanges",
        "type": {
          "type": "array",
          "items": "signalbox.v1.PastChange"
        },
        "doc": "The changes of the run before it, oldest first."
      },
      {
        "name": "influences",
        "type": {
          "type": "array",
          "items": "signalbox.v1.Influence"
        },
        "doc": "Whose writing it stands on, besides that of who changed it last; sorted by name.",
        "default": []
      }
    ]
  },
  {
    "type": "record",
    "name": "ScopeCarried",
    "namespace": "signalbox.v1",
    "doc": "Part of what a scope was when its log went on in other topics: of it, the first events of its new partition are made. An intent that was pending then has an event of its own, IntentPending, before this one. A scope of many resources has several of these.",
    "fields": [
      {
        "name": "isShadow",
        "type": "boolean",
        "doc": "Whether the resources are those of contracts in shadow: nothing of them is in force."
      },
      {
        "name": "changes",
        "type": {
          "type": "array",
          "items": "signalbox.v1.ResourceChange"
        },
        "doc": "Resources as they were, each as if its last change had made it."
      },
      {
        "name": "histories",
        "type": {
          "type": "array",
          "items": "signalbox.v1.ResourceHistory"
        },
        "doc": "The last changes of each, in the order of changes."
      },
      {
        "name": "waiting",
        "type": {
          "type": "array",
          "items": "signalbox.v1.CarriedWait"
        },
        "doc": "Of the intents that are pending in the scope."
      },
      {
        "name": "tallies",
        "type": {
          "type": "array",
          "items": "signalbox.v1.CarriedTally"
        },
        "doc": "What was counted of agents."
      },
      {
        "name": "contradictions",
        "type": {
          "type": "array",
          "items": "signalbox.v1.CarriedContradiction"
        },
        "doc": "Who ran into whom."
      },
      {
        "name": "correlations",
        "type": {
          "type": "array",
          "items": "signalbox.v1.CarriedCorrelation"
        },
        "doc": "What pieces of work asked."
      },
      {
        "name": "hasReservations",
        "type": "boolean",
        "doc": "Whether anything was ever reserved in the scope."
      }
    ]
  },
  {
    "type": "record",
    "name": "LastQuarantine",
    "namespace": "signalbox.v1",
    "doc": "The last time that an agent was put in quarantine: what it held before then is not its own any more.",
    "fields": [
      {
        "name": "agent",
        "type": "string",
        "doc": "The agent."
      },
      {
        "name": "event",
        "type": "signalbox.v1.EventReference",
        "doc": "The event that put it there."
      }
    ]
  },
  {
    "type": "record",
    "name": "IntentLink",
    "namespace": "signalbox.v1",
    "doc": "How far an intent is from the first of its chain.",
    "fields": [
      {
        "name": "intentId",
        "type": "string",
        "doc": "The intent."
      },
      {
        "name": "depth",
        "type": "int",
        "doc": "Intents before it in its chain, each of which caused the next."
      },
      {
        "name": "time",
        "type": {
          "type": "long",
          "logicalType": "timestamp-millis"
        },
        "doc": "When it was decided."
      }
    ]
  },
  {
    "type": "record",
    "name": "PartitionCarried",
    "namespace": "signalbox.v1",
    "doc": "Part of what concerns all of a partition whose log goes on from other topics. One is its first event and names where the numbers of its intents begin; one, with isLast, ends what was carried over: before that nothing may be decided.",
    "fields": [
      {
        "name": "from",
        "type": "string",
        "doc": "Where the log was before: on Kafka, the topic prefix."
      },
      {
        "name": "fromPartitions",
        "type": "int",
        "doc": "How many partitions it had there."
      },
      {
        "name": "begins",
        "type": {
          "type": "array",
          "items": "long"
        },
        "doc": "Where source offsets began: in each log that this one goes on from, oldest first, and last in this one. It begins above all that there were before, so that no identity comes twice."
      },
      {
        "name": "contracts",
        "type": {
          "type": "array",
          "items": "signalbox.v1.ContractRecord"
        },
        "doc": "The contracts by which it was decided last."
      },
      {
        "name": "quarantines",
        "type": {
          "type": "array",
          "items": "signalbox.v1.CarriedQuarantine"
        },
        "doc": "Agents in quarantine."
      },
      {
        "name": "lastQuarantines",
        "type": {
          "type": "array",
          "items": "signalbox.v1.LastQuarantine"
        },
        "doc": "When agents were put there last."
      },
      {
        "name": "links",
        "type": {
          "type": "array",
          "items": "signalbox.v1.IntentLink"
        },
        "doc": "Chains of intents that are still followed."
      },
      {
        "name": "codes",
        "type": {
          "type": "array",
          "items": "string"
        },
        "doc": "The codes that ids names by number; the first is empty, for what was committed."
      },
      {
        "name": "ids",
        "type": "string",
        "doc": "Intent ids that are remembered, base64. Each takes 42 bytes, big-endian: 16 of the id, 15 of the SHA-256 of its body, then its decision: partition (2), offset (6), index (1), and the number of its code (2)."
      },
      {
        "name": "isLast",
        "type": "boolean",
        "doc": "Whether all that is carried over lies before."
      }
    ]
  },
  {
    "type": "record",
    "name": "Event",
    "namespace": "signalbox.v1",
    "doc": "A fact. Its identity is (partition, offset, index); what surrounds it in the log (epoch, chain, log offset) is not part of it.",
    "fields": [
      {
        "name": "partition",
        "type": "int",
        "doc": "Source partition."
      },
      {
        "name": "offset",
        "type": "long",
        "doc": "Source offset: the offset of the intent record that caused it; -1 where none did (an opening, or what was carried over from other topics)."
      },
      {
        "name": "index",
        "type": "int",
        "doc": "Place among the events of that one intent record, from 0, in the order in which they happened; where no record caused it, among what was carried over, else 0."
      },
      {
        "name": "time",
        "type": {
          "type": "long",
          "logicalType": "timestamp-millis"
        },
        "doc": "Logical time: the highest append time of the intents up to this one; 0 for an opening."
      },
      {
        "name": "scope",
        "type": "string",
        "doc": "The scope; empty where the event concerns the whole partition or the scope could not be decoded."
      },
      {
        "name": "type",
        "type": {
          "type": "enum",
          "name": "EventType",
          "namespace": "signalbox.v1",
          "doc": "Which record the payload is, for readers whose Avro library does not say.",
          "symbols": [
            "IntentCommitted",
            "IntentRejected",
            "IntentDuplicated",
            "IntentPending",
            "IntentShadowed",
            "WaitersExamined",
            "RuleApplied",
            "PartitionOpened",
            "ScopeCarried",
            "PartitionCarried"
          ]
        },
        "doc": "Which record the payload is."
      },
      {
        "name": "payload",
        "type": [
          "signalbox.v1.IntentCommitted",
          "signalbox.v1.IntentRejected",
          "signalbox.v1.IntentDuplicated",
          "signalbox.v1.IntentPending",
          "signalbox.v1.IntentShadowed",
          "signalbox.v1.WaitersExamined",
          "signalbox.v1.RuleApplied",
          "signalbox.v1.PartitionOpened",
          "signalbox.v1.ScopeCarried",
          "signalbox.v1.PartitionCarried"
        ],
        "doc": "What happened."
      }
    ]
  },
  {
    "type": "record",
    "name": "Read",
    "namespace": "signalbox.v1",
    "doc": "One entry of a read set: a version that the reasoning behind an intent was based on.",
    "fields": [
      {
        "name": "resource",
        "type": "string",
        "doc": "The resource inside the scope, as type/id."
      },
      {
        "name": "version",
        "type": "long",
        "doc": "The version that was seen; 0 where the resource did not exist: a whole number from 0 to 999999999999999."
      }
    ]
  },
  {
    "type": "record",
    "name": "Intent",
    "namespace": "signalbox.v1",
    "doc": "An agent's request to apply one or more actions, all or nothing, to resources of one scope.",
    "fields": [
      {
        "name": "intentId",
        "type": "string",
        "doc": "UUIDv7 in lower case. The same id with the same body is the same intent, however often it is sent."
      },
      {
        "name": "scope",
        "type": "string",
        "doc": "The conflict domain and partition key: all that happens in one scope is in one total order."
      },
      {
        "name": "agent",
        "type": "string",
        "doc": "Who asks."
      },
      {
        "name": "actions",
        "type": {
          "type": "array",
          "items": "signalbox.v1.ActionRequest"
        },
        "doc": "What is asked for; applied together or not at all."
      },
      {
        "name": "reads",
        "type": {
          "type": "array",
          "items": "signalbox.v1.Read"
        },
        "doc": "The read set: versions, in the same scope, that the reasoning was based on.",
        "default": []
      },
      {
        "name": "correlationId",
        "type": "string",
        "doc": "Names the piece of work that this intent belongs to, across agents and scopes."
      },
      {
        "name": "causationId",
        "type": [
          "null",
          "string"
        ],
        "doc": "The intent or event that caused this intent.",
        "default": null
      },
      {
        "name": "deadline",
        "type": [
          "null",
          {
            "type": "long",
            "logicalType": "timestamp-millis"
          }
        ],
        "doc": "Decided later than this, the intent is rejected. Milliseconds since 1970, UTC: a whole number from 0 to 253402300799999.",
        "default": null
      },
      {
        "name": "priority",
        "type": [
          "null",
          "int"
        ],
        "doc": "Higher goes first where a contract allows it; capped by the contract: a whole number from -1000000 to 1000000.",
        "default": null
      },
      {
        "name": "confidence",
        "type": [
          "null",
          "double"
        ],
        "doc": "The agent's own confidence: a number from 0 to 1.",
        "default": null
      },
      {
        "name": "onConflict",
        "type": {
          "type": "enum",
          "name": "OnConflict",
          "namespace": "signalbox.v1",
          "doc": "What to do when the intent cannot be committed now.",
          "symbols": [
            "reject",
            "wait",
            "escalate"
          ],
          "default": "reject"
        },
        "doc": "What to do when the intent cannot be committed now.",
        "default": "reject"
      },
      {
        "name": "reservation",
        "type": [
          "null",
          "string"
        ],
        "doc": "The reservation under which the agent acts.",
        "default": null
      },
      {
        "name": "note",
        "type": [
          "null",
          "string"
        ],
        "doc": "Why, in the agent's own words.",
        "default": null
      },
      {
        "name": "signature",
        "type": [
          "null",
          "string"
        ],
        "doc": "Proof of who sent the intent. A transport field: not part of the body that is compared and embedded.",
        "default": null
      },
      {
        "name": "causationDepth",
        "type": [
          "null",
          "int"
        ],
        "doc": "How far the intent that caused this one is from the first of its chain, where the sender knows it: a whole number from 0 to 1000000. It travels with the cause from partition to partition; a gateway fills it in. Embedded with the intent, and no part of the body that is compared.",
        "default": null
      }
    ]
  }
] as const
