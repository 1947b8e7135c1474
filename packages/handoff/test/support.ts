import { hash } from 'node:crypto'
import { loadTokenizer, PacketError, type PacketErrorCode, type PacketTools } from '../src/index.ts'

export const sha256 = (text: string): string => hash('sha256', text, 'base64url')

export async function tools(name?: string): Promise<PacketTools> {
  return { tokenizer: await loadTokenizer(name), sha256 }
}

/** The error that `action` throws, which must be a PacketError with `code`. */
export function refusal(code: PacketErrorCode, action: () => unknown): PacketError {
  try {
    action()
  } catch (error) {
    if (error instanceof PacketError && error.code === code) return error
    throw error
  }
  throw new Error(`expected ${code}, and nothing was thrown`)
}
