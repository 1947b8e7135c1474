export interface ReadAddresses {
  readonly addresses: readonly string[]
  /** What is wrong with an address and what to write instead, a sentence each; none when every address can be used. */
  readonly problems: readonly string[]
}

const LARGEST_PORT = 65_535

/** `HOST:PORT`, several separated by commas or as a list. */
export function readAddresses(brokers: string | readonly string[]): ReadAddresses {
  const list = (typeof brokers === 'string' ? brokers.split(',') : brokers).map((address) => address.trim())
  // A comma at the end is none too many.
  if (typeof brokers === 'string' && list.length > 1 && list.at(-1) === '') list.pop()
  const addresses = list.filter((address) => address !== '')
  if (addresses.length === 0) return { addresses, problems: ['no broker is named: write HOST:PORT, several separated by commas'] }
  const hole = list.indexOf('')
  if (hole >= 0)
    return { addresses, problems: [`number ${hole + 1} of ${list.length} addresses is empty: write HOST:PORT there, or take out a comma`] }
  return { addresses, problems: addresses.map(problemOf).filter((problem) => problem !== undefined) }
}

function problemOf(address: string): string | undefined {
  // Whatever stands before an @ may be a password.
  if (address.includes('@'))
    return 'an address has a user in it (an @): write HOST:PORT alone, the user and password belong into KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD'
  const scheme = /^([a-z][a-z0-9+_.-]*):\/\/(.*)$/i.exec(address)
  if (scheme !== null) return `${JSON.stringify(address)} has a scheme: write ${withPort(scheme[2]!)}${schemeAdvice(scheme[1]!)}`
  if (/\s/.test(address)) return `${JSON.stringify(address)} has a space in it: write HOST:PORT, several separated by commas`
  if (/[[\]]|:.*:/.test(address))
    return `${JSON.stringify(address)} is an IPv6 address, which the client cannot use as a first address: write a host name and a port`
  if (address.includes('/')) return `${JSON.stringify(address)} has a path in it: write ${withPort(address)}`
  const [host, port] = address.split(':')
  if (port === undefined || port === '') return `${JSON.stringify(address)} has no port: write ${host}:9092`
  if (host === '') return `${JSON.stringify(address)} has no host: write HOST:${port}`
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > LARGEST_PORT)
    return `${JSON.stringify(address)} has no port from 1 to ${LARGEST_PORT}: write ${host}:9092`
  return undefined
}

function withPort(rest: string): string {
  const bare = rest.replace(/\/.*$/, '')
  return /:\d+$/.test(bare) ? bare : `${bare.replace(/:$/, '') || 'HOST'}:9092`
}

function schemeAdvice(scheme: string): string {
  const name = scheme.toUpperCase()
  return ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'].includes(name)
    ? `, and set KAFKA_SECURITY_PROTOCOL=${name} to say how to talk to it`
    : ''
}
