import { createI18n } from 'vue-i18n'
import calendars from './locales/en/calendars.json'
import common from './locales/en/common.json'
import executions from './locales/en/executions.json'
import functions from './locales/en/functions.json'
import nav from './locales/en/nav.json'
import plugins from './locales/en/plugins.json'
import session from './locales/en/session.json'
import settings from './locales/en/settings.json'
import status from './locales/en/status.json'
import taskForm from './locales/en/taskForm.json'
import tasks from './locales/en/tasks.json'

/** All text of the admin, by area: `t('tasks.title')`. Messages are compiled by the build; nothing is parsed in the browser. */
export const i18n = createI18n({
  legacy: false,
  locale: 'en',
  fallbackLocale: 'en',
  messages: { en: { calendars, common, executions, functions, nav, plugins, session, settings, status, taskForm, tasks } },
})
