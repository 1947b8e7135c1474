/** A certificate that signs itself, made for one test: Node has no call for it, and a key in the repository would be found by every scanner. */
import { generateKeyPairSync, sign } from 'node:crypto'

const tag = (number: number, ...parts: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(parts)
  const length = content.length < 128 ? [content.length] : [0x82, content.length >> 8, content.length & 0xff]
  return Buffer.concat([Buffer.from([number, ...length]), content])
}
const sequence = (...parts: readonly Buffer[]) => tag(0x30, ...parts)
const text = (number: number, value: string) => tag(number, Buffer.from(value))

const ecdsaWithSha256 = sequence(tag(0x06, Buffer.from('2a8648ce3d040302', 'hex')))
const commonName = Buffer.from('550403', 'hex')
const subjectAlternativeName = Buffer.from('551d11', 'hex')

const pem = (label: string, der: Buffer) => `-----BEGIN ${label}-----\n${der.toString('base64')}\n-----END ${label}-----\n`

/** Key and certificate as PEM, for a server that is called by `hostname`. */
export function certificateFor(hostname: string): { readonly key: string; readonly cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = sequence(tag(0x31, sequence(tag(0x06, commonName), text(0x0c, hostname))))
  const content = sequence(
    tag(0xa0, tag(0x02, Buffer.from([2]))),
    tag(0x02, Buffer.from([1])),
    ecdsaWithSha256,
    name,
    sequence(text(0x17, '200101000000Z'), text(0x18, '21200101000000Z')),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tag(0xa3, sequence(sequence(tag(0x06, subjectAlternativeName), tag(0x04, sequence(text(0x82, hostname)))))),
  )
  const signature = sign('sha256', content, { key: privateKey, dsaEncoding: 'der' })
  const certificate = sequence(content, ecdsaWithSha256, tag(0x03, Buffer.from([0]), signature))
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, cert: pem('CERTIFICATE', certificate) }
}
