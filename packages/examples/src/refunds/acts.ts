/** The acts of the story: what is ordinary, what a human is asked, what is handed over, and what goes wrong. */
import type { Decision, HandoffData, TaskData } from '@signalbox/contract'
import { askedBy, escalationOf, inForce, isQuarantined, lookAgain, quarantine, release, settleAll, verdict } from './humans.ts'
import { type Wrong, wrongOf } from './mistakes.ts'
import type { Brink } from './orders.ts'
import type { Mistake } from './plan.ts'
import { approval, approve, mailOf, pay, receive, refundAll, requested, takeDown, write } from './steps.ts'
import { agentOf, euros, must, propose, scopeOf, until, type World } from './world.ts'

/** A small refund; the bank's first answer gets lost, and the agent asks again under the same key. */
export async function ordinary(world: World): Promise<void> {
  const [cents] = world.plan.cents
  world.tell(`customer 1 sends a parcel back and wants ${euros(cents)}`)
  await refundAll(world, 1, 1, cents)
  world.tell(
    "intake, warehouse, policy, refund, e-mail: done. The bank's answer got lost and refund asked again; the key is the effect's id",
  )
}

/** A large refund: a human is asked, and the world moves while she looks. */
export async function large(world: World): Promise<void> {
  const cents = world.plan.cents[1]
  const scope = scopeOf(2)
  world.tell(`customer 2 wants ${euros(cents)}: too much for policy alone`)
  await takeDown(world, 2, 2, cents)
  await receive(world, 2, 2)
  const asked = await approve(world, 2, 2, cents)
  if (asked.pending === null) throw new Error(`a refund of ${cents} cents was to be put before a human, and was not: ${asked.code}`)
  const open = await escalationOf(world, 'LARGE', scope)
  const { digest } = askedBy(open)
  await must(world, 'warehouse', scope, ['shipment/2'], [{ resource: 'shipment/2', action: 'inspect', input: { condition: 'damaged' } }])
  world.tell('while ann looks at it, the warehouse opens the parcel and finds the goods damaged')
  const stale = await verdict(world, 'ann', open, 'approve', { reason: 'a good customer', digest })
  if (stale.committed || stale.code !== 'VERDICT_REFUSED')
    throw new Error(`an approval of a world that had moved was to be refused, and was not: ${JSON.stringify(stale)}`)
  world.tell(
    `ann approves what she saw; refused: ${stale.resource} was at version ${stale.expectedVersion} and is at ${stale.actualVersion}`,
  )
  const now = await lookAgain(world, open)
  await answer(world, now)
  const late = await verdict(world, 'eve', now, 'reject', { reason: 'I would not' })
  if (late.committed) throw new Error('an escalation was settled a second time')
  const decision = await agentOf(world, 'policy').decide({ do: 'await', intentId: asked.intentId! })
  world.tell(`eve, a moment later, says no; it is settled already (${late.code}). Policy learns: ${decision.code ?? 'committed'}`)
  if (world.plan.verdict === 'reject') return
  await pay(world, 2, 2)
  await write(world, 2, 2)
}

async function answer(world: World, open: Parameters<typeof lookAgain>[1]): Promise<void> {
  const { digest } = askedBy(open)
  const cents = Math.floor(world.plan.cents[1] / 2)
  const inputs = {
    approve: { reason: 'damaged by us, not by the customer', digest },
    reject: { reason: 'damaged by the customer' },
    amend: {
      reason: 'half of it, as the goods are damaged',
      digest,
      actions: [
        { resource: 'refund/2', action: 'approvePart', input: { cents } },
        { resource: 'order/2', action: 'charge', input: { cents } },
      ],
    },
  } as const
  const said = await verdict(world, 'ann', open, world.plan.verdict, inputs[world.plan.verdict])
  if (!said.committed) throw new Error(`ann could not ${world.plan.verdict} it: ${said.code}: ${said.message}`)
  world.tell(`ann looks again and decides on that: ${world.plan.verdict} (${inputs[world.plan.verdict].reason})`)
}

