/** What the bytes of a dead letter are, by the topic that it lies in. */
import { type Codec, UndecodableError, UnknownSchemaError } from '@signalbox/codec'
import type { DeadLetterTopic, Intent, JsonObject } from '@signalbox/contract'
import type { Headers } from '@signalbox/log'

export interface Decoded {
  readonly intent: Intent | null
  /** Of what other consumers keep. */
  readonly json: JsonObject | null
  readonly problem: string | null
}

/** Rejects only where a schema registry cannot be asked. */
export async function decodeLetter(topic: DeadLetterTopic, value: Uint8Array, codec: Codec): Promise<Decoded> {
  if (topic !== 'intents') return decodeJson(value)
  try {
    return { intent: codec.decodeIntent(value), json: null, problem: null }
  } catch (error) {
    if (error instanceof UndecodableError) return { intent: null, json: null, problem: error.message }
    if (!(error instanceof UnknownSchemaError)) throw error
    await codec.framing.learn(error.schemaId)
    return await decodeLetter(topic, value, codec)
  }
}

function decodeJson(value: Uint8Array): Decoded {
  try {
    const json = JSON.parse(Buffer.from(value).toString('utf8')) as unknown
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return { intent: null, json: json as JsonObject, problem: null }
    return { intent: null, json: null, problem: 'it is no JSON object' }
  } catch (error) {
    return { intent: null, json: null, problem: `it is no JSON: ${(error as Error).message}` }
  }
}

/** The text of a header; empty where it is missing. */
export function header(headers: Headers, name: string): string {
  return headers[name] ?? ''
}
