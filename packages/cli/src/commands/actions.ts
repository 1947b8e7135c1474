/** Actions as they are typed: `ACTION TYPE/ID [INPUT]`. */
import { type IntentJson, JsonError, readJson } from '@signalbox/contract'
import { CommandError } from '../exit-codes.ts'

type Action = IntentJson['actions'][number]

/** Throws CommandError (usage) for what cannot be read. */
export function usage<Result>(read: () => Result): Result {
  try {
    return read()
  } catch (error) {
    if (error instanceof JsonError) throw new CommandError('usage', error.message, { cause: error })
    throw error
  }
}

export function actionsFromFlags(texts: readonly string[] | undefined, expected: ReadonlyMap<string, number>): readonly Action[] {
  if (texts === undefined) throw new CommandError('usage', "give --do 'ACTION TYPE/ID [INPUT]', which may be repeated")
  return texts.map((text) => {
    const match = /^(\S+)\s+(\S+)(?:\s+(.+))?$/s.exec(text)
    if (match === null)
      throw new CommandError(
        'usage',
        `--do takes 'ACTION TYPE/ID [INPUT]', like 'pay refund/7-1' or 'book night/1 {"stay":"4"}', not ${text}`,
      )
    const [, action, resource, input] = match as unknown as [string, string, string, string | undefined]
    const expectedVersion = expected.get(resource)
    return {
      resource,
      action,
      input:
        input === undefined ? {} : (usage(() => readJson(input, `input of ${action} ${resource}`).value) as NonNullable<Action['input']>),
      ...(expectedVersion === undefined ? {} : { expectedVersion }),
    }
  })
}
