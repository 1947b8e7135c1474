/**
 * Hosts one projection until SIGTERM, or until it is killed. Standard output: a JSON line with its status, often.
 *
 *   node projector-process.ts LOG_DIRECTORY STORE PROJECTION_FILE BATCH_EVENTS PLANTED_BUG
 */
import { pathToFileURL } from 'node:url'
import { createCodec } from '@signalbox/codec'
import { defaultLimits } from '@signalbox/contract'
import { systemClock } from '@signalbox/log'
import { openSqliteLogReader } from '@signalbox/log-sqlite'
import type { Projection } from '@signalbox/projection'
import { EventFeed, ProjectionHost } from '@signalbox/projection-host'
import { commitApart, openStore } from './stores.ts'

const [directory, address, file, batchEvents, planted] = process.argv.slice(2)
const statusMs = 20

const { projection } = (await import(pathToFileURL(file!).href)) as { projection: Projection }
const log = await openSqliteLogReader({ directory: directory!, pollIntervalMs: 10 })
const feed = new EventFeed(log, createCodec({ limits: defaultLimits }))
let isDying = false
// With the planted bug it chooses where it dies; without, nobody does.
process.on('SIGUSR2', () => {
  isDying = true
})
const opened = await openStore(address!)
const store = planted === 'apart' ? commitApart(opened, () => isDying) : opened
const say = (_detail: object, message: string) => void process.stderr.write(`projector ${process.pid}: ${message}\n`)
const logger = { info: () => {}, warn: say, error: say }
const host = new ProjectionHost({
  projection,
  store,
  feed,
  clock: systemClock,
  logger,
  batchEvents: Number(batchEvents),
  readWaitMs: 50,
  pollMs: 20,
})
const timer = setInterval(() => void host.status().then((status) => process.stdout.write(`${JSON.stringify(status)}\n`)), statusMs)
const stopped = new Promise<void>((resolve) => process.once('SIGTERM', resolve))
await Promise.race([stopped, host.failed])
clearInterval(timer)
await host.stop()
await feed.close()
await store.close()
await log.close()
