/** Where notifications go: what is set, and what is checked once at the start. */
import type { WebhookTargetSettings } from '@signalbox/contract'
import { addressRefusal, canonicalAddress, refusalAdvice } from './address-guard.ts'
import { WebhookError } from './errors.ts'
import { Secret } from './signature.ts'

export interface WebhookTarget {
  readonly name: string
  readonly url: URL
  readonly secrets: readonly Secret[]
  readonly allowPrivate: boolean
  readonly certificateAuthorities: readonly string[]
  readonly concurrency: number
  readonly queueLimit: number
  readonly timeoutMs: number
  readonly attempts: number
}

const namePattern = /^[a-z0-9-]{1,64}$/
const secretsLimit = 5

/** @throws WebhookError MISCONFIGURED, without a secret and without the path of the URL */
export function webhookTarget(settings: WebhookTargetSettings): WebhookTarget {
  const { name } = settings
  if (!namePattern.test(name)) throw misconfigured(name, 'its name must be 1 to 64 small letters, digits and hyphens')
  if (settings.secrets.length === 0 || settings.secrets.length > secretsLimit)
    throw misconfigured(name, `it has ${settings.secrets.length} secrets; give it 1 to ${secretsLimit}`)
  return {
    name,
    url: checkedUrl(settings),
    secrets: settings.secrets.map((secret, index) => new Secret(secret, `secret ${index + 1} of webhook target "${name}"`)),
    allowPrivate: settings.allowPrivate ?? false,
    certificateAuthorities: settings.certificateAuthorities ?? [],
    concurrency: bounded(name, 'concurrency', settings.concurrency ?? 4, 64),
    queueLimit: bounded(name, 'queueLimit', settings.queueLimit ?? 1_000, 100_000),
    timeoutMs: bounded(name, 'timeoutMs', settings.timeoutMs ?? 15_000, 120_000),
    attempts: bounded(name, 'attempts', settings.attempts ?? 12, 100),
  }
}

function checkedUrl({ name, url: text, allowPlain = false, allowPrivate = false, ports }: WebhookTargetSettings): URL {
  // No cause: the error of the parser has the whole URL in it.
  if (!URL.canParse(text)) throw misconfigured(name, 'its url cannot be parsed; write https://host/path')
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw misconfigured(name, `its url has the scheme ${url.protocol} and must have https:`)
  if (url.protocol === 'http:' && !allowPlain)
    throw misconfigured(name, 'its url is not https: anybody on the way could read it; set allowPlain to accept that')
  if (url.username !== '' || url.password !== '')
    throw misconfigured(name, 'its url has a user or password in it; the signature is what proves who sends')
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
  const allowed = ports ?? (allowPlain ? [443, 80] : [443])
  if (!allowed.includes(port))
    throw misconfigured(name, `its port ${port} is not one of ${allowed.join(', ')}; add it to ports if it is meant`)
  const refusal = canonicalAddress(url.hostname) === null ? null : addressRefusal(url.hostname, allowPrivate)
  if (refusal !== null) throw misconfigured(name, `its address ${url.hostname} ${refusal}; ${refusalAdvice(url.hostname)}`)
  return url
}

function bounded(name: string, setting: string, value: number, most: number): number {
  if (!Number.isInteger(value) || value < 1 || value > most) throw misconfigured(name, `${setting} is ${value} and must be 1 to ${most}`)
  return value
}

function misconfigured(name: string, why: string): WebhookError {
  return new WebhookError('MISCONFIGURED', `webhook target ${JSON.stringify(name.slice(0, 64))}: ${why}`)
}
