/** Closes the partitions of a log, or opens them again: by intents, which whoever owns them decides. */
import { randomBytes } from 'node:crypto'
import type { Codec } from '@signalbox/codec'
import { generationResource, type Intent, intentFromJson, type JsonObject, makeUuidV7, systemScope } from '@signalbox/contract'
import type { Clock, Log } from '@signalbox/log'
import { GenerationError } from './errors.ts'
import type { OldLog } from './old-log.ts'

export interface Saying {
  readonly log: Log
  readonly codec: Codec
  readonly old: OldLog
  readonly clock: Clock
  /** `human:NAME`. */
  readonly by: string
  readonly reason: string
  /** How long the owner of a partition may take to decide. */
  readonly waitMs: number
}

/** Every partition is closed when it returns, for `next`. What was closed already, for the same, stays so. Errors: GenerationError, LogError. */
export async function closeLog(saying: Saying, next: string): Promise<void> {
  const { old, reason } = saying
  refuseOtherNext(old, next)
  await say(saying, 'close', { next, reason }, (partition) => old.states[partition]!.coordination.closed !== null)
}

/** Errors: GenerationError where a partition is closed to go on somewhere else. */
export function refuseOtherNext(old: OldLog, next: string): void {
  for (const { coordination, partition } of old.states) {
    const { closed } = coordination
    if (closed === null || closed.next === next) continue
    throw new GenerationError(
      `partition ${partition} was closed by ${closed.by} to go on as ${closed.next}, not as ${next}; open it again first: signalbox generation reopen --reason WHY`,
    )
  }
}

/** Every partition is open when it returns. Errors: GenerationError, LogError. */
export async function reopenLog(saying: Saying): Promise<void> {
  const { old, reason } = saying
  await say(saying, 'reopen', { reason }, (partition) => old.states[partition]!.coordination.closed === null)
}

async function say(
  { by, clock, codec, log, old, waitMs }: Saying,
  action: 'close' | 'reopen',
  input: JsonObject,
  isDone: (partition: number) => boolean,
): Promise<void> {
  const asked = new Map<number, Intent>()
  for (const { partition } of old.states) {
    if (isDone(partition)) continue
    const intent = intentFromJson({
      intentId: makeUuidV7(clock.nowMs(), randomBytes(10)),
      scope: systemScope(partition, log.partitionCount),
      agent: by,
      actions: [{ resource: generationResource, action, input }],
    })
    old.watch(intent.intentId)
    asked.set(partition, intent)
    await log.append(partition, { key: intent.scope, value: codec.encodeIntent(intent), headers: {} })
  }
  for (const [partition, { intentId }] of asked) {
    const refused = () => old.refusalOf(intentId)
    const isDecided = await old.until(partition, () => isDone(partition) || refused() !== null, waitMs)
    if (isDone(partition)) continue
    const where = `partition ${partition} of ${log.partitionCount}`
    if (isDecided) throw new GenerationError(`${action} was refused on ${where}: ${refused()}. Nothing was carried over`)
    throw new GenerationError(
      `${action} was not decided on ${where} within ${waitMs} ms; are sequencers running on this log? It may still be decided: signalbox generation show says, and signalbox generation reopen undoes it`,
    )
  }
}
