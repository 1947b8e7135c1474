import type { Admin } from 'kafkajs'
import { publicClient } from './client.ts'
import { explainConnection } from './connection-check.ts'
import { toLogError } from './errors.ts'
import type { Settings } from './settings.ts'

/** `use` with a connected admin client; `what` says what was to be done: "Creating the topics". Errors: MISCONFIGURED, TRANSIENT. */
export async function withAdmin<Result>(settings: Settings, what: string, use: (admin: Admin) => Promise<Result>): Promise<Result> {
  const admin = publicClient(settings).admin()
  const user = settings.sasl !== undefined && 'username' in settings.sasl ? ` as User:${settings.sasl.username}` : ''
  const failed = `${what} through ${settings.brokers.join(', ')}${user} failed`
  try {
    await admin.connect()
    return await use(admin)
  } catch (error) {
    throw (await explainConnection(settings, error, failed)) ?? toLogError(error, failed)
  } finally {
    await admin.disconnect().catch(() => undefined)
  }
}
