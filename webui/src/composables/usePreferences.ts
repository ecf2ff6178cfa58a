import { computed, readonly, ref, toValue, type ComputedRef, type MaybeRefOrGetter } from 'vue'
import { browserZone } from '@/utils/time'

/** Whose clock shows times: the task's, this browser's, or UTC. */
export type TimeDisplay = 'task' | 'mine' | 'utc'

export const TIME_DISPLAYS = ['task', 'mine', 'utc'] as const satisfies readonly TimeDisplay[]

const TIME_STORED = 'cronplug.times'
const SHORTCUTS_STORED = 'cronplug.shortcuts'

const timeDisplay = ref<TimeDisplay>(TIME_DISPLAYS.find((choice) => choice === read(TIME_STORED)) ?? 'mine')
const shortcuts = ref(read(SHORTCUTS_STORED) !== 'off')

/** What this browser's user prefers; kept in this browser alone. */
export function usePreferences() {
  return {
    timeDisplay: readonly(timeDisplay),
    shortcuts: readonly(shortcuts),
    chooseTimeDisplay: (choice: TimeDisplay) => {
      timeDisplay.value = choice
      write(TIME_STORED, choice)
    },
    chooseShortcuts: (on: boolean) => {
      shortcuts.value = on
      write(SHORTCUTS_STORED, on ? 'on' : 'off')
    },
  }
}

/** The zone to show times in. Where no task's zone is known, the task's choice falls back to this browser's. */
export function useDisplayZone(taskZone?: MaybeRefOrGetter<string | null | undefined>): ComputedRef<string> {
  return computed(() => {
    if (timeDisplay.value === 'utc') return 'UTC'
    return (timeDisplay.value === 'task' && toValue(taskZone)) || browserZone()
  })
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch {
    // Storage is switched off in this browser: the choice lasts as long as the page.
  }
}
