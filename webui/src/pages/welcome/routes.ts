import type { RouteRecordRaw } from 'vue-router'
import { withMessages } from '@/i18n'

export const welcomeRoutes: RouteRecordRaw[] = [
  { path: '/welcome', name: 'welcome', component: withMessages(['welcome', 'executions'], () => import('./WelcomePage.vue')), meta: { place: 'tasks' } },
]
