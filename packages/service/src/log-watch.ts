/** What others do to the log while it is served: said once in the log of this process, in metrics, and to who asks how it is. */
import type { Log, LogTrouble } from '@signalbox/log'
import type { Logger } from 'pino'
import { Gauge, type Registry } from 'prom-client'

export interface WatchedLog {
  troubles(): readonly LogTrouble[]
  /** The first of them, in its sentence; null where there is none. */
  notReady(): string | null
  close(): Promise<void>
}

/** `changed` is told each time that troubles come or go. A log that nobody else can change has none. */
export function watchedLog(
  { log, logger, registry }: { readonly log: Log; readonly logger: Pick<Logger, 'info' | 'error'>; readonly registry: Registry },
  changed: (troubles: readonly LogTrouble[]) => void = () => {},
): WatchedLog {
  let known: readonly LogTrouble[] = []
  const watch = log.watch?.((troubles) => {
    for (const trouble of troubles)
      if (!known.some((each) => isSame(each, trouble))) logger.error({ ...trouble }, `${trouble.kind}: ${trouble.message}`)
    for (const trouble of known)
      if (!troubles.some((each) => isSame(each, trouble)))
        logger.info({ ...trouble }, `${trouble.kind}: it is over. It was: ${trouble.message}`)
    known = troubles
    changed(troubles)
  })
  new Gauge({
    name: 'signalbox_log_trouble',
    help: '1 for what somebody else does, or did, to the log: its kind, topic and partition. signalbox status says it in a sentence.',
    labelNames: ['kind', 'topic', 'partition'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { kind, partition, topic } of watch?.troubles ?? []) this.set({ kind, topic: topic ?? '', partition: partition ?? '' }, 1)
    },
  })
  new Gauge({
    name: 'signalbox_log_unserved_intents',
    help: 'Intents on partitions that somebody added to the topic, which nobody decides.',
    labelNames: ['partition'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [partition, count] of watch?.unserved ?? []) this.set({ partition }, count)
    },
  })
  return {
    troubles: () => watch?.troubles ?? [],
    notReady: () => watch?.troubles[0]?.message ?? null,
    close: async () => await watch?.close(),
  }
}

function isSame(left: LogTrouble, right: LogTrouble): boolean {
  return left.kind === right.kind && left.topic === right.topic && left.partition === right.partition && left.sinceMs === right.sinceMs
}
