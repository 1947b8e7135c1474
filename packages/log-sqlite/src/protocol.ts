import type { ErrorMessage } from './sqlite-errors.ts'

/** What the main thread and the worker say to each other. Buffers are transferred, never copied. */
export interface WorkerSettings {
  readonly directory: string
  readonly partitionCount: number | undefined
  readonly maxFileBytes: number | undefined
  /** Names that a segment of the index holds; for tests. */
  readonly segmentNames?: number | undefined
}

export interface ChunkToWrite {
  /** Index into `TOPICS`. */
  readonly topic: number
  readonly partition: number
  readonly firstOffset: number
  readonly count: number
  readonly byteLength: number
  readonly storage: ArrayBuffer
  /** See `event-index.ts`; null where there are none. */
  readonly names: Uint32Array<ArrayBuffer> | null
}

export type Request =
  | { readonly kind: 'write'; readonly chunks: readonly ChunkToWrite[] }
  | {
      readonly kind: 'read'
      readonly id: number
      readonly topic: number
      readonly partition: number
      readonly fromOffset: number
      readonly maxBytes: number
    }
  | { readonly kind: 'find'; readonly id: number; readonly partition: number; readonly key: string; readonly before: number }
  | { readonly kind: 'prove'; readonly id: number; readonly partition: number }
  | { readonly kind: 'close' }

export type Response =
  | {
      readonly kind: 'opened'
      readonly id: string
      readonly partitionCount: number
      readonly owners: number
      readonly ends: readonly (readonly number[])[]
    }
  | { readonly kind: 'refused'; readonly error: ErrorMessage }
  /** Answers come in the order of the writes. The buffers come back to be used again. */
  | { readonly kind: 'written'; readonly storages: readonly ArrayBuffer[] }
  | { readonly kind: 'failed'; readonly error: ErrorMessage }
  | { readonly kind: 'chunks'; readonly id: number; readonly chunks: readonly Uint8Array[] }
  | { readonly kind: 'found'; readonly id: number; readonly offset: number | null; readonly since: number }
  | { readonly kind: 'proved'; readonly id: number }
  | { readonly kind: 'unreadable'; readonly id: number; readonly error: ErrorMessage }
  | { readonly kind: 'closed' }
