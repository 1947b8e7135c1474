/** What a log is called in one that goes on from it: the prefix of its topics, or the folder that it was embedded in. */
import { basename } from 'node:path'

// No topic has a colon in its name.
const embedded = 'sqlite:'

/** The folder's name alone: where it lies is a matter of the machine. */
export function embeddedPlace(dataDirectory: string): string {
  return embedded + basename(dataDirectory)
}

export function isEmbeddedPlace(name: string): boolean {
  return name.startsWith(embedded)
}

/** How a command is told to read there. */
export function placeText(name: string): string {
  return isEmbeddedPlace(name) ? `--log sqlite --data-dir ${name.slice(embedded.length)}` : `KAFKA_TOPIC_PREFIX=${name}`
}
