/**
 * Redrives all that is open as the command does, with a bug put in.
 *
 *   node planted-redrive.ts BUG URL
 *
 * `random-id`: the new intent does not have the id that the mark gives. `no-order`: letters of one scope do not wait for each other.
 */
import { HttpCoordinator, newIntentId } from '@signalbox/client'
import { createCodec } from '@signalbox/codec'
import { contractSet, defaultLimits } from '@signalbox/contract'
import { type DeadLetter, isCutOff, type RedriveDesk, readDeadLetters, redriveLetters } from '@signalbox/dead-letters'
import { systemClock } from '@signalbox/log'
import { openSqliteLogReader } from '@signalbox/log-sqlite'
import { first, second } from './contracts.ts'

const [bug, url] = process.argv.slice(2) as [string, string]
const contracts = contractSet([first, second])
const log = await openSqliteLogReader({ directory: process.env.SIGNALBOX_DATA_DIR! })
const gateway = new HttpCoordinator(url)
const plain: RedriveDesk = gateway
const desk: RedriveDesk =
  bug === 'random-id'
    ? {
        dryRun: (intent) => plain.dryRun(intent),
        submit: (intent, options) =>
          plain.submit(intent.note?.startsWith('redriven from ') === true ? { ...intent, intentId: newIntentId() } : intent, options),
        decision: async () => null,
      }
    : plain
const letters = await readDeadLetters({ log, codec: createCodec({ limits: defaultLimits }) }, { contracts })
const selected = letters.all.filter((letter) => letter.standing.state === 'open' || isCutOff(letter))
const { error, results } = await redriveLetters(
  {
    letters,
    desk,
    contracts,
    limits: defaultLimits,
    partitionCount: log.partitionCount,
    by: 'human:ann',
    reason: 'planted',
    fresh: false,
    batch: null,
    dryRun: false,
    goOn: false,
    edited: null,
    perSecond: 10_000,
    lanesAtOnce: 16,
    clock: systemClock,
    newId: newIntentId,
    signal: new AbortController().signal,
    ...(bug === 'no-order' ? { lanes: (all: readonly DeadLetter[]) => all.map((letter) => [letter]) } : {}),
  },
  selected,
)
if (error !== null) throw error
process.stdout.write(`${results.length}\n`)
await gateway.close()
await log.close()
