import { defineConfig } from '@signalbox/contract'
import { mail, order, refund, shipment } from './contracts.ts'

export default defineConfig({
  contracts: [order, shipment, refund, mail],
  agents: ['intake', 'policy', 'refund', 'warehouse', 'email', 'human:*', 'process-manager'],
  // So that a quarantine has somewhere to be carried to.
  partitions: 4,
  containment: {
    version: 1,
    breaker: { rejects: 8, ratio: 0.5, openMs: 200, probes: 2, opensBeforeQuarantine: 2 },
    repeatedRejects: 3,
    budgets: [
      { agents: ['refund'], intents: 30, amount: 150_000 },
      { agents: ['email'], intents: 10 },
      { agents: ['intake', 'policy', 'warehouse'], intents: 60, pending: 4 },
    ],
    escalateTo: 'operators',
    escalateWithinMs: 600_000,
  },
})
