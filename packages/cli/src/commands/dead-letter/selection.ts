/** Which dead letters a command is about. Reads the log itself, also while `up` runs. */
import { nearestOf, parseDeadLetterId } from '@signalbox/contract'
import {
  type DeadLetter,
  type DeadLetters,
  isFingerprint,
  type LetterFilter,
  letterCodes,
  matchesFilter,
  readDeadLetters,
} from '@signalbox/dead-letters'
import type { Source } from '@signalbox/partition-state'
import { CommandError } from '../../exit-codes.ts'
import { contractsOf, type Settings } from '../../settings.ts'

export interface SelectionFlags {
  readonly topic?: LetterFilter['topic']
  readonly code?: string
  readonly fingerprint?: string
  readonly scope?: string
  readonly agent?: string
  readonly all?: boolean
}

export async function lettersOf(settings: Settings, source: Source): Promise<DeadLetters> {
  return await readDeadLetters(source, { contracts: settings.config === null ? null : contractsOf(settings) })
}

/** Throws CommandError notFound. */
export function letterNamed(letters: DeadLetters, id: string): DeadLetter {
  if (parseDeadLetterId(id) === null)
    throw new CommandError(
      'usage',
      `${id} is no dead letter; one is named TOPIC:PARTITION:OFFSET, like intents:0:17 (signalbox dead-letter list)`,
    )
  const found = letters.find(id)
  if (found === undefined)
    throw new CommandError('notFound', `there is no dead letter ${id}; signalbox dead-letter list shows what there is`)
  return found
}

/** Throws CommandError (usage) for a code or fingerprint that no dead letter can have. */
export function filterOf({ agent, code, fingerprint, scope, topic }: SelectionFlags, { all }: DeadLetters): LetterFilter {
  if (code !== undefined && !all.some((letter) => letter.code === code) && !letterCodes.includes(code))
    throw new CommandError(
      'usage',
      `--code: ${JSON.stringify(code)} is no code of a dead letter; ${nearestOf(code, letterCodes, 'signalbox dead-letter list --standing all shows those that there are')}`,
    )
  if (fingerprint !== undefined && !isFingerprint(fingerprint))
    throw new CommandError(
      'usage',
      `--fingerprint: ${JSON.stringify(fingerprint)} is none; give it whole, as signalbox dead-letter list prints it`,
    )
  return { agent, code, fingerprint, scope, topic }
}

/**
 * The letters that are named, and those that all filters fit and `isOpen` holds for. Nothing is selected by itself. Throws CommandError: usage
 * where nothing was said, notFound where nothing fits.
 */
export function selectedLetters(
  letters: DeadLetters,
  ids: readonly string[],
  flags: SelectionFlags,
  isOpen: (letter: DeadLetter) => boolean,
): readonly DeadLetter[] {
  const filter = filterOf(flags, letters)
  const isFiltered = flags.all === true || Object.values(filter).some((value) => value !== undefined)
  if (ids.length === 0 && !isFiltered)
    throw new CommandError(
      'usage',
      'nothing is selected; name dead letters, or say which by --fingerprint, --code, --topic, --scope, --agent or --all (signalbox dead-letter list shows what there is)',
    )
  if (ids.length > 0 && isFiltered) throw new CommandError('usage', 'name dead letters, or say which by filters; not both')
  const found =
    ids.length > 0
      ? [...new Set(ids)].map((id) => letterNamed(letters, id))
      : letters.all.filter((letter) => isOpen(letter) && matchesFilter(letter, filter))
  if (found.length === 0) throw new CommandError('notFound', 'no open dead letter fits; signalbox dead-letter list shows what there is')
  return found
}
