import { epochHeader } from '@signalbox/codec'
import type { Event } from '@signalbox/contract'
import type { Batch } from '@signalbox/log'
import { eventHeaders } from './decide-batch.ts'
import type { SequencerSettings } from './settings.ts'

/** What an owner writes first: the only definite end of everything that was written before it. */
export function openingBatch(settings: Pick<SequencerSettings, 'codec' | 'ours' | 'software'>, partition: number): Batch {
  const { codec, ours, software } = settings
  const event: Event = {
    partition,
    offset: -1,
    index: 0,
    time: 0,
    scope: '',
    type: 'PartitionOpened',
    payload: { contracts: [...ours.records], software },
  }
  // The epoch is this event's own log offset, which is not known before it is written: it carries none.
  const { [epochHeader]: _none, ...headers } = eventHeaders(event, {}, '')
  return { events: [{ key: `partition-${partition}`, value: codec.encodeEvent(event), headers }], deadLetters: [] }
}
