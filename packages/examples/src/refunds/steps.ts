/** The honest steps of a refund, from the order to the mail. */
import type { ProposedAction } from '@signalbox/client'
import type { Decision } from '@signalbox/contract'
import { must, propose, scopeOf, type World } from './world.ts'

/** Intake takes the case down: an order, what is on its way back, and what is asked for. */
export async function takeDown(world: World, customer: number, number: number, cents: number, restCents = 0): Promise<void> {
  const scope = scopeOf(customer)
  await must(
    world,
    'intake',
    scope,
    [],
    [
      { resource: `order/${number}`, action: 'place', input: { cents: cents + restCents } },
      { resource: `shipment/${number}`, action: 'announce', input: { order: `${number}` } },
    ],
  )
  await must(world, 'intake', scope, [`order/${number}`], [requested(number, number, cents)])
}

export function requested(refund: number | string, order: number, cents: number): ProposedAction {
  return { resource: `refund/${refund}`, action: 'request', input: { order: `${order}`, amountCents: cents } }
}

export async function receive(world: World, customer: number, number: number): Promise<void> {
  const shipment = `shipment/${number}`
  await must(world, 'warehouse', scopeOf(customer), [shipment], [{ resource: shipment, action: 'receive' }])
}

export function approval(refund: number, order: number, cents: number): readonly ProposedAction[] {
  return [
    { resource: `refund/${refund}`, action: 'approve' },
    { resource: `order/${order}`, action: 'charge', input: { cents } },
  ]
}

/** Large ones are pending: a human is asked. */
export async function approve(world: World, customer: number, number: number, cents: number): Promise<Decision> {
  const see = [`refund/${number}`, `order/${number}`, `shipment/${number}`]
  return await propose(world, 'policy', scopeOf(customer), see, approval(number, number, cents))
}

export async function pay(world: World, customer: number, number: number): Promise<void> {
  const see = [`refund/${number}`, `shipment/${number}`]
  await must(world, 'refund', scopeOf(customer), see, [{ resource: `refund/${number}`, action: 'pay' }])
}

export function mailOf(number: number, kind: string, text: string): ProposedAction {
  return { resource: `mail/${number}-${kind}`, action: 'send', input: { refund: `${number}`, text } }
}

export async function write(world: World, customer: number, number: number): Promise<void> {
  await must(world, 'email', scopeOf(customer), [`refund/${number}`], [mailOf(number, 'paid', 'Your money is on its way.')])
}

/** The whole of it, where nothing is special. */
export async function refundAll(world: World, customer: number, number: number, cents: number): Promise<void> {
  await takeDown(world, customer, number, cents)
  await receive(world, customer, number)
  const decision = await approve(world, customer, number, cents)
  if (!decision.committed) throw new Error(`refund/${number} was to be approved: ${decision.code}: ${decision.message}`)
  await pay(world, customer, number)
  await write(world, customer, number)
}
