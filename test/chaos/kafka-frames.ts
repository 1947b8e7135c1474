/** Requests and answers of Kafka's protocol as they go by: four bytes of length, then the rest. */

/** Numbers of the requests that a sequencer makes. */
export const API_KEYS = {
  Produce: 0,
  Fetch: 1,
  ListOffsets: 2,
  Metadata: 3,
  FindCoordinator: 10,
  JoinGroup: 11,
  Heartbeat: 12,
  LeaveGroup: 13,
  SyncGroup: 14,
  InitProducerId: 22,
  AddPartitionsToTxn: 24,
  EndTxn: 26,
} as const

const LENGTH_BYTES = 4
const REQUEST_CORRELATION_AT = 8

/** Cuts a stream into whole frames, each with its length in front. */
export class FrameSplitter {
  #rest: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): readonly Buffer[] {
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const frames: Buffer[] = []
    while (data.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + data.readInt32BE(0)
      if (data.length < end) break
      frames.push(data.subarray(0, end))
      data = data.subarray(end)
    }
    this.#rest = data
    return frames
  }
}

export function apiKeyOf(request: Buffer): number {
  return request.readInt16BE(LENGTH_BYTES)
}

export function correlationOfRequest(request: Buffer): number {
  return request.readInt32BE(REQUEST_CORRELATION_AT)
}

export function correlationOfAnswer(answer: Buffer): number {
  return answer.readInt32BE(LENGTH_BYTES)
}
