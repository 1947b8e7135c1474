/** The name of a dead letter: `TOPIC:PARTITION:OFFSET`, like `intents:0:17`. */
export const deadLetterTopics = ['intents', 'escalation', 'projector', 'reactions', 'ingest'] as const
export type DeadLetterTopic = (typeof deadLetterTopics)[number]

export interface DeadLetterId {
  readonly topic: DeadLetterTopic
  readonly partition: number
  /** Where it lies in the dead letters, not where the record lay. */
  readonly offset: number
}

export function formatDeadLetterId({ offset, partition, topic }: DeadLetterId): string {
  return `${topic}:${partition}:${offset}`
}

/** Null for a text that is no name of a dead letter. */
export function parseDeadLetterId(text: string): DeadLetterId | null {
  const match = /^([a-z]+):(0|[1-9]\d{0,5}):(0|[1-9]\d{0,14})$/.exec(text)
  const topic = deadLetterTopics.find((each) => each === match?.[1])
  return match === null || topic === undefined ? null : { topic, partition: Number(match[2]), offset: Number(match[3]) }
}

/** What its standing is kept in. */
export function deadLetterResource(id: DeadLetterId): string {
  return `dead-letter/${formatDeadLetterId(id)}`
}
