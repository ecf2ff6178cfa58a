import { readdir, readFile, writeFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { Plugin } from 'vite'

const COMPRESSIBLE = new Set(['.js', '.css', '.html', '.svg', '.json', '.txt', '.webmanifest'])
const SMALLEST_WORTH_IT = 1024

const brotli = promisify(brotliCompress)
const gzipped = promisify(gzip)

/** Writes `.br` and `.gz` beside every text asset of a build: the core serves them as they are, it never compresses. */
export function precompress(): Plugin {
  return {
    name: 'cronplug:precompress',
    apply: 'build',
    async writeBundle(options) {
      if (!options.dir) return
      const entries = await readdir(options.dir, { recursive: true, withFileTypes: true })
      await Promise.all(
        entries
          .filter((entry) => entry.isFile() && COMPRESSIBLE.has(extname(entry.name)))
          .map((entry) => compress(join(entry.parentPath, entry.name))),
      )
    },
  }
}

async function compress(file: string): Promise<void> {
  const raw = await readFile(file)
  if (raw.length < SMALLEST_WORTH_IT) return
  const [br, gz] = await Promise.all([
    brotli(raw, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: raw.length } }),
    gzipped(raw, { level: 9 }),
  ])
  await Promise.all([writeFile(`${file}.br`, br), writeFile(`${file}.gz`, gz)])
}
