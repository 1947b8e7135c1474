/** What names look like. Every name that enters a log has passed one of these. */
import { lengths } from './bounds.ts'
import { characters, consistsOf } from './characters.ts'
import { isNameText, nameProblem } from './name-text.ts'

export function isScope(text: string): boolean {
  return isNameText(text, lengths.scope)
}

/** Letters, digits and `. _ : @ -`. It begins with a letter or digit, and so does each part behind a colon. */
export function isAgentName(text: string): boolean {
  const { length } = text
  if (length === 0 || length > lengths.agent || !consistsOf(text, 0, length, characters.agent)) return false
  for (let start = 0; ; ) {
    if (start >= length || !consistsOf(text, start, start + 1, characters.alphanumeric)) return false
    const colon = text.indexOf(':', start)
    if (colon === -1) return true
    start = colon + 1
  }
}

/** What an agent's name looks like, for messages. */
export const agentNameText = `1 to ${lengths.agent} letters from A to Z, digits and . _ : @ -, with a letter or digit first and behind each colon`

/**
 * Under which name an agent or person is counted and held back: names that differ only in case are one there. What an
 * agent may do is never widened by it: who acts is compared as it is written.
 */
export function agentKey(agent: string): string {
  return agent.toLowerCase()
}

/** Letters, digits, dashes and underscores, starting with a letter. */
export function isActionName(text: string): boolean {
  const { length } = text
  return (
    length > 0 && length <= lengths.action && consistsOf(text, 0, 1, characters.letter) && consistsOf(text, 1, length, characters.action)
  )
}

/** Lower-case letters, digits and dashes, starting with a letter. */
export function isResourceType(text: string): boolean {
  return startsWithType(text, text.length)
}

function startsWithType(text: string, length: number): boolean {
  return (
    length > 0 &&
    length <= lengths.resourceType &&
    consistsOf(text, 0, 1, characters.lowerCase) &&
    consistsOf(text, 1, length, characters.type)
  )
}

/** Correlation and causation ids, leases: any text that may be a name. */
export function isTraceId(text: string): boolean {
  return isNameText(text, lengths.traceId)
}

/** Whether a text is `type/id`. The id may hold further slashes. */
export function isResourceName(resource: string): boolean {
  const slash = resource.indexOf('/')
  return (
    slash > 0 &&
    slash < resource.length - 1 &&
    startsWithType(resource, slash) &&
    resource.charCodeAt(slash + 1) !== 0x20 &&
    isNameText(resource, lengths.resource)
  )
}

/** Why a text is no `type/id`. Null where it is one. */
export function resourceNameProblem(resource: string): string | null {
  if (isResourceName(resource)) return null
  const slash = resource.indexOf('/')
  if (slash < 1 || !startsWithType(resource, slash)) return 'must be type/id: a type of lower-case letters, digits and dashes, then an id'
  const id = resource.slice(slash + 1)
  if (id === '') return 'names no id behind its type'
  if (resource.length > lengths.resource) return `has ${resource.length} characters, more than the ${lengths.resource} of the limit`
  return `names an id that ${nameProblem(id, lengths.resource) ?? 'is none'}`
}

/** The type of `type/id`, or null when the text is no resource name. */
export function resourceType(resource: string): string | null {
  return isResourceName(resource) ? resource.slice(0, resource.indexOf('/')) : null
}

/** As `matchesAgent`, for what holds an agent back: names that differ only in case are one. */
export function holdsAgent(agent: string, patterns: readonly string[]): boolean {
  return matchesAgent(agentKey(agent), patterns.map(agentKey))
}

/** Whether an agent's name is one of `patterns`; a pattern may end in `*`. */
export function matchesAgent(agent: string, patterns: readonly string[]): boolean {
  for (const pattern of patterns) {
    if (pattern === agent || (pattern.endsWith('*') && agent.startsWith(pattern.slice(0, -1)))) return true
  }
  return false
}
