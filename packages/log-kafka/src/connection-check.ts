import { LogError } from '@signalbox/log'
import { Client } from './client.ts'
import { type Finding, probe, unreachable } from './connection-probe.ts'
import { closedError, errorType, rootOf } from './errors.ts'
import type { Settings } from './settings.ts'

/** Addresses that are looked at; the others of a long list are likely to have the same fault. */
const PROBED_ADDRESSES = 5
const SASL_TYPES: ReadonlySet<string> = new Set(['ILLEGAL_SASL_STATE', 'UNSUPPORTED_SASL_MECHANISM'])

/**
 * Why a connection could not be made, found out by asking the addresses anew: what listens there, whether it speaks TLS,
 * which logins it takes, and whether the addresses that it names for itself can be reached. Undefined where the error says
 * all there is to say. `failed` says what was to be done: "Checking the topics through a:9092 failed".
 */
export async function explainConnection(settings: Settings, error: unknown, failed: string): Promise<LogError | undefined> {
  if (!isAboutConnecting(error)) return undefined
  // A way through that only the caller knows: what can be seen from here is another matter.
  if (settings.socketFactory !== undefined) return undefined
  const { brokers, connectionTimeoutMs, ssl } = settings
  const probed = brokers.slice(0, PROBED_ADDRESSES)
  const findings = await Promise.all(probed.map(async (address) => ({ address, finding: await probe(address, ssl, connectionTimeoutMs) })))
  const misconfigured = (problem: string) => new LogError('MISCONFIGURED', `${failed}: ${problem}`, { cause: error })
  for (const { address, finding } of findings) {
    const problem = misfit(address, finding, settings)
    if (problem !== undefined) return misconfigured(problem)
  }
  const reached = findings.filter(({ finding }) => finding.kind === 'kafka').map(({ address }) => address)
  if (reached.length === 0) return nobodyAnswers(findings, failed, error)
  return explainAdvertised(settings, reached[0]!, failed, error)
}

function isAboutConnecting(error: unknown): boolean {
  if (error instanceof LogError) return false
  const type = errorType(error)
  if (type !== undefined) return SASL_TYPES.has(type)
  const { name, message } = rootOf(error)
  return name === 'KafkaJSSASLAuthenticationError' ? message.includes('mechanism is not supported') : /^KafkaJS/.test(name)
}

function misfit(address: string, finding: Finding, { ssl, sasl }: Settings): string | undefined {
  const wantsTls = ssl !== undefined && ssl !== false
  if (finding.kind === 'certificate') return certificateProblem(address, finding.code, finding.detail, wantsTls)
  if (finding.kind !== 'kafka') return undefined
  if (finding.tls && !wantsTls)
    return `${address} speaks TLS, and this client does not. Set KAFKA_SSL=true (and KAFKA_SSL_CA, where its authority is your own), or use the port of its plaintext listener.`
  if (!finding.tls && wantsTls)
    return `${address} does not speak TLS, and this client does. Use the port of its TLS listener, or set KAFKA_SSL=false (KAFKA_SECURITY_PROTOCOL=PLAINTEXT or SASL_PLAINTEXT).`
  const mechanism = sasl?.mechanism.toUpperCase()
  if (finding.mechanisms === null && mechanism !== undefined)
    return `${address} is a listener without login, and this client has one (SASL ${mechanism}). Use the port of the listener with SASL, or unset the KAFKA_SASL variables.`
  if (finding.mechanisms === null) return undefined
  const list = finding.mechanisms.join(', ')
  if (mechanism === undefined)
    return `${address} wants a login (SASL). Set KAFKA_SASL_MECHANISM to one of those that it takes (${list}), KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD.`
  if (!finding.mechanisms.includes(mechanism))
    return `${address} does not take the login SASL ${mechanism}. Set KAFKA_SASL_MECHANISM to one of those that it takes: ${list}.`
  return undefined
}

function certificateProblem(address: string, code: string, detail: string, wantsTls: boolean): string {
  if (!wantsTls)
    return `${address} speaks TLS, and this client does not. Set KAFKA_SSL=true, and KAFKA_SSL_CA to the certificate of its authority (${code}).`
  if (/ALTNAME|HOSTNAME/.test(code))
    return `the certificate of ${address} is for another name (${detail.replace(/\.$/, '')}). Write the name that it is for into KAFKA_BROKERS, and into advertised.listeners of the broker.`
  if (/EXPIRED|NOT_YET/.test(code)) return `the certificate of ${address} is not valid today (${code}). Renew it, or set the clock.`
  return `the certificate of ${address} is not from an authority that this client knows (${code}). Set KAFKA_SSL_CA to the certificate of that authority.`
}

function nobodyAnswers(
  findings: readonly { readonly address: string; readonly finding: Finding }[],
  failed: string,
  cause: unknown,
): LogError {
  const list = findings.map(({ address, finding }) => `${address} (${finding.kind === 'unreachable' ? finding.code : 'not Kafka'})`)
  const other = findings.some(({ finding }) => finding.kind === 'no kafka')
  const next = other
    ? 'Something listens there, and it does not answer as Kafka does. See that KAFKA_BROKERS names a listener for clients, not one for controllers or another service.'
    : 'See that the brokers are reachable: that they run, that KAFKA_BROKERS names them, and that no firewall is between. The same call may go through later.'
  return new LogError('TRANSIENT', `${failed}: no broker answers at ${list.join(', ')}. ${next}`, { cause })
}

/** The first address was reached: then the one that the broker names for itself, and that every further request goes to, was not. */
async function explainAdvertised(settings: Settings, first: string, failed: string, cause: unknown): Promise<LogError | undefined> {
  const client = new Client(settings, [])
  try {
    const advertised = await client.advertised()
    const states = await Promise.all(
      advertised.map(async ({ nodeId, address }) => ({ nodeId, address, code: await unreachable(address, settings.connectionTimeoutMs) })),
    )
    const away = states.filter(({ code }) => code !== null)
    if (away.length === 0) return undefined
    const list = away.map(({ nodeId, address, code }) => `${address} for broker ${nodeId} (${code})`).join(', ')
    const all = away.length === states.length
    const message =
      `${failed}: the broker at ${first} answers, but the addresses that the cluster gives to its clients cannot be reached from here: ${list}. ` +
      `${all ? '' : 'Where such a broker is down, start it. Else '}${all ? 'Mend' : 'mend'} advertised.listeners of each of these brokers: it must be an address that clients can reach, ` +
      `as in advertised.listeners=${protocolOf(settings)}://${first}; then restart the broker.`
    return new LogError(all ? 'MISCONFIGURED' : 'TRANSIENT', message, { cause })
  } catch {
    // Asking did not work either: the first error says more.
    return undefined
  } finally {
    await client.disconnect(closedError('The connection check'))
  }
}

function protocolOf({ sasl, ssl }: Settings): string {
  const transport = ssl === undefined || ssl === false ? 'PLAINTEXT' : 'SSL'
  return sasl === undefined ? transport : `SASL_${transport}`
}
