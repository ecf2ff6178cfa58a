import type { RouteRecordRaw } from 'vue-router'

export const executionRoutes: RouteRecordRaw[] = [
  { path: '/executions', name: 'executions', component: () => import('./ExecutionsPage.vue'), meta: { place: 'executions' } },
  { path: '/executions/:id', name: 'execution', component: () => import('./ExecutionPage.vue'), props: true, meta: { place: 'executions' } },
]
