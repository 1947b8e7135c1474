import { readdirSync, rmdirSync } from 'node:fs'
import { dirname } from 'node:path'

/** Removes folders that were made for nothing: `directory`, and those above it down from `first`, as `mkdirSync` names it. */
export function removeEmpty(directory: string, first: string): void {
  for (let each = directory; each.startsWith(first); each = dirname(each)) {
    if (readdirSync(each).length > 0) return
    rmdirSync(each)
  }
}
