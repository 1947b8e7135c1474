/** Projections as people read them. */
import type { RowDifference, Verification } from '@signalbox/projection-host'
import { style, table } from '../output.ts'
import { isoTime } from './decision.ts'

export interface ProjectionSummary {
  readonly name: string
  readonly description: string | null
  /** Of the definition that this command has. */
  readonly version: number
  /** Of the live rows; null where there are none yet. */
  readonly liveVersion: number | null
  readonly live: number | null
  readonly behind: number
  readonly lag: readonly number[]
  /** `3`; of a log before, `NAME/3`. In the order of `lag`, and of the offsets of generations. */
  readonly partitions: readonly string[]
  readonly parked: number
  readonly tables: readonly string[]
  readonly generations: readonly {
    readonly generation: number
    readonly version: number
    readonly state: string
    readonly createdMs: number
    readonly offsets: readonly number[]
    readonly parked: number
  }[]
}

export function summaryText({ behind, description, generations, liveVersion, name, parked, version }: ProjectionSummary): string {
  const state =
    liveVersion === null
      ? 'not built yet'
      : [
          behind === 0 ? style('green', 'up to date') : `${behind} events behind`,
          ...(parked === 0 ? [] : [style('red', `${parked} parked`)]),
          ...(liveVersion === version ? [] : [style('yellow', `version ${liveVersion} is live`)]),
          ...(generations.some(({ state }) => state === 'building') ? ['is being rebuilt'] : []),
        ].join(', ')
  return `${style('bold', name)}@${version}  ${state}${description === null ? '' : `  ${description}`}`
}

export function projectionText(shown: ProjectionSummary): string {
  const rows: (readonly [string, string])[] = [
    ['tables', shown.tables.join(', ')],
    ['lag', shown.lag.map((events, index) => `${shown.partitions[index]}: ${events}`).join(', ')],
    ['parked', `${shown.parked}`],
    ...shown.generations.map(({ createdMs, generation, offsets, parked, state, version }): readonly [string, string] => {
      const what = `${state}, version ${version}, begun ${isoTime(createdMs)}, at ${offsets.join(', ')}${parked === 0 ? '' : `, ${parked} parked`}`
      return [`generation ${generation}`, what]
    }),
  ]
  return `${summaryText(shown)}\n${table(rows.map(([name, value]) => [`  ${name}`, value]))}`
}

export function parkedText(parked: { readonly reference: string; readonly key: string; readonly cause: string }): string {
  return `  parked      ${parked.reference}  key ${parked.key}  ${parked.cause}`
}

export function rowText({ key, row }: { readonly key: string; readonly row: unknown }): string {
  return `${style('bold', key)}  ${JSON.stringify(row)}`
}

export function verificationText(verification: Verification): string {
  const { anewHash, differences, differing, elapsedMs, events, generation, isClean, liveHash, offsets, parked, projection, rows, version } =
    verification
  const head = `${isClean ? style('green', 'clean') : style('red', 'differs')}  ${projection}@${version}, generation ${generation}: ${rows} rows of ${events} events, at ${offsets.join(', ')}, in ${elapsedMs} ms`
  const held = parked.live === 0 && parked.anew === 0 ? [] : [`  parked    ${parked.live} live, ${parked.anew} by the code of now`]
  if (isClean) return [head, `  hash      ${liveHash}`, ...held].join('\n')
  const more = differing > differences.length ? [`  and ${differing - differences.length} more`] : []
  return [head, `  hashes    live ${liveHash}, anew ${anewHash}`, ...held, ...differences.map(differenceText), ...more].join('\n')
}

function differenceText({ anew, key, live, table: name }: RowDifference): string {
  return `  ${name} ${key}\n    live    ${live ?? 'no row'}\n    anew    ${anew ?? 'no row'}`
}
