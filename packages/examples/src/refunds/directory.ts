/** The folder that a run leaves behind. */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { CommandError } from '@signalbox/cli'

/** The file by which a folder of this story is known. */
export const storyMark = 'refunds-story.json'

/** A folder of this story is made anew; any other is left alone. Throws CommandError. */
export function prepareDirectory(directory: string): void {
  if (existsSync(directory)) {
    if (readdirSync(directory).length > 0 && !existsSync(join(directory, storyMark)))
      throw new CommandError('usage', `${directory} holds something else than a run of this story; name another folder with --data-dir`)
    rmSync(directory, { recursive: true })
  }
  mkdirSync(directory, { recursive: true })
}
