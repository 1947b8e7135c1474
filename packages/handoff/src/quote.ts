/** JSON that stands in a text which a model reads: one line, and nothing in it can pass for anything but data. */

/*
 * Escaped beyond RFC 8785: `<`, so that no tag is closed and no special token (`<|im_start|>`) is formed; controls, line
 * and paragraph separators, so that no line is begun; what is not seen or turns the direction of reading. Ranges, not
 * Unicode properties, so that a packet has the same bytes whatever Unicode version the host knows.
 */
const escaped = new RegExp(
  [
    '[<\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u2028-\\u202e',
    '\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb',
    '\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}]',
  ].join(''),
  'gu',
)

/** The same JSON value with everything escaped that could mislead. Outside strings JSON has none of these characters. */
export function harmless(json: string): string {
  return json.replace(escaped, (character) => {
    let text = ''
    for (let index = 0; index < character.length; index++) text += `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`
    return text
  })
}
