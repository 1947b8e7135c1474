/**
 * Counting tokens, offline. The count is exact for models that use the encoding, an estimate for all others: the name
 * of the encoding is part of the packet, so that a reader knows which it was.
 */
import { PacketError } from './packet-error.ts'

export interface Tokenizer {
  /** Part of the packet and of its digest. */
  readonly name: string
  /** Tokens of a text. The same for the same text, always. */
  readonly count: (text: string) => number
}

export const tokenizerNames = ['o200k_base', 'cl100k_base'] as const
export type TokenizerName = (typeof tokenizerNames)[number]

/** The default: the encoding of the newer models. */
export const defaultTokenizer: TokenizerName = 'o200k_base'

// Between breaks, merging takes time that grows with the square of the length: 64 KiB of one letter, 2.5 seconds.
const maxRunLength = 512
const longRun = new RegExp(
  [String.raw`[\p{L}\p{M}]`, String.raw`[^\s\p{L}\p{N}]`, String.raw`\s`, String.raw`[\r\n/]`]
    .map((characters) => `${characters}{${maxRunLength + 1},}`)
    .join('|'),
  'gu',
)
// The library keeps the merges it has made; its default is 100,000.
const mergeCacheSize = 20_000

/**
 * A text in slices that are counted one by one: whole, but for runs of more than 512 letters, signs or spaces without a
 * break, which are cut, never inside a character. Text that people write has no such runs.
 */
export function slices(text: string): string[] {
  const cuts: number[] = []
  for (const run of text.matchAll(longRun)) {
    const end = run.index + run[0].length
    for (let cut = run.index + maxRunLength; cut < end; cut += maxRunLength) {
      if (isLowSurrogate(text.charCodeAt(cut))) cut--
      cuts.push(cut)
    }
  }
  return [...cuts, text.length].map((end, index) => text.slice(cuts[index - 1] ?? 0, end))
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}

interface Encoding {
  readonly countTokens: (text: string, options: { disallowedSpecial: Set<string> }) => number
  readonly setMergeCacheSize: (size: number) => void
}

const encodings: Readonly<Record<TokenizerName, () => Promise<Encoding>>> = {
  o200k_base: () => import('gpt-tokenizer/encoding/o200k_base'),
  cl100k_base: () => import('gpt-tokenizer/encoding/cl100k_base'),
}

/** Loads a tokenizer (about a quarter of a second the first time, 2 MB of ranks). Throws PacketError TOKENIZER_UNKNOWN. */
export async function loadTokenizer(name: string = defaultTokenizer): Promise<Tokenizer> {
  if (!Object.hasOwn(encodings, name))
    throw new PacketError('TOKENIZER_UNKNOWN', `there is no tokenizer ${JSON.stringify(name)}; take one of ${tokenizerNames.join(', ')}`)
  const encoding = await encodings[name as TokenizerName]()
  encoding.setMergeCacheSize(mergeCacheSize)
  // What looks like a special token (`<|endoftext|>`) is text here: it is counted, never obeyed, and no error.
  const options = { disallowedSpecial: new Set<string>() }
  return { name, count: (text) => slices(text).reduce((tokens, slice) => tokens + encoding.countTokens(slice, options), 0) }
}
