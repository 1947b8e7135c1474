/**
 * Scenarios as text. A line is an intent, an advance of time, or a comment:
 *
 *   containment {"repeatedRejects": 3}
 *   @1500 clerk: take stock/a {"by":2}; add stock/b {"by":2} | as first, wait, expects 3, reads stock/c@1, in shop-2
 *   @2s tick
 *
 * Options behind `|`: `as NAME` (later lines say $NAME for its id), `again NAME` (the same record once more), `in SCOPE`,
 * `expects VERSION`, `reads R@V`, `wait`, `escalate`, `deadline TIME`, `priority N`, `confidence X`, `under NAME`
 * (a reservation), `caused by NAME`, `correlation TEXT`. `$digest(R)` is the digest that escalation R shows just then.
 */
import { type Containment, canonicalize, containmentOf, type Intent, makeUuidV7 } from '@signalbox/contract'

/** When every scenario begins: milliseconds since 1970, UTC. */
export const startMs = Date.UTC(2026, 5, 1)

export interface Step {
  /** As written. */
  readonly line: string
  readonly timeMs: number
  /** Null where the line only moves time: a tick. */
  readonly make: ((world: World) => Intent) | null
}

/** What a line may ask of what happened before it. */
export interface World {
  readonly ids: Map<string, Intent>
  readonly digestOf: (scope: string, escalation: string) => string
}

export interface Script {
  readonly title: string
  readonly containment: Containment
  readonly steps: readonly (Step | { readonly line: string; readonly timeMs: null })[]
}

export function parseScript(text: string): Script {
  const [first = '', ...lines] = text.trimEnd().split('\n')
  let containment = containmentOf()
  let number = 0
  const steps = lines.flatMap((line): Script['steps'] => {
    if (line.startsWith('containment ')) {
      containment = containmentOf(JSON.parse(line.slice('containment '.length)))
      return [{ line, timeMs: null }]
    }
    if (!line.startsWith('@')) return [{ line, timeMs: null }]
    const match = /^@(\S+) (?:tick|(\S+): (.+))$/.exec(line)
    if (match === null) throw new Error(`cannot read the line ${line}`)
    const [, time = '', agent = ''] = match
    number++
    const timeMs = startMs + durationMs(time)
    return [{ line, timeMs, make: agent === '' ? null : reader(line, agent, timeMs, number) }]
  })
  return { title: first.replace(/^# /, ''), containment, steps }
}

function durationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text)
  if (match === null) throw new Error(`${text} is no time`)
  return Number(match[1]) * { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match[2] ?? 'ms']!
}

function reader(line: string, agent: string, timeMs: number, number: number) {
  return (world: World): Intent => {
    const scope = /[|,] in ([^,]+)/.exec(line)?.[1] ?? 'shop'
    const resolved = line.replaceAll(/\$digest\(([^)]+)\)/g, (_, name: string) => world.digestOf(scope, substitute(name, world)))
    const text = substitute(resolved, world)
    const [asked = '', optionText = ''] = text.slice(text.indexOf(`${agent}: `) + agent.length + 2).split(' | ')
    const options = optionText.split(', ').filter((option) => option !== '')
    const find = (name: string) => options.find((option) => option.startsWith(`${name} `))?.slice(name.length + 1)
    const again = find('again')
    if (again !== undefined) return world.ids.get(again)!
    const bits = new Uint8Array(10)
    new DataView(bits.buffer).setUint32(6, number)
    const intentId = makeUuidV7(timeMs, bits)
    const idOf = (name: string | undefined) => (name === undefined ? null : world.ids.get(name)!.intentId)
    const deadline = find('deadline')
    const expects = find('expects')
    const intent: Intent = {
      intentId,
      scope,
      agent,
      actions: asked.split('; ').map((one) => {
        const [, action = '', resource = '', input = '{}'] = /^(\S+) (\S+)(?: (.+))?$/.exec(one) ?? []
        return { action, resource, input: canonicalize(JSON.parse(input)), expectedVersion: expects === undefined ? null : Number(expects) }
      }),
      reads: options
        .filter((option) => option.startsWith('reads '))
        .map((option) => ({
          resource: option.slice('reads '.length, option.lastIndexOf('@')),
          version: Number(option.slice(option.lastIndexOf('@') + 1)),
        })),
      correlationId: find('correlation') ?? intentId,
      causationId: idOf(find('caused by')),
      deadline: deadline === undefined ? null : startMs + durationMs(deadline),
      priority: find('priority') === undefined ? null : Number(find('priority')),
      confidence: find('confidence') === undefined ? null : Number(find('confidence')),
      onConflict: options.includes('wait') ? 'wait' : options.includes('escalate') ? 'escalate' : 'reject',
      reservation: idOf(find('under')),
      note: null,
      signature: null,
      causationDepth: null,
    }
    const name = find('as')
    if (name !== undefined) world.ids.set(name, intent)
    return intent
  }
}

/** The longest names first: one may begin as another does. */
function substitute(text: string, { ids }: World): string {
  const names = [...ids.keys()].sort((a, b) => b.length - a.length)
  return names.reduce((so, name) => so.replaceAll(`$${name}`, ids.get(name)!.intentId), text)
}