/** A task goes from policy to the warehouse with a packet; what it relies on has moved by then, and the receiver is told. */
export async function handedOver(world: World): Promise<void> {
  const cents = world.plan.cents[2]
  const scope = scopeOf(3)
  const task = 'task/return-3'
  await takeDown(world, 3, 3, cents, 1_000)
  await must(world, 'intake', scope, [], [{ resource: task, action: 'offer', input: { title: 'See to the return of order 3' } }])
  await must(world, 'policy', scope, [task], [{ resource: task, action: 'claim' }])
  const handed = await agentOf(world, 'policy').follow({
    do: 'hand over',
    scope,
    task,
    about: ['order/3', 'refund/3', 'shipment/3'],
    to: 'warehouse',
  })
  if (!('packet' in handed) || !handed.decision.committed) throw new Error(`the handoff was not offered: ${JSON.stringify(handed)}`)
  const { parts, tokens } = handed.packet
  world.tell(
    `policy cannot see the goods of customer 3: it hands the task to the warehouse, with a packet of ${parts} parts, ${tokens} tokens`,
  )
  await must(world, 'intake', scope, ['order/3'], [{ resource: 'order/3', action: 'settle', input: { cents: 500 } }])
  const taken = await agentOf(world, 'warehouse').decide({ do: 'take over', scope, handoff: 'handoff/return-3' })
  const { moved } = taken.changes.find(({ resource }) => resource === 'handoff/return-3')!.data as unknown as HandoffData
  if (moved.length === 0) throw new Error('the receiver of a packet was to be told what had moved, and was not')
  const stale = moved.map(({ from, resource, to }) => `${resource} from version ${from} to ${to}`).join(', ')
  world.tell(`the warehouse reads the packet, states its digest, and is told what has moved since: ${stale}`)
  await receive(world, 3, 3)
  const done = await must(
    world,
    'warehouse',
    scope,
    [task],
    [{ resource: task, action: 'done', input: { result: 'the seal is unbroken' } }],
  )
  const { hops } = done.changes[0]!.data as unknown as TaskData
  const approved = await approve(world, 3, 3, cents)
  if (!approved.committed) throw new Error(`refund/3 was to be approved: ${approved.code}: ${approved.message}`)
  await pay(world, 3, 3)
  await write(world, 3, 3)
  world.tell(`the task is done after ${hops} hop; policy approves on what the warehouse found`)
}

/** One agent goes wrong; it is stopped, and a human sees to the rest. */
export async function goesWrong(world: World): Promise<void> {
  const { mistake, wrong } = world.plan
  const [, , , cents] = world.plan.cents
  const scope = scopeOf(4)
  const halts = mistake === 'crash' ? wrong : null
  await takeDown(world, 4, 4, cents)
  await receive(world, 4, 4)
  const approved = await approve(world, 4, 4, cents)
  if (!approved.committed) throw new Error(`refund/4 was to be approved: ${approved.code}: ${approved.message}`)
  if (halts === 'refund') return await crashes(world, 'refund/4', { resource: 'refund/4', action: 'pay' }, ['refund/4', 'shipment/4'])
  await pay(world, 4, 4)
  const thanks = mailOf(4, 'paid', 'Your money is on its way.')
  if (halts === 'email') return await crashes(world, 'mail/4-paid', thanks, ['refund/4'])
  await write(world, 4, 4)
  await takeDown(world, 4, 5, cents, cents)
  await must(world, 'policy', scope, ['refund/5', 'order/5', 'shipment/5'], approval(5, 5, cents))
  await must(world, 'intake', scope, ['order/5'], [requested(6, 5, cents)])
  await persists(world, wrongOf(wrong, mistake as Exclude<Mistake, 'crash'>, { four: cents, six: cents }))
}

/** The process is killed between its commit and the report of its effect. */
async function crashes(world: World, about: string, action: { resource: string; action: string }, see: readonly string[]): Promise<void> {
  const { afterEffect, wrong } = world.plan
  const scope = scopeOf(4)
  const agent = agentOf(world, wrong)
  const brink: Brink = afterEffect ? 'after effect' : 'before effect'
  const stood = await agent.follow({ do: 'propose', scope, see, actions: [action], brink })
  if (!('stands' in stood)) throw new Error(`${wrong} was to stand ${brink}, and went on`)
  const { killed, started } = await agent.killAndRestart()
  world.tell(
    `kill -9 ${killed}: ${wrong} dies ${brink === 'after effect' ? 'after' : 'before'} the effect of ${about}, unreported; it starts as ${started}`,
  )
  await quarantine(world, wrong, 'crashed between a commit and its effect; nobody knows yet what it did')
  await again(world, scope, { says: 'starts over', sees: see, moves: null, actions: () => [action] })
  if (wrong === 'refund') await settleUnreported(world)
  await release(world, wrong, 'what it did is known')
  world.tell(`ann releases ${wrong}: what it did is known, or may be done again under the same key`)
  await agent.follow({ do: 'resume' })
  const [now] = (await world.signalbox.gateway.desk.observe(scope, [action.resource], {}))!.resources
  if (now!.state === 'approved') {
    await pay(world, 4, 4)
    world.tell(`${wrong} pays ${about}: for the first time, as far as the bank is concerned`)
  }
  if (wrong === 'refund') await write(world, 4, 4)
}

