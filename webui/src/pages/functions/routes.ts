import type { RouteRecordRaw } from 'vue-router'
import { withMessages } from '@/i18n'

export const functionRoutes: RouteRecordRaw[] = [
  { path: '/functions', name: 'functions', component: withMessages(['functions'], () => import('./FunctionsPage.vue')), meta: { place: 'functions' } },
  { path: '/functions/:name', name: 'function', component: withMessages(['functions', 'executions', 'taskForm'], () => import('./FunctionPage.vue')), props: true, meta: { place: 'functions' } },
]
