import { type Event, formatEventReference } from '@signalbox/contract'

/** The attributes of an event as CloudEvents has them, in the headers of its record. */
export function cloudEventHeaders(event: Event): Readonly<Record<'ce_id' | 'ce_type' | 'ce_source', string>> {
  return { ce_id: formatEventReference(event), ce_type: `signalbox.${event.type}`, ce_source: `signalbox/${event.partition}` }
}
