import { describeLogConformance } from '@signalbox/log/conformance'
import { memoryHarness } from './harness.ts'

describeLogConformance('the memory log', memoryHarness())

describeLogConformance('the memory log with gaps after batches', memoryHarness({ store: { gapAfterBatch: true } }))

describeLogConformance(
  'the memory log with answers that come late',
  memoryHarness({ log: { fault: ({ operation }) => (operation === 'writer.append' ? { delayBeforeMs: 1, delayAfterMs: 1 } : undefined) } }),
)
