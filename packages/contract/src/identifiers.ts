/** What names look like. Every name that enters a log has passed one of these. */

const controlCharacter = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/
const agentPattern = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,99}$/
const actionPattern = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/
const typePattern = /^[a-z][a-z0-9-]{0,63}$/

export const maxScopeLength = 200
export const maxResourceIdLength = 200

function isPlainText(text: string, maxLength: number): boolean {
  return text.length > 0 && text.length <= maxLength && !controlCharacter.test(text) && text.isWellFormed()
}

export function isScope(text: string): boolean {
  return isPlainText(text, maxScopeLength)
}

export function isAgentName(text: string): boolean {
  return agentPattern.test(text)
}

export function isActionName(text: string): boolean {
  return actionPattern.test(text)
}

export function isResourceType(text: string): boolean {
  return typePattern.test(text)
}

/** Correlation and causation ids: any text without control characters, up to 200 characters. */
export function isTraceId(text: string): boolean {
  return isPlainText(text, 200)
}

/** The type of `type/id`, or null when the text is no resource name. The id may hold further slashes. */
export function resourceType(resource: string): string | null {
  const slash = resource.indexOf('/')
  if (slash <= 0 || !isPlainText(resource, 65 + maxResourceIdLength) || slash === resource.length - 1) return null
  const type = resource.slice(0, slash)
  return typePattern.test(type) ? type : null
}

export function resourceId(resource: string): string {
  return resource.slice(resource.indexOf('/') + 1)
}

/** Whether an agent's name is one of `patterns`; a pattern may end in `*`. */
export function matchesAgent(agent: string, patterns: readonly string[]): boolean {
  for (const pattern of patterns) {
    if (pattern === agent || (pattern.endsWith('*') && agent.startsWith(pattern.slice(0, -1)))) return true
  }
  return false
}
