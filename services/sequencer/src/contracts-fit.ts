import type { ContractRecord } from '@signalbox/contract'

/**
 * Why this process may not decide a partition whose last owner recorded `last`, or null. An owner with older contracts,
 * or with others of the same version, would make a rolling deploy flip decisions back and forth.
 */
export function contractsMisfit(last: readonly ContractRecord[], ours: readonly ContractRecord[]): string | null {
  for (const before of last) {
    const now = ours.find(({ type }) => type === before.type)
    const name = `${before.type}@${before.version}`
    if (now === undefined)
      return `the log was decided by contract ${name}, which this process does not have; list it in signalbox.config.ts`
    if (now.version < before.version)
      return `the log was decided by contract ${name}, and this process has ${before.type}@${now.version}; deploy the newer one`
    if (now.version === before.version && now.digest !== before.digest) {
      return `contract ${name} was changed without raising its version: the log records digest ${before.digest}, this process has ${now.digest}; raise the version`
    }
  }
  return null
}
