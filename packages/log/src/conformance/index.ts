import { afterAll, beforeAll, describe, it } from 'vitest'
import type { Log } from '../port.ts'
import { asideCases } from './cases/aside.ts'
import { batchCases } from './cases/batches.ts'
import { cursorCases } from './cases/cursors.ts'
import { identityCases } from './cases/identity.ts'
import { indexCases } from './cases/index-of-events.ts'
import { membershipCases } from './cases/membership.ts'
import { ownershipCases } from './cases/ownership.ts'
import { recordCases } from './cases/records.ts'
import { snapshotCases } from './cases/snapshots.ts'
import type { ConformanceCase, ConformanceStore, LogHarness, OwnStoreCase, SharedStoreCase } from './harness.ts'

export type { ConformanceCase, ConformanceStore, LogHarness } from './harness.ts'

const DEFAULT_PATIENCE_MS = 5_000
/** A case waits several times in a row, each time within its patience. */
const CASE_TIMEOUT_IN_PATIENCES = 6

const GROUPS: Readonly<Record<string, readonly ConformanceCase[]>> = {
  records: recordCases,
  batches: batchCases,
  cursors: cursorCases,
  ownership: ownershipCases,
  membership: membershipCases,
  snapshots: snapshotCases,
  aside: asideCases,
  index: indexCases,
  identity: identityCases,
}

/** Every case of the suite, for whoever wants to run them in another way than `describeLogConformance` does. */
export const conformanceCases: readonly ConformanceCase[] = Object.values(GROUPS).flat()

/** Registers the suite with vitest: what it checks is the meaning of the log port. */
export function describeLogConformance(name: string, harness: LogHarness): void {
  const patienceMs = harness.patienceMs ?? DEFAULT_PATIENCE_MS
  const timeout = patienceMs * CASE_TIMEOUT_IN_PATIENCES
  describe(`${name} keeps the log port's promises`, () => {
    for (const [group, cases] of Object.entries(GROUPS)) {
      const applicable = cases.filter((each) => applies(each, harness))
      if (applicable.length === 0) continue
      const shared = applicable.filter(isSharedStoreCase)
      describe(group, { timeout }, () => {
        if (shared.length > 0) describeSharedStoreCases(shared, harness, patienceMs)
        for (const each of applicable) {
          if (!isSharedStoreCase(each)) it(each.name, () => runOnOwnStore(each, harness, patienceMs))
        }
      })
    }
  })
}

/** Runs one case on a store made for it alone; throws when the log does not keep the promise. */
export async function runConformanceCase(each: ConformanceCase, harness: LogHarness): Promise<'passed' | 'not-applicable'> {
  const patienceMs = harness.patienceMs ?? DEFAULT_PATIENCE_MS
  if (!applies(each, harness)) return 'not-applicable'
  if (!isSharedStoreCase(each)) {
    await runOnOwnStore(each, harness, patienceMs)
    return 'passed'
  }
  const store = await harness.createStore({ partitionCount: 2 })
  try {
    const log = await store.open()
    try {
      await each.run({ harness, store, log, partition: 0, otherPartition: 1, patienceMs })
    } finally {
      await log.close()
    }
  } finally {
    await store.destroy()
  }
  return 'passed'
}

/** One store and one handle for all, two partitions for each: making topics is slow on some engines. */
function describeSharedStoreCases(cases: readonly SharedStoreCase[], harness: LogHarness, patienceMs: number): void {
  let store: ConformanceStore | undefined
  let log: Log | undefined
  const timeoutMs = patienceMs * CASE_TIMEOUT_IN_PATIENCES
  beforeAll(async () => {
    store = await harness.createStore({ partitionCount: cases.length * 2 })
    log = await store.open()
  }, timeoutMs)
  afterAll(async () => {
    await log?.close()
    await store?.destroy()
  }, timeoutMs)
  cases.forEach((each, index) => {
    it(each.name, async () => {
      if (store === undefined || log === undefined) throw new Error('The store was not opened.')
      await each.run({ harness, store, log, partition: index * 2, otherPartition: index * 2 + 1, patienceMs })
    })
  })
}

async function runOnOwnStore(each: OwnStoreCase, harness: LogHarness, patienceMs: number): Promise<void> {
  const store = await harness.createStore({ partitionCount: each.partitionCount })
  try {
    await each.runOnOwnStore({ harness, store, patienceMs })
  } finally {
    await store.destroy()
  }
}

function isSharedStoreCase(each: ConformanceCase): each is SharedStoreCase {
  return 'run' in each
}

function applies(each: ConformanceCase, harness: LogHarness): boolean {
  return each.appliesTo?.(harness) ?? true
}
