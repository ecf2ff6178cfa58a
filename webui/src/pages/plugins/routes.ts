import type { RouteRecordRaw } from 'vue-router'

export const pluginRoutes: RouteRecordRaw[] = [
  { path: '/plugins', name: 'plugins', component: () => import('./PluginsPage.vue'), meta: { place: 'plugins' } },
]
