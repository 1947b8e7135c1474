import { formatEventReference } from '@signalbox/contract'
import type { LoggedEvent } from '@signalbox/event-log'
import { actorOf } from '@signalbox/replay'
import { style } from '../output.ts'
import { isoTime } from './decision.ts'

/** Any event in one line. */
export function eventLine({ event, logOffset }: LoggedEvent): string {
  const { partition, payload, scope, time, type } = event
  if (type === 'PartitionOpened')
    return `${partition}:${logOffset}  opened by ${payload.software}, with ${payload.contracts.map((each) => `${each.type}@${each.version}`).join(', ')}`
  if (type === 'PartitionCarried')
    return `${partition}:${logOffset}  goes on from ${payload.from}${payload.isLast ? ': all is carried over' : ''}`
  const head = `${partition}:${logOffset}  ${isoTime(time)}  ${formatEventReference(event).padEnd(10)}  ${scope || '(no scope)'}`
  const changed =
    'changes' in payload ? payload.changes.map(({ action, resource, version }) => `${action} ${resource} v${version}`).join(', ') : ''
  switch (type) {
    case 'IntentCommitted':
      return `${head}  ${style('green', 'committed')}  ${actorOf(event)}  ${changed}`
    case 'IntentRejected':
      return `${head}  ${style('red', payload.code)}  ${actorOf(event)}  ${payload.resource ?? ''}`
    case 'IntentPending':
      return `${head}  ${style('yellow', payload.reason === 'escalated' ? 'asks a human' : 'waits')}  ${actorOf(event)}  ${payload.code}`
    case 'IntentShadowed':
      return `${head}  ${style('cyan', 'in shadow')}  ${actorOf(event)}  ${payload.code ?? changed}`
    case 'IntentDuplicated':
      return `${head}  duplicate  ${actorOf(event)}  of ${formatEventReference(payload.decision)}`
    case 'WaitersExamined':
      return `${head}  ${payload.waiting.length} still wait`
    case 'ScopeCarried':
      return `${head}  carried over  ${payload.changes.length} resources`
    case 'RuleApplied':
      return `${head}  ${style('yellow', `rule ${payload.rule}`)}  ${payload.message}`
  }
}
