/** Who types a command. */
import { userInfo } from 'node:os'
import { agentNameText, isAgentName } from '@signalbox/contract'
import { environment } from './environment.ts'
import { CommandError } from './exit-codes.ts'

const prefix = 'human:'
const sayWho = 'say who you are with --by NAME, or SIGNALBOX_HUMAN'

/**
 * The agent `human:NAME`: by flag, else by the environment, else the user of this machine. A name is refused or kept, never
 * rewritten: two people must not become one. Throws CommandError (usage).
 */
export function humanOf(by: string | undefined): string {
  const variable = environment().SIGNALBOX_HUMAN
  if (by !== undefined) return human(by, (why) => `--by ${why}`)
  if (variable !== undefined) return human(variable, (why) => `SIGNALBOX_HUMAN ${why}`)
  return human(userName(), (why) => `${sayWho}: the user of this machine has a name that cannot be used here. It ${why}`)
}

function human(name: string, sentence: (why: string) => string): string {
  const agent = name.startsWith(prefix) ? name : `${prefix}${name}`
  const why = `takes a name (with or without ${prefix} before it) that makes ${agentNameText}; ${JSON.stringify(name)} is none`
  // Another spelling of the prefix would make somebody who looks like a human of another name.
  if (isAgentName(agent) && !agent.slice(prefix.length).toLowerCase().startsWith(prefix)) return agent
  throw new CommandError('usage', sentence(why))
}

function userName(): string {
  try {
    return userInfo().username
  } catch (cause) {
    throw new CommandError('usage', `the user ${process.getuid?.() ?? ''} of this process has no name on this machine; ${sayWho}`, {
      cause,
    })
  }
}
