import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, it } from 'vitest'
import { PATIENCE_MS } from './support/records.ts'
import { dropTopics, makeTopics, uniquePrefix } from './support/topics.ts'

const topicPrefix = uniquePrefix()
const timeout = PATIENCE_MS * 2

beforeAll(() => makeTopics(topicPrefix, 1), timeout)
afterAll(() => dropTopics(topicPrefix), timeout)

it('works in Node itself, without a warning of negative timeouts or partitioners, and lets the process end', { timeout }, () => {
  const program = join(import.meta.dirname, 'support/plain-node.ts')
  const result = spawnSync(process.execPath, [program, topicPrefix], { encoding: 'utf8', timeout: PATIENCE_MS })
  assert.deepEqual({ stderr: result.stderr, stdout: result.stdout, status: result.status }, { stderr: '', stdout: '1', status: 0 })
})
