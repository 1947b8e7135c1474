/** A process that reads a log as another user, and says how many intents it has. */
import { openSqliteLogReader } from '@signalbox/log-sqlite'

const reader = await openSqliteLogReader({ directory: process.argv[2]! })
process.stdout.write(`${(await reader.offsets('intents', 0)).end}`)
await reader.close()
