/** What names look like. Every name that enters a log has passed one of these. */
import { characters, consistsOf } from './characters.ts'

const controlCharacter = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/

export const maxScopeLength = 200
export const maxResourceIdLength = 200
const maxAgentLength = 100
const maxActionLength = 64
const maxTypeLength = 64

function isPlainText(text: string, maxLength: number): boolean {
  if (text.length === 0 || text.length > maxLength) return false
  return consistsOf(text, 0, text.length, characters.printable) || (!controlCharacter.test(text) && text.isWellFormed())
}

export function isScope(text: string): boolean {
  return isPlainText(text, maxScopeLength)
}

/** Letters, digits and `. _ : @ -`, starting with a letter or digit. */
export function isAgentName(text: string): boolean {
  const { length } = text
  return (
    length > 0 &&
    length <= maxAgentLength &&
    consistsOf(text, 0, 1, characters.alphanumeric) &&
    consistsOf(text, 1, length, characters.agent)
  )
}

/** Letters, digits, dashes and underscores, starting with a letter. */
export function isActionName(text: string): boolean {
  const { length } = text
  return (
    length > 0 && length <= maxActionLength && consistsOf(text, 0, 1, characters.letter) && consistsOf(text, 1, length, characters.action)
  )
}

/** Lower-case letters, digits and dashes, starting with a letter. */
export function isResourceType(text: string): boolean {
  return startsWithType(text, text.length)
}

function startsWithType(text: string, length: number): boolean {
  return (
    length > 0 && length <= maxTypeLength && consistsOf(text, 0, 1, characters.lowerCase) && consistsOf(text, 1, length, characters.type)
  )
}

/** Correlation and causation ids: any text without control characters, up to 200 characters. */
export function isTraceId(text: string): boolean {
  return isPlainText(text, 200)
}

/** Whether a text is `type/id`. The id may hold further slashes. */
export function isResourceName(resource: string): boolean {
  const slash = resource.indexOf('/')
  return (
    slash > 0 &&
    slash < resource.length - 1 &&
    startsWithType(resource, slash) &&
    isPlainText(resource, 1 + maxTypeLength + maxResourceIdLength)
  )
}

/** The type of `type/id`, or null when the text is no resource name. */
export function resourceType(resource: string): string | null {
  return isResourceName(resource) ? resource.slice(0, resource.indexOf('/')) : null
}

/** Whether an agent's name is one of `patterns`; a pattern may end in `*`. */
export function matchesAgent(agent: string, patterns: readonly string[]): boolean {
  for (const pattern of patterns) {
    if (pattern === agent || (pattern.endsWith('*') && agent.startsWith(pattern.slice(0, -1)))) return true
  }
  return false
}
