/** The humans of the story: they look, decide with a reason, and bar an agent from everything. Scripted, as in a rehearsal. */
import { connect, type ProposedAction } from '@signalbox/client'
import { type Decision, type EffectData, type EscalationData, homeScope, type Resource, systemScope } from '@signalbox/contract'
import { listResources } from '@signalbox/presentation'
import { lookUp } from './stub.ts'
import { until, type World } from './world.ts'

const quarantineMs = 10_000

type Human = 'ann' | 'eve'

async function say(world: World, human: Human, scope: string, action: ProposedAction): Promise<Decision> {
  const person = connect({ coordinator: world.signalbox.gateway.desk, agent: `human:${human}` })
  // What a person acts on is what is shown to them; the digest says which.
  return await person.propose(await person.observe(scope, [action.resource]), [action])
}

export function escalationsOpen({ signalbox: { gateway, log } }: World): readonly Resource[] {
  return Array.from({ length: log.partitionCount }, (_, partition) =>
    listResources(gateway.readModel.state(partition), { type: 'escalation' }),
  )
    .flat()
    .filter(({ state }) => state === 'triggered' || state === 'acknowledged')
}

export const askedBy = ({ data }: Resource): EscalationData => data as EscalationData

export async function escalationOf(world: World, cause: string, scope: string): Promise<Resource> {
  return await until(
    `an escalation ${cause}`,
    15_000,
    async () => escalationsOpen(world).find((each) => each.scope === scope && askedBy(each).cause === cause) ?? null,
  )
}

/** The escalation as it stands now. */
export async function lookAgain(world: World, { resource, scope }: Resource): Promise<Resource> {
  return (await world.signalbox.gateway.desk.observe(scope, [resource], {}))!.resources[0]!
}

export async function verdict(
  world: World,
  human: Human,
  { resource, scope }: Pick<Resource, 'resource' | 'scope'>,
  action: 'approve' | 'reject' | 'amend',
  input: Readonly<Record<string, unknown>>,
): Promise<Decision> {
  return await say(world, human, scope, { resource, action, input })
}

/** Puts an agent in quarantine by hand, and returns when it is in force on every partition. */
export async function quarantine(world: World, agent: string, reason: string): Promise<void> {
  const decision = await say(world, 'ann', homeScope(agent), { resource: `agent/${agent}`, action: 'quarantine', input: { reason } })
  if (!decision.committed) throw new Error(`${agent} could not be put in quarantine: ${decision.code}: ${decision.message}`)
  await inForce(world, agent, 'quarantined')
}

export async function release(world: World, agent: string, reason: string): Promise<void> {
  const decision = await say(world, 'ann', homeScope(agent), { resource: `agent/${agent}`, action: 'release', input: { reason } })
  if (!decision.committed) throw new Error(`${agent} could not be released: ${decision.code}: ${decision.message}`)
  await inForce(world, agent, 'active')
}

/** Resolves when every partition says so; throws when one does not in time. */
export async function inForce(world: World, agent: string, wanted: 'quarantined' | 'active'): Promise<void> {
  const { gateway, log } = world.signalbox
  await until(`${agent} to be ${wanted} on every partition`, quarantineMs, async () => {
    for (let partition = 0; partition < log.partitionCount; partition++) {
      const seen = await gateway.desk.observe(systemScope(partition, log.partitionCount), [`agent/${agent}`], {})
      if (seen!.resources[0]!.state !== wanted) return null
    }
    return true
  })
}

/** Whether a rule has put an agent in quarantine by itself; its home scope is where that begins. */
export async function isQuarantined({ signalbox }: World, agent: string): Promise<boolean> {
  const seen = await signalbox.gateway.desk.observe(homeScope(agent), [`agent/${agent}`], {})
  return seen!.resources[0]!.state === 'quarantined'
}

/** An effect that nobody reported: only the ledger of the world can tell. Gives whether it had taken place. */
async function lookIntoLedger(world: World, { resource, scope }: { readonly resource: string; readonly scope: string }): Promise<boolean> {
  const [effect] = (await world.signalbox.gateway.desk.observe(scope, [resource], {}))!.resources
  const about = (effect!.data as EffectData).resource
  const stub = about.startsWith('mail/') ? world.mail : world.bank
  const [entry] = await lookUp(stub.url, resource.slice('effect/'.length))
  if (entry === undefined) {
    world.tell(`ann looks into the ledger: nothing is booked for ${about}. She reports the effect as failed, and takes the payment back`)
    await say(world, 'ann', scope, { resource, action: 'failed', input: { reason: 'nothing is booked in the ledger' } })
    if (about.startsWith('refund/')) await say(world, 'ann', scope, { resource: about, action: 'reverse' })
    return false
  }
  world.tell(
    `ann looks into the ledger: ${about} is booked as number ${entry.number}. She reports the effect as done; nobody does it again`,
  )
  await say(world, 'ann', scope, { resource, action: 'done', input: { result: `booked as ${entry.number}` } })
  return true
}

/** Ann works through what is open until nothing is. */
export async function settleAll(world: World): Promise<void> {
  for (let rounds = 0; rounds < 50; rounds++) {
    const [open] = escalationsOpen(world)
    if (open === undefined) return
    const now = await lookAgain(world, open)
    if (now.state !== 'triggered' && now.state !== 'acknowledged') {
      await caughtUp(world, now)
      continue
    }
    const { agent, cause, digest, resource } = askedBy(now)
    if (cause === 'EFFECT_UNREPORTED') await lookIntoLedger(world, { scope: now.scope, resource: resource! })
    else {
      world.tell(`ann settles ${cause} about ${agent} (${resource})`)
      await verdict(world, 'ann', now, 'approve', { reason: 'seen, and dealt with', digest })
    }
    await caughtUp(world, now)
  }
  throw new Error(
    `humans settled 50 escalations, and there are still some: ${escalationsOpen(world)
      .map(({ resource }) => resource)
      .join(', ')}`,
  )
}

/** Waits until the list shows what was decided. */
async function caughtUp(world: World, { resource, scope }: Resource): Promise<void> {
  await until(`${resource} to be settled`, 5_000, async () =>
    escalationsOpen(world).some((each) => each.resource === resource && each.scope === scope) ? null : true,
  )
}
