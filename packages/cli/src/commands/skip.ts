/** `signalbox intent skip`: passes a record by that kills or stalls every owner. */
import { noContracts } from '@signalbox/contract'
import { isLogError } from '@signalbox/log'
import { NotNextError, settingsOf, skipIntent } from '@signalbox/sequencer'
import { software } from '@signalbox/signalbox/version'
import { logLevel } from '../environment.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { openEngine } from '../logs.ts'
import { wholeNumber } from '../numbers.ts'
import { printOne } from '../output.ts'
import { serviceLogger } from '../service-logger.ts'
import type { Settings } from '../settings.ts'
import { humanOf } from '../user.ts'

export interface SkipFlags {
  readonly reason?: string
  readonly by?: string
}

const timeoutMs = 60_000

export async function skip(settings: Settings, partitionText: string, offsetText: string, flags: SkipFlags): Promise<number> {
  const partition = wholeNumber('PARTITION', partitionText)
  const offset = wholeNumber('OFFSET', offsetText, { most: Number.MAX_SAFE_INTEGER })
  const reason = flags.reason?.trim() ?? ''
  if (reason === '') throw new CommandError('usage', 'say why with --reason TEXT: it is recorded in the event')
  const by = humanOf(flags.by)
  const logger = serviceLogger(logLevel('warn'))
  const { codec, log } = await openEngine(settings, logger)
  try {
    if (partition >= log.partitionCount)
      throw new CommandError('usage', `there is no partition ${partition}: the log has ${log.partitionCount}, from 0 on`)
    const sequencer = settingsOf({ log, codec, contracts: noContracts, logger, software: `${software} intent skip` })
    const event = await skipIntent(sequencer, { partition, offset, by, reason, timeoutMs })
    printOne(settings.output, { event, partition, offset, by, reason }, () => {
      return `passed by: intent offset ${offset} of partition ${partition}, as event ${event}; it lies whole in the dead letters`
    })
    return exitCodes.ok
  } catch (error) {
    if (error instanceof NotNextError) throw new CommandError('notFound', `${error.message}; nothing was written`, { cause: error })
    if (isLogError(error, 'FENCED'))
      throw new CommandError(
        'unreachable',
        `owners took partition ${partition} back for ${timeoutMs / 1_000} s; stop the sequencers, then try again`,
        {
          cause: error,
        },
      )
    throw error
  } finally {
    await log.close()
  }
}
