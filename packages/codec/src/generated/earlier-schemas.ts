// Generated from schemas/*.avsc by `npm run generate`. Do not edit.

/** Schemas that records were once written with, oldest first. */
export const earlierSchemas: readonly { readonly name: 'Event' | 'Intent'; readonly schema: object }[] = [
  {
    "name": "Event",
    "schema": {
      "name": "signalbox.v1.Event",
      "type": "record",
      "fields": [
        {
          "name": "partition",
          "type": "int",
          "doc": "Source partition."
        },
        {
          "name": "offset",
          "type": "long",
          "doc": "Source offset: the offset of the intent record that caused it; -1 where none did."
        },
        {
          "name": "index",
          "type": "int",
          "doc": "Place among the events of that one intent record, from 0, in the order in which they happened."
        },
        {
          "name": "time",
          "type": "long",
          "doc": "Logical time: the highest append time of the intents up to this one; 0 where no intent caused it."
        },
        {
          "name": "scope",
          "type": "string",
          "doc": "The scope; empty where the event concerns the whole partition or the scope could not be decoded."
        },
        {
          "name": "type",
          "type": {
            "name": "signalbox.v1.EventType",
            "type": "enum",
            "symbols": [
              "IntentCommitted",
              "IntentRejected",
              "IntentDuplicated",
              "IntentPending",
              "IntentShadowed",
              "WaitersExamined",
              "RuleApplied",
              "PartitionOpened"
            ],
            "doc": "Which record the payload is, for readers whose Avro library does not say."
          },
          "doc": "Which record the payload is."
        },
        {
          "name": "payload",
          "type": [
            {
              "name": "signalbox.v1.IntentCommitted",
              "type": "record",
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
                    "items": {
                      "name": "signalbox.v1.ResourceChange",
                      "type": "record",
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
                          "default": null,
                          "doc": "The state before; null where the resource did not exist."
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
                            {
                              "name": "signalbox.v1.Timer",
                              "type": "record",
                              "fields": [
                                {
                                  "name": "due",
                                  "type": "long",
                                  "doc": "When, in logical time: milliseconds since 1970, UTC."
                                },
                                {
                                  "name": "action",
                                  "type": "string",
                                  "doc": "The action that the clock takes then."
                                }
                              ],
                              "doc": "A durable timer: what happens to a resource by itself if nothing happens to it before."
                            }
                          ],
                          "default": null,
                          "doc": "The timer that runs for the resource now; null where none does."
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
                          "default": null,
                          "doc": "The top-level fields of the data that differ from before, sorted; null where no action of the contract merges."
                        }
                      ],
                      "doc": "The after-image of one resource that a commit changed. A projection is: state[scope, resource] = change."
                    }
                  },
                  "doc": "The after-image of every resource that the commit changed, in the order of the actions."
                },
                {
                  "name": "settles",
                  "type": [
                    "null",
                    {
                      "name": "signalbox.v1.EventReference",
                      "type": "record",
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
                      ],
                      "doc": "The identity of an event, written partition/offset/index. It names where its intent lay, never where the event lies."
                    }
                  ],
                  "default": null,
                  "doc": "The IntentPending event that this decision ends; null where the intent was decided at once."
                },
                {
                  "name": "verdict",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "The escalation under whose verdict it was committed, as type/id."
                },
                {
                  "name": "amount",
                  "type": [
                    "null",
                    "long"
                  ],
                  "default": null,
                  "doc": "The amount that the actions declared, in the unit of their contract; null where none did."
                }
              ],
              "doc": "The intent was committed: all its actions were applied."
            },
            {
              "name": "signalbox.v1.IntentRejected",
              "type": "record",
              "fields": [
                {
                  "name": "intentId",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "The id of the intent; null when it could not be decoded."
                },
                {
                  "name": "agent",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "Who asked; null when it could not be decoded."
                },
                {
                  "name": "intent",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "The canonical intent: its RFC 8785 JSON form without transport fields; null when it could not be decoded."
                },
                {
                  "name": "digest",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "SHA-256 of the canonical intent, base64url without padding; null when it could not be decoded."
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
                    {
                      "name": "signalbox.v1.ContractOwner",
                      "type": "record",
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
                      ],
                      "doc": "Who owns a contract, and so whom to ask."
                    }
                  ],
                  "default": null,
                  "doc": "The owner of the contract concerned."
                },
                {
                  "name": "resource",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "The resource concerned, as type/id."
                },
                {
                  "name": "expectedVersion",
                  "type": [
                    "null",
                    "long"
                  ],
                  "default": null,
                  "doc": "The version that the agent expected or had read."
                },
                {
                  "name": "actualVersion",
                  "type": [
                    "null",
                    "long"
                  ],
                  "default": null,
                  "doc": "The version that the resource has."
                },
                {
                  "name": "movedBy",
                  "type": [
                    "null",
                    {
                      "name": "signalbox.v1.ResourceMove",
                      "type": "record",
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
                          "type": "long",
                          "doc": "When, in logical time."
                        }
                      ],
                      "doc": "The commit that moved a resource to where it is now."
                    }
                  ],
                  "default": null,
                  "doc": "The commit that moved the resource last."
                },
                {
                  "name": "missed",
                  "type": {
                    "type": "array",
                    "items": "signalbox.v1.ResourceMove"
                  },
                  "default": [],
                  "doc": "The commits to that resource that the agent missed, oldest first; bounded, the newest are kept."
                },
                {
                  "name": "retryAfterMs",
                  "type": [
                    "null",
                    "long"
                  ],
                  "default": null,
                  "doc": "When to try again, in milliseconds, where that is known."
                },
                {
                  "name": "details",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "What else the code has to say, as a JSON object in RFC 8785 form."
                },
                {
                  "name": "settles",
                  "type": [
                    "null",
                    "signalbox.v1.EventReference"
                  ],
                  "default": null,
                  "doc": "The IntentPending event that this decision ends; null where the intent was decided at once."
                }
              ],
              "doc": "The intent was rejected: nothing was applied. Says what to repair."
            },
            {
              "name": "signalbox.v1.IntentDuplicated",
              "type": "record",
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
                    "name": "signalbox.v1.Outcome",
                    "type": "enum",
                    "symbols": [
                      "committed",
                      "rejected",
                      "pending",
                      "shadowed"
                    ],
                    "doc": "What became of an intent."
                  },
                  "doc": "What became of it."
                },
                {
                  "name": "code",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "The code of the decision when it was a reject."
                }
              ],
              "doc": "The record repeats an intent that is known already; this is its decision again, or where it waits for one."
            },
            {
              "name": "signalbox.v1.IntentPending",
              "type": "record",
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
                    "name": "signalbox.v1.PendingReason",
                    "type": "enum",
                    "symbols": [
                      "waiting",
                      "escalated"
                    ],
                    "doc": "What a pending intent waits for."
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
                  "type": "long",
                  "doc": "When it is rejected at the latest."
                },
                {
                  "name": "escalation",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "The escalation that decides, as type/id; null for one that waits."
                },
                {
                  "name": "since",
                  "type": [
                    "null",
                    "signalbox.v1.EventReference"
                  ],
                  "default": null,
                  "doc": "The first event that said the intent is pending; null where this is it."
                }
              ],
              "doc": "The intent is not decided yet: it waits for something to come true, or for a human. It ends in exactly one decision, which names this event."
            },
            {
              "name": "signalbox.v1.IntentShadowed",
              "type": "record",
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
                  "default": null,
                  "doc": "The code with which it would have been rejected or made to wait; null where it would have been committed."
                },
                {
                  "name": "message",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "The sentence of that reject."
                },
                {
                  "name": "resource",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "The resource that it would have been rejected for, as type/id."
                },
                {
                  "name": "changes",
                  "type": {
                    "type": "array",
                    "items": "signalbox.v1.ResourceChange"
                  },
                  "default": [],
                  "doc": "What it would have changed."
                }
              ],
              "doc": "The intent was decided in shadow: this is what would have become of it. The state is as it was."
            },
            {
              "name": "signalbox.v1.WaitersExamined",
              "type": "record",
              "fields": [
                {
                  "name": "waiting",
                  "type": {
                    "type": "array",
                    "items": {
                      "name": "signalbox.v1.StillPending",
                      "type": "record",
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
                      ],
                      "doc": "A waiting intent that was decided again and cannot be committed yet."
                    }
                  },
                  "doc": "Those that wait on, in the order in which they came."
                }
              ],
              "doc": "Intents that wait were decided again, and wait on."
            },
            {
              "name": "signalbox.v1.RuleApplied",
              "type": "record",
              "fields": [
                {
                  "name": "rule",
                  "type": {
                    "name": "signalbox.v1.Rule",
                    "type": "enum",
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
                    "doc": "The rules by which something follows."
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
                  "default": null,
                  "doc": "The intent at whose decision it happened; null where time alone caused it."
                },
                {
                  "name": "changes",
                  "type": {
                    "type": "array",
                    "items": "signalbox.v1.ResourceChange"
                  },
                  "default": [],
                  "doc": "The after-image of every resource that changed."
                },
                {
                  "name": "resource",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "The resource concerned, as type/id."
                },
                {
                  "name": "code",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "Where a timer could not do what it was to do: the code that says why. The timer is spent."
                },
                {
                  "name": "details",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "What else the rule has to say, as a JSON object in RFC 8785 form."
                }
              ],
              "doc": "Something followed by a rule, not by the wish of an agent: a timer was due, a breaker opened, an escalation began."
            },
            {
              "name": "signalbox.v1.PartitionOpened",
              "type": "record",
              "fields": [
                {
                  "name": "contracts",
                  "type": {
                    "type": "array",
                    "items": {
                      "name": "signalbox.v1.ContractRecord",
                      "type": "record",
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
                      ],
                      "doc": "A contract by which an owner of a partition decides."
                    }
                  },
                  "doc": "The contracts by which it decides, by type."
                },
                {
                  "name": "software",
                  "type": "string",
                  "doc": "Name and version of the program."
                }
              ],
              "doc": "A sequencer took ownership of a partition. Everything that an earlier owner wrote lies before it."
            }
          ],
          "doc": "What happened."
        }
      ],
      "doc": "A fact. Its identity is (partition, offset, index); what surrounds it in the log (epoch, chain, log offset) is not part of it."
    }
  },
  {
    "name": "Intent",
    "schema": {
      "name": "signalbox.v1.Intent",
      "type": "record",
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
            "items": {
              "name": "signalbox.v1.ActionRequest",
              "type": "record",
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
                  "default": "{ }",
                  "doc": "The input of the action: a JSON object, validated by the contract. (The space in the default is for Apicurio, which does not take a schema with {} in quotes.)"
                },
                {
                  "name": "expectedVersion",
                  "type": [
                    "null",
                    "long"
                  ],
                  "default": null,
                  "doc": "The version of the resource that the agent reasoned on; 0 where it expects none. Required by actions with conflict policy version on a resource that exists, unless the read set names the resource: a whole number from 0 to 999999999999999."
                }
              ],
              "doc": "One action on one resource, as an agent asks for it."
            }
          },
          "doc": "What is asked for; applied together or not at all."
        },
        {
          "name": "reads",
          "type": {
            "type": "array",
            "items": {
              "name": "signalbox.v1.Read",
              "type": "record",
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
              ],
              "doc": "One entry of a read set: a version that the reasoning behind an intent was based on."
            }
          },
          "default": [],
          "doc": "The read set: versions, in the same scope, that the reasoning was based on."
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
          "default": null,
          "doc": "The intent or event that caused this intent."
        },
        {
          "name": "deadline",
          "type": [
            "null",
            "long"
          ],
          "default": null,
          "doc": "Decided later than this, the intent is rejected. Milliseconds since 1970, UTC: a whole number from 0 to 253402300799999."
        },
        {
          "name": "priority",
          "type": [
            "null",
            "int"
          ],
          "default": null,
          "doc": "Higher goes first where a contract allows it; capped by the contract: a whole number from -1000000 to 1000000."
        },
        {
          "name": "confidence",
          "type": [
            "null",
            "double"
          ],
          "default": null,
          "doc": "The agent's own confidence: a number from 0 to 1."
        },
        {
          "name": "onConflict",
          "type": {
            "name": "signalbox.v1.OnConflict",
            "type": "enum",
            "symbols": [
              "reject",
              "wait",
              "escalate"
            ],
            "doc": "What to do when the intent cannot be committed now."
          },
          "default": "reject",
          "doc": "What to do when the intent cannot be committed now."
        },
        {
          "name": "reservation",
          "type": [
            "null",
            "string"
          ],
          "default": null,
          "doc": "The reservation under which the agent acts."
        },
        {
          "name": "note",
          "type": [
            "null",
            "string"
          ],
          "default": null,
          "doc": "Why, in the agent's own words."
        },
        {
          "name": "signature",
          "type": [
            "null",
            "string"
          ],
          "default": null,
          "doc": "Proof of who sent the intent. A transport field: not part of the body that is compared and embedded."
        }
      ],
      "doc": "An agent's request to apply one or more actions, all or nothing, to resources of one scope."
    }
  },
  {
    "name": "Event",
    "schema": {
      "name": "signalbox.v1.Event",
      "type": "record",
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
          "type": "long",
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
            "name": "signalbox.v1.EventType",
            "type": "enum",
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
            ],
            "doc": "Which record the payload is, for readers whose Avro library does not say."
          },
          "doc": "Which record the payload is."
        },
        {
          "name": "payload",
          "type": [
            {
              "name": "signalbox.v1.IntentCommitted",
              "type": "record",
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
                    "items": {
                      "name": "signalbox.v1.ResourceChange",
                      "type": "record",
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
                          "default": null,
                          "doc": "The state before; null where the resource did not exist."
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
                            {
                              "name": "signalbox.v1.Timer",
                              "type": "record",
                              "fields": [
                                {
                                  "name": "due",
                                  "type": "long",
                                  "doc": "When, in logical time: milliseconds since 1970, UTC."
                                },
                                {
                                  "name": "action",
                                  "type": "string",
                                  "doc": "The action that the clock takes then."
                                }
                              ],
                              "doc": "A durable timer: what happens to a resource by itself if nothing happens to it before."
                            }
                          ],
                          "default": null,
                          "doc": "The timer that runs for the resource now; null where none does."
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
                          "default": null,
                          "doc": "The top-level fields of the data that differ from before, sorted; null where no action of the contract merges."
                        }
                      ],
                      "doc": "The after-image of one resource that a commit changed. A projection is: state[scope, resource] = change."
                    }
                  },
                  "doc": "The after-image of every resource that the commit changed, in the order of the actions."
                },
                {
                  "name": "settles",
                  "type": [
                    "null",
                    {
                      "name": "signalbox.v1.EventReference",
                      "type": "record",
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
                      ],
                      "doc": "The identity of an event, written partition/offset/index. It names where its intent lay, never where the event lies."
                    }
                  ],
                  "default": null,
                  "doc": "The IntentPending event that this decision ends; null where the intent was decided at once."
                },
                {
                  "name": "verdict",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "The escalation under whose verdict it was committed, as type/id."
                },
                {
                  "name": "amount",
                  "type": [
                    "null",
                    "long"
                  ],
                  "default": null,
                  "doc": "The amount that the actions declared, in the unit of their contract; null where none did."
                }
              ],
              "doc": "The intent was committed: all its actions were applied."
            },
            {
              "name": "signalbox.v1.IntentRejected",
              "type": "record",
              "fields": [
                {
                  "name": "intentId",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "The id of the intent; null when it could not be decoded."
                },
                {
                  "name": "agent",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "Who asked; null when it could not be decoded."
                },
                {
                  "name": "intent",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "The canonical intent: its RFC 8785 JSON form without transport fields; null when it could not be decoded."
                },
                {
                  "name": "digest",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "SHA-256 of the canonical intent, base64url without padding; null when it could not be decoded."
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
                    {
                      "name": "signalbox.v1.ContractOwner",
                      "type": "record",
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
                      ],
                      "doc": "Who owns a contract, and so whom to ask."
                    }
                  ],
                  "default": null,
                  "doc": "The owner of the contract concerned."
                },
                {
                  "name": "resource",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "The resource concerned, as type/id."
                },
                {
                  "name": "expectedVersion",
                  "type": [
                    "null",
                    "long"
                  ],
                  "default": null,
                  "doc": "The version that the agent expected or had read."
                },
                {
                  "name": "actualVersion",
                  "type": [
                    "null",
                    "long"
                  ],
                  "default": null,
                  "doc": "The version that the resource has."
                },
                {
                  "name": "movedBy",
                  "type": [
                    "null",
                    {
                      "name": "signalbox.v1.ResourceMove",
                      "type": "record",
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
                          "type": "long",
                          "doc": "When, in logical time."
                        }
                      ],
                      "doc": "The commit that moved a resource to where it is now."
                    }
                  ],
                  "default": null,
                  "doc": "The commit that moved the resource last."
                },
                {
                  "name": "missed",
                  "type": {
                    "type": "array",
                    "items": "signalbox.v1.ResourceMove"
                  },
                  "default": [],
                  "doc": "The commits to that resource that the agent missed, oldest first; bounded, the newest are kept."
                },
                {
                  "name": "retryAfterMs",
                  "type": [
                    "null",
                    "long"
                  ],
                  "default": null,
                  "doc": "When to try again, in milliseconds, where that is known."
                },
                {
                  "name": "details",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "What else the code has to say, as a JSON object in RFC 8785 form."
                },
                {
                  "name": "settles",
                  "type": [
                    "null",
                    "signalbox.v1.EventReference"
                  ],
                  "default": null,
                  "doc": "The IntentPending event that this decision ends; null where the intent was decided at once."
                }
              ],
              "doc": "The intent was rejected: nothing was applied. Says what to repair."
            },
            {
              "name": "signalbox.v1.IntentDuplicated",
              "type": "record",
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
                    "name": "signalbox.v1.Outcome",
                    "type": "enum",
                    "symbols": [
                      "committed",
                      "rejected",
                      "pending",
                      "shadowed"
                    ],
                    "doc": "What became of an intent."
                  },
                  "doc": "What became of it."
                },
                {
                  "name": "code",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "The code of the decision when it was a reject."
                }
              ],
              "doc": "The record repeats an intent that is known already; this is its decision again, or where it waits for one."
            },
            {
              "name": "signalbox.v1.IntentPending",
              "type": "record",
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
                    "name": "signalbox.v1.PendingReason",
                    "type": "enum",
                    "symbols": [
                      "waiting",
                      "escalated"
                    ],
                    "doc": "What a pending intent waits for."
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
                  "type": "long",
                  "doc": "When it is rejected at the latest."
                },
                {
                  "name": "escalation",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "The escalation that decides, as type/id; null for one that waits."
                },
                {
                  "name": "since",
                  "type": [
                    "null",
                    "signalbox.v1.EventReference"
                  ],
                  "default": null,
                  "doc": "The first event that said the intent is pending; null where this is it."
                }
              ],
              "doc": "The intent is not decided yet: it waits for something to come true, or for a human. It ends in exactly one decision, which names this event."
            },
            {
              "name": "signalbox.v1.IntentShadowed",
              "type": "record",
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
                  "default": null,
                  "doc": "The code with which it would have been rejected or made to wait; null where it would have been committed."
                },
                {
                  "name": "message",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "The sentence of that reject."
                },
                {
                  "name": "resource",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "The resource that it would have been rejected for, as type/id."
                },
                {
                  "name": "changes",
                  "type": {
                    "type": "array",
                    "items": "signalbox.v1.ResourceChange"
                  },
                  "default": [],
                  "doc": "What it would have changed."
                }
              ],
              "doc": "The intent was decided in shadow: this is what would have become of it. The state is as it was."
            },
            {
              "name": "signalbox.v1.WaitersExamined",
              "type": "record",
              "fields": [
                {
                  "name": "waiting",
                  "type": {
                    "type": "array",
                    "items": {
                      "name": "signalbox.v1.StillPending",
                      "type": "record",
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
                      ],
                      "doc": "A waiting intent that was decided again and cannot be committed yet."
                    }
                  },
                  "doc": "Those that wait on, in the order in which they came."
                }
              ],
              "doc": "Intents that wait were decided again, and wait on."
            },
            {
              "name": "signalbox.v1.RuleApplied",
              "type": "record",
              "fields": [
                {
                  "name": "rule",
                  "type": {
                    "name": "signalbox.v1.Rule",
                    "type": "enum",
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
                    "doc": "The rules by which something follows."
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
                  "default": null,
                  "doc": "The intent at whose decision it happened; null where time alone caused it."
                },
                {
                  "name": "changes",
                  "type": {
                    "type": "array",
                    "items": "signalbox.v1.ResourceChange"
                  },
                  "default": [],
                  "doc": "The after-image of every resource that changed."
                },
                {
                  "name": "resource",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "The resource concerned, as type/id."
                },
                {
                  "name": "code",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "Where a timer could not do what it was to do: the code that says why. The timer is spent."
                },
                {
                  "name": "details",
                  "type": [
                    "null",
                    "string"
                  ],
                  "default": null,
                  "doc": "What else the rule has to say, as a JSON object in RFC 8785 form."
                }
              ],
              "doc": "Something followed by a rule, not by the wish of an agent: a timer was due, a breaker opened, an escalation began."
            },
            {
              "name": "signalbox.v1.PartitionOpened",
              "type": "record",
              "fields": [
                {
                  "name": "contracts",
                  "type": {
                    "type": "array",
                    "items": {
                      "name": "signalbox.v1.ContractRecord",
                      "type": "record",
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
                      ],
                      "doc": "A contract by which an owner of a partition decides."
                    }
                  },
                  "doc": "The contracts by which it decides, by type."
                },
                {
                  "name": "software",
                  "type": "string",
                  "doc": "Name and version of the program."
                }
              ],
              "doc": "A sequencer took ownership of a partition. Everything that an earlier owner wrote lies before it."
            },
            {
              "name": "signalbox.v1.ScopeCarried",
              "type": "record",
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
                    "items": {
                      "name": "signalbox.v1.ResourceHistory",
                      "type": "record",
                      "fields": [
                        {
                          "name": "changes",
                          "type": {
                            "type": "array",
                            "items": {
                              "name": "signalbox.v1.PastChange",
                              "type": "record",
                              "fields": [
                                {
                                  "name": "event",
                                  "type": "signalbox.v1.EventReference",
                                  "doc": "The event that committed it."
                                },
                                {
                                  "name": "time",
                                  "type": "long",
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
                                  "default": null,
                                  "doc": "The top-level fields of the data that it changed; null where no action of the contract merges."
                                }
                              ],
                              "doc": "A commit to a resource, as far as agents are told of it later."
                            }
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
                        }
                      ],
                      "doc": "The last changes of a resource that was carried over: what an agent missed, and who moved it."
                    }
                  },
                  "doc": "The last changes of each, in the order of changes."
                },
                {
                  "name": "waiting",
                  "type": {
                    "type": "array",
                    "items": {
                      "name": "signalbox.v1.CarriedWait",
                      "type": "record",
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
                      ],
                      "doc": "What a pending intent that was carried over has behind it."
                    }
                  },
                  "doc": "Of the intents that are pending in the scope."
                },
                {
                  "name": "tallies",
                  "type": {
                    "type": "array",
                    "items": {
                      "name": "signalbox.v1.CarriedTally",
                      "type": "record",
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
                            "name": "signalbox.v1.BreakerState",
                            "type": "enum",
                            "symbols": [
                              "closed",
                              "open",
                              "halfOpen"
                            ],
                            "doc": "What an agent's breaker lets through: all, nothing, or a few to try."
                          },
                          "doc": "The agent's breaker in the scope."
                        }
                      ],
                      "doc": "What was counted of an agent in a scope."
                    }
                  },
                  "doc": "What was counted of agents."
                },
                {
                  "name": "contradictions",
                  "type": {
                    "type": "array",
                    "items": {
                      "name": "signalbox.v1.CarriedContradiction",
                      "type": "record",
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
                      ],
                      "doc": "How often an agent ran into commits of another on a resource."
                    }
                  },
                  "doc": "Who ran into whom."
                },
                {
                  "name": "correlations",
                  "type": {
                    "type": "array",
                    "items": {
                      "name": "signalbox.v1.CarriedCorrelation",
                      "type": "record",
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
                      ],
                      "doc": "How many intents of one piece of work a scope took."
                    }
                  },
                  "doc": "What pieces of work asked."
                },
                {
                  "name": "hasReservations",
                  "type": "boolean",
                  "doc": "Whether anything was ever reserved in the scope."
                }
              ],
              "doc": "Part of what a scope was when its log went on in other topics: of it, the first events of its new partition are made. An intent that was pending then has an event of its own, IntentPending, before this one. A scope of many resources has several of these."
            },
            {
              "name": "signalbox.v1.PartitionCarried",
              "type": "record",
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
                    "items": {
                      "name": "signalbox.v1.CarriedQuarantine",
                      "type": "record",
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
                          "type": "long",
                          "doc": "Since when."
                        },
                        {
                          "name": "taintedSince",
                          "type": [
                            "null",
                            "long"
                          ],
                          "default": null,
                          "doc": "What it wrote from then on is not to be trusted; null where nothing is known to be wrong."
                        }
                      ],
                      "doc": "An agent in quarantine."
                    }
                  },
                  "doc": "Agents in quarantine."
                },
                {
                  "name": "lastQuarantines",
                  "type": {
                    "type": "array",
                    "items": {
                      "name": "signalbox.v1.LastQuarantine",
                      "type": "record",
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
                      ],
                      "doc": "The last time that an agent was put in quarantine: what it held before then is not its own any more."
                    }
                  },
                  "doc": "When agents were put there last."
                },
                {
                  "name": "links",
                  "type": {
                    "type": "array",
                    "items": {
                      "name": "signalbox.v1.IntentLink",
                      "type": "record",
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
                          "type": "long",
                          "doc": "When it was decided."
                        }
                      ],
                      "doc": "How far an intent is from the first of its chain."
                    }
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
              ],
              "doc": "Part of what concerns all of a partition whose log goes on from other topics. One is its first event and names where the numbers of its intents begin; one, with isLast, ends what was carried over: before that nothing may be decided."
            }
          ],
          "doc": "What happened."
        }
      ],
      "doc": "A fact. Its identity is (partition, offset, index); what surrounds it in the log (epoch, chain, log offset) is not part of it."
    }
  }
]
