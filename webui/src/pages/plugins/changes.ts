/** What a look at the installed plugins has found. Pure. */
import type { PluginRecord } from '@/api/types'
import type { Schema } from '@/utils/schema'

/** What is compared of a function. */
export interface Offered {
  name: string
  payloadSchema: Schema
}
export interface RescanChanges {
  installed: string[]
  removed: string[]
  upgraded: { name: string; from: string; to: string }[]
  broke: string[]
  mended: string[]
  addedFunctions: string[]
  removedFunctions: string[]
  /** Those that take another payload now. */
  changedFunctions: string[]
}

export function rescanChanges(before: { plugins: readonly PluginRecord[]; functions: readonly Offered[] }, after: { plugins: readonly PluginRecord[]; functions: readonly Offered[] }): RescanChanges {
  const old = new Map(before.plugins.map((plugin) => [plugin.name, plugin]))
  const now = new Map(after.plugins.map((plugin) => [plugin.name, plugin]))
  const both = after.plugins.flatMap((plugin) => (old.has(plugin.name) ? [{ was: old.get(plugin.name)!, is: plugin }] : []))
  const schemas = new Map(before.functions.map(({ name, payloadSchema }) => [name, JSON.stringify(payloadSchema)]))
  const offered = new Set(after.functions.map(({ name }) => name))
  return {
    installed: after.plugins.filter(({ name }) => !old.has(name)).map(({ name }) => name),
    removed: before.plugins.filter(({ name }) => !now.has(name)).map(({ name }) => name),
    upgraded: both.filter(({ was, is }) => was.version !== is.version).map(({ was, is }) => ({ name: is.name, from: was.version, to: is.version })),
    broke: both.filter(({ was, is }) => was.status !== 'broken' && is.status === 'broken').map(({ is }) => is.name),
    mended: both.filter(({ was, is }) => was.status === 'broken' && is.status === 'ok').map(({ is }) => is.name),
    addedFunctions: after.functions.filter(({ name }) => !schemas.has(name)).map(({ name }) => name),
    removedFunctions: before.functions.filter(({ name }) => !offered.has(name)).map(({ name }) => name),
    changedFunctions: after.functions.filter(({ name, payloadSchema }) => schemas.has(name) && schemas.get(name) !== JSON.stringify(payloadSchema)).map(({ name }) => name),
  }
}

export function isNothing(changes: RescanChanges): boolean {
  return Object.values(changes).every((list: readonly unknown[]) => list.length === 0)
}

/** The version that `cronplug functions --json` tells of one plugin; null when the text is not what it prints. */
export function readVersion(text: string, plugin: string): { version: string; functions: Offered[] } | null {
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch {
    return null
  }
  if (!Array.isArray(list) || !list.every(isListed)) return null
  const own = list.filter((each) => sameDistribution(each.plugin, plugin))
  return { version: own[0]?.version ?? '', functions: own.map(({ name, payloadSchema }) => ({ name, payloadSchema })) }
}

type Listed = Offered & { plugin: string; version?: string }
function isListed(each: unknown): each is Listed {
  if (typeof each !== 'object' || each === null) return false
  const { name, plugin, payloadSchema } = each as Partial<Record<keyof Listed, unknown>>
  return typeof name === 'string' && typeof plugin === 'string' && typeof payloadSchema === 'object' && payloadSchema !== null
}

/** Names of distributions as PEP 503 compares them. */
function sameDistribution(a: string, b: string): boolean {
  const plain = (name: string) => name.toLowerCase().replace(/[-_.]+/g, '-')
  return plain(a) === plain(b)
}

/** Where in a traceback the error was raised: the last file it names. */
export function raisedAt(traceback: string): { file: string; line: number } | null {
  const places = [...traceback.matchAll(/^ *File "([^"]+)", line (\d+)/gm)]
  const last = places.at(-1)
  return last ? { file: last[1]!.split(/[\\/]/).at(-1) ?? '', line: Number(last[2]) } : null
}
