/** docs/kafka.md and docs/topics/topics.json say what the code does. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { aclsOf, ROLE_DESIGNS, ROLES } from '../src/acls.ts'
import { VARIABLE_NAMES } from '../src/environment.ts'
import { TOPIC_IDS, type TopicId, topicName } from '../src/settings.ts'
import { DEFAULT_PARTITIONS, TOPIC_DESIGNS } from '../src/topic-plan.ts'

const docs = resolve(import.meta.dirname, '../../../docs')
const page = readFileSync(resolve(docs, 'kafka.md'), 'utf8')
const topicPrefix = 'signalbox'
const rowOf = (name: string) => page.split('\n').find((line) => line.startsWith(`| \`${name}\` |`)) ?? ''

describe('docs/kafka.md', () => {
  it('lists the variables that are read, and no others', () => {
    const table = page.slice(page.indexOf('## Configuration'), page.indexOf('A name that begins with'))
    const names = [...table.matchAll(/`((?:KAFKA|SCHEMA_REGISTRY)_[A-Z_]+)`/g)].map(([, name]) => name)
    expect([...new Set(names)].sort()).toEqual([...VARIABLE_NAMES].sort())
  })

  it('has every setting of every topic', () => {
    const common = page.slice(page.indexOf('Common to all:'), page.indexOf('The same as data:')).replaceAll('\n', ' ')
    for (const id of TOPIC_IDS) {
      const row = rowOf(topicName(topicPrefix, id))
      expect(row).toContain(TOPIC_DESIGNS[id].purpose)
      for (const [name, { value, rule }] of Object.entries(TOPIC_DESIGNS[id].settings)) {
        const written = rule === 'at least' ? `\`${name}\` at least \`${value}\`` : `\`${name}=${value}\``
        expect(row.includes(written) || (!row.includes(name) && common.includes(written)), `${id}: ${written}`).toBe(true)
      }
    }
    expect(page).toContain(`The default is ${DEFAULT_PARTITIONS}`)
  })

  it('has the rights of every role', () => {
    for (const role of ROLES) {
      const [, , topics, besides] = rowOf(role).split('|')
      const rights = Object.entries(ROLE_DESIGNS[role].topics).map(([id, operations]) => {
        return `${operations.filter((operation) => operation !== 'describe-configs').join(', ')} ${id as TopicId}`
      })
      expect(topics!.trim(), role).toBe(rights.join('; '))
      for (const { resource, name } of aclsOf({ role, principal: 'User:x' }, { topicPrefix })) {
        if (resource !== 'topic') expect(besides, role).toContain(name)
      }
    }
  })
})

describe('docs/topics/topics.json', () => {
  it('is what the code has; `vitest run -u packages/log-kafka/test/documentation.test.ts` writes it anew', async () => {
    const topics = TOPIC_IDS.map((id) => ({ name: topicName(topicPrefix, id), partitions: DEFAULT_PARTITIONS, ...TOPIC_DESIGNS[id] }))
    const roles = ROLES.map((role) => {
      const acls = aclsOf({ role, principal: 'User:NAME' }, { topicPrefix }).map(({ principal: _principal, ...entry }) => entry)
      return { role, purpose: ROLE_DESIGNS[role].purpose, acls }
    })
    await expect(`${JSON.stringify({ topics, roles }, null, 2)}\n`).toMatchFileSnapshot(resolve(docs, 'topics/topics.json'))
  })
})
