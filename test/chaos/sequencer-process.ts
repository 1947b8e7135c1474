/**
 * A sequencer as `signalbox sequencer` runs it, with points at which it can be killed and, where it is told so, a planted
 * bug. Its settings are in CHAOS_SEQUENCER; it ends in order at SIGTERM, and with the process that started it.
 */
import { confluentFraming, createCodec } from '@signalbox/codec'
import { contractSet, defaultLimits } from '@signalbox/contract'
import type { Log } from '@signalbox/log'
import { openKafkaLog, openSchemaRegistry } from '@signalbox/log-kafka'
import { startSequencer } from '@signalbox/sequencer'
import pino from 'pino'
import config from './chaos.config.ts'
import { withDuels, withEarlyOverlay, withGroupOffsets, withoutFencing } from './planted.ts'
import { pointedCodec, pointedLog } from './pointed-log.ts'
import { pointedSockets } from './pointed-sockets.ts'
import { CrashSwitch } from './points.ts'
import type { FromSequencer, SequencerSettings, ToSequencer } from './protocol.ts'

const lookMs = 50
/** Low, so that followers write snapshots, and owners begin with them, during a short run. */
const snapshotEvents = 40

const settings = JSON.parse(process.env.CHAOS_SEQUENCER!) as SequencerSettings
const { brokers, planted, registryUrl, sessionTimeoutMs, topicPrefix } = settings
const logger = pino({ level: 'info' }, pino.destination({ dest: 2, sync: true }))
const crash = new CrashSwitch(settings.hitsFile)
if (settings.armed !== null) crash.arm(settings.armed)

function send(message: FromSequencer): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {})
}

function withPlantedBug(log: Log): Log {
  if (planted === 'group-offsets') return withGroupOffsets(log, settings)
  if (planted === 'early-overlay') return withEarlyOverlay(log)
  return planted === 'duelling-owners' ? withDuels(log) : log
}

async function run(): Promise<void> {
  const stopped = new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve)
    // Ctrl-C reaches the whole group; the runner says what is to end.
    process.on('SIGINT', () => {})
    process.once('disconnect', resolve)
  })
  process.on('message', (message: ToSequencer) => {
    if (message.kind === 'arm') crash.arm(message)
    else crash.disarm()
  })
  const framing = registryUrl === null ? undefined : confluentFraming(await openSchemaRegistry({ url: registryUrl, topicPrefix }))
  const codec = createCodec({ limits: defaultLimits, ...(framing === undefined ? {} : { framing }) })
  const log = await openKafkaLog({
    brokers,
    topicPrefix,
    sessionTimeoutMs,
    heartbeatIntervalMs: 300,
    socketFactory: pointedSockets(crash, planted === 'fencing-off' ? withoutFencing(settings) : () => {}),
  })
  // Damage is what this run looks for: it ends the process, so that the runner sees it.
  const damage = Promise.withResolvers<never>()
  damage.promise.catch(() => {})
  try {
    const sequencer = await startSequencer({
      log: withPlantedBug(pointedLog(log, crash)),
      codec: pointedCodec(codec, crash),
      contracts: contractSet(config.contracts),
      logger,
      software: 'chaos',
      bounds: { snapshotEvents },
      published: () => crash.pass('published'),
      damaged: (_partition, error) => damage.reject(error),
    })
    let said = ''
    const timer = setInterval(() => {
      const partitions = [...sequencer.phases()].filter(([, phase]) => phase === 'active').map(([partition]) => partition)
      if (`${partitions}` !== said) send({ kind: 'active', partitions })
      said = `${partitions}`
    }, lookMs)
    try {
      await Promise.race([stopped, sequencer.failed, damage.promise])
    } finally {
      clearInterval(timer)
      await sequencer.stop()
    }
  } finally {
    await log.close()
  }
}

try {
  await run()
  process.exit(0)
} catch (error) {
  logger.fatal({ err: error }, `the sequencer ends: ${(error as Error).message}`)
  process.exit(1)
}
