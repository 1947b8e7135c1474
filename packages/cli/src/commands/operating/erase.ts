/** `signalbox keys create` and `signalbox erase`: keys of personal data, made and destroyed. */
import { relative } from 'node:path'
import { ClientError } from '@signalbox/client'
import { type Decision, erasureScope, erasureType, lengths, nameProblem } from '@signalbox/contract'
import { createFileKeyStore } from '@signalbox/personal'
import { CommandError, exitCodes } from '../../exit-codes.ts'
import { printOne } from '../../output.ts'
import { keyStoreErrors, openKeys } from '../../personal.ts'
import { decisionText } from '../../render/decision.ts'
import type { Settings } from '../../settings.ts'
import { humanOf } from '../../user.ts'
import { inOneLine } from '../../visible.ts'
import { decide, refuseOtherLog, required, withGateway } from '../gateway.ts'

export interface EraseFlags {
  readonly reason?: string
  readonly by?: string
}

const whereKeys = 'name the directory of the key store with --keys, or SIGNALBOX_KEYS'

export async function createKeys({ dataDirectory, keysDirectory, output }: Settings): Promise<number> {
  if (keysDirectory === null) throw new CommandError('usage', whereKeys)
  if (!relative(dataDirectory, keysDirectory).startsWith('..'))
    throw new CommandError('usage', `${keysDirectory} lies in the data directory; who has a copy of the log must not have the keys with it`)
  keyStoreErrors(() => createFileKeyStore(keysDirectory))
  printOne(output, { keysDirectory }, () => {
    return `made a key store in ${keysDirectory}; back it up apart from the log: without it nobody can read the personal data in the log`
  })
  return exitCodes.ok
}

/** Safe to repeat: a key that is gone stays gone, and what is not recorded yet is recorded then. */
export async function erase(settings: Settings, subject: string, flags: EraseFlags): Promise<number> {
  const reason = required('--reason', flags.reason, 'it stays in the log, so do not name the person in it')
  if (reason.includes(subject)) throw new CommandError('usage', 'the reason names the person, and it stays in the log; say it otherwise')
  const problem = nameProblem(subject, lengths.subject)
  if (problem !== null) throw new CommandError('usage', `the subject ${problem}`)
  const keys = openKeys(settings)
  if (keys === null) throw new CommandError('usage', whereKeys)
  await refuseToRecordElsewhere(settings)
  const erased = keyStoreErrors(() => keys.erase(subject))
  if (erased.length === 0)
    throw new CommandError(
      'notFound',
      `the key store has no key of ${subject}: nothing was ever encrypted for that id (see dataSubject of the contracts)`,
    )
  const recorded = await record(settings, erased, reason, humanOf(flags.by))
  printOne(settings.output, { erased, recorded: recorded.map(({ event, intentId }) => ({ event, intentId })) }, () => {
    const what = `${erased.length} key${erased.length === 1 ? '' : 's'} destroyed: ${erased.join(', ')}`
    return [what, ...(recorded.length === 0 ? ['that is recorded in the log already'] : inOneLine(recorded).map(decisionText))].join('\n')
  })
  return exitCodes.ok
}

/** Before a key is gone. A gateway that does not answer does not keep it: what is to be recorded is, with the next run. */
async function refuseToRecordElsewhere(settings: Settings): Promise<void> {
  try {
    await withGateway(settings, (gateway) => refuseOtherLog(gateway, settings))
  } catch (error) {
    if (!(error instanceof ClientError)) throw error
  }
}

async function record(settings: Settings, erased: readonly string[], reason: string, agent: string): Promise<readonly Decision[]> {
  const recorded: Decision[] = []
  try {
    await withGateway(settings, async (gateway) => {
      const names = erased.map((id) => `${erasureType}/${id}`)
      const { resources } = (await gateway.observe(erasureScope, names))!
      for (const { exists, resource } of resources) {
        if (exists) continue
        const decision = await decide(gateway, { scope: erasureScope, agent, resource, action: 'record', input: { reason } })
        if (!decision.committed) throw new CommandError('rejected', `it was rejected with ${decision.code}: ${decision.message}`)
        recorded.push(decision)
      }
    })
  } catch (cause) {
    const isRejected = cause instanceof CommandError && cause.exitCode === exitCodes.rejected
    const message = `the keys are destroyed, and the log does not say so yet; run the same command again: ${(cause as Error).message}`
    throw new CommandError(isRejected ? 'rejected' : 'unreachable', message, { cause })
  }
  return recorded
}
