import type { RouteRecordRaw } from 'vue-router'
import { withMessages } from '@/i18n'

export const settingsRoutes: RouteRecordRaw[] = [
  { path: '/settings', name: 'settings', component: withMessages(['settings'], () => import('./SettingsPage.vue')), meta: { place: 'settings' } },
]
