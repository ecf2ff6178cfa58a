import { createI18n } from 'vue-i18n'
import common from './locales/en/common.json'
import nav from './locales/en/nav.json'
import status from './locales/en/status.json'

/**
 * All text of the admin, by area: `t('tasks.title')`. Messages are compiled by the build; nothing is parsed in the browser. What every
 * page shows is here from the start, the text of other areas comes with the pages that show it.
 */
export const i18n = createI18n({
  legacy: false,
  locale: 'en',
  fallbackLocale: 'en',
  messages: { en: { common, nav, status } },
})

const AREAS = {
  calendars: () => import('./locales/en/calendars.json'),
  executions: () => import('./locales/en/executions.json'),
  functions: () => import('./locales/en/functions.json'),
  plugins: () => import('./locales/en/plugins.json'),
  session: () => import('./locales/en/session.json'),
  settings: () => import('./locales/en/settings.json'),
  taskForm: () => import('./locales/en/taskForm.json'),
  tasks: () => import('./locales/en/tasks.json'),
}
type Area = keyof typeof AREAS

const loaded = new Map<Area, Promise<void>>()

/** Makes the text of these areas known; at once where it is already. */
export async function loadMessages(...areas: readonly Area[]): Promise<void> {
  await Promise.all(areas.map((area) => loaded.get(area) ?? load(area)))
}

/** Loads a page or dialog together with the text it shows. */
export function withMessages<T>(areas: readonly Area[], component: () => Promise<T>): () => Promise<T> {
  return async () => (await Promise.all([component(), loadMessages(...areas)]))[0]
}

function load(area: Area): Promise<void> {
  const loading = AREAS[area]().then((messages) => i18n.global.mergeLocaleMessage('en', { [area]: messages.default }))
  loaded.set(area, loading)
  // After a failure the next one who needs it tries again.
  loading.catch(() => loaded.delete(area))
  return loading
}
