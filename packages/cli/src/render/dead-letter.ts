import { type Intent, intentToJson, type JsonObject } from '@signalbox/contract'
import type { DeadLetter, LetterGroup, RedriveResult, Standing, WholeLetter } from '@signalbox/dead-letters'
import { hexDump, isCutOff, isTextual, normalisedCause } from '@signalbox/dead-letters'
import { style, table } from '../output.ts'
import { foreignBreak } from '../visible.ts'
import { isoTime } from './decision.ts'

const shownBytes = 1_024
const shownCharacters = 4_096
const shownLine = 100

/** A letter as a list gives it to programs: without headers, bytes and contracts. */
export function summaryOf(letter: DeadLetter) {
  const { contracts: _contracts, headers: _headers, ...summary } = letter
  return summary
}

export function groupText({ agents, code, count, example, fingerprint, firstMs, lastMs, owner, scopes, topic }: GroupSummary): string {
  const rows = [
    ['  when', firstMs === lastMs ? isoTime(firstMs) : `${isoTime(firstMs)} to ${isoTime(lastMs)}`],
    ['  where', `${scopes} scope${scopes === 1 ? '' : 's'}${agents.length === 0 ? '' : `, of ${agents.join(', ')}`}`],
  ]
  if (owner !== null) rows.push(['  owner', `${owner.team}, ${owner.contact}`])
  rows.push(['  example', example.id])
  rows.push(['  next', `signalbox dead-letter show ${example.id}; signalbox dead-letter redrive --fingerprint ${fingerprint}`])
  return [
    `${style('red', code)}   ${count} of ${topic}   fingerprint ${fingerprint}`,
    `  ${cut(normalisedCause(example.cause), 2 * shownLine)}`,
    table(rows),
  ].join('\n')
}

type GroupSummary = Omit<LetterGroup, 'example'> & { readonly example: Pick<DeadLetter, 'id' | 'cause'> }

export function letterLine(letter: DeadLetter): string {
  const { agent, cause, code, id, scope, standing, timestampMs } = letter
  return `${isoTime(timestampMs)}  ${id.padEnd(14)}  ${standingWord(standing).padEnd(9)}  ${style('red', code)}  ${scope ?? '-'}  ${agent ?? '-'}  ${cut(cause, shownLine)}`
}

function standingWord({ state }: Standing): string {
  return state
}

function cut(text: string, most: number): string {
  const line = text.replaceAll(/\s+/g, ' ')
  return line.length > most ? `${line.slice(0, most - 1)}…` : line
}

/** All that is known of one. */
export function letterText(whole: WholeLetter): string {
  const { decoded, letter, value } = whole
  const { actions, agent, bytes, cause, code, event, fingerprint, headers, id, intentId, owner, scope, sentAgain, standing, timestampMs } =
    letter
  const rows: string[][] = [
    ['  when', isoTime(timestampMs)],
    ['  why', cause],
    ['  event', event ?? '(not recorded)'],
    ['  scope', scope ?? '(unknown)'],
    ['  agent', agent ?? '(unknown)'],
  ]
  if (intentId !== null) rows.push(['  intent', intentId])
  if (actions.length > 0) rows.push(['  asks', actions.map(({ action, resource }) => `${action} ${resource}`).join(', ')])
  if (owner !== null) rows.push(['  owner', `${owner.team}, ${owner.contact}`])
  rows.push(['  alike', `signalbox dead-letter list --fingerprint ${fingerprint}`], ...standingRows(standing))
  if (sentAgain !== null)
    rows.push([
      '  again',
      `its agent sent the same intent again: ${sentAgain.outcome}${codeText(sentAgain.code)} (event ${sentAgain.event})`,
    ])
  const stack = (decoded as { readonly stack?: unknown } | null)?.stack
  if (typeof stack === 'string') rows.push(['  stack', stack.replaceAll(foreignBreak, '\n            ')])
  const own = Object.entries(headers).filter(([name]) => name !== 'sb_cause')
  return [
    `${id}   ${style('red', code)}   ${standing.state === 'open' ? style('yellow', 'open') : standing.state}`,
    table(rows),
    '',
    'headers',
    ...own.map(([name, text]) => `  ${name}: ${cut(text, 2 * shownLine)}`),
    '',
    `raw, ${bytes} bytes`,
    ...rawLines(value),
    ...(decoded === null ? [] : ['', 'decoded', ...jsonLines(asJson(whole))]),
    '',
    `next  ${nextOf(letter)}`,
  ].join('\n')
}

