/** The same shop without a coordinator, for contrast: nobody is asked, and nobody gives an effect its id. */

import { join } from 'node:path'
import { replaceFile } from '@signalbox/files'
import { AgentProcess, StubProcess } from './cast.ts'
import { prepareDirectory, storyMark } from './directory.ts'
import { wrongOf } from './mistakes.ts'
import { type AgentName, type Plan, planOf } from './plan.ts'
import { readLedger } from './stub.ts'
import { beyondFirst, type Ledgers } from './tally.ts'
import { scopeOf } from './world.ts'

/** How often an agent does what it should not before somebody notices. With Signalbox it is stopped at once, and barred by then. */
const attempts = 5

export interface WithoutRun {
  readonly plan: Plan
  readonly refundedTwice: number
  readonly mailedTwice: number
  /** Refunds that nobody owed: denied, or for goods that never came back. */
  readonly refundsNeverDue: number
  readonly refundedCents: number
}

/** Plays it. Throws when it could not be played to its end; what was started is ended in any case. */
export async function runWithout(seed: number, directory: string): Promise<WithoutRun> {
  const plan = planOf(seed)
  prepareDirectory(directory)
  replaceFile(join(directory, storyMark), `${JSON.stringify({ seed, wrong: plan.wrong, mistake: plan.mistake, without: true })}\n`)
  const started: { stop(): Promise<void> }[] = []
  try {
    const bank = await StubProcess.start('bank', directory, { losesFirstAnswer: true, ignoresKeys: false })
    started.push(bank)
    const mail = await StubProcess.start('mail-server', directory, { losesFirstAnswer: false, ignoresKeys: false })
    started.push(mail)
    const agents = new Map<AgentName, AgentProcess>()
    for (const agent of new Set<AgentName>(['refund', 'email', plan.wrong])) {
      // Nothing is asked of the coordinator, so there is none at the address.
      const process = await AgentProcess.start({
        agent,
        url: 'http://127.0.0.1:9',
        bankUrl: bank.url,
        mailUrl: mail.url,
        directory,
        plant: null,
      })
      started.push(process)
      agents.set(agent, process)
    }
    await play(plan, agents)
    return count(plan, { bank: readLedger(bank.ledgerFile), mail: readLedger(mail.ledgerFile) })
  } finally {
    await Promise.all(started.map((process) => process.stop()))
  }
}

async function play(plan: Plan, agents: ReadonlyMap<AgentName, AgentProcess>): Promise<void> {
  const act = async (agent: AgentName, customer: number, about: string, amountCents: number) => {
    await agents.get(agent)!.follow({ do: 'bypass', scope: scopeOf(customer), about, amountCents })
  }
  for (const [index, cents] of plan.cents.entries()) {
    await act('refund', index + 1, `refund/${index + 1}`, cents)
    await act('email', index + 1, `mail/${index + 1}-paid`, 0)
  }
  const cents = plan.cents[3]
  if (plan.mistake === 'crash') {
    // Whoever starts anew and knows nothing does it again; where it had not been done, that is right.
    await agents.get(plan.wrong)!.killAndRestart()
    if (plan.afterEffect) await act(plan.wrong, 4, plan.wrong === 'email' ? 'mail/4-paid' : 'refund/4', cents)
    return
  }
  const wrong = wrongOf(plan.wrong, plan.mistake, { four: cents, six: cents })
  for (let attempt = 1; attempt <= attempts; attempt++)
    for (const { action, resource } of wrong.actions(attempt))
      if (action === 'pay' || action === 'send') await act(plan.wrong, 4, resource, cents)
}

function count(plan: Plan, { bank, mail }: Ledgers): WithoutRun {
  return {
    plan,
    refundedTwice: beyondFirst(bank),
    mailedTwice: beyondFirst(mail),
    refundsNeverDue: bank.filter(({ about }) => about === 'refund/5').length,
    refundedCents: bank.reduce((sum, { amountCents }) => sum + (amountCents ?? 0), 0),
  }
}
