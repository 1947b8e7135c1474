/** The intents that a reaction, or a source, gives now for what it could not answer then. */
import { type CommittedChange, type Intent, messageOf, type Reaction, type SourceRecord } from '@signalbox/contract'
import type { WholeLetter } from '@signalbox/dead-letters'
import { askedAgain, askReaction, factOf, type Lineage } from '@signalbox/follow-ups'
import { systemClock } from '@signalbox/log'
import { personalOf } from '../../personal.ts'
import type { Settings } from '../../settings.ts'

/** Ids are remembered for a day: of an older one, the half day of now stands for its time, so that a second run makes the same. */
const oldestMs = 12 * 3_600_000

/** A text says why there are none: the reaction or source is not in the config, or still cannot. */
export function intentsAgain(settings: Settings, { decoded, letter }: WholeLetter): readonly Intent[] | string {
  const { config } = settings
  if (config === null) return 'there is no config here; name the one with the mended reaction or source (--config)'
  try {
    if (letter.topic === 'ingest') {
      const { record, source: name } = decoded as unknown as { readonly source: string; readonly record: SourceRecord }
      const source = config.sources?.find((each) => each.name === name)
      if (source === undefined) return `the config has no source ${name}; list it in sources, or discard the dead letter`
      const intent = factOf(source, record, { nowMs: systemClock.nowMs(), protect: personalOf(settings).protect })
      return intent === null ? [] : [intent]
    }
    const { change, lineage, reaction: name } = decoded as unknown as Parked
    const reaction = config.reactions?.find((each: Reaction) => each.name === name)
    if (reaction === undefined) return `the config has no reaction ${name}; list it in reactions, or discard the dead letter`
    return askReaction(reaction, change, lineage).map((intent) => inTime(intent, letter.id, change.timeMs))
  } catch (error) {
    return messageOf(error)
  }
}

interface Parked {
  readonly reaction: string
  readonly change: CommittedChange
  readonly lineage: Lineage
}

function inTime(intent: Intent, letter: string, timeMs: number): Intent {
  const nowMs = systemClock.nowMs()
  return timeMs > nowMs - oldestMs ? intent : askedAgain(intent, `redriven ${letter}`, Math.floor(nowMs / oldestMs) * oldestMs)
}
