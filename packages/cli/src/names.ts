/** Names that people type. What no name can be is refused by the place where it stands in the grammar, the same in every command. */
import { type ContractSet, defaultLimits, type LookedFor, lengths, lookupProblem, textProblem } from '@signalbox/contract'
import { type ResourceFilter, unknownState, unknownType } from '@signalbox/presentation'
import type { Command } from 'commander'
import { CommandError } from './exit-codes.ts'

/** By what the grammar calls it, like `--scope <SCOPE>` or `show <SCOPE> <RESOURCE>`. */
const placeholders: Readonly<Record<string, LookedFor>> = {
  SCOPE: 'scope',
  AGENT: 'agent',
  RESOURCE: 'resource',
  TYPE: 'type',
  STATE: 'state',
  CODE: 'code',
  LEASE: 'traceId',
  CORRELATION: 'traceId',
}

/** Free text may be empty, and is looked at where it is used. */
const mayBeEmpty: ReadonlySet<string> = new Set(['TEXT', 'NAME', 'KEY', 'PREFIX'])

/** Throws CommandError (usage) for the first that is empty, or no name. */
export function checkNames(command: Command): void {
  for (const option of command.options) {
    const value: unknown = command.getOptionValue(option.attributeName())
    for (const text of [value].flat())
      if (typeof text === 'string') checkPlace(option.long ?? option.flags, placeholderOf(option.flags), text)
  }
  for (const [index, text] of command.args.entries()) {
    const name = command.registeredArguments[Math.min(index, command.registeredArguments.length - 1)]?.name()
    if (name !== undefined) checkPlace(name, name, text)
  }
}

function checkPlace(place: string, placeholder: string, text: string): void {
  // What a shell makes of a variable that is not set is no setting.
  if (text.trim() === '' && !mayBeEmpty.has(placeholder))
    throw new CommandError('usage', `${place} is empty; give it a value, or leave it out`)
  if (placeholder === 'TEXT') checkText(place, text)
  const what = placeholders[placeholder]
  if (what !== undefined) checkName(place, what, text)
}

const mostCharacters: Readonly<Record<string, number>> = {
  '--reason': lengths.reason,
  '--note': defaultLimits.noteLength,
  '--title': lengths.title,
  '--result': lengths.result,
}

/** Free text, before anything is done of which it says why. */
function checkText(place: string, text: string): void {
  const most = mostCharacters[place] ?? Number.POSITIVE_INFINITY
  const problem =
    text.length > most
      ? `has ${text.length} characters, more than the ${most} of the limit; say it shorter`
      : place === '--reason' && text.trim() === ''
        ? 'is empty; say why: it stays in the log'
        : textProblem(text)
  if (problem !== null) throw new CommandError('usage', `${place} ${problem}`)
}

function placeholderOf(flags: string): string {
  return /<([A-Z]+)>/.exec(flags)?.[1] ?? ''
}

/** Throws CommandError (usage) for what is no name. */
export function checkName(place: string, what: LookedFor, text: string): void {
  const problem = lookupProblem[what](text)
  if (problem !== null) throw new CommandError('usage', `${place}: ${JSON.stringify(text)} ${problem}`)
}

/** Of an intent that was not found: throws CommandError (usage) where no intent can have such an id. */
export function checkIntentId(text: string): void {
  checkName('INTENT', 'intentId', text)
}

/** Of a filter that nothing fits: throws CommandError (usage) where nothing can, by the contracts of now. */
export function checkFilter(contracts: ContractSet, { state, type }: ResourceFilter): void {
  if (type !== undefined) refuse('--type', type, unknownType(contracts, type))
  if (state !== undefined) refuse('--state', state, unknownState(contracts, state, type))
}

/** The same of a resource, like `order/7`. */
export function checkTypeOf(contracts: ContractSet, resource: string): void {
  const type = resource.slice(0, resource.indexOf('/'))
  refuse('RESOURCE', type, unknownType(contracts, type))
}

function refuse(place: string, text: string, problem: string | null): void {
  if (problem !== null) throw new CommandError('usage', `${place}: ${JSON.stringify(text)} ${problem}`)
}