function codeText(code: string | null): string {
  return code === null ? '' : ` ${code}`
}

function standingRows(standing: Standing): string[][] {
  if (standing.state === 'open')
    return standing.by === null ? [['  standing', 'open']] : [['  standing', `open again, by ${standing.by}: ${standing.reason}`]]
  const head = [['  standing', `${standing.state} by ${standing.by}, ${isoTime(standing.atMs)}: ${standing.reason}`]]
  if (standing.state === 'discarded') return head
  const { batch, edited, fresh, intentId, outcome } = standing
  if (intentId !== null) head.push(['  as', `intent ${intentId}${edited ? ', written anew' : ''}${fresh ? ', fresh' : ''}`])
  if (batch !== null) head.push(['  batch', batch])
  head.push(['  became', outcome === null ? 'nothing yet' : `${outcome.outcome}${codeText(outcome.code)} (event ${outcome.event})`])
  return head
}

function rawLines(value: Uint8Array): readonly string[] {
  if (isTextual(value)) {
    const text = Buffer.from(value).toString('utf8')
    const more = text.length - shownCharacters
    // Every line has its mark, so that none passes for one of ours.
    const lines = text
      .slice(0, shownCharacters)
      .split('\n')
      .map((line) => `| ${line}`)
    return [...lines, ...(more > 0 ? [`… (${more} characters more: --json)`] : [])]
  }
  const more = value.length - shownBytes
  return [...hexDump(value, shownBytes), ...(more > 0 ? [`… (${more} bytes more: --json)`] : [])]
}

function jsonLines(decoded: JsonObject | null): readonly string[] {
  const text = JSON.stringify(decoded, null, 2)
  return text.length <= shownCharacters ? [text] : [text.slice(0, shownCharacters), '… (all of it: --json)']
}

/** As `--edit` takes it, where it is an intent. */
export function asJson({ decoded, letter }: WholeLetter): JsonObject | null {
  return letter.topic === 'intents' && decoded !== null ? intentToJson(decoded as Intent) : (decoded as JsonObject | null)
}

/** What to type now. */
export function nextOf(letter: DeadLetter): string {
  const { id, parked, sentAgain, standing, topic, undecodable } = letter
  if (isCutOff(letter) && topic === 'intents')
    return `its redrive was cut off: signalbox dead-letter redrive ${id} --yes --reason WHY${standing.state === 'redriven' && standing.edited ? ' --edit FILE' : ''}`
  if (standing.state === 'redriven') {
    const { intentId, outcome } = standing
    if (intentId === null) return outcome === null ? 'wait: signalbox escalations sends it again' : 'nothing'
    return outcome?.outcome === 'committed' ? 'nothing' : `signalbox intent explain ${intentId}`
  }
  if (standing.state === 'discarded') return `nothing; if it is needed after all: signalbox dead-letter reopen ${id} --reason WHY`
  if (sentAgain !== null) return `signalbox dead-letter discard ${id} --reason WHY --yes`
  if (parked !== null)
    return `mend the projection, then signalbox dead-letter redrive ${id} (which is signalbox projection retry ${parked.projection} ${parked.key})`
  if (undecodable !== null)
    return `signalbox dead-letter redrive ${id} --edit FILE, with the intent that was meant; or signalbox dead-letter discard ${id}`
  if (topic === 'escalation') return `see why ${letter.target} did not answer, then signalbox dead-letter redrive ${id}`
  return `mend what is wrong, then signalbox dead-letter redrive ${id} (a dry run first)`
}

export function resultLine({ code, event, id, intentId, message, outcome }: RedriveResult, isDryRun: boolean): string {
  const colour = outcome === 'committed' ? 'green' : outcome === 'rejected' || outcome === 'blocked' ? 'red' : 'yellow'
  const said = isDryRun && outcome !== 'blocked' ? `would be ${outcome}` : outcome
  const what = [intentId === null ? '' : `intent ${intentId}`, event === null ? '' : `event ${event}`, message ?? ''].filter(Boolean)
  return `${id.padEnd(14)}  ${style(colour, `${said}${codeText(code)}`)}${what.length === 0 ? '' : `  ${what.join('  ')}`}`
}
