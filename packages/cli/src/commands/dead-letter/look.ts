/** `signalbox dead-letter list` and `show` */
import { groupLetters, isTextual, type LetterFilter, matchesFilter, standings } from '@signalbox/dead-letters'
import { CommandError, exitCodes } from '../../exit-codes.ts'
import { withSource } from '../../logs.ts'
import { printMany, printOne, say } from '../../output.ts'
import { asJson, groupText, letterLine, letterText, summaryOf } from '../../render/dead-letter.ts'
import type { Settings } from '../../settings.ts'
import { inOneLine } from '../../visible.ts'
import { filterOf, letterNamed, lettersOf, type SelectionFlags } from './selection.ts'

export interface ListFlags extends SelectionFlags {
  readonly standing?: string
  /** Commander's form of --ungrouped. */
  readonly ungrouped?: boolean
}

export async function listDeadLetters(settings: Settings, flags: ListFlags): Promise<number> {
  const standing = standingFrom(flags.standing ?? 'open')
  const letters = await withSource(settings, (source) => lettersOf(settings, source))
  const { all } = letters
  const filter = { ...filterOf(flags, letters), standing }
  const found = all.filter((letter) => matchesFilter(letter, filter))
  if (flags.ungrouped === true)
    await printMany(settings.output, found.map(summaryOf), (_summary, index) => letterLine(inOneLine(found[index]!)))
  else
    await printMany(
      settings.output,
      groupLetters(found).map(({ example, ...group }) => ({ ...group, example: summaryOf(example) })),
      groupText,
    )
  if (settings.output === 'text') {
    const others = all.length - found.length
    if (found.length === 0) say(`no dead letter fits${others === 0 ? '' : `; there are ${others} others (--standing all)`}`)
  }
  return exitCodes.ok
}

function standingFrom(text: string): NonNullable<LetterFilter['standing']> {
  const found = [...standings, 'all' as const].find((each) => each === text)
  if (found === undefined) throw new CommandError('usage', `--standing takes ${standings.join(', ')} or all, not ${text}`)
  return found
}

export async function showDeadLetter(settings: Settings, id: string): Promise<number> {
  const whole = await withSource(settings, async (source) => {
    const letters = await lettersOf(settings, source)
    return await letters.whole(letterNamed(letters, id))
  })
  const { letter, value } = whole
  const raw = isTextual(value) ? { text: Buffer.from(value).toString('utf8') } : { base64: Buffer.from(value).toString('base64') }
  printOne(settings.output, { ...letter, decoded: asJson(whole), raw }, () => letterText(inOneLine(whole)))
  return exitCodes.ok
}
