/** A small shop for the end-to-end tests: orders with optimistic versions, stock that commutes, and a contract that fails. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newIntentId } from '@signalbox/client'
import { contractSet, defineContract, type IntentJson, none, refuse } from '@signalbox/contract'
import type { ListenSettings } from '@signalbox/http'
import { openSqliteLog } from '@signalbox/log-sqlite'
import { type RunningSignalbox, type StartOptions, startSignalbox } from '@signalbox/signalbox'
import pino from 'pino'
import { z } from 'zod'

const owner = { team: 'shop', contact: '#shop' }

export const order = defineContract({
  type: 'order',
  version: 1,
  owner,
  data: z.strictObject({ cents: z.int(), note: z.string() }),
  states: ['open', 'paid'],
  actions: {
    open: {
      from: none,
      to: 'open',
      input: z.strictObject({ cents: z.int().positive() }),
      apply: ({ input }) => ({ cents: input.cents, note: '' }),
    },
    annotate: {
      from: ['open', 'paid'],
      input: z.strictObject({ note: z.string() }),
      apply: ({ data, input }) => ({ ...data, note: input.note }),
    },
    inflate: {
      from: 'open',
      conflict: 'commutative',
      input: z.strictObject({ by: z.int() }),
      apply: ({ data, input }) => ({ ...data, note: 'x'.repeat(input.by) }),
    },
    pay: {
      from: 'open',
      to: 'paid',
      by: ['cashier'],
      guard: ({ data }) => data.cents < 100_000 || refuse('TOO_DEAR', 'pay it by bank transfer'),
    },
    break: {
      from: 'open',
      conflict: 'commutative',
      guard: () => {
        throw new Error('the guard is broken')
      },
    },
  },
})

export const stock = defineContract({
  type: 'stock',
  version: 1,
  owner,
  data: z.strictObject({ left: z.int() }),
  states: ['kept'],
  actions: {
    keep: { from: none, to: 'kept', input: z.strictObject({ left: z.int() }) },
    take: { from: 'kept', conflict: 'commutative', apply: ({ data }) => ({ left: data.left - 1 }) },
  },
  invariants: { notNegative: ({ data }) => data.left >= 0 },
})

export interface Shop {
  readonly directory: string
  readonly signalbox: RunningSignalbox
  readonly url: string
  close(): Promise<void>
}

/** A Signalbox on SQLite with a gateway on a free port. */
export async function openShop(where: Partial<ListenSettings> = {}, more: Pick<StartOptions, 'maxStreams'> = {}): Promise<Shop> {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-shop-'))
  const signalbox = await startSignalbox({
    log: await openSqliteLog({ directory }),
    contracts: contractSet([order, stock]),
    logger: pino({ level: 'silent' }),
    ...more,
  })
  const url = await signalbox.gateway.server.listen({ host: '127.0.0.1', port: 0, ...where })
  return {
    directory,
    signalbox,
    url,
    async close() {
      await signalbox.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

type Action = IntentJson['actions'][number]

export function intent(actions: readonly Action[], more: Partial<IntentJson> = {}): IntentJson {
  return { intentId: newIntentId(), scope: 'shop-1', agent: 'clerk', actions: [...actions], ...more }
}
