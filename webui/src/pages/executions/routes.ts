import type { RouteRecordRaw } from 'vue-router'
import { withMessages } from '@/i18n'

export const executionRoutes: RouteRecordRaw[] = [
  { path: '/executions', name: 'executions', component: withMessages(['executions'], () => import('./ExecutionsPage.vue')), meta: { place: 'executions' } },
  { path: '/executions/:id', name: 'execution', component: withMessages(['executions'], () => import('./ExecutionPage.vue')), props: true, meta: { place: 'executions' } },
]
