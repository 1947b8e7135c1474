import { userInfo } from 'node:os'
import { CommandError } from './exit-codes.ts'

/** The name of the user of this machine. Throws CommandError (usage) where it has none, as in many containers. */
export function userName(flag: string): string {
  try {
    return userInfo().username
  } catch (cause) {
    throw new CommandError(
      'usage',
      `the user ${process.getuid?.() ?? ''} of this process has no name on this machine; say who you are with ${flag}`,
      {
        cause,
      },
    )
  }
}