/** Not idempotent, not reported: it is never tried again unseen, a human is asked. */
async function settleUnreported(world: World): Promise<void> {
  const open = await escalationOf(world, 'EFFECT_UNREPORTED', scopeOf(4))
  world.tell(`no report within its time: ${askedBy(open).cause} is put before a human`)
  await settleAll(world)
}

const persistMs = 12_000
const mostAttempts = 40

/** It does not give up by itself: it is stopped. */
async function persists(world: World, wrong: Wrong): Promise<void> {
  const { wrong: name } = world.plan
  const scope = scopeOf(4)
  const agent = agentOf(world, name)
  await agent.follow({ do: 'look', scope, see: wrong.sees })
  if (wrong.moves !== null) await must(world, wrong.moves.agent, scope, wrong.moves.sees, wrong.moves.actions)
  world.tell(`${name} goes wrong: it ${wrong.says}, and does not give up`)
  const fromMemory = wrong.moves !== null
  const endMs = performance.now() + persistMs
  let last = ''
  for (let attempt = 1; attempt <= mostAttempts && performance.now() < endMs; attempt++) {
    const decision = await agent.decide({ do: 'propose', scope, see: wrong.sees, fromMemory, actions: wrong.actions(attempt) })
    if (`${decision.code}` !== last) world.tell(`  attempt ${attempt}: ${said(decision)}`)
    last = `${decision.code}`
    if (decision.code === 'AGENT_QUARANTINED' || (await isQuarantined(world, name))) break
    // A budget has no room for longer than a story lasts.
    if (decision.code === 'BUDGET_EXCEEDED' && attempt > 16) break
    if (decision.code === 'BREAKER_OPEN') await new Promise((resolve) => setTimeout(resolve, Math.min(decision.retryAfterMs ?? 50, 500)))
  }
  if (await isQuarantined(world, name)) {
    await inForce(world, name, 'quarantined')
    world.tell(`its breaker opened twice: ${name} is in quarantine on every partition, by rule`)
  } else {
    await quarantine(world, name, `it ${wrong.says}`)
    world.tell(`ann puts ${name} in quarantine: in force on every partition`)
  }
  await again(world, scope, wrong)
}

function said({ code, committed, message }: Decision): string {
  return committed ? 'committed' : `${code}: ${message}`
}

/** In quarantine it gets nowhere, in no scope. */
async function again(world: World, scope: string, wrong: Wrong): Promise<void> {
  const { wrong: name } = world.plan
  for (const where of [scope, scopeOf(1), scopeOf(2), scopeOf(3)]) {
    const decision = await propose(world, name, where, wrong.sees, wrong.actions(mostAttempts + 1))
    if (decision.code !== 'AGENT_QUARANTINED') throw new Error(`${name} was in quarantine, and yet ${where}: ${said(decision)}`)
  }
  world.tell(`${name} tries again, in four scopes: AGENT_QUARANTINED`)
  if (world.plant !== 'quarantined-agent-goes-on') return
  await agentOf(world, name).follow({ do: 'bypass', scope, about: 'refund/5', amountCents: 1 })
}

/** Everything that was asked of humans has its answer, and every effect its report. */
export async function curtain(world: World): Promise<void> {
  await settleAll(world)
  await until('the last report', 10_000, async () => {
    const { gateway, log } = world.signalbox
    for (let partition = 0; partition < log.partitionCount; partition++)
      for (const [key, { state }] of gateway.readModel.state(partition).resources())
        if (key.includes('\u0000effect/') && state === 'pending') return null
    return true
  })
  await settleAll(world)
}
