/** The named points at which a sequencer can be killed: around every await of the way from an intent to its decision. */
import { appendFileSync } from 'node:fs'

/** Requests to Kafka: killed before it is sent, right after, or when its answer has come and nobody has seen it. */
const requests = [
  'Produce',
  'AddPartitionsToTxn',
  'EndTxn',
  'UntilReadable',
  'InitProducerId',
  'FindCoordinator',
  'ListOffsets',
  'JoinGroup',
  'SyncGroup',
  'Heartbeat',
  'LeaveGroup',
] as const

const moments = ['unsent', 'sent', 'answered'] as const

/** Steps of the sequencer itself, seen at the log and the codec that it is given. */
const steps = [
  'read:before',
  'read:after',
  'decode:before',
  'decode:after',
  'decided',
  'encoded',
  'append:before',
  'append:after',
  'published',
  'open:before',
  'open:after',
  'opened:before',
  'opened:after',
  'restore:before',
  'restore:after',
  'assigned',
  'revoked:before',
  'revoked:after',
  'snapshot:before',
  'snapshot:after',
] as const

export type Request = (typeof requests)[number]
export type Moment = (typeof moments)[number]
export type Point = `${Request}:${Moment}` | (typeof steps)[number]

/** A point at which a process is to be killed or stopped. */
export interface Armed {
  readonly point: Point
  /** What the process does to itself when it passes the point for the n-th time. */
  readonly passes: number
  readonly signal: 'SIGKILL' | 'SIGSTOP'
}

export const points: readonly Point[] = [...requests.flatMap((request) => moments.map((moment): Point => `${request}:${moment}`)), ...steps]

/**
 * Where a sequencer that is stopped holds decisions in its hands that it writes when it goes on: those of a batch that was not
 * begun, of one that was, and of one that lacks nothing but its commit.
 */
export const zombiePoints = [
  'append:before',
  'AddPartitionsToTxn:unsent',
  'Produce:unsent',
  'EndTxn:unsent',
] as const satisfies readonly Point[]

/** What a partition's owner does all the time under load; everything else happens when partitions change hands. */
const underLoad: ReadonlySet<Point> = new Set([
  ...(['Produce', 'AddPartitionsToTxn', 'EndTxn', 'UntilReadable', 'Heartbeat'] as const).flatMap((request) =>
    moments.map((moment): Point => `${request}:${moment}`),
  ),
  ...(['read:before', 'read:after', 'decode:before', 'decode:after', 'decided', 'encoded'] as const),
  ...(['append:before', 'append:after', 'published', 'snapshot:before', 'snapshot:after'] as const),
])

export function happensUnderLoad(point: Point): boolean {
  return underLoad.has(point)
}

/** Ends the process, as `kill -9` does, or stops it where it stands, when it passes the armed point for the n-th time. */
export class CrashSwitch {
  readonly #hitsFile: string
  #armed: Armed | null = null
  #left = 0

  /** `POINT PID SIGNAL` is appended to the file first: the dead tell nothing, and who is stopped nothing either. */
  constructor(hitsFile: string) {
    this.#hitsFile = hitsFile
  }

  arm(armed: Armed): void {
    this.#armed = armed
    this.#left = armed.passes
  }

  disarm(): void {
    this.#armed = null
  }

  pass(point: Point): void {
    if (this.#armed?.point !== point || --this.#left > 0) return
    const { signal } = this.#armed
    // Who goes on after a stop is not stopped again at the next pass.
    this.#armed = null
    appendFileSync(this.#hitsFile, `${point} ${process.pid} ${signal}\n`)
    process.kill(process.pid, signal)
  }
}
