import type { RouteRecordRaw } from 'vue-router'

export const functionRoutes: RouteRecordRaw[] = [
  { path: '/functions', name: 'functions', component: () => import('./FunctionsPage.vue'), meta: { place: 'functions' } },
  { path: '/functions/:name', name: 'function', component: () => import('./FunctionPage.vue'), props: true, meta: { place: 'functions' } },
]
