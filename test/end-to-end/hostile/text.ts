/** Text that tries to move the cursor, set the clipboard, turn the direction of reading, hide itself, and pass for a line of ours. */
export const hostile = [
  'a\u001b[2J\u001b]52;c;eA==\u0007', // clears the screen, sets the clipboard
  'b\u009b31m\u0090q\u007f\u0008\u0085', // the same by C1, and deletes
  'c\u202ed\u2066e\u061c', // turns the direction of reading
  'f\u2028g\u2029h\u200bi\u2060j\ufeffk\u{e0041}', // separators, and what nobody sees
  '\rFORGED\n  verdict   FORGED by human:ann\nFORGED\u001b[31m',
].join('')

/** Whatever of it a terminal would obey, or nobody would see. */
export const obeyed =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufdd0-\ufdef\ufeff\u{e0000}-\u{e0fff}]|\p{Cs}/u

/** A line that begins as one of ours would. */
export const forged = /^\s*(?:verdict +)?FORGED/m
