/** One engine of `signalbox bench kafka`, as a process of its own. Its settings come as the first message. */
import { createCodec } from '@signalbox/codec'
import { defaultLimits } from '@signalbox/contract'
import { openKafkaLog } from '@signalbox/log-kafka'
import { startSequencer } from '@signalbox/sequencer'
import { contracts } from '../../support/workload.ts'
import type { EngineMessage, EngineSettings } from './protocol.ts'
import { type RunningLoop, runRawLoop } from './raw-loop.ts'

const lookMs = 20

function send(message: EngineMessage): void {
  process.send?.(message)
}

async function runSequencer(settings: EngineSettings): Promise<RunningLoop> {
  const { batchRecords, brokers, sessionTimeoutMs, topicPrefix } = settings
  const log = await openKafkaLog({ brokers, topicPrefix, sessionTimeoutMs })
  const silent = () => {}
  const sequencer = await startSequencer({
    log,
    codec: createCodec({ limits: defaultLimits }),
    contracts,
    logger: { info: silent, warn: silent, error: silent },
    software: 'bench',
    bounds: { batchRecords },
    standby: settings.kind === 'standby',
  })
  sequencer.failed.catch((error: Error) => send({ kind: 'failed', message: error.message }))
  let said = ''
  const timer = setInterval(() => {
    const partitions = [...sequencer.phases()].filter(([, phase]) => phase === 'active').map(([partition]) => partition)
    if (`${partitions}` !== said) send({ kind: 'active', partitions })
    said = `${partitions}`
    if (settings.kind === 'standby') send({ kind: 'followed', positions: [...sequencer.followed()] })
  }, lookMs)
  return {
    async stop() {
      clearInterval(timer)
      await sequencer.stop()
      await log.close()
    },
  }
}

let running: Promise<RunningLoop> | undefined

process.on('message', (message: EngineSettings | 'stop') => {
  if (message === 'stop') {
    void running
      ?.then((loop) => loop.stop())
      .catch(() => {})
      .finally(() => process.exit(0))
    return
  }
  running = message.kind === 'raw' ? runRawLoop(message, (partitions) => send({ kind: 'active', partitions })) : runSequencer(message)
  running.catch((error: Error) => send({ kind: 'failed', message: error.stack ?? error.message }))
})
// The benchmark is gone: nobody will ask for anything any more.
process.on('disconnect', () => process.exit(0))
