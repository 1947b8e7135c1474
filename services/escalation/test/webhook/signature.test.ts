import { inspect } from 'node:util'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { Secret, signedHeaders } from '../../src/webhook/signature.ts'

const textOf = (bytes: Uint8Array) => `whsec_${Buffer.from(bytes).toString('base64')}`
const keys = fc.uint8Array({ minLength: 24, maxLength: 64 })
const headersOf = (id: string, body: Buffer, texts: readonly string[]) => ({
  ...signedHeaders(
    id,
    Date.now(),
    body,
    texts.map((text) => new Secret(text, 'secret')),
  ),
})

describe('a signature', () => {
  it('is that of the example in the specification', () => {
    const body = Buffer.from('{"test": 2432232314}')
    const headers = signedHeaders('msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330_000, body, [
      new Secret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'secret'),
    ])
    expect(headers['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
    expect(headers['webhook-timestamp']).toBe('1614265330')
  })

  it('is verified by the library of Standard Webhooks, whatever the key and the payload', () => {
    fc.assert(
      fc.property(keys, fc.json(), (key, payload) => {
        const body = Buffer.from(payload)
        expect(new Webhook(textOf(key)).verify(body, headersOf('message-1', body, [textOf(key)]))).toEqual(JSON.parse(payload))
      }),
    )
  })

  it('is refused by that library when a byte of the body, the id or the time is another', () => {
    const text = textOf(Buffer.alloc(32, 7))
    const body = Buffer.from('{"amountCents":1}')
    const headers = headersOf('message-1', body, [text])
    const verify = (changed: Partial<typeof headers>, payload = body) => new Webhook(text).verify(payload, { ...headers, ...changed })
    expect(verify({})).toEqual({ amountCents: 1 })
    expect(() => verify({}, Buffer.from('{"amountCents":9}'))).toThrow('No matching signature')
    expect(() => verify({ 'webhook-id': 'message-2' })).toThrow('No matching signature')
    expect(() => verify({ 'webhook-timestamp': `${Number(headers['webhook-timestamp']) + 1}` })).toThrow('No matching signature')
  })

  it('is there once for each secret while one is replaced, and each alone verifies', () => {
    fc.assert(
      fc.property(fc.uniqueArray(keys, { minLength: 2, maxLength: 5, selector: textOf }), (several) => {
        const body = Buffer.from('{}')
        const headers = headersOf('message-1', body, several.map(textOf))
        expect(headers['webhook-signature'].split(' ')).toHaveLength(several.length)
        for (const key of several) expect(new Webhook(textOf(key)).verify(body, headers)).toEqual({})
      }),
    )
  })
})

describe('a secret', () => {
  const text = textOf(Buffer.from('nobody may ever read this'))

  it('is in nothing that is printed of it', () => {
    const secret = new Secret(text, 'secret')
    for (const printed of [`${secret}`, JSON.stringify({ secret }), inspect({ secret }, { showHidden: true, depth: 9 }), inspect(secret)])
      expect(printed).toContain('[secret]')
    expect(Object.getOwnPropertyNames(secret)).toEqual([])
  })

  it.each([
    ['no prefix', text.slice(6)],
    ['too short', textOf(Buffer.alloc(23, 1))],
    ['too long', textOf(Buffer.alloc(65, 1))],
    ['no base64', `${text}!`],
    ['base64 for addresses', 'whsec_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_'],
    ['another kind of key', 'whsk_bm9ib2R5IG1heSBldmVyIHJlYWQgdGhpcw=='],
    ['nothing', ''],
  ])('is refused without being told: %s', (_what, wrong) => {
    const error = (() => {
      try {
        return new Secret(wrong, 'secret 2 of webhook target "pager"')
      } catch (thrown) {
        return thrown
      }
    })()
    expect(error).toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringMatching(/^secret 2 of webhook target "pager" is not whsec_/),
    })
    if (wrong !== '') expect(inspect(error)).not.toContain(wrong.slice(-12))
  })
})
