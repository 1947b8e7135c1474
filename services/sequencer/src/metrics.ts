import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** A partition's life. */
export const phases = ['assigned', 'opening', 'restoring', 'active', 'stalled', 'given up', 'damaged'] as const
export type Phase = (typeof phases)[number]

export interface SequencerMetrics {
  phase(partition: number, phase: Phase): void
  batch(partition: number, intents: number, decideSeconds: number, appendSeconds: number): void
  decision(outcome: 'committed' | 'rejected' | 'duplicate' | 'pending' | 'shadowed', code: string): void
  rule(rule: string): void
  reopened(partition: number, reason: string): void
}

export function sequencerMetrics(registry: Registry): SequencerMetrics {
  const registers = [registry]
  const phaseGauge = new Gauge({
    name: 'signalbox_partition_phase',
    help: 'The phase of a partition: 1 for the one it is in.',
    labelNames: ['partition', 'phase'],
    registers,
  })
  const decisions = new Counter({
    name: 'signalbox_decisions_total',
    help: 'Decisions, and intents that became pending, by outcome and code.',
    labelNames: ['outcome', 'code'],
    registers,
  })
  const rulesApplied = new Counter({
    name: 'signalbox_rules_applied_total',
    help: 'What followed by a rule: timers, breakers, escalations, drift.',
    labelNames: ['rule'],
    registers,
  })
  const batchIntents = new Histogram({
    name: 'signalbox_batch_intents',
    help: 'Intents decided in one batch.',
    buckets: [1, 4, 16, 64, 128, 256, 512],
    registers,
  })
  const buckets = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5]
  const decideSeconds = new Histogram({ name: 'signalbox_batch_decide_seconds', help: 'Time to decide a batch.', buckets, registers })
  const appendSeconds = new Histogram({
    name: 'signalbox_batch_append_seconds',
    help: 'Time until a decided batch was durable.',
    buckets,
    registers,
  })
  const reopens = new Counter({
    name: 'signalbox_partition_reopened_total',
    help: 'How often a partition was opened anew after an error of the log.',
    labelNames: ['partition', 'reason'],
    registers,
  })
  return {
    phase(partition, phase) {
      for (const each of phases) phaseGauge.set({ partition, phase: each }, each === phase ? 1 : 0)
    },
    batch(_partition, intents, decide, append) {
      batchIntents.observe(intents)
      decideSeconds.observe(decide)
      appendSeconds.observe(append)
    },
    decision: (outcome, code) => decisions.inc({ outcome, code }),
    rule: (rule) => rulesApplied.inc({ rule }),
    reopened: (partition, reason) => reopens.inc({ partition, reason }),
  }
}

/** For the simulator and benchmarks of the loop alone. */
export const noMetrics: SequencerMetrics = { phase() {}, batch() {}, decision() {}, rule() {}, reopened() {} }
