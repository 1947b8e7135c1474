import { newIntentId } from '@signalbox/client'

/** What an agent asks of a belt, as JSON. */
export function intent(scope: string, action: string, input: object, more: object = {}) {
  return { intentId: newIntentId(), scope, agent: 'clerk', actions: [{ resource: 'belt/main', action, input }], ...more }
}
