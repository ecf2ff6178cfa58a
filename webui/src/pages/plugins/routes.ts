import type { RouteRecordRaw } from 'vue-router'
import { withMessages } from '@/i18n'

export const pluginRoutes: RouteRecordRaw[] = [
  { path: '/plugins', name: 'plugins', component: withMessages(['plugins'], () => import('./PluginsPage.vue')), meta: { place: 'plugins' } },
]
