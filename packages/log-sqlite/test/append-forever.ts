/** A process that appends until it is killed, and says on stdout what was acknowledged. */
import { openSqliteLog } from '@signalbox/log-sqlite'

const directory = process.argv[2]
if (directory === undefined) throw new Error('usage: append-forever DIRECTORY')
const log = await openSqliteLog({ directory })
const writer = await log.open({ partition: 0, generation: 1, signal: new AbortController().signal })
const filling = '.'.repeat(500)

async function appendForever(client: number): Promise<never> {
  for (let count = 0; ; count++) {
    const name = `${client}-${count}`
    const value = new TextEncoder().encode(`${name} ${filling}`)
    const { offset } = await log.append(0, { key: name, value, headers: {} })
    const parts = Array.from({ length: 1 + (count % 3) }, (_, index) => ({
      key: `${name} ${index} ${1 + (count % 3)}`,
      value,
      headers: { about: `${offset}` },
    }))
    await writer.append({ events: parts, deadLetters: [] })
    process.stdout.write(`${name}\n`)
  }
}

await Promise.all(Array.from({ length: 8 }, (_, client) => appendForever(client)))
