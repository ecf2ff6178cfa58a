import { computed, readonly, ref, toValue, type ComputedRef, type MaybeRefOrGetter, type Ref } from 'vue'
import { browserZone } from '@/utils/time'

/** Whose clock shows times: the task's, this browser's, or UTC. */
export type TimeDisplay = 'task' | 'mine' | 'utc'
/** How tall the rows of lists are. */
export type Density = 'comfortable' | 'compact'
/** One long list that loads as it is scrolled, or pages with buttons between them. */
export type ListMode = 'virtual' | 'pages'

export const TIME_DISPLAYS = ['task', 'mine', 'utc'] as const satisfies readonly TimeDisplay[]
export const DENSITIES = ['comfortable', 'compact'] as const satisfies readonly Density[]
export const LIST_MODES = ['virtual', 'pages'] as const satisfies readonly ListMode[]

const [timeDisplay, chooseTimeDisplay] = stored('times', TIME_DISPLAYS, 'mine')
const [density, storeDensity] = stored('density', DENSITIES, 'comfortable')
const [listMode, chooseListMode] = stored('lists', LIST_MODES, 'virtual')
const [keys, chooseKeys] = stored('shortcuts', ['on', 'off'], 'on')
const shortcuts = computed(() => keys.value === 'on')

showDensity()

/** What this browser's user prefers; kept in this browser alone. */
export function usePreferences() {
  return {
    timeDisplay: readonly(timeDisplay),
    density: readonly(density),
    listMode: readonly(listMode),
    shortcuts,
    chooseTimeDisplay,
    chooseDensity: (choice: Density) => {
      storeDensity(choice)
      showDensity()
    },
    chooseListMode,
    chooseShortcuts: (on: boolean) => chooseKeys(on ? 'on' : 'off'),
  }
}

/** The zone to show times in. Where no task's zone is known, the task's choice falls back to this browser's. */
export function useDisplayZone(taskZone?: MaybeRefOrGetter<string | null | undefined>): ComputedRef<string> {
  return computed(() => {
    if (timeDisplay.value === 'utc') return 'UTC'
    return (timeDisplay.value === 'task' && toValue(taskZone)) || browserZone()
  })
}

/** What this browser remembers under a name; null when nothing, or when its storage is switched off. */
export function readStored(name: string): string | null {
  try {
    return localStorage.getItem(`cronplug.${name}`)
  } catch {
    return null
  }
}

export function writeStored(name: string, value: string): void {
  try {
    localStorage.setItem(`cronplug.${name}`, value)
  } catch {
    // Storage is switched off in this browser: the choice lasts as long as the page.
  }
}

/** Styles read it: the height of a row is `--row-height`. */
function showDensity(): void {
  document.documentElement.dataset.density = density.value
}

function stored<T extends string>(name: string, choices: readonly T[], standard: T): [Ref<T>, (choice: T) => void] {
  const known = readStored(name)
  const value = ref(choices.find((choice) => choice === known) ?? standard) as Ref<T>
  const choose = (choice: T) => {
    value.value = choice
    writeStored(name, choice)
  }
  return [value, choose]
}
