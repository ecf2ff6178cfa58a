import type { Match } from './fuzzy'
import { fuzzyMatch } from './fuzzy'

/** Something the palette can do. */
export interface Command {
  id: string
  group: Group
  label: string
  /** Beside the label: what kind of thing it is, or where it lies. */
  hint?: string
  /** Other words it is found by. */
  also?: string
  icon: string
  /** The keys that do the same. */
  keys?: readonly string[]
  /** Shown before anything was typed. */
  first?: boolean
  /** Changes something on the server: not to be had while that cannot be. */
  writes?: boolean
  /** It is chosen already. */
  current?: boolean
  run: () => void | Promise<void>
}

export const GROUPS = ['tasks', 'pages', 'acts', 'functions', 'executions'] as const
export type Group = (typeof GROUPS)[number]

export interface Found extends Command {
  places: readonly number[]
}

/** A command with how well it fits; null when it does not. Words beside the label are worth less and are not marked. */
export function findCommand(typed: string, command: Command): (Found & { score: number }) | null {
  if (typed.trim() === '') return command.first ? { ...command, places: [], score: 0 } : null
  const inLabel = fuzzyMatch(typed, command.label)
  if (inLabel) return { ...command, places: inLabel.places, score: inLabel.score }
  const anywhere: Match | null = fuzzyMatch(typed, `${command.label} ${command.hint ?? ''} ${command.also ?? ''}`)
  return anywhere ? { ...command, places: [], score: anywhere.score - 5 } : null
}

/** The best of them, best first; those that fit alike keep their order. */
export function rank(typed: string, commands: readonly Command[], most: number): Found[] {
  return commands
    .map((command) => findCommand(typed, command))
    .filter((found) => found !== null)
    .sort((a, b) => b.score - a.score)
    .slice(0, most)
}

/** Groups that hold something, the one with what was searched for first. */
export function inGroups(found: readonly Found[]): { group: Group; commands: Found[] }[] {
  return GROUPS.map((group) => ({ group, commands: found.filter((each) => each.group === group) })).filter(({ commands }) => commands.length > 0)
}
