/** What agents do with tasks, handoffs and transfers: what fits what they saw, and now and then what does not. */
import type { ProposedAction, Seen } from '@signalbox/client'
import type { Random } from '../support/random.ts'
import { hashOf as sealOf } from './model/people.ts'

export const tasks = ['task/1', 'task/2'] as const
export const handoffs = ['handoff/1', 'handoff/2'] as const

/** The digests of the packets that there are. */
const packets = ['packet-1', 'packet-2'] as const

type Data = Readonly<Record<string, unknown>>

/** Something with a task, by what was seen of it. */
export function drawTaskAction(random: Random, task: string, seen: Seen, me: string): ProposedAction {
  const { data, state } = seen.get(task)
  if (random.chance(0.1)) return { resource: `agent/${me}`, action: 'declare', input: { capabilities: random.pick([['welding'], []]) } }
  if (state === 'claimed') {
    const isMine = (data as Data).claimedBy === me
    const action =
      isMine || random.chance(0.25) ? random.pick(['renew', 'renew', 'done', 'done', 'fail']) : random.pick(['claim', 'claim', 'cancel'])
    return { resource: task, action, ...inputOf(action) }
  }
  if (state === 'offered' || (state === 'unclaimed' && random.chance(0.5))) {
    const action = random.chance(0.85) ? 'claim' : 'cancel'
    return { resource: task, action, ...inputOf(action) }
  }
  const input = {
    title: 'mend the roof',
    needs: random.chance(0.15) ? ['welding'] : [],
    leaseMs: random.pick([600, 5_000, 20_000]),
    claimWithinMs: random.pick([null, null, 500, 5_000]),
  }
  return { resource: task, action: 'offer', input }
}

function inputOf(action: string): { readonly input?: Record<string, unknown> } {
  return action === 'fail' || action === 'cancel' ? { input: { reason: 'as the script says' } } : action === 'done' ? { input: {} } : {}
}

/** Hands on what is claimed, or answers what was offered. */
export function drawHandoffAction(random: Random, handoff: string, seen: Seen, me: string): ProposedAction {
  const { data, state } = seen.get(handoff)
  const packet = data as Data
  if (state === 'offered' && (packet.to === me || random.chance(0.1))) {
    if (random.chance(0.1)) return { resource: handoff, action: 'decline', input: { reason: 'not mine to do' } }
    return {
      resource: handoff,
      action: 'accept',
      input: { readback: random.chance(0.75) ? packets.find((each) => sealOf(each) === packet.seal) : 'misread' },
    }
  }
  const mine = tasks.find((task) => seen.get(task).state === 'claimed' && (seen.get(task).data as Data).claimedBy === me)
  // Most who have nothing to hand on take something up first.
  if (mine === undefined && random.chance(0.7)) return drawTaskAction(random, tasks[0], seen, me)
  const others = ['agent-0', 'agent-1', 'agent-2'].filter((name) => name !== me)
  const rooms = seen.get('stock/rooms')
  const input = {
    to: random.pick(others),
    task: mine ?? (random.chance(0.7) ? null : random.pick(tasks)),
    seal: sealOf(random.pick(packets)),
    position: seen.position,
    references: [{ resource: 'stock/rooms', version: rooms.version + (random.chance(0.1) ? 1 : 0) }],
    withinMs: random.pick([500, 8_000, 8_000]),
  }
  return { resource: handoff, action: 'offer', input }
}

/** One thing in two scopes: rooms that are taken in both, or in none. Some confirmations and releases cannot be. */
export function drawTransfer(random: Random, scopes: readonly string[], me: string): ProposedAction {
  const resource = `transfer/${me.replace(':', '-')}-${random.between(1, 3)}`
  if (random.chance(0.15)) return { resource, action: 'cancel', input: { reason: 'thought better of it' } }
  const legs = Array.from({ length: random.between(1, 3) }, () => {
    const count = random.between(1, 4)
    return {
      scope: random.pick(scopes),
      reserve: [{ resource: 'stock/rooms', action: 'take', input: { count } }],
      confirm: random.pick([[], [], [{ resource: 'job/sweep', action: 'run', input: { size: random.between(1, 7) } }]]),
      release: random.pick([[], [{ resource: 'stock/rooms', action: 'giveBack', input: { count: random.pick([count, count, 20]) } }]]),
    }
  })
  return { resource, action: 'begin', input: { legs, withinMs: random.pick([300, 2_000, 20_000]) } }
}
