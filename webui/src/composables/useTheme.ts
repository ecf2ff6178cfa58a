import { readonly, ref } from 'vue'

export type ThemeChoice = 'light' | 'dark' | 'system'

const STORED = 'cronplug.theme'
const systemDark = matchMedia('(prefers-color-scheme: dark)')
const choice = ref<ThemeChoice>(readChoice())
const dark = ref(document.documentElement.classList.contains('dark'))

systemDark.addEventListener('change', apply)

/** The colour theme. `public/theme.js` sets it before the first paint; from then on it is changed here. */
export function useTheme() {
  return { choice: readonly(choice), dark: readonly(dark), choose }
}

function choose(next: ThemeChoice): void {
  choice.value = next
  try {
    if (next === 'system') localStorage.removeItem(STORED)
    else localStorage.setItem(STORED, next)
  } catch {
    // Storage is switched off in this browser: the choice lasts as long as the page.
  }
  apply()
}

function apply(): void {
  dark.value = choice.value === 'dark' || (choice.value === 'system' && systemDark.matches)
  const root = document.documentElement.classList
  root.toggle('dark', dark.value)
  root.toggle('light', !dark.value)
  document.querySelector('meta[name="theme-color"]')?.setAttribute('content', dark.value ? '#101012' : '#ffffff')
}

function readChoice(): ThemeChoice {
  try {
    const stored = localStorage.getItem(STORED)
    return stored === 'light' || stored === 'dark' ? stored : 'system'
  } catch {
    return 'system'
  }
}
