/** Placeholder until the stories land in this change. */
import { CommandError } from '@signalbox/cli'

export async function runStory(name: string, _options: { readonly json: boolean }): Promise<number> {
  throw new CommandError('usage', `there is no story ${name}`)
}
