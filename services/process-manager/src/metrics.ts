import { Counter, type Registry } from 'prom-client'

export interface ProcessManagerMetrics {
  appended(): void
  rejected(code: string): void
  parked(reaction: string): void
}

export function processManagerMetrics(registry: Registry): ProcessManagerMetrics {
  const registers = [registry]
  const appended = new Counter({
    name: 'signalbox_follow_ups_appended_total',
    help: 'Intents that the process manager appended.',
    registers,
  })
  const rejected = new Counter({
    name: 'signalbox_follow_ups_rejected_total',
    help: 'Follow-ups that were rejected, by code.',
    labelNames: ['code'],
    registers,
  })
  const parked = new Counter({
    name: 'signalbox_reactions_parked_total',
    help: 'Changes that a reaction could not answer, kept as dead letters.',
    labelNames: ['reaction'],
    registers,
  })
  return { parked: (reaction) => parked.inc({ reaction }), appended: () => appended.inc(), rejected: (code) => rejected.inc({ code }) }
}
