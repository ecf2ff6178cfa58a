import { readonly, ref } from 'vue'
import { createI18n, type LocaleMessages, type VueMessageType } from 'vue-i18n'
import { readStored, writeStored } from './composables/usePreferences'
import common from './locales/en/common.json'
import nav from './locales/en/nav.json'
import status from './locales/en/status.json'
import { PLAIN_UNITS, SI_UNITS, writing, type Writing } from './utils/locale'

type Messages = LocaleMessages<VueMessageType>[string]

/** The languages of the admin, each named in itself. */
export const LANGUAGES = [
  { code: 'en', name: 'English' },
  { code: 'de', name: 'Deutsch' },
] as const
/** `en-XA` is the pseudo-language of tests: English, accented and 40 % longer. It stands in no menu. */
export type Language = (typeof LANGUAGES)[number]['code'] | 'en-XA'

const WRITINGS: Record<Language, Writing> = {
  en: { language: 'en', dates: 'en-GB', units: PLAIN_UNITS },
  de: { language: 'de', dates: 'de-DE', units: SI_UNITS },
  'en-XA': { language: 'en', dates: 'en-GB', units: PLAIN_UNITS },
}

/** What every page shows; there from the start. */
const CORE = ['common', 'nav', 'status'] as const
/** Text that comes with the pages that show it: one file for each language, named like the area. */
export type Area =
  | (typeof CORE)[number]
  | 'calendars'
  | 'executions'
  | 'functions'
  | 'help'
  | 'palette'
  | 'plugins'
  | 'session'
  | 'settings'
  | 'taskForm'
  | 'taskPage'
  | 'tasks'
  | 'timeline'
  | 'welcome'

/**
 * All text of the admin, by area: `t('tasks.title')`. Messages are compiled by the build; nothing is parsed in the browser. English is
 * what a text that a language lacks falls back to.
 */
export const i18n = createI18n<false>({
  legacy: false,
  locale: 'en',
  fallbackLocale: 'en',
  missingWarn: false,
  fallbackWarn: false,
  messages: { en: { common, nav, status } },
})

const files = import.meta.glob<Messages>(['./locales/*/*.json', '!./locales/en/common.json', '!./locales/en/nav.json', '!./locales/en/status.json'], { import: 'default' })
const loaded = new Map<string, Promise<void>>(CORE.map((area) => [`en/${area}`, Promise.resolve()]))
/** Areas that something on the way or on the page shows: a change of language takes them along. */
const wanted = new Set<Area>(CORE)
const language = ref<Language>('en')

/** The language the admin speaks. */
export function useLanguage() {
  return { language: readonly(language), choose: chooseLanguage }
}

/** Speaks the language this person chose here before, else the first of the browser's languages that it knows. */
export async function startLanguage(): Promise<void> {
  const code = knownLanguage(readStored('language')) ?? navigator.languages.map((each) => knownLanguage(each.split('-')[0])).find(Boolean) ?? 'en'
  if (code !== 'en') await speak(code)
}

/** Changes the language at once, everywhere, once its text is here. */
export async function chooseLanguage(code: Language): Promise<void> {
  await speak(code)
  writeStored('language', code)
}

/** Makes the text of these areas known; at once where it is already. */
export async function loadMessages(...areas: readonly Area[]): Promise<void> {
  for (const area of areas) wanted.add(area)
  await Promise.all(areas.map((area) => load(language.value, area)))
}

/** Loads a page or dialog together with the text it shows. */
export function withMessages<T>(areas: readonly Area[], component: () => Promise<T>): () => Promise<T> {
  return async () => (await Promise.all([component(), loadMessages(...areas)]))[0]
}

async function speak(code: Language): Promise<void> {
  await Promise.all([...wanted].map((area) => load(code, area)))
  language.value = code
  writing.value = WRITINGS[code]
  i18n.global.locale.value = code
  document.documentElement.lang = writing.value.language
}

function load(code: Language, area: Area): Promise<void> {
  const known = loaded.get(`${code}/${area}`)
  if (known) return known
  const loading = fetchArea(code, area)
  loaded.set(`${code}/${area}`, loading)
  // After a failure the next one who needs it tries again.
  loading.catch(() => loaded.delete(`${code}/${area}`))
  return loading
}

async function fetchArea(code: Language, area: Area): Promise<void> {
  if (code === 'en-XA') {
    const [{ stretch }] = await Promise.all([import('./utils/pseudo'), load('en', area)])
    const english: Record<string, unknown> = i18n.global.getLocaleMessage('en')
    learn(code, area, stretch(english[area]))
    return
  }
  const file = files[`./locales/${code}/${area}.json`]
  // What a language does not have yet is said in English.
  if (!file) return code === 'en' ? undefined : load('en', area)
  learn(code, area, await file())
}

/** The library's own way to add messages copies each of them. */
function learn(code: Language, area: Area, messages: unknown): void {
  const known: object = i18n.global.getLocaleMessage(code)
  i18n.global.setLocaleMessage(code, { ...known, [area]: messages })
}

function knownLanguage(code: string | null | undefined): Language | undefined {
  return Object.hasOwn(WRITINGS, code ?? '') ? (code as Language) : undefined
}
