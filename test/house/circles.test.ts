/** No file imports itself over others, not even for a type. */
import { describe, expect, it } from 'vitest'
import { circlesIn, relativeImports } from './circles.ts'
import { importsOf, sources } from './files.ts'

describe('imports', () => {
  it('go in no circle', () => {
    expect(circlesIn(relativeImports(sources, importsOf))).toEqual([])
  })

  it.each<[string, Record<string, string>, readonly string[]]>([
    [
      'of two files',
      { 'a.ts': "import { b } from './b.ts'", 'b.ts': "import { a } from './a.ts'" },
      ['a.ts > b.ts > a.ts', 'b.ts > a.ts > b.ts'],
    ],
    [
      'of a type',
      { 'a.ts': "import type { B } from './b.ts'", 'b.ts': "export * from './a.ts'" },
      ['a.ts > b.ts > a.ts', 'b.ts > a.ts > b.ts'],
    ],
    [
      'through the list of a room',
      { 'index.ts': "export * from './a/a.ts'", 'a/a.ts': "import type { A } from '../index.ts'" },
      ['index.ts > a/a.ts > index.ts', 'a/a.ts > index.ts > a/a.ts'],
    ],
    [
      'at run time',
      { 'a.ts': "const b = await import('./b.ts')", 'b.ts': "import { a } from './a.ts'" },
      ['a.ts > b.ts > a.ts', 'b.ts > a.ts > b.ts'],
    ],
    ['of a file with itself', { 'a.ts': "import { a } from './a.ts'" }, ['a.ts > a.ts']],
    ['that is none', { 'a.ts': "import { b } from './b.ts'", 'b.ts': "import { c } from './c.ts'", 'c.ts': '' }, []],
  ])('a planted circle is noticed: %s', (_what, texts, circles) => {
    const imports = relativeImports(Object.keys(texts), (file) => importsOf(file, `${texts[file]!}\nexport {}`))
    expect(circlesIn(imports)).toEqual(circles)
  })
})
