/** `signalbox trace CORRELATION`: what caused what, over agents and scopes. */
import { type Trace, type TracedIntent, type TracedStep, trace } from '@signalbox/replay'
import { CommandError, exitCodes } from '../../exit-codes.ts'
import { withSource } from '../../logs.ts'
import { checkIntentId } from '../../names.ts'
import { printLines, printOne, style } from '../../output.ts'
import { isoTime } from '../../render/decision.ts'
import type { Settings } from '../../settings.ts'
import { inOneLine } from '../../visible.ts'

export async function showTrace(settings: Settings, id: string, flags: { readonly mermaid?: boolean }): Promise<number> {
  const found = await withSource(settings, (source) => trace(source, id))
  if (found === null) {
    // Any text may be a correlation; what looks like an id is most likely one.
    if (/^[0-9a-f{}-]{32,38}$/i.test(id)) checkIntentId(id)
    throw new CommandError(
      'notFound',
      `nothing has the correlation ${id}, and there is no intent of that id; signalbox intent list shows what there is`,
    )
  }
  if (flags.mermaid === true) printLines(mermaid(inOneLine(found)))
  else printOne(settings.output, found, treeText)
  return exitCodes.ok
}

function treeText({ agents, correlationId, intents, scopes }: Trace): string {
  const children = Map.groupBy(intents, ({ causedBy }) => causedBy)
  const lines: string[] = []
  // A list of its own in place of recursion: chains may be long.
  const left = (children.get(null) ?? []).map((intent) => ({ intent, depth: 0 })).reverse()
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { depth, intent } = next
    lines.push(...linesOf(intent, '  '.repeat(depth)))
    for (const child of [...(children.get(intent.intentId) ?? [])].reverse()) left.push({ intent: child, depth: depth + 1 })
  }
  return [...lines, '', `${intents.length} intents of ${agents.join(', ')} in ${scopes.join(', ')} (correlation ${correlationId})`].join(
    '\n',
  )
}

function linesOf({ actions, agent, intentId, note, rules, scope, steps }: TracedIntent, indent: string): string[] {
  const what = actions.map(({ action, resource }) => `${action} ${resource}`).join(', ')
  const lines = [
    `${indent}${intentId}  ${agent ?? '(unknown)'}  ${scope}  ${what}${note === null || note.startsWith('transfer ') ? '' : `  (${note})`}`,
  ]
  for (const step of [...steps, ...rules].sort((a, b) => a.time - b.time))
    lines.push(`${indent}    ${isoTime(step.time)}  ${step.event.padEnd(10)}  ${stepText(step, rules.includes(step))}`)
  return lines
}

function stepText({ changes, code, message, what }: TracedStep, isRule: boolean): string {
  const moved = changes.map(({ action, fromVersion, resource, version }) => `${action} ${resource} ${fromVersion} -> ${version}`).join(', ')
  if (isRule) return style('yellow', `rule ${what}: ${message ?? moved}`)
  if (what === 'committed') return `${style('green', what)}  ${moved}`
  return `${style(what === 'rejected' ? 'red' : 'yellow', code === null ? what : `${what} ${code}`)}`
}

/** A sequence of who caused whom, as a flow chart: ids as they are, texts quoted. */
function mermaid({ intents }: Trace): string {
  const names = new Map(intents.map(({ intentId }, index) => [intentId, `i${index}`]))
  const lines = ['flowchart TD']
  for (const { actions, agent, causedBy, intentId, scope, steps } of intents) {
    const last = steps.at(-1)!
    const said = last.code === null ? last.what : `${last.what} ${last.code}`
    const text = [`${agent ?? '(unknown)'} in ${scope}`, ...actions.map(({ action, resource }) => `${action} ${resource}`), said]
      .map(quoted)
      .join('<br/>')
    const name = names.get(intentId)!
    lines.push(`  ${name}["${text}"]${last.what === 'committed' ? ':::committed' : last.what === 'rejected' ? ':::rejected' : ''}`)
    if (causedBy !== null) lines.push(`  ${names.get(causedBy)!} --> ${name}`)
  }
  return [...lines, '  classDef committed stroke:#2a2', '  classDef rejected stroke:#c22'].join('\n')
}

function quoted(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
