/** Bytes as people look at them. */

const decoder = new TextDecoder('utf-8', { fatal: true })

/** Whether the bytes are text that a terminal shows as it is. */
export function isTextual(bytes: Uint8Array): boolean {
  try {
    return !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/.test(decoder.decode(bytes))
  } catch {
    return false
  }
}

const lineBytes = 16

/** `00000000  c3 01 ...  |..|`, a line for 16 bytes; of more than `mostBytes`, the first. */
export function hexDump(bytes: Uint8Array, mostBytes: number): readonly string[] {
  const lines: string[] = []
  for (let from = 0; from < Math.min(bytes.length, mostBytes); from += lineBytes) {
    const part = bytes.subarray(from, Math.min(from + lineBytes, mostBytes))
    const hex = Array.from(part, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const text = Array.from(part, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
    lines.push(`${from.toString(16).padStart(8, '0')}  ${hex.padEnd(3 * lineBytes - 1)}  |${text}|`)
  }
  return lines
}
