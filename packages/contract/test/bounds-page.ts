/** The page of bounds, made of the tables that the checks are made of. */
import { bounds, defaultLimits, lengths, type NumberBound } from '@signalbox/contract'

const lengthOf: { readonly [name in keyof typeof lengths]: string } = {
  intentId: 'The id of an intent: a UUIDv7 in lower case',
  scope: 'A scope',
  agent: "An agent's name: letters from A to Z, digits and `. _ : @ -`",
  action: 'The name of an action',
  resourceType: 'The type of a resource: lower-case letters, digits and dashes',
  resource: 'A resource as `type/id`, its type included',
  traceId: 'Correlation, causation and lease ids',
  subject: 'Whom personal data is about',
  signature: 'The signature of an intent',
  reason: 'Why a human or agent did something: a verdict, a quarantine, a withdrawal, a discard',
  title: 'What a task is about',
  result: 'What came of a task or an effect',
  refusal: 'Reason and sentence of `refuse`, each; what is longer is cut',
  shown: 'In contracts and settings: an owner, whom to ask, the reason of an escalation, the name of an invariant',
}

const limitOf = {
  intentBytes: 'An intent record, in bytes',
  actions: 'Actions of one intent',
  reads: 'Entries of one read set',
  inputBytes: 'The input of one action as JSON, in bytes',
  dataBytes: 'The data of one resource as JSON, in bytes',
  noteLength: 'The note of an intent, in characters',
  resultBytes: 'All that one intent may write, in bytes',
} as const

function row(...cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`
}

function rangeOf({ kind, least, most }: NumberBound): readonly [string, number, number] {
  return [kind === 'whole' ? 'whole number' : 'number', least, most]
}

export function boundsPage(): string {
  return `# Bounds

Every number and text of an intent has a bound. The JSON schema, \`/openapi.json\`, the Avro schemas and the checks of a
decision have the same ones. Over HTTP, a number that is out of bounds is answered with 400. On a topic, a plain JSON intent with such a number
becomes a dead letter (\`DEAD_LETTERED\`); an Avro intent, and every text that is out of bounds, is rejected with \`INTENT_MALFORMED\`. Each names the field and the bound.

## Numbers

${row('name', 'kind', 'least', 'most', 'what')}
${row('---', '---', '---', '---', '---')}
${Object.entries(bounds)
  .map(([name, bound]) => row(`\`${name}\``, ...rangeOf(bound), bound.what))
  .join('\n')}

## Texts

Lengths are in characters (UTF-16 code units).

${row('name', 'most', 'what')}
${row('---', '---', '---')}
${Object.entries(lengths)
  .map(([name, most]) => row(`\`${name}\``, most, lengthOf[name as keyof typeof lengths]))
  .join('\n')}

Scopes, ids of resources, and correlation, causation and lease ids must be in Unicode normalization form NFC. They may not hold control characters,
signs that cannot be seen, spaces other than U+0020, signs that turn the direction of writing, or a space at their beginning or end: two names that
look alike would be two resources. No text may hold the character U+0000. Names are refused or kept, never rewritten. Agents and
people whose names differ only in case are counted, budgeted and quarantined as one; what a contract lets an agent do is compared as it is written.

## Sizes

${row('name', 'most', 'what')}
${row('---', '---', '---')}
${Object.entries(limitOf)
  .map(([name, what]) => row(`\`${name}\``, defaultLimits[name as keyof typeof limitOf], what))
  .join('\n')}

JSON nests at most 64 deep, and whole numbers in it are exact: from -(2^53 - 1) to 2^53 - 1. Send larger ones as texts.
`
}
