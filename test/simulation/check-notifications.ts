/**
 * What people had to be told, by the events alone: each notification has come to each of its targets at least once or is a dead
 * letter, under one id with one body, and those of a partition's group have come in their order.
 */
import type { Codec } from '@signalbox/codec'
import type { Event, ResourceChange } from '@signalbox/contract'
import type { MemoryLogStore } from '@signalbox/log-memory'
import { storedRecords } from './check-log.ts'
import type { Environment } from './environment.ts'
import type { Era } from './era.ts'
import type { PlainObject } from './model/intent.ts'
import type { Receiver } from './receiver.ts'
import { routes, targets } from './settings.ts'

/** Where the event of a notification lies in its log, with the index of the change: what an id ends in. */
function placeOf(id: string): string {
  return /\d+-\d+-\d+-\d+$/.exec(id)?.[0] ?? id
}

interface Due {
  /** As `placeOf`. */
  readonly id: string
  readonly group: string
  readonly targets: readonly string[]
}

/** What is to be told of since the consumer began, in order; empty where it has not begun. */
export function dueNotifications(codec: Codec, store: MemoryLogStore, partition: number): readonly Due[] {
  const receipts = storedRecords(store, 'notifications', partition).map(({ value }) => JSON.parse(`${Buffer.from(value!)}`) as PlainObject)
  const begun = receipts.find(({ kind }) => kind === 'begun')?.eventsOffset as number | undefined
  if (begun === undefined) return []
  return storedRecords(store, 'events', partition).flatMap(({ offset, value }) => (offset < begun ? [] : dueOf(codec.decodeEvent(value!))))
}

function dueOf(event: Event): readonly Due[] {
  if (event.type !== 'IntentCommitted' && event.type !== 'RuleApplied') return []
  return event.payload.changes.flatMap((change, index) => {
    if (!change.resource.startsWith('escalation/') || !isTold(change)) return []
    const data = JSON.parse(change.data) as PlainObject
    const levels = (data.levels as PlainObject[]).map(({ to }) => to as string)
    const isOpen = change.state === 'triggered' || change.state === 'acknowledged'
    const people = isOpen ? [data.to as string] : levels.slice(0, (data.level as number) + 1)
    const { index: at, offset, partition } = event
    return [{ id: `${partition}-${offset}-${at}-${index}`, group: data.group as string, targets: targetsOf(people) }]
  })
}

function isTold({ action, fromState, state }: ResourceChange): boolean {
  if (state === 'expired') return true
  return state === 'resolved' ? fromState !== 'resolved' : ['trigger', 'lapse', 'again', 'renew'].includes(action)
}

/** Who has no route is told at the target of that name, else at every target. */
function targetsOf(people: readonly string[]): readonly string[] {
  return [...new Set(people.flatMap((name) => routes[name] ?? (targets.includes(name) ? [name] : targets)))]
}

/** Of all partitions of a log. */
export function allDue({ codec }: Environment, { store }: Era): readonly Due[] {
  const partitions = Array.from({ length: store.partitionCount }, (_, partition) => partition)
  return partitions.flatMap((partition) => dueNotifications(codec, store, partition))
}

/** What has neither come nor is a dead letter, as id and target. */
export function missingNotifications({ store }: Era, receiver: Receiver, due: readonly Due[]): readonly string[] {
  const settled = new Set([...receiver.received.map(({ id, target }) => `${placeOf(id)} ${target}`), ...deadLettersOf(store)])
  return due.flatMap(({ id, targets: to }) => to.filter((target) => !settled.has(`${id} ${target}`)).map((target) => `${id} at ${target}`))
}

/** What a target never took, as id and target. */
function deadLettersOf(store: MemoryLogStore): readonly string[] {
  return Array.from({ length: store.partitionCount }, (_, partition) => storedRecords(store, 'dead-letters.escalation', partition))
    .flat()
    .map(({ value }) => {
      const { cause, notification } = JSON.parse(`${Buffer.from(value!)}`) as { cause: { target: string }; notification: { id: string } }
      return `${placeOf(notification.id)} ${cause.target}`
    })
}

export function checkNotifications(environment: Environment, receiver: Receiver): void {
  const { codec, eras, report } = environment
  const missing = eras.flatMap((era) => missingNotifications(era, receiver, allDue(environment, era)))
  if (missing.length > 0) report('notifications', `nobody was told of ${missing.slice(0, 3).join(', ')} (${missing.length} in all)`)
  const bodies = new Map<string, string>()
  for (const { body, id } of receiver.received) {
    if ((bodies.get(id) ?? body) !== body) report('notifications', `${id} came with two bodies: ${bodies.get(id)} and ${body}`)
    bodies.set(id, body)
  }
  const places = new Map<string, { readonly place: number; readonly group: string }>()
  for (const [number, { store }] of eras.entries())
    for (let partition = 0; partition < store.partitionCount; partition++)
      for (const [place, { group, id }] of dueNotifications(codec, store, partition).entries())
        places.set(id, { place, group: `${number} ${partition} ${group}` })
  // Those after it need not wait for it; where its receipt was lost with a process, it may arrive after all, and late.
  const dead = new Set(eras.flatMap(({ store }) => deadLettersOf(store)))
  const last = new Map<string, number>()
  const seen = new Set<string>()
  for (const { id: whole, target } of receiver.received) {
    const id = placeOf(whole)
    const found = places.get(id)
    if (found === undefined || seen.has(`${id} ${target}`) || dead.has(`${id} ${target}`)) continue
    seen.add(`${id} ${target}`)
    const key = `${target} ${found.group}`
    if (found.place < (last.get(key) ?? -1)) report('notifications', `${target} was told ${id} after what came later in its group`)
    last.set(key, Math.max(found.place, last.get(key) ?? -1))
  }
}
