const prefix = '\u0001shadow\u0001'

/** Where the resources of contracts in shadow live: no scope can have this name. */
export function shadowScope(scope: string): string {
  return prefix + scope
}

/** The scope whose shadow this is; null where it is none. */
export function scopeOfShadow(world: string): string | null {
  return world.startsWith(prefix) ? world.slice(prefix.length) : null
}
