import { createPrivateKey, X509Certificate } from 'node:crypto'
import { type ConnectionOptions, createSecureContext } from 'node:tls'
import { mistake, readNamedFile, secretReader } from './environment-files.ts'

export interface TlsVariables {
  /** Whether TLS was asked for in words; undefined where only the certificates tell. */
  readonly wanted: boolean | undefined
  readonly KAFKA_SSL_CA?: string | undefined
  readonly KAFKA_SSL_CERT?: string | undefined
  readonly KAFKA_SSL_KEY?: string | undefined
  readonly KAFKA_SSL_KEY_PASSWORD?: string | undefined
  readonly KAFKA_SSL_KEY_PASSWORD_FILE?: string | undefined
  readonly KAFKA_SSL_KEY_PASSPHRASE?: string | undefined
  readonly KAFKA_SSL_REJECT_UNAUTHORIZED?: boolean | undefined
}

/** What to give to node:tls, or undefined for no TLS. Every mistake goes to `problems`; secrets never do. */
export function readTls(variables: TlsVariables, problems: string[], warnings: string[]): ConnectionOptions | true | undefined {
  const { wanted, KAFKA_SSL_CA, KAFKA_SSL_CERT, KAFKA_SSL_KEY, KAFKA_SSL_REJECT_UNAUTHORIZED: verified } = variables
  const given = [KAFKA_SSL_CA, KAFKA_SSL_CERT, KAFKA_SSL_KEY].some((value) => value !== undefined)
  if (wanted === false && given)
    problems.push(mistake('TLS', 'is switched off, and a KAFKA_SSL certificate or key is set', 'set KAFKA_SSL=true, or leave them out'))
  if (wanted === false || (wanted === undefined && !given)) return undefined
  const before = problems.length
  const ca = readPem('KAFKA_SSL_CA', 'CERTIFICATE', KAFKA_SSL_CA, problems)
  const cert = readPem('KAFKA_SSL_CERT', 'CERTIFICATE', KAFKA_SSL_CERT, problems)
  const key = readPem('KAFKA_SSL_KEY', 'PRIVATE KEY', KAFKA_SSL_KEY, problems)
  const passphrase = readPassphrase(variables, problems)
  if ((KAFKA_SSL_CERT === undefined) !== (KAFKA_SSL_KEY === undefined))
    problems.push(mistake('KAFKA_SSL_CERT and KAFKA_SSL_KEY', 'belong together, and one is missing', 'set both, or neither'))
  for (const [name, pem] of [['KAFKA_SSL_CA', ca] as const, ['KAFKA_SSL_CERT', cert] as const]) checkCertificate(name, pem, problems)
  if (problems.length === before) checkKey(cert, key, passphrase, problems)
  if (verified === false)
    warnings.push(
      'TLS certificates are NOT verified (KAFKA_SSL_REJECT_UNAUTHORIZED=false): anybody on the way can read and change what is sent. Name the authority in KAFKA_SSL_CA instead.',
    )
  const options: ConnectionOptions = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(verified === undefined ? {} : { rejectUnauthorized: verified }),
  }
  return Object.keys(options).length === 0 ? true : options
}

/** A PEM text, or the path of a file with one. Some ways of setting variables write a line break as `\n`. */
function readPem(name: string, what: string, value: string | undefined, problems: string[]): string | undefined {
  if (value === undefined) return undefined
  const inline = value.includes('-----BEGIN')
  const pem = inline ? value.replaceAll('\\n', '\n') : readNamedFile(name, value.trim(), problems)
  if (pem === undefined || new RegExp(`-----BEGIN [A-Z ]*${what}-----`).test(pem)) return pem
  problems.push(
    mistake(
      name,
      `has no PEM text of a ${what.toLowerCase()}`,
      `write the path of a PEM file, or the text itself (-----BEGIN ${what}-----)`,
    ),
  )
  return undefined
}

function readPassphrase(variables: TlsVariables, problems: string[]): string | undefined {
  const { KAFKA_SSL_KEY_PASSWORD, KAFKA_SSL_KEY_PASSWORD_FILE, KAFKA_SSL_KEY_PASSPHRASE } = variables
  const password = secretReader({ KAFKA_SSL_KEY_PASSWORD, KAFKA_SSL_KEY_PASSWORD_FILE }, problems)('KAFKA_SSL_KEY_PASSWORD')
  if (password !== undefined && KAFKA_SSL_KEY_PASSPHRASE !== undefined && password !== KAFKA_SSL_KEY_PASSPHRASE)
    problems.push(mistake('KAFKA_SSL_KEY_PASSWORD and KAFKA_SSL_KEY_PASSPHRASE', 'mean the same and differ', 'set one of them only'))
  return password ?? KAFKA_SSL_KEY_PASSPHRASE
}

function checkCertificate(name: string, pem: string | undefined, problems: string[]): void {
  if (pem === undefined) return
  try {
    new X509Certificate(pem)
  } catch {
    problems.push(mistake(name, 'has a certificate that cannot be read', 'check that it was copied whole, line breaks included'))
  }
}

function checkKey(cert: string | undefined, key: string | undefined, passphrase: string | undefined, problems: string[]): void {
  if (cert === undefined || key === undefined) return
  const secret = passphrase === undefined ? {} : { passphrase }
  try {
    createPrivateKey({ key, ...secret })
  } catch {
    // Neither the text of the key nor OpenSSL's words about it.
    const next = /ENCRYPTED/.test(key)
      ? 'set KAFKA_SSL_KEY_PASSWORD to its password'
      : 'check that it was copied whole, line breaks included'
    problems.push(mistake('KAFKA_SSL_KEY', 'has a key that cannot be read', next))
    return
  }
  try {
    createSecureContext({ cert, key, ...secret })
  } catch {
    problems.push(mistake('KAFKA_SSL_KEY', 'does not belong to the certificate in KAFKA_SSL_CERT', 'set the two of one pair'))
  }
}
