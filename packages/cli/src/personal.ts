/** The key store that the settings name: for services that encrypt, and for commands that show. */
import { type ContractSet, contractSet, noContracts } from '@signalbox/contract'
import { type KeyStore, KeyStoreError, openFileKeyStore, type PersonalData, personalData } from '@signalbox/personal'
import { CommandError } from './exit-codes.ts'
import { asItLies, type Reveal } from './output.ts'
import type { Settings } from './settings.ts'

/** Null where none is named. Throws CommandError for one that is not there, or is damaged. */
export function openKeys({ keysDirectory }: Settings): KeyStore | null {
  return keysDirectory === null ? null : keyStoreErrors(() => openFileKeyStore(keysDirectory))
}

/** What a gateway needs. Throws CommandError where the store that is named is not there: nobody is to run without it unseen. */
export function personalOf(settings: Settings): PersonalData {
  return personalData(openKeys(settings), contractsIn(settings))
}

function contractsIn({ config }: Settings): ContractSet {
  return config === null ? noContracts : contractSet(config.contracts)
}

/** Opens the store when the first encrypted text is printed: who prints none needs no keys. */
export function revealing(settings: Settings): Reveal {
  if (settings.keysDirectory === null) return asItLies
  let personal: PersonalData | null = null
  const opened = () => {
    personal ??= personalOf(settings)
    return personal
  }
  const isNeeded = (text: string) => text.includes('personal:v1:')
  return {
    value: (value) => (isNeeded(JSON.stringify(value) ?? '') ? keyStoreErrors(() => opened().reveal(value)) : value),
    text: (text) => (isNeeded(text) ? keyStoreErrors(() => opened().revealText(text)) : text),
  }
}

export function keyStoreErrors<Result>(run: () => Result): Result {
  try {
    return run()
  } catch (cause) {
    if (!(cause instanceof KeyStoreError)) throw cause
    throw new CommandError(cause.code === 'EXISTS' ? 'usage' : cause.code === 'MISSING' ? 'notFound' : 'unreachable', cause.message, {
      cause,
    })
  }
}
