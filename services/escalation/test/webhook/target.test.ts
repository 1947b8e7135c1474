import { inspect } from 'node:util'
import type { WebhookTargetSettings } from '@signalbox/contract'
import { describe, expect, it } from 'vitest'
import { WebhookError } from '../../src/index.ts'
import { webhookTarget } from '../../src/webhook/target.ts'
import { Desk, secret } from './desk.ts'

const good: WebhookTargetSettings = { name: 'pager', url: 'https://hooks.example.com/T0/token-in-the-path', secrets: [secret] }

describe('a target', () => {
  it('is taken with what is usual', () => {
    const target = webhookTarget(good)
    expect(target).toMatchObject({ allowPrivate: false, concurrency: 4, queueLimit: 1_000, timeoutMs: 15_000, attempts: 12 })
    expect(inspect(target, { depth: 9, showHidden: true })).not.toContain(secret.slice(6))
  })

  it.each<[string, Partial<WebhookTargetSettings>, RegExp]>([
    ['plain http', { url: 'http://hooks.example.com/token-in-the-path' }, /is not https.*allowPlain/],
    ['another scheme', { url: 'file:///etc/token-in-the-path' }, /has the scheme file:/],
    ['no url', { url: 'hooks.example.com/token-in-the-path' }, /cannot be parsed/],
    ['a password in the url', { url: 'https://me:token-in-the-path@hooks.example.com/' }, /has a user or password/],
    ['a port that is not allowed', { url: 'https://hooks.example.com:6379/token-in-the-path' }, /port 6379 is not one of 443/],
    [
      'plain http on a port that is not allowed',
      { url: 'http://hooks.example.com:25/token-in-the-path', allowPlain: true },
      /port 25 is not one of 443, 80/,
    ],
    ['a usual port that is not among those allowed', { ports: [8443] }, /port 443 is not one of 8443/],
    ['a private address', { url: 'https://10.0.0.1/token-in-the-path' }, /10\.0\.0\.1 is private; set allowPrivate/],
    [
      'the metadata of a cloud, though private addresses are allowed',
      { url: 'https://169.254.169.254/token-in-the-path', allowPrivate: true },
      /link-local; no setting allows that/,
    ],
    ['no secret', { secrets: [] }, /has 0 secrets/],
    ['too many secrets', { secrets: Array.from({ length: 6 }, () => secret) }, /has 6 secrets/],
    ['a secret that is none', { secrets: [secret, 'token-in-the-path'] }, /^secret 2 of webhook target "pager"/],
    ['a name that is none', { name: 'The Pager' }, /its name must be/],
    ['no time', { timeoutMs: 0 }, /timeoutMs is 0 and must be 1 to 120000/],
    ['time without end', { timeoutMs: Number.POSITIVE_INFINITY }, /timeoutMs is Infinity/],
    ['attempts without end', { attempts: 1e9 }, /attempts is 1000000000/],
    ['half a request', { concurrency: 0.5 }, /concurrency is 0.5/],
    ['a queue without end', { queueLimit: 1e9 }, /queueLimit is 1000000000/],
  ])('is refused, and nothing secret told: %s', (_what, change, message) => {
    const thrown = (() => {
      try {
        return webhookTarget({ ...good, ...change })
      } catch (error) {
        return error
      }
    })()
    expect(thrown).toBeInstanceOf(WebhookError)
    expect(thrown).toMatchObject({ code: 'MISCONFIGURED', message: expect.stringMatching(message) })
    expect(inspect(thrown)).not.toMatch(new RegExp(`token-in-the-path|${secret.slice(6, 20)}`))
  })

  it('is called by one name only', async () => {
    await using desk = new Desk([good])
    expect(desk.delivery.targetNames).toEqual(['pager'])
    expect(() => new Desk([good, good])).toThrow('two webhook targets are called "pager"')
  })
})
